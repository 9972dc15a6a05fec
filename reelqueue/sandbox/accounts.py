"""Who may do what: OAuth clients, the channels that gave them leave, their tokens, and a service account.

Secrets here are canaries: they look like Google's, open nothing but a sandbox, and stay the same for the same names,
so that a `.env` outlives the sandbox's folder.
"""

import base64
import functools
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reelqueue.sandbox.files import read_json, write_json

ACCESS_SECONDS = 3599
TESTING_SECONDS = 604_799
"""How long a refresh token of a consent screen in testing mode lives: 7 days, as the token endpoint says it."""

CODE_SECONDS = 600
SCOPES = (
    "https://www.googleapis.com/auth/youtube",
    "https://www.googleapis.com/auth/youtube.force-ssl",
    "https://www.googleapis.com/auth/youtube.upload",
)
"""What the grants that are there from the start allow."""

DEFAULT_CHANNEL = "default"
SERVICE_ACCOUNT = "quota-reader@reelqueue-sandbox.iam.gserviceaccount.com"


def canary(prefix: str, *names: str) -> str:
    """A secret that looks like a real one and follows from `names`."""
    digest = hashlib.sha256("\0".join((prefix, *names)).encode()).digest()
    return prefix + "SANDBOX-" + base64.urlsafe_b64encode(digest).decode().rstrip("=")[:35]


@dataclass(frozen=True)
class Client:
    """An OAuth client, of a Google Cloud project whose number begins its id."""

    client_id: str
    client_secret: str
    project: str


@dataclass
class Grant:
    """A channel's leave for a client: one refresh token.

    `ends_at` is set while the consent screen is in testing mode.
    """

    refresh_token: str
    client_id: str
    channel: str
    scopes: tuple[str, ...]
    revoked: bool = False
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Access:
    """An access token: of a grant, or of the service account (then `grant` is None)."""

    token: str
    grant: Grant | None
    scopes: tuple[str, ...]
    ends_at: datetime


@dataclass(frozen=True)
class Code:
    """What the consent page hands out, once, for a grant."""

    code: str
    client_id: str
    redirect_uri: str
    channel: str
    scopes: tuple[str, ...]
    challenge: str
    challenge_method: str
    ends_at: datetime


class Accounts:
    """All of it; clients and grants are on disk, access tokens and codes are not.

    `testing`: the consent screen is in testing mode, so new refresh tokens end after 7 days.
    `rotating`: each refresh gives a new refresh token and ends the old one.
    `consent`: what the page does: "ask" (two links to click), "allow" or "deny" at once.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._file = folder / "accounts.json"
        self._now = now
        self.clients: dict[str, Client] = {}
        self.grants: dict[str, Grant] = {}
        self.access: dict[str, Access] = {}
        self.codes: dict[str, Code] = {}
        self.testing = False
        self.rotating = False
        self.consent = "ask"
        self.access_seconds = ACCESS_SECONDS
        self._load()
        self.client = self.add_client("100000000001")
        self.add_channel(DEFAULT_CHANNEL)

    def add_client(self, project: str) -> Client:
        """An OAuth client of the Google Cloud project with this number; the same again for the same number."""
        client_id = f"{project}-sandbox.apps.googleusercontent.com"
        self.clients.setdefault(client_id, Client(client_id, canary("GOCSPX-", project)[:35], project))
        self.save()
        return self.clients[client_id]

    def add_channel(self, name: str, client: Client | None = None) -> str:
        """A refresh token of the channel `name` for a client (the first one where None)."""
        client_id = (client or self.client).client_id
        token = canary("1//0", client_id, name)
        self.grants.setdefault(token, Grant(token, client_id, name, SCOPES))
        self.save()
        return token

    def channels(self) -> list[str]:
        """The names of all channels, in the order of their first grant."""
        return list(dict.fromkeys(grant.channel for grant in self.grants.values()))

    def grant(self, client_id: str, channel: str, scopes: tuple[str, ...]) -> Grant:
        """A new grant."""
        ends_at = self._now() + timedelta(seconds=TESTING_SECONDS) if self.testing else None
        made = Grant(canary("1//0", client_id, channel, secrets.token_hex(8)), client_id, channel, scopes, ends_at=ends_at)
        self.grants[made.refresh_token] = made
        self.save()
        return made

    def revoke(self, channel: str = DEFAULT_CHANNEL) -> None:
        """The channel takes back every leave it gave."""
        for grant in self.grants.values():
            if grant.channel == channel:
                self.end(grant)

    def end(self, grant: Grant) -> None:
        """This grant and its access tokens count no more."""
        grant.revoked = True
        self.access = {token: access for token, access in self.access.items() if access.grant is not grant}
        self.save()

    def expire_access(self) -> None:
        """Every access token that was given out is too old now."""
        self.access.clear()

    def open_access(self, grant: Grant | None, scopes: tuple[str, ...]) -> Access:
        """A new access token."""
        made = Access(
            "ya29.SANDBOX-" + secrets.token_urlsafe(24), grant, scopes, self._now() + timedelta(seconds=self.access_seconds)
        )
        self.access[made.token] = made
        return made

    def access_of(self, authorization: str) -> Access | None:
        """The live access token of an `Authorization` header; None where there is none."""
        scheme, _, token = authorization.partition(" ")
        found = self.access.get(token.strip()) if scheme.lower() == "bearer" else None
        return found if found is not None and self._now() < found.ends_at else None

    def live(self, refresh_token: str, client_id: str) -> Grant | None:
        """The grant of a refresh token, if it still counts and is this client's."""
        grant = self.grants.get(refresh_token)
        if grant is None or grant.revoked or grant.client_id != client_id:
            return None
        return None if grant.ends_at is not None and grant.ends_at <= self._now() else grant

    def save(self) -> None:
        """Keep clients and grants on disk."""
        grants = [asdict(grant) | {"ends_at": grant.ends_at and grant.ends_at.isoformat()} for grant in self.grants.values()]
        write_json(self._file, {"clients": [asdict(client) for client in self.clients.values()], "grants": grants})

    def _load(self) -> None:
        kept: dict[str, Any] = read_json(self._file) or {"clients": [], "grants": []}
        self.clients = {one["client_id"]: Client(**one) for one in kept["clients"]}
        for one in kept["grants"]:
            ends_at = one["ends_at"] and datetime.fromisoformat(one["ends_at"])
            self.grants[one["refresh_token"]] = Grant(**one | {"ends_at": ends_at, "scopes": tuple(one["scopes"])})


@functools.cache
def service_key() -> tuple[str, str]:
    """The service account's key, private and public, as PEM; new in each process, for making one takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


def service_account(project: str, token_url: str) -> str:
    """The key file of a service account that may read the quotas of `project`, as JSON text."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": hashlib.sha256(service_key()[1].encode()).hexdigest()[:40],
            "private_key": service_key()[0],
            "client_email": SERVICE_ACCOUNT,
            "client_id": "100000000000000000001",
            "token_uri": token_url,
        },
        indent=1,
    )
