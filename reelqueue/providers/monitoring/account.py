"""A service account: its key file, and the statement that it proves itself with."""

import json
import time
from pathlib import Path

from google.auth import crypt, jwt

from reelqueue.errors import InvalidSettings
from reelqueue.wording import Text

SETTING = "GOOGLE_SERVICE_ACCOUNT_FILE"
SCOPE = "https://www.googleapis.com/auth/monitoring.read"
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
STATEMENT_SECONDS = 3_600
_FORM = Text("一個服務帳戶的金鑰檔（JSON）", "the key file of a service account (JSON)")


class ServiceAccount:
    """The account of one key file, which may lie elsewhere or be another by the next time: it is read anew each time."""

    def __init__(self, key_file: Path) -> None:
        try:
            told = json.loads(key_file.expanduser().read_text(encoding="utf-8"))
            self._signer = crypt.RSASigner.from_service_account_info(told)  # type: ignore[no-untyped-call]
            self.email = str(told["client_email"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # never what stands in it
            raise InvalidSettings(SETTING, _FORM, str(key_file)) from None
        self.token_url = str(told.get("token_uri") or GOOGLE_TOKEN_URL)

    def statement(self) -> str:
        """Who it is and what it wants to do, signed; good for an hour."""
        now = int(time.time())
        claims = {
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_url,
            "iat": now,
            "exp": now + STATEMENT_SECONDS,
        }
        return jwt.encode(self._signer, claims).decode()  # type: ignore[no-untyped-call,no-any-return]
