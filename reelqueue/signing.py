"""How a webhook is signed: by the Standard Webhooks scheme (standardwebhooks.com), version 1: HMAC-SHA256.

Its library for Python is not used: it brings an HTTP client of its own and four packages for these twenty lines.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a secret, by the scheme."""


def keys_of(secret: str) -> tuple[bytes, ...]:
    """The keys of WEBHOOK_SECRET: one, or while it is changed the new one and the old one, separated by a comma or a space.

    Raises:
        ValueError: one is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    keys = []
    for part in re.split(r"[\s,]+", secret.strip()):
        if not part.startswith(PREFIX):
            raise ValueError("prefix")
        try:
            key = base64.b64decode(part.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("base64") from None
        if not LEAST_BYTES <= len(key) <= MOST_BYTES:
            raise ValueError("length")
        keys.append(key)
    return tuple(keys)


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(keys: tuple[bytes, ...], message_id: str, at: int, body: bytes) -> str:
    """The header `webhook-signature`: one for each key.  `at` is in seconds since 1970, as in `webhook-timestamp`."""
    signed = f"{message_id}.{at}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in keys)
