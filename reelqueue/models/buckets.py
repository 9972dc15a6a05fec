"""The names under which quota is counted: whose it is, and which of his limits.  See `models.cost.Need`."""

import hashlib

UPLOADS, UNITS = "uploads", "units"
"""YouTube's buckets of a Pacific day: calls that begin an upload, and units for all else."""
GEMINI, DID = "gemini", "did"
"""The owners of a key: Gemini's buckets are its models."""
CLOSED = "closed"
"""The lasting bucket of a channel that takes no more for a time."""


def youtube_client(client_id: str) -> str:
    """Who owns YouTube's quota: the OAuth client (its Google Cloud project, in truth), whatever its channels are called."""
    return f"youtube-{hashlib.sha256(client_id.encode()).hexdigest()[:8]}"


def channel_client(name: str) -> str:
    """Who owns what is counted for one channel."""
    return f"channel-{name}"


def model_bucket(model: str) -> str:
    """The bucket of one model of Gemini's."""
    return model.replace(".", "_")[:64]
