"""Gemini's answer becomes a script: cleaned, counted anew, its segments 5-20 s.  Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import opencc
from pydantic import ValidationError

from reelqueue.errors import ReelqueueError, ServiceUnavailable
from reelqueue.models.language import detect_language
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.providers.gemini.errors import AGAIN
from reelqueue.providers.gemini.model import NAME
from reelqueue.providers.gemini.schema import ReadScript, ReadSegment
from reelqueue.providers.narration.blocks import Block, read_blocks
from reelqueue.providers.narration.marks import joined
from reelqueue.providers.narration.metadata import clean_title, description_of, fitting_tags
from reelqueue.providers.narration.segments import LONGEST_S, SHORTEST_S, cut_segments, duration_of
from reelqueue.providers.narration.units import Unit, units_of
from reelqueue.providers.protocols import ScriptRequest
from reelqueue.wording import Text

LONGEST_VIDEO_S = 1_800
TOLERANCE = 0.2
SIMPLIFIED_SHARE = 0.05
"""Of characters that are written so in Simplified alone: such a text has a third of them, one of Taiwan none but in a quotation."""
MOST_HEADING = 40
MOST_ANSWER_CHARS = 400_000
"""More than twice what half an hour of narration with all its pictures takes; nothing longer is looked into."""
MOST_SPOKEN_CHARS = 60_000
"""More than an hour's; what takes half an hour is known only once all of it was read, which takes longer than its length."""
_ADDRESS = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>（）「」『』，。、；！？]+", re.IGNORECASE)
AGAIN_SEEN = "; another moment of the same scene"


@dataclass(frozen=True, slots=True)
class Told:
    """A script and what a person should know of it."""

    script: Script
    warnings: tuple[Text, ...]


def told_seconds(text: str, language: str) -> float:
    """How long a text or Markdown takes to be read aloud, by our own estimate; 0 where nothing in it is spoken."""
    units = units_of(read_blocks(text, language).blocks, language)
    return duration_of(units) if units else 0.0


def script_of(answer: str, request: ScriptRequest, target_s: int | None) -> Told:
    """The script that an answer's text is; `target_s` is the length that it should have.

    Raises:
        ServiceUnavailable: it is no script, has nothing to speak, is in another language, or takes more than 1,800 s.
    """
    warnings: list[Text] = []
    read = _in_our_characters(_read(answer), request.language, warnings)
    language = request.language
    pieces = _of_good_length([piece for segment in read.segments if (piece := _piece(segment, language)) is not None])
    intro, outro = _spoken(read.intro.text, language), _spoken(read.outro.text, language)
    if not pieces or not intro or not outro:
        raise _unusable(Text("有一部分沒有可以唸的文字", "a part of it has nothing to speak"))
    title, description = (
        _without_addresses(words, request, warnings) for words in (read.metadata.title, read.metadata.description)
    )
    metadata = Metadata(
        title=clean_title(title),
        description=description_of(description.strip(), headings=(), links=_links(request), language=language),
        tags=fitting_tags([*request.tags, *read.metadata.tags]),
    )
    script = _assembled(intro, pieces, outro, metadata, language)
    _check(script, target_s, warnings)
    return Told(script, tuple(warnings))


def _read(answer: str) -> ReadScript:
    if len(answer) > MOST_ANSWER_CHARS:
        raise _unusable(Text(f"有 {len(answer):,} 個字元", f"it has {len(answer):,} characters"))
    text = answer.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return ReadScript.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or first["type"]
        raise _unusable(Text(f"格式不對：{place}", f"it is of another form: {place}")) from None


def _in_our_characters(read: ReadScript, language: str, warnings: list[Text]) -> ReadScript:
    """A Chinese text in Taiwan's characters, whichever it came in."""
    spoken = "".join([read.intro.text, *(segment.text for segment in read.segments), read.outro.text])
    if len(spoken) > MOST_SPOKEN_CHARS:
        raise _unusable(Text(f"有 {len(spoken):,} 個字元要唸", f"{len(spoken):,} characters of it are to be spoken"))
    if detect_language(spoken, language)[:2] != language[:2]:
        raise _unusable(Text(f"語言不是 {language}", f"it is not in the language {language}"))
    if not language.startswith("zh") or _simplified_share(spoken) < SIMPLIFIED_SHARE:
        return read
    warnings.append(
        Text(
            "模型以簡體字回答，已轉成正體字", "the model wrote in Simplified characters: they were converted to Traditional ones"
        )
    )
    return ReadScript.model_validate_json(_converter("s2twp").convert(read.model_dump_json()))


def _simplified_share(text: str) -> float:
    """The part of the characters that only Simplified writing has: Traditional ones look otherwise, and Big5 knows them not."""
    traditional: str = _converter("s2t").convert(text)
    changed = [one for one, other in zip(text, traditional, strict=False) if one != other and not _in_big5(one)]
    return len(changed) / max(1, len(text))


def _in_big5(character: str) -> bool:
    """Whether Taiwan's old character set has it, as it has 后, 里, 台 and 干, which Simplified writes too."""
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment in the making."""

    units: tuple[Unit, ...]
    picture: str
    heading: str | None

    @property
    def seconds(self) -> float:
        return duration_of(self.units)

    @property
    def is_short(self) -> bool:
        return self.seconds < SHORTEST_S


def _spoken(text: str, language: str) -> tuple[Unit, ...]:
    """The sentences of one part; what a model may have left of Markdown is no speech."""
    told = joined([block.text for block in read_blocks(text, language).blocks])
    return units_of([Block("paragraph", told)], language) if told else ()


def _piece(segment: ReadSegment, language: str) -> _Piece | None:
    units = _spoken(segment.text, language)
    heading = segment.heading if 0 < len(segment.heading) <= MOST_HEADING else None
    return _Piece(units, segment.image_description, heading) if units else None


def _of_good_length(pieces: Iterable[_Piece]) -> list[_Piece]:
    """Segments of 5-20 s: long ones cut at the ends of sentences, short ones told with a neighbour; shorter only where all is."""
    out: list[_Piece] = []
    for piece in (part for whole in pieces for part in _cut(whole)):
        fits = out and duration_of([*out[-1].units, *piece.units]) <= LONGEST_S
        if out and (out[-1].is_short or (piece.is_short and fits)):
            out += _cut(_together(out.pop(), piece))
        else:
            out.append(piece)
    if len(out) > 1 and out[-1].is_short:
        last = out.pop()
        out += _cut(_together(out.pop(), last))
    return out


def _together(one: _Piece, other: _Piece) -> _Piece:
    longer = one if one.seconds >= other.seconds else other
    return _Piece((*one.units, *other.units), longer.picture or one.picture or other.picture, one.heading or other.heading)


def _cut(piece: _Piece) -> Iterator[_Piece]:
    if piece.seconds <= LONGEST_S:
        yield piece
        return
    for place, group in enumerate(cut_segments(piece.units)):
        again = AGAIN_SEEN if place and piece.picture else ""
        yield replace(piece, units=group, picture=piece.picture + again, heading=None if place else piece.heading)


def _assembled(
    intro: tuple[Unit, ...], pieces: Sequence[_Piece], outro: tuple[Unit, ...], metadata: Metadata, language: str
) -> Script:
    segments = []
    shown: str | None = None
    for index, piece in enumerate(pieces):
        text = _text(piece.units)
        heading = piece.heading if piece.heading != shown else None
        picture = piece.picture or f"{piece.heading or metadata.title}: {piece.units[0].text}"
        segments.append(
            Segment(index=index, text=text, duration=_rounded(piece.units), image_description=picture, heading=heading)
        )
        shown = piece.heading or shown
    total = duration_of(intro) + sum(piece.seconds for piece in pieces) + duration_of(outro)
    return Script(
        intro=Part(text=_text(intro), duration=_rounded(intro)),
        segments=tuple(segments),
        outro=Part(text=_text(outro), duration=_rounded(outro)),
        metadata=metadata,
        total_duration=round(total, 2),
        language=language,
    )


def _text(units: Sequence[Unit]) -> str:
    return joined([unit.text for unit in units])


def _rounded(units: Sequence[Unit]) -> float:
    return round(duration_of(units), 2)


def _without_addresses(words: str, request: ScriptRequest, warnings: list[Text]) -> str:
    """What is published leads only where the brief leads: an address that it did not hold may be somebody else's idea."""
    known = f"{request.topic or ''}\n{request.content or ''}"
    kept = _ADDRESS.sub(lambda found: found[0] if found[0].rstrip(".,;:!?)]}'\"") in known else "", words)
    if kept != words and _LEFT_OUT not in warnings:
        warnings.append(_LEFT_OUT)
    return kept


_LEFT_OUT = Text(
    "模型寫了題目與內容裡沒有的網址，已拿掉", "the model wrote addresses that topic and content do not hold: they were left out"
)


def _links(request: ScriptRequest) -> list[str]:
    return read_blocks(request.content, request.language).links if request.content else []


def _check(script: Script, target_s: int | None, warnings: list[Text]) -> None:
    total = script.total_duration
    if total > LONGEST_VIDEO_S:
        raise _unusable(
            Text(
                f"長度約 {total:,.0f} 秒，超過 {LONGEST_VIDEO_S:,} 秒",
                f"it takes about {total:,.0f} s, more than {LONGEST_VIDEO_S:,}",
            )
        )
    if target_s is not None and abs(total - target_s) > TOLERANCE * target_s:
        warnings.append(
            Text(f"腳本約 {total:.0f} 秒，目標是 {target_s} 秒", f"the script takes about {total:.0f} s, the aim is {target_s} s")
        )
    if any(segment.duration < SHORTEST_S for segment in script.segments):
        warnings.append(
            Text("內容很短，畫面停留的時間會比建議的 5 秒短", "the text is very short: a scene stands for less than 5 s")
        )


def _unusable(why: Text) -> ReelqueueError:
    return ServiceUnavailable(Text(f"{NAME} 的腳本不能用：{why.zh}", f"{NAME}'s script can't be used: {why.en}"), AGAIN)
