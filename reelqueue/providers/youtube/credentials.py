"""What proves that we may act for a channel: an OAuth client and a refresh token, from the settings or a file of mode 0600.

The file is `{"type": "authorized_user", "client_id", "client_secret", "refresh_token", "scopes", "granted_at",
"refresh_token_expires_at"?, "channel_id"?, "channel_title"?}`; `reelqueue auth youtube` writes it.
"""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, SecretStr, ValidationError

from reelqueue.errors import InstallationError, InvalidSettings
from reelqueue.models.channel import Channel
from reelqueue.models.frozen import Frozen
from reelqueue.providers.youtube.errors import auth_command
from reelqueue.providers.youtube.given import Given
from reelqueue.telemetry import keep_secret
from reelqueue.wording import Text
from storage import disk

KIND = "authorized_user"
LARGEST_FILE_BYTES = 64 * 1024


class Credentials(Frozen):
    """A channel's leave.  `refresh_token_expires_at` is set where the consent screen is in testing mode."""

    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    refresh_token: SecretStr
    scopes: tuple[str, ...] = ()
    granted_at: AwareDatetime | None = None
    refresh_token_expires_at: AwareDatetime | None = None
    channel_id: str | None = None
    channel_title: str | None = None

    def hide(self) -> "Credentials":
        """Itself, once its secrets are known to the logs."""
        keep_secret(self.client_secret.get_secret_value(), self.refresh_token.get_secret_value())
        return self


@dataclass(slots=True)
class Source:
    """Where a channel's credentials come from: a file, read anew each time, or the settings.

    `setting` is the one that named it.  The client of a file without one is the settings'.
    """

    channel: str
    setting: str
    file: Path | None = None
    given: Credentials | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None

    def read(self) -> Credentials:
        """The credentials as they are now.

        Raises:
            InvalidSettings: the file is missing, not a token file, or can be read by others.
        """
        if self.given is not None:
            return self.given.hide()
        if self.file is None:
            raise InvalidSettings(self.setting, _how(self.channel), None)
        given = _read(self.file, self.setting, self.channel)
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        given = {name: value for name, value in client.items() if value is not None} | given
        try:
            return Credentials.model_validate(given).hide()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            wrong = f"{self.file}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise InvalidSettings(self.setting, _how(self.channel), wrong) from None

    def keep(self, credentials: Credentials) -> None:
        """What is true from now on: a refresh token was exchanged for a new one.

        Raises:
            OSError: the file can't be written; the old one is whole.
        """
        if self.file is None:
            self.given = credentials
        else:
            write_token_file(self.file, credentials)


def source_of(settings: Given, channel: Channel) -> Source:
    """Where the credentials of a channel come from; nothing is read yet."""
    client_id, secret, token = settings.youtube_client_id, settings.youtube_client_secret, settings.youtube_refresh_token
    setting = "YOUTUBE_TOKEN_FILE" if channel.token_file is None else "CHANNELS_FILE"
    file = Path(channel.token_file) if channel.token_file is not None else settings.youtube_token_file
    if file is None and client_id is not None and secret is not None and token is not None:
        given = Credentials(client_id=client_id, client_secret=secret, refresh_token=token)
        return Source(channel.name, "YOUTUBE_REFRESH_TOKEN", given=given)
    return Source(channel.name, setting, file and file.expanduser(), client_id=client_id, client_secret=secret)


def client_id_of(settings: Given, channel: Channel) -> str | None:
    """The OAuth client that a channel's quota is counted for; None where its credentials can't be read."""
    try:
        return source_of(settings, channel).read().client_id
    except InvalidSettings:
        return None


def write_token_file(path: Path, credentials: Credentials) -> None:
    """Put a token file of mode 0600 in its place, whole or not at all; a folder that is missing is made, 0700.

    Raises:
        OSError: as the kernel gave it; what was there is untouched.
    """
    told = credentials.model_dump(mode="json", exclude_none=True)
    told |= {
        "client_secret": credentials.client_secret.get_secret_value(),
        "refresh_token": credentials.refresh_token.get_secret_value(),
    }
    disk.make_folder(path.parent)
    target = path.resolve()  # a link stays one
    disk.place(target, json.dumps({"type": KIND} | told, indent=1, ensure_ascii=False).encode() + b"\n")


def _read(file: Path, setting: str, channel: str) -> dict[str, Any]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise InstallationError(
                Text(f"其他人也讀得到 {file}（權限 {mode:04o}）", f"others can read {file} (its mode is {mode:04o})"),
                Text(f"執行 chmod 600 {file}", f"run chmod 600 {file}"),
                setting,
            )
        with file.open("rb") as opened:
            found = json.loads(opened.read(LARGEST_FILE_BYTES))
    except OSError as error:
        raise InvalidSettings(setting, _how(channel), f"{file}: {error.strerror}") from None
    except ValueError:
        raise InvalidSettings(setting, _how(channel), f"{file}: not JSON") from None
    if not isinstance(found, dict) or found.get("type", KIND) != KIND:
        raise InvalidSettings(setting, _how(channel), f"{file}: not of type {KIND}")
    return {name: value for name, value in found.items() if name in Credentials.model_fields}


def _how(channel: str) -> Text:
    command = auth_command(channel)
    return Text(f"由 {command} 寫出的檔案", f"a file written by {command}")
