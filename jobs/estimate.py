"""What a project will cost, before anything is made of it.  Pure: makers and scripts go in, a range comes out.

Each call is counted at what it may cost at most (`cost` of its maker), as the ledger will reserve it.  What is not known yet
is how many calls there will be: so it is told for a script of few long segments and for one of many short ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from jobs.video.images import image_requests
from reelqueue.models.brief import Brief
from reelqueue.models.cost import Cost
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.providers.protocols import PresenterRequest, Providers, ScriptRequest, SpeechRequest

LONG_SEGMENT_S, SHORT_SEGMENT_S = 16.0, 7.0
"""Of scripts by a service: a segment may last 5-20 s; whole scripts of only the longest, or the shortest, are not written."""
LEAST_SHARE, MOST_SHARE = 0.8, 1.2
"""How far a script's length may be from what was asked for (contract, section 6)."""
OPENING_S, OPENING_SHARE = 7.0, 0.2
"""The intro, and the outro likewise; at most this share of the whole."""
_PER_SECOND = {"zh": "一段旁白。", "en": "one spoken line "}
"""What is said in a second, as long as such a text is (`providers/narration/rate.py`: 5.5 characters, or 4.8 syllables)."""


@dataclass(frozen=True, slots=True)
class Range:
    """US dollars, at least and at most."""

    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)

    def __add__(self, other: "Range") -> "Range":
        """Both together."""
        return Range(self.least + other.least, self.most + other.most)


@dataclass(frozen=True, slots=True)
class Item:
    """What one kind of work will take of one service: how many calls, for how much."""

    service: str
    kind: str
    calls: tuple[int, int]
    usd: Range


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a video will take of the services that are paid, kind by kind; empty where all is made here."""

    items: tuple[Item, ...]

    @property
    def usd(self) -> Range:
        """All of it."""
        return sum((item.usd for item in self.items), Range())

    @property
    def services(self) -> tuple[str, ...]:
        """Who is paid, each once."""
        return tuple(dict.fromkeys(item.service for item in self.items))


def estimate(brief: Brief, providers: Providers, *, language: str, scripts: Sequence[Script], own_pictures: int = 0) -> Estimate:
    """What the brief will take; `scripts` are the one that it will have, or the shortest and the longest that it may have.

    `brief` has its channel's wishes filled in; of the pictures `own_pictures` are the user's.
    """
    ends = [list(_costs(brief, providers, language, script, own_pictures)) for script in (scripts[0], scripts[-1])]
    found: list[Item] = []
    for least, most in zip(*ends, strict=True):
        (service, kind, few, less), (_, _, many, more) = least, most
        if more:
            found.append(Item(service, kind, (min(few, many), max(few, many)), Range(min(less, more), max(less, more))))
    return Estimate(tuple(found))


def priced(kinds: Iterable[tuple["_Priced", str, Sequence[object]]]) -> Estimate:
    """What these calls will take: of each maker, its kind, and what it is asked; who takes no money is left out."""
    told = [_told(maker, kind, requests) for maker, kind, requests in kinds]
    return Estimate(tuple(Item(service, kind, (calls, calls), Range(usd, usd)) for service, kind, calls, usd in told if usd))


class _Priced(Protocol):
    """Whoever makes something."""

    @property
    def name(self) -> str: ...

    def cost(self, request: Any) -> Cost: ...


_Told = tuple[str, str, int, Decimal]


def _costs(brief: Brief, providers: Providers, language: str, script: Script, own_pictures: int) -> Iterator[_Told]:
    asked = ScriptRequest(
        topic=brief.topic, content=brief.content, language=language, duration_s=brief.duration_s, tags=brief.tags
    )
    yield _told(providers.script, "script", [asked])
    pictures = [request for request in image_requests(brief, script) if request.role == "segment"]
    yield _told(providers.image, "image", pictures[min(own_pictures, len(pictures)) :])
    pieces = [piece for text in script.texts for piece in providers.voice.pieces(text, language)]
    spoken = [SpeechRequest(text=text, language=language, voice=brief.voice, lexicon=brief.lexicon) for text in pieces]
    yield _told(providers.voice, "voice", spoken)
    ends = (("intro", script.intro), ("outro", script.outro)) if brief.presenter else ()
    shown = [PresenterRequest(role=role, duration_s=part.duration, language=language, seed="") for role, part in ends]
    yield _told(providers.presenter, "presenter", shown)


def _told(maker: _Priced, kind: str, requests: Sequence[object]) -> _Told:
    return maker.name, kind, len(requests), sum((maker.cost(request).usd for request in requests), Decimal(0))


def imagined(seconds: float, language: str) -> tuple[Script, Script]:
    """Scripts of about so many seconds that a service may write: a short one in few segments, a long one in many."""
    return (
        _script(seconds * LEAST_SHARE, LONG_SEGMENT_S, language),
        _script(seconds * MOST_SHARE, SHORT_SEGMENT_S, language),
    )


def _script(seconds: float, segment_s: float, language: str) -> Script:
    opening = min(OPENING_S, seconds * OPENING_SHARE)
    middle = seconds - 2 * opening
    count = max(1, round(middle / segment_s))
    end = Part(text=_said(opening, language), duration=opening)
    each = middle / count
    segments = tuple(
        Segment(index=index, text=_said(each, language), duration=each, image_description=_said(SHORT_SEGMENT_S, "en"))
        for index in range(count)
    )
    return Script(
        intro=end,
        segments=segments,
        outro=end,
        metadata=Metadata(title=_said(3, language), description="", tags=()),
        total_duration=seconds,
        language=language,
    )


def _said(seconds: float, language: str) -> str:
    return _PER_SECOND["zh" if language.startswith("zh") else "en"] * max(1, round(seconds))
