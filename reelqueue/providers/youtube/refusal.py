"""What an answer of Google's that refuses says: status, reason, words, and when to come back.  Pure; what it means is `errors.py`'s."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from reelqueue.telemetry import redact

LONGEST_PAUSE_S = 3_600.0
_TAGS = re.compile(r"<[^>]*>")


class Answered(Protocol):
    """An answer with a refusal: see `wire.Answer`."""

    @property
    def status(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, by names of any case."""
        ...

    @property
    def json(self) -> Any:
        """Its body as JSON; None where it is none."""
        ...

    @property
    def is_page(self) -> bool:
        """Whether it is HTML."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """`{"error": {"code", "message", "errors": [{"reason", ...}], "status", "details"}}`, as far as it is there."""

    status: int
    reason: str
    words: str
    whole: str

    @property
    def why(self) -> str:
        """Status, reason and Google's own words, for people."""
        return " ".join(part for part in (str(self.status), self.reason, self.words) if part)


def reason_of(answer: Answered) -> str:
    """Google's reason of a refusal; "" where there is none."""
    return read(answer).reason


def read(answer: Answered) -> Refusal:
    """What it says, of an API or of the token's address."""
    said = answer.json
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, str):  # the token's address: {"error", "error_description"}
        return Refusal(answer.status, error, _shown(said.get("error_description")), "")
    if not isinstance(error, dict):
        return Refusal(answer.status, "", "", "")
    firsts = [one for one in error.get("errors") or () if isinstance(one, dict)] if isinstance(error.get("errors"), list) else []
    details = (
        [one for one in error.get("details") or () if isinstance(one, dict)] if isinstance(error.get("details"), list) else []
    )
    reasons = [str(one["reason"]) for one in (*firsts, *details) if one.get("reason")]
    words = error.get("message") or next((one.get("message") for one in firsts), "")
    return Refusal(answer.status, reasons[0] if reasons else "", _shown(words), json.dumps(error))


def _shown(words: object) -> str:
    """Google's words without its tags, at most 200 characters."""
    return redact(" ".join(_TAGS.sub("", words).split()))[:200] if isinstance(words, str) else ""


def pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """`Retry-After` in seconds, given as such or as a date; None where it is missing.

    A date is held against the answer's own: our clock may be an hour off.
    """
    given = headers.get("Retry-After", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(given) - _told(headers, now)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(LONGEST_PAUSE_S, max(0.0, seconds)) if seconds == seconds else None  # noqa: PLR0124 - NaN


def _told(headers: Mapping[str, str], now: datetime) -> datetime:
    """What time the answer says it is; ours where it says none."""
    try:
        told = parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return now
    return told if told.tzinfo is not None else now
