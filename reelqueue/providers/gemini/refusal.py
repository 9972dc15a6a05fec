"""What an answer of Gemini that refuses says: code, status, words, and the details that we know.  Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_PAUSE_S = 3_600.0
LONGEST_WORDS = 200
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_NO_QUOTA = re.compile(r"\blimit:\s*0(?![\d.])", re.IGNORECASE)
_SPENT = re.compile(r"prepayment credits|spending cap|spend limit", re.IGNORECASE)


def without_addresses(text: str) -> str:
    """Somebody's words on one line, short, for people to read."""
    return " ".join(_ADDRESS.sub("…", text).split())[:LONGEST_WORDS]


class Refusal:
    """One refusal, read from the library's `APIError`; `secret` is blotted out of its words."""

    def __init__(self, error: Any, secret: str) -> None:
        self.code = int(error.code)
        self.status = str(error.status or "")
        self._headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
        self._text = text = str(error.message or "")
        self.is_page = "html" in self._headers.get("content-type", "").lower() or text.lstrip().startswith("<")
        blotted = text.replace(secret, "***") if secret else text
        self.words = "" if self.is_page else without_addresses(blotted)
        body = error.details if isinstance(error.details, Mapping) else {}
        inner = body.get("error", body)
        details = inner.get("details") if isinstance(inner, Mapping) else None
        self._details = [one for one in details if isinstance(one, Mapping)] if isinstance(details, list) else []

    @property
    def why(self) -> str:
        """Code and words, for people."""
        return f"{self.code} {self.words}".strip()

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons for machines."""
        return frozenset(str(one["reason"]) for one in self._of("ErrorInfo") if "reason" in one)

    @property
    def quotas(self) -> tuple[str, ...]:
        """The ids of the quotas that were passed."""
        return tuple(str(one.get("quotaId", "")) for one in self._violations())

    @property
    def has_no_quota(self) -> bool:
        """Whether a quota's limit is 0: no waiting mends that."""
        return bool(_NO_QUOTA.search(self._text)) or any(str(one.get("quotaValue")) == "0" for one in self._violations())

    @property
    def is_spent(self) -> bool:
        """Whether the account has no money left, or may spend no more."""
        return bool(_SPENT.search(self._text))

    @property
    def pause(self) -> float | None:
        """After how many seconds Gemini wants to be asked again: the longer of RetryInfo and Retry-After; None where it gives none."""
        given = [_seconds(one.get("retryDelay")) for one in self._of("RetryInfo")]
        given.append(_after(self._headers.get("retry-after"), self._headers.get("date")))
        known = [seconds for seconds in given if seconds is not None]
        return min(LONGEST_PAUSE_S, max(0.0, *known)) if known else None

    def _of(self, kind: str) -> list[Mapping[str, Any]]:
        return [one for one in self._details if str(one.get("@type", "")).endswith(f".{kind}")]

    def _violations(self) -> Iterable[Mapping[str, Any]]:
        for one in self._of("QuotaFailure"):
            given = one.get("violations")
            yield from (each for each in given if isinstance(each, Mapping)) if isinstance(given, list) else ()


def _seconds(duration: object) -> float | None:
    """A google.protobuf.Duration as JSON writes it: "17s", "3.5s"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(duration))
    return float(found[1]) if found else None


def _after(header: str | None, told: str | None) -> float | None:
    """A Retry-After: seconds, or a date, which is held against the answer's own (`told`): our clock may be an hour off."""
    if header is None:
        return None
    try:
        return float(header)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - (_moment(told) or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError):
        return None


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
