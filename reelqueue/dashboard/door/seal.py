"""What this board signs so that it knows it again: sessions, tokens of forms, the line after an action.

The key lies in the data folder, so that sessions outlive a restart and several boards of one installation know each other's.
The passwords are a part of it: who changes one ends all sessions.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

import structlog
from itsdangerous import BadData, URLSafeTimedSerializer

KEY_BYTES = 32
LEAST_DIFFERENT = 16
"""Bytes of a key that chance made: of 32 some 30 are different, and fewer than this never."""

log = structlog.get_logger(__name__)


class Seal:
    """Signs and recognises."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def put(self, purpose: str, value: Any) -> str:
        """`value` (JSON), signed for one purpose: fit for a cookie or an address."""
        return URLSafeTimedSerializer(self._key, salt=purpose).dumps(value)

    def take(self, purpose: str, text: str | None, max_age_s: int) -> Any:
        """The value back; None where it is not ours, is for another purpose, or is too old."""
        if not text:
            return None
        try:
            return URLSafeTimedSerializer(self._key, salt=purpose).loads(text, max_age=max_age_s)
        except BadData:
            return None

    def token(self, seed: str) -> str:
        """What a form of the browser that holds `seed` has to send."""
        return hmac.new(self._key, b"form:" + seed.encode(), hashlib.sha256).hexdigest()[:32]

    def is_token(self, given: str, seed: str) -> bool:
        """Whether a form was made for this browser."""
        return hmac.compare_digest(given.encode(), self.token(seed).encode())


def open_seal(path: Path, *passwords: str) -> Seal:
    """The seal whose key lies at `path`, made there when there is none.

    A disk that cannot be written keeps nobody out: the key is then this process's own, and sessions end with it.
    """
    return Seal(hmac.new(_key_at(path), "\0".join(passwords).encode(), hashlib.sha256).digest())


def _key_at(path: Path) -> bytes:
    for _ in range(2):
        try:
            found = path.read_bytes()
            if len(found) >= KEY_BYTES and len(set(found)) >= LEAST_DIFFERENT:
                return found
            path.unlink()  # cut short by a crash, or zeros after a power cut, which anybody could sign with
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("board_key_unreadable", path=str(path), error=str(error))
            break
        fresh = secrets.token_bytes(KEY_BYTES)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            continue  # another board was faster
        except OSError as error:
            log.warning("board_key_not_kept", path=str(path), error=str(error))
            break
        return fresh
    return secrets.token_bytes(KEY_BYTES)
