"""The names under which quota is counted: whose it is, and which of his limits.  See `models.cost.Need`."""

import hashlib

from reelqueue.wording import Text, same

UPLOADS, UNITS = "uploads", "units"
"""YouTube's buckets of a Pacific day: calls that begin an upload, and units for all else."""
CREDITS = "credits"
"""D-ID's: one for each begun 15 s."""
SERVICES = {"youtube": "YouTube", "gemini": "Gemini", "did": "D-ID"}
"""Who counts, by the name of the provider, for people."""
GEMINI, DID = "gemini", "did"
"""The owners of a key: Gemini's buckets are its models."""
CHANNEL = "channel"
"""How the owners of what is counted for one channel are called first."""
CLOSED = "closed"
"""The lasting bucket of a channel that takes no more for a time."""
TITLES = {
    UPLOADS: Text("上傳次數", "uploads"),
    UNITS: Text("單位", "units"),
    CREDITS: Text("點數", "credits"),
    "search": Text("搜尋次數", "search"),
}
"""The buckets for people; a model's has its own name."""


def youtube_client(client_id: str) -> str:
    """Who owns YouTube's quota: the OAuth client (its Google Cloud project, in truth), whatever its channels are called."""
    return f"youtube-{hashlib.sha256(client_id.encode()).hexdigest()[:8]}"


def channel_client(name: str) -> str:
    """Who owns what is counted for one channel."""
    return f"{CHANNEL}-{name}"


def model_bucket(model: str) -> str:
    """The bucket of one model of Gemini's."""
    return model.replace(".", "_")[:64]


def in_words(client: str, name: str) -> Text:
    """Whose bucket, and which, for people."""
    owner = {GEMINI: "Gemini", DID: "D-ID"}.get(client)
    if owner is None:
        kind, _, whose = client.partition("-")
        owner = {"youtube": "YouTube", "channel": f"YouTube ({whose})"}.get(kind, client)
    if name == CLOSED:
        return Text(f"YouTube 頻道 {client.partition('-')[2]} ", f"the YouTube channel {client.partition('-')[2]}")
    title = TITLES.get(name, same(name.replace("_", ".")))
    return Text(f"{owner} {title.zh}", f"{owner} {title.en}")
