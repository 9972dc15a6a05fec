"""Every knob: its name, default, unit and range.  Read once, from the environment and `.env`.

Each is read as `REELQUEUE_<NAME>` first, then by its bare name (but `LANGUAGE`, which gettext owns).  `.env.example`
documents the same list; a test holds the two together.
"""

import os
import re
import shlex
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reelqueue import failpoints
from reelqueue.addresses import HOST_ALLOWED, is_host, is_loopback, shown, webhook_fault
from reelqueue.celery_url import as_redis_url, is_redis, passwords_in
from reelqueue.errors import InvalidSettings
from reelqueue.mailing import mail_addresses, smtp_server
from reelqueue.signing import keys_of, new_secret
from reelqueue.wording import Language, Text

Provider = Literal["auto", "local", "gemini"]
PresenterName = Literal["auto", "local", "did"]
PublisherName = Literal["auto", "local", "youtube"]
MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
OLD_NAMES = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")
"""Celery's settings, read where none of ours names a server."""


CLOUD = frozenset({"gemini", "did", "youtube"})
KEYS = {
    "gemini": "GEMINI_API_KEY",
    "did": "DID_API_KEY",
    "youtube": "YOUTUBE_TOKEN_FILE",
}
"""The setting that makes a cloud provider usable."""
URLS = (
    "gemini_base_url", "did_base_url", "did_source_url", "youtube_api_base_url", "google_token_url", "google_auth_url", "google_monitoring_base_url",
)  # fmt: skip


_LONG_ONLY = frozenset({"LANGUAGE", "FAILPOINT"})
"""Settings without a bare name: gettext's, and one by which somebody else's variable would kill us."""


def _named(name: str, default: Any, **rules: Any) -> Any:
    aliases = [f"REELQUEUE_{name}"] if name in _LONG_ONLY else [f"REELQUEUE_{name}", name]
    return Field(default=default, validation_alias=AliasChoices(*aliases), **rules)


class Settings(BaseSettings):
    """One frozen object; `read_settings` makes it."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    redis_url: SecretStr | None = _named("REDIS_URL", None)
    redis_host: str | None = _named("REDIS_HOST", None)
    redis_port: int = _named("REDIS_PORT", 6379, ge=1, le=65535)
    redis_db: int = _named("REDIS_DB", 0, ge=0, le=65535)
    data_dir: Path = _named("DATA_DIR", Path("data"))
    reelqueue_language: Language = _named("LANGUAGE", "zh-TW")
    timezone: str = _named("TIMEZONE", "Asia/Taipei")
    log_level: Literal["debug", "info", "warning", "error"] = _named("LOG_LEVEL", "info")
    log_format: Literal["json", "console"] = _named("LOG_FORMAT", "json")
    script_provider: Provider = _named("SCRIPT_PROVIDER", "auto")
    image_provider: Provider = _named("IMAGE_PROVIDER", "auto")
    voice_provider: Provider = _named("VOICE_PROVIDER", "auto")
    presenter_provider: PresenterName = _named("PRESENTER_PROVIDER", "auto")
    publisher: PublisherName = _named("PUBLISHER", "auto")
    gemini_api_key: SecretStr | None = _named("GEMINI_API_KEY", None)
    gemini_base_url: str | None = _named("GEMINI_BASE_URL", None)
    gemini_text_model: str = _named("GEMINI_TEXT_MODEL", "gemini-3.8-flash", pattern=MODEL_NAME)
    gemini_image_model: str = _named("GEMINI_IMAGE_MODEL", "gemini-3.1-flash-image", pattern=MODEL_NAME)
    gemini_tts_model: str = _named("GEMINI_TTS_MODEL", "gemini-3.8-flash-tts", pattern=MODEL_NAME)
    gemini_images_per_minute: int = _named("GEMINI_IMAGES_PER_MINUTE", 30, ge=1, le=10_000)
    prices_file: Path | None = _named("PRICES_FILE", None)
    did_api_key: SecretStr | None = _named("DID_API_KEY", None)
    did_base_url: str | None = _named("DID_BASE_URL", None)
    did_source_url: str | None = _named("DID_SOURCE_URL", None)
    youtube_client_id: str | None = _named("YOUTUBE_CLIENT_ID", None)
    youtube_client_secret: SecretStr | None = _named("YOUTUBE_CLIENT_SECRET", None)
    youtube_refresh_token: SecretStr | None = _named("YOUTUBE_REFRESH_TOKEN", None)
    youtube_token_file: Path | None = _named("YOUTUBE_TOKEN_FILE", None)
    youtube_api_base_url: str | None = _named("YOUTUBE_API_BASE_URL", None)
    google_token_url: str | None = _named("GOOGLE_TOKEN_URL", None)
    google_auth_url: str | None = _named("GOOGLE_AUTH_URL", None)
    google_monitoring_base_url: str | None = _named("GOOGLE_MONITORING_BASE_URL", None)
    google_service_account_file: Path | None = _named("GOOGLE_SERVICE_ACCOUNT_FILE", None)
    youtube_daily_quota: int = _named("YOUTUBE_DAILY_QUOTA", 10_000, ge=0, le=1_000_000_000)
    youtube_daily_uploads: int = _named("YOUTUBE_DAILY_UPLOADS", 100, ge=0, le=1_000_000)
    youtube_reconcile_seconds: float = _named("YOUTUBE_RECONCILE_SECONDS", 600.0, ge=0.0, le=86_400.0)
    channels_file: Path | None = _named("CHANNELS_FILE", None)
    daily_cost_cap_usd: Decimal = _named("DAILY_COST_CAP_USD", Decimal(5), ge=0, le=1_000_000)
    project_cost_cap_usd: Decimal = _named("PROJECT_COST_CAP_USD", Decimal(2), ge=0, le=1_000_000)
    retry_delays: Annotated[tuple[float, ...], NoDecode] = _named("RETRY_DELAYS", (2.0, 5.0, 10.0))
    lease_seconds: float = _named("LEASE_SECONDS", 15.0, ge=1.0, le=300.0)
    drain_seconds: float = _named("DRAIN_SECONDS", 30.0, ge=0.0, le=3600.0)
    video_max_jobs: int = _named("VIDEO_MAX_JOBS", 2, ge=1, le=64)
    video_wait_slots: int = _named("VIDEO_WAIT_SLOTS", 8, ge=1, le=256)
    batch_max_jobs: int = _named("BATCH_MAX_JOBS", 1, ge=1, le=64)
    maintenance_max_jobs: int = _named("MAINTENANCE_MAX_JOBS", 1, ge=1, le=16)
    poison_after: int = _named("POISON_AFTER", 3, ge=1, le=100)
    keep_days: int = _named("KEEP_DAYS", 30, ge=0, le=3650)
    disk_low_water_gb: float = _named("DISK_LOW_WATER_GB", 2.0, ge=0.0, le=10_000.0)
    variation_guard: bool = _named("VARIATION_GUARD", True)
    notify_command: str | None = _named("NOTIFY_COMMAND", None)
    notify_mail_to: str | None = _named("NOTIFY_MAIL_TO", None)
    notify_mail_from: str | None = _named("NOTIFY_MAIL_FROM", None)
    smtp_url: SecretStr | None = _named("SMTP_URL", None)
    webhook_url: str | None = _named("WEBHOOK_URL", None)
    webhook_secret: SecretStr | None = _named("WEBHOOK_SECRET", None)
    webhook_private_hosts: Annotated[tuple[str, ...], NoDecode] = _named("WEBHOOK_PRIVATE_HOSTS", ())
    dashboard_host: str = _named("DASHBOARD_HOST", "127.0.0.1", min_length=1, max_length=255)
    dashboard_port: int = _named("DASHBOARD_PORT", 5555, ge=0, le=65535)
    dashboard_hosts: Annotated[tuple[str, ...], NoDecode] = _named("DASHBOARD_HOSTS", ())
    dashboard_password: SecretStr | None = _named("DASHBOARD_PASSWORD", None, min_length=8, max_length=1024)
    dashboard_viewer_password: SecretStr | None = _named("DASHBOARD_VIEWER_PASSWORD", None, min_length=8, max_length=1024)
    api_token: SecretStr | None = _named("API_TOKEN", None, min_length=16, max_length=1024)
    brief_files_dir: Path | None = _named("BRIEF_FILES_DIR", None)
    test_clock_file: Path | None = _named("TEST_CLOCK_FILE", None)
    reelqueue_failpoint: str | None = _named("FAILPOINT", None)
    ffmpeg_binary: Path | None = _named("FFMPEG_BINARY", None)
    font_dir: Path | None = _named("FONT_DIR", None)
    music_dir: Path | None = _named("MUSIC_DIR", None)
    allow_network_fs: bool = _named("ALLOW_NETWORK_FS", False)
    celery_broker_url: SecretStr | None = Field(default=None, validation_alias="CELERY_BROKER_URL")
    celery_result_backend: SecretStr | None = Field(default=None, validation_alias="CELERY_RESULT_BACKEND")

    @field_validator("webhook_private_hosts", "dashboard_hosts", mode="before")
    @classmethod
    def _hosts_are_a_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("webhook_private_hosts", "dashboard_hosts")
    @classmethod
    def _hosts_are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(is_host(name) for name in value):
            raise ValueError("host")
        return tuple(name.lower() for name in value)

    @field_validator("api_token")
    @classmethod
    def _token_fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("token")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _secret_can_sign(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            keys_of(value.get_secret_value())
        return value

    @field_validator("reelqueue_failpoint")
    @classmethod
    def _points_are_there(cls, value: str | None) -> str | None:
        if value is not None:
            failpoints.parse(value)
        return value

    @field_validator("notify_command")
    @classmethod
    def _command_is_one(cls, value: str | None) -> str | None:
        if value is not None and not shlex.split(value):
            raise ValueError("command")
        return value

    @field_validator("notify_mail_to", "notify_mail_from")
    @classmethod
    def _addresses_are_addresses(cls, value: str | None) -> str | None:
        if value is not None:
            mail_addresses(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _server_takes_mail(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            smtp_server(value.get_secret_value())
        return value

    @field_validator("retry_delays", mode="before")
    @classmethod
    def _delays_are_a_list(cls, value: Any) -> Any:
        return tuple(part for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("retry_delays")
    @classmethod
    def _delays_are_in_range(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) > 10 or any(not 0 <= delay <= 3600 for delay in value):
            raise ValueError("delays")
        return value

    @field_validator(*URLS)
    @classmethod
    def _urls_are_urls(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if not parts.hostname or parts.scheme not in ({"http", "https"} if local else {"https"}) or parts.query or parts.fragment:
            raise ValueError("url")
        return value.rstrip("/")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            raise ValueError("zone") from None
        return value

    @model_validator(mode="after")
    def _old_names_are_deprecated(self) -> Self:
        if self.redis_setting in OLD_NAMES and is_redis(self._given(self.redis_setting)):
            warnings.warn(_deprecated(self.redis_setting, self.configured_redis_url or ""), DeprecationWarning, stacklevel=2)
        return self

    @model_validator(mode="after")
    def _a_token_has_its_client(self) -> Self:
        parts = {
            name: getattr(self, name.lower()) for name in ("YOUTUBE_REFRESH_TOKEN", "YOUTUBE_CLIENT_ID", "YOUTUBE_CLIENT_SECRET")
        }
        missing = [name for name, value in parts.items() if value is None]
        if self.youtube_refresh_token is not None and missing:
            raise InvalidSettings(
                missing[0], Text("要與 YOUTUBE_REFRESH_TOKEN 一起設定", "set beside YOUTUBE_REFRESH_TOKEN"), None
            )
        return self

    @model_validator(mode="after")
    def _who_is_told_can_be(self) -> Self:
        if self.webhook_url is not None:
            fault = webhook_fault(self.webhook_url, self.webhook_private_hosts)
            if fault is not None:
                allowed = ALLOWED["WEBHOOK_URL"]
                raise InvalidSettings(
                    "WEBHOOK_URL",
                    Text(f"{allowed.zh}（{fault.why.zh}：{fault.do.zh}）", f"{allowed.en} ({fault.why.en}: {fault.do.en})"),
                    shown(self.webhook_url),
                )
            if self.webhook_secret is None:
                allowed, fresh = ALLOWED["WEBHOOK_SECRET"], new_secret()
                raise InvalidSettings(
                    "WEBHOOK_SECRET", Text(f"{allowed.zh}，例如 {fresh}", f"{allowed.en}, for example {fresh}"), None
                )
        if self.notify_mail_to is not None and self.smtp_url is None:
            raise InvalidSettings("SMTP_URL", Text("要與 NOTIFY_MAIL_TO 一起設定", "set beside NOTIFY_MAIL_TO"), None)
        return self

    @model_validator(mode="after")
    def _who_may_act_is_known(self) -> Self:
        operator, viewer = self.dashboard_password, self.dashboard_viewer_password
        if operator is None and not is_loopback(self.dashboard_host):
            beside = Text(
                "DASHBOARD_HOST 不只是這台機器時要設定，8 到 1024 個字元",
                "set where DASHBOARD_HOST is more than this machine, 8 to 1024 characters",
            )
            raise InvalidSettings("DASHBOARD_PASSWORD", beside, None)
        if operator is None and (viewer is not None or self.dashboard_hosts):
            other = "DASHBOARD_HOSTS" if viewer is None else "DASHBOARD_VIEWER_PASSWORD"
            raise InvalidSettings("DASHBOARD_PASSWORD", Text(f"要與 {other} 一起設定", f"set beside {other}"), None)
        if operator is not None and viewer is not None and operator.get_secret_value() == viewer.get_secret_value():
            other_one = Text("與 DASHBOARD_PASSWORD 不同的密碼", "another password than DASHBOARD_PASSWORD")
            raise InvalidSettings("DASHBOARD_VIEWER_PASSWORD", other_one, "***")
        return self

    @model_validator(mode="after")
    def _what_is_chosen_has_its_key(self) -> Self:
        for setting, chosen, key in self._choices():
            if chosen in CLOUD and not self.has_key(chosen):
                raise InvalidSettings(setting, Text(f"auto、local，或先設定 {key}", f"auto, local, or {key} set as well"), chosen)
        return self

    def _choices(self) -> tuple[tuple[str, str, str], ...]:
        makers = [
            ("SCRIPT_PROVIDER", self.script_provider),
            ("IMAGE_PROVIDER", self.image_provider),
            ("VOICE_PROVIDER", self.voice_provider),
        ]
        others = [("PRESENTER_PROVIDER", self.presenter_provider), ("PUBLISHER", self.publisher)]
        return tuple((setting, chosen, KEYS.get(chosen, "")) for setting, chosen in (*makers, *others))

    def has_key(self, provider: str) -> bool:
        """Whether the key of a cloud provider is set: "gemini", "did" or "youtube" (any channel's token)."""
        match provider:
            case "gemini":
                return self.gemini_api_key is not None
            case "did":
                return self.did_api_key is not None
            case "youtube":
                return self.has_default_channel or self.channels_file is not None
        return False

    @property
    def has_default_channel(self) -> bool:
        """Whether the YOUTUBE_* settings name a channel: a token file, or a refresh token with its client."""
        whole = None not in (self.youtube_client_id, self.youtube_client_secret, self.youtube_refresh_token)
        return whole or self.youtube_token_file is not None

    def secrets(self) -> tuple[str, ...]:
        """Values that no log line may hold: keys, tokens, the passwords in servers' addresses."""
        urls = (self.redis_url, self.celery_broker_url, self.celery_result_backend, self.smtp_url)
        found = [password for url in urls if url is not None for password in passwords_in(url.get_secret_value())]
        keys = (
            self.gemini_api_key, self.did_api_key, self.youtube_client_secret, self.youtube_refresh_token, self.webhook_secret,
            self.dashboard_password, self.dashboard_viewer_password, self.api_token,
        )  # fmt: skip
        signing = self.webhook_secret.get_secret_value().replace(",", " ").split() if self.webhook_secret is not None else []
        return tuple(dict.fromkeys((*found, *signing, *(key.get_secret_value() for key in keys if key is not None))))

    @property
    def failpoint(self) -> str | None:
        """Where this process dies, fails or hangs; for tests."""
        return self.reelqueue_failpoint

    @property
    def language(self) -> Language:
        """The language of messages.  The field has the long name, since by its bare one gettext's would be read."""
        return self.reelqueue_language

    @property
    def configured_redis_url(self) -> str | None:
        """The server that the operator named, as a URL; None where he named none."""
        given = self._given(self.redis_setting)
        if given is None:
            return None
        if self.redis_setting == "REDIS_HOST":
            return f"redis://{quote(given, safe=':[]')}:{self.redis_port}/{self.redis_db}"
        return as_redis_url(given) if self.redis_setting in OLD_NAMES and is_redis(given) else given

    @property
    def redis_setting(self) -> str:
        """The setting by which the operator named the server; the first of them where he named none.

        Celery's broker may have been another than Redis, and its result backend one: then that is the server.
        """
        new = next((name for name in ("REDIS_URL", "REDIS_HOST") if self._given(name) is not None), None)
        old = [name for name in OLD_NAMES if self._given(name) is not None]
        return new or next((name for name in old if is_redis(self._given(name))), (*old, "REDIS_URL")[0])

    @property
    def named_by(self) -> str:
        """The setting by which the operator named the server, "" where he named none."""
        return self.redis_setting if self.configured_redis_url is not None else ""

    def _given(self, name: str) -> str | None:
        value = getattr(self, name.lower())
        return value.get_secret_value() if isinstance(value, SecretStr) else value


ALLOWED = {
    "LANGUAGE": Text("zh-TW 或 en", "zh-TW or en"),
    "TIMEZONE": Text("時區名稱，例如 Asia/Taipei", "the name of a time zone, for example Asia/Taipei"),
    "RETRY_DELAYS": Text(
        "以逗號分隔的秒數，最多 10 個，例如 2,5,10", "seconds separated by commas, at most 10 of them, for example 2,5,10"
    ),
    "LOG_LEVEL": Text("debug、info、warning 或 error", "debug, info, warning or error"),
    "LOG_FORMAT": Text("json 或 console", "json or console"),
    "ALLOW_NETWORK_FS": Text("true 或 false", "true or false"),
    "VARIATION_GUARD": Text("true 或 false", "true or false"),
    "NOTIFY_COMMAND": Text("一個命令與它的參數，引號成對", "a command and its arguments, with each quote closed"),
    "NOTIFY_MAIL_TO": Text("以逗號分隔的電子郵件地址", "mail addresses separated by commas"),
    "NOTIFY_MAIL_FROM": Text("一個電子郵件地址", "a mail address"),
    "SMTP_URL": Text(
        "smtps://使用者:密碼@主機:465 或 smtp://使用者:密碼@主機:587（特殊字元寫成 %xx）",
        "smtps://user:password@host:465 or smtp://user:password@host:587 (special signs as %xx)",
    ),
    "WEBHOOK_URL": Text(
        "公開主機的 https:// 網址，或 WEBHOOK_PRIVATE_HOSTS 裡的主機",
        "an https:// address of a public host, or a host of WEBHOOK_PRIVATE_HOSTS",
    ),
    "WEBHOOK_SECRET": Text(
        "whsec_ 加上 24 到 64 個位元組的 base64；更換期間可寫新舊兩個，以逗號分隔",
        "whsec_ and the base64 of 24 to 64 bytes; while it is changed the new one and the old one, separated by a comma",
    ),
    "WEBHOOK_PRIVATE_HOSTS": HOST_ALLOWED,
    "DASHBOARD_HOSTS": HOST_ALLOWED,
    "DASHBOARD_PASSWORD": Text("8 到 1024 個字元", "8 to 1024 characters"),
    "DASHBOARD_VIEWER_PASSWORD": Text("8 到 1024 個字元", "8 to 1024 characters"),
    "API_TOKEN": Text("16 到 1024 個 ASCII 字元，不含空白", "16 to 1024 characters of ASCII, no blanks"),
    "FAILPOINT": Text(
        f"名稱:kill、名稱:raise 或 名稱:hang（第 N 次加上 @N，多個以逗號分隔），名稱是 {'、'.join(failpoints.POINTS)} 之一；只供測試",
        "name:kill, name:raise or name:hang (with @N the N-th time; several separated by commas), where a name is one of "
        f"{', '.join(failpoints.POINTS)}; for tests only",
    ),
}
for _provider in ("SCRIPT_PROVIDER", "IMAGE_PROVIDER", "VOICE_PROVIDER"):
    ALLOWED[_provider] = Text("auto、local 或 gemini", "auto, local or gemini")
ALLOWED["PRESENTER_PROVIDER"] = Text("auto、local 或 did", "auto, local or did")
ALLOWED["PUBLISHER"] = Text("auto、local 或 youtube", "auto, local or youtube")
for _model in ("GEMINI_TEXT_MODEL", "GEMINI_IMAGE_MODEL", "GEMINI_TTS_MODEL"):
    ALLOWED[_model] = Text("模型名稱，例如 gemini-3.8-flash", "the name of a model, for example gemini-3.8-flash")
for _url in URLS:
    ALLOWED[_url.upper()] = Text("https:// 的網址（本機可用 http://）", "an address with https:// (http:// on this machine only)")
_SECRET_SETTINGS = {
    "REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "GEMINI_API_KEY", "DID_API_KEY", "YOUTUBE_CLIENT_SECRET", "YOUTUBE_REFRESH_TOKEN",
    "SMTP_URL", "WEBHOOK_SECRET", "DASHBOARD_PASSWORD", "DASHBOARD_VIEWER_PASSWORD", "API_TOKEN",
}  # fmt: skip


def read_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` (by field name) win.

    Raises:
        InvalidSettings: names the variable, what is allowed and what was given.
        TypeError: an override is the name of no field.
    """
    if unknown := overrides.keys() - Settings.model_fields.keys():
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _refusal(first) from None
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidSettings(
            ".env", Text("一個讀得到的 UTF-8 文字檔", "a UTF-8 text file that can be read"), str(error)
        ) from None


class Manner(BaseSettings):
    """How this process speaks, read alone: so is told what is wrong with another setting.  A wrong one is its default."""

    model_config = Settings.model_config

    reelqueue_language: Language = _named("LANGUAGE", "zh-TW")
    log_level: Literal["debug", "info", "warning", "error"] = _named("LOG_LEVEL", "info")
    log_format: Literal["json", "console"] = _named("LOG_FORMAT", "json")

    @field_validator("*", mode="wrap")
    @classmethod
    def _wrong_is_the_default(cls, value: Any, check: ValidatorFunctionWrapHandler, field: ValidationInfo) -> Any:
        try:
            return check(value)
        except ValidationError:
            return cls.model_fields[str(field.field_name)].default


def read_manner() -> Manner:
    """How this process speaks; never raises."""
    try:
        return Manner()
    except (UnicodeDecodeError, OSError):  # `.env` can't be read, which `read_settings` tells
        return Manner(_env_file=None)


def read_language() -> Language:
    """The language of messages alone."""
    return read_manner().reelqueue_language


def _deprecated(name: str, url: str) -> str:
    """For an operator; the name comes first, by which the warning is known."""
    return str(
        Text(
            f"{name} 是 Celery 的設定，目前仍會讀取：請改設 REDIS_URL={redacted(url)}",
            f"{name} is Celery's setting, read for now: set REDIS_URL={redacted(url)} instead",
        )
    )


_PASSWORD_IN_QUERY = re.compile(r"(?<=[?&]password=)[^&#]*")


def redacted(url: str) -> str:
    """A server's URL without its password, for people to read."""
    url = _PASSWORD_IN_QUERY.sub("***", url)
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL at all: nobody knows where in it a password stands
        return "***"
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":***@", 1)


def _refusal(error: Any) -> InvalidSettings:
    name = str(error["loc"][0]).upper().removeprefix("REELQUEUE_") if error["loc"] else "settings"
    shown = os.environ.get(f"REELQUEUE_{name}", os.environ.get(name, error.get("input")))
    if name in _SECRET_SETTINGS or not error["loc"]:
        shown = "***"
    shown_name = f"REELQUEUE_{name}" if name in _LONG_ONLY else name
    return InvalidSettings(shown_name, ALLOWED.get(name) or _number_in_range(name.lower()), shown)


def _number_in_range(field: str) -> Text:
    known = Settings.model_fields.get(field)
    bounds = [
        f"{sign} {getattr(rule, at)}" for rule in (known.metadata if known else ()) for at, sign in _BOUNDS if hasattr(rule, at)
    ]
    whole = known is not None and known.annotation is int
    span = ", ".join(bounds)
    return Text(f"{'整數' if whole else '數字'}（{span}）", f"a {'whole ' if whole else ''}number ({span})")


_BOUNDS = (("ge", ">="), ("le", "<="))
