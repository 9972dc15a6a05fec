"""What an operator sets, as far as YouTube needs it: the settings fit it, and nothing here knows where they come from."""

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr


class Given(Protocol):
    """By the names that the settings have.  Addresses are None for Google's own."""

    @property
    def youtube_client_id(self) -> str | None:
        """The OAuth client, where no token file names one."""
        ...

    @property
    def youtube_client_secret(self) -> SecretStr | None:
        """Its secret."""
        ...

    @property
    def youtube_refresh_token(self) -> SecretStr | None:
        """The leave of the default channel, where no token file holds it."""
        ...

    @property
    def youtube_token_file(self) -> Path | None:
        """The token file of the default channel."""
        ...

    @property
    def youtube_api_base_url(self) -> str | None:
        """Where the Data API is."""
        ...

    @property
    def google_token_url(self) -> str | None:
        """Where tokens are given."""
        ...

    @property
    def youtube_daily_quota(self) -> int:
        """Units of a Pacific day."""
        ...

    @property
    def youtube_daily_uploads(self) -> int:
        """Uploads of a Pacific day."""
        ...

    @property
    def youtube_reconcile_seconds(self) -> float:
        """How long a new video may be missing in the channel's list."""
        ...
