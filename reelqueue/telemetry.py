"""Logs: one JSON object a line (or coloured lines for people), ours and every library's alike, without secrets.

Fields: `timestamp` (ISO 8601, UTC), `level`, `event`, and whatever `bound` binds: `queue`, `job_id`, `job`, `job_try`,
`project_id`, `batch_id`, `stage`; where they apply `duration_s` and `error`.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from reelqueue.wording import as_json, visible

HIDDEN = "***"
_ANYWHERE = (
    re.compile(r"AIza[0-9A-Za-z_-]{10,}"),  # Google API keys
    re.compile(r"ya29\.[0-9A-Za-z._-]+"),  # Google access tokens
)
_PATTERNS = (
    *_ANYWHERE,
    re.compile(r"\b1//[0-9A-Za-z_-]{20,}"),  # Google refresh tokens
    re.compile(r"GOCSPX-[0-9A-Za-z_-]+"),  # Google client secrets
    re.compile(r"(?<=Bearer )[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"(?<=Basic )[0-9A-Za-z+/=._:-]{8,}", re.IGNORECASE),
    re.compile(r"(?<=://)([^\s/@:\"']*):[^\s/@\"']+(?=@)"),  # a password in a URL; the user stays
    re.compile(r"(?<=[?&]key=)[^&\s\"']+"),
)
_SECRET_NAMES = re.compile(r"password|secret|token|api_?key|authorization", re.IGNORECASE)
_secrets: set[str] = set()


def keep_secret(*values: str) -> None:
    """Never write these values again, wherever they stand in a line.  Values under 6 characters are too common to hide.

    Those that are known by their form anyway are not remembered: a channel has a new access token each hour.
    """
    _secrets.update(value for value in values if len(value) >= 6 and not any(form.fullmatch(value) for form in _ANYWHERE))


def redact(text: str) -> str:
    """`text` without the secrets that are known or look like one."""
    for value in _secrets:
        text = text.replace(value, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: f"{match[1]}:{HIDDEN}" if match.re.groups else HIDDEN, text)
    return text


def bound(**fields: Any) -> AbstractContextManager[None]:
    """Every line written within, by whichever library, bears these fields."""
    return structlog.contextvars.bound_contextvars(**fields)


def configure(
    *,
    level: str = "info",
    log_format: Literal["json", "console"] = "json",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Route structlog and the standard library's logging (arq's too) to `stream` (stderr where none is given).

    May be called again; the last call counts.
    """
    keep_secret(*secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _once,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _name_the_error,
    ]
    out = stream or sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - stderr may be closed, and ours is open to the end
    coloured = structlog.dev.ConsoleRenderer(colors=out.isatty())
    render: list[Processor] = [_plain, coloured] if log_format == "console" else [_as_json]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redacted, *render],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a closed stderr must not fail the work
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("arq", "arq.worker", "arq.jobs"):  # arq's command gives its logger a handler of its own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _once(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Uvicorn says its lines a second time, for terminals."""
    event.pop("color_message", None)
    return event


def _name_the_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception becomes `error` (one line) and `exception` (its trace)."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[1] is not None:
        event.setdefault("error", _words(info[1]))
        event["exception"] = structlog.processors.format_exc_info(_logger, _method, {"exc_info": info})["exception"]
    return event


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an error that can't even be said is told all the same
        return type(error).__name__


def _redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {
        name: HIDDEN if _SECRET_NAMES.search(name) and isinstance(value, str) else _clean(value) for name, value in event.items()
    }


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, MutableMapping):
        return _redacted(None, "", dict(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return value if isinstance(value, int | float | None) else redact(str(value))


def _plain(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """For a terminal, which somebody else's words must not steer."""
    return {name: _visible(value) for name, value in event.items()}


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, MutableMapping):
        return {name: _visible(item) for name, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    head = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return as_json(json.dumps(head | dict(event), ensure_ascii=False, default=str))
