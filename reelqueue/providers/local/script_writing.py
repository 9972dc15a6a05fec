"""How the local script writer writes: the author's own text, cut for the screen.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reelqueue.errors import InvalidBrief
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.providers.local import script_outline as outline
from reelqueue.providers.local.script_choice import TOLERANCE, Choice
from reelqueue.providers.local.script_keywords import content_words, key_phrases, naming_words
from reelqueue.providers.local.script_parts import closing_of, describe_picture, longer_opening, opening_count, spoken_title
from reelqueue.providers.narration.blocks import Block, Reading, read_blocks
from reelqueue.providers.narration.marks import joined
from reelqueue.providers.narration.metadata import clean_title, make_metadata, title_from
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.narration.segments import PART_PAUSE_S, SHORTEST_S, cut_segments, duration_of
from reelqueue.providers.narration.units import Unit, units_of
from reelqueue.providers.protocols import ScriptRequest, WrittenScript
from reelqueue.wording import Text

LONGEST_VIDEO_S = 1_800
SHORT_VIDEO_S = 40
"""Below this length the closing is as short as can be."""
AIMS = (0.85, 0.9, 0.8, 0.95, 0.75, 1.0, 0.7, 1.1, 0.6, 0.5, 0.4)
"""What the text's own sentences are to take of the length asked for; the rest is title, closing and gaps."""
TOPIC_ALONE_S = 60
"""The length of an outline where none is asked for (contract, section 6)."""


def write(request: ScriptRequest) -> WrittenScript:
    """Write a script; pure.

    Raises:
        InvalidBrief: there is nothing to tell in `content`, or it takes more than 1,800 s.
    """
    if request.content and request.content.strip():
        return _narrate(request, request.content)
    return _outline(request)


@dataclass(slots=True)
class _Draft:
    """A script in the making.  `opening` and `closing` are said before and after the text's own sentences."""

    language: str
    title: str
    opening: str | None
    units: tuple[Unit, ...]
    names_title: bool = True
    """Whether the closing may name the title."""
    warnings: list[Text] = field(default_factory=list)


def _narrate(request: ScriptRequest, content: str) -> WrittenScript:
    language = request.language
    reading = read_blocks(content, language)
    units = units_of(reading.blocks, language)
    if not units:
        allowed = Text("有可以朗讀的文字（程式碼和圖片不會朗讀）", "text that can be read aloud (code and pictures can't)")
        raise InvalidBrief("content", allowed, content)
    draft = _draft(request, units)
    _fit(draft, request.duration_s)
    _warn_of_silence(draft, reading)
    spoken = [unit.text for unit in draft.units if unit.kind != "heading"]
    metadata = make_metadata(
        title=draft.title,
        sentences=spoken,
        headings=[block.text for block in reading.blocks if block.kind == "heading" and block.text != draft.title],
        links=reading.links,
        tags=[*request.tags, *key_phrases("\n".join(block.text for block in reading.blocks), language)],
        language=language,
    )
    cut = _cut(draft)
    script = _script(cut.intro, _segments(cut.groups, metadata, language), cut.outro, metadata, language)
    if any(segment.duration < SHORTEST_S for segment in script.segments):
        draft.warnings.append(
            Text("內容很短，畫面停留的時間會比建議的 5 秒短", "the text is very short: a scene stands for less than 5 s")
        )
    return WrittenScript(script=script, warnings=tuple(map(str, draft.warnings)))


def _draft(request: ScriptRequest, units: tuple[Unit, ...]) -> _Draft:
    """The title, and the text without it: it is said once, at the beginning."""
    language = request.language
    first = units[0]
    own = first.heading if first.kind == "heading" else None
    if request.topic:
        rest = units[1:] if own and len(units) > 1 and _same_words(own, request.topic) else units
        return _Draft(language, clean_title(request.topic), spoken_title(request.topic, language), rest)
    if own and len(units) > 1:
        return _Draft(language, clean_title(own), first.text, units[1:])
    title = title_from([unit.text for unit in units], language)
    opening = spoken_title(title, language) if len(units) == 1 else None  # one sentence alone has to fill intro and segment
    return _Draft(language, title, opening, units)


def _same_words(one: str, other: str) -> bool:
    return "".join(filter(str.isalnum, one)).lower() == "".join(filter(str.isalnum, other)).lower()


def _fit(draft: _Draft, wanted_s: int | None) -> None:
    """Choose what is told, by the length asked for."""
    whole_s = _cut(draft).seconds
    if wanted_s is None:
        if whole_s > LONGEST_VIDEO_S:
            raise _too_long(draft, whole_s)
        return
    if whole_s <= min((1 + TOLERANCE) * wanted_s, LONGEST_VIDEO_S):
        if whole_s < (1 - TOLERANCE) * wanted_s:
            draft.warnings.append(
                Text(
                    f"內容只夠約 {whole_s:.0f} 秒，比要求的 {wanted_s} 秒短，已全部朗讀",
                    f"the text is enough for about {whole_s:.0f} s, less than the {wanted_s} s asked for: all of it is told",
                )
            )
        return
    draft.names_title = wanted_s >= SHORT_VIDEO_S
    told_s = _choose(draft, wanted_s)
    draft.warnings.append(
        Text(
            f"全文約 {whole_s:.0f} 秒，已挑選重要的句子，長度約 {told_s:.0f} 秒",
            f"the whole text takes about {whole_s:.0f} s: the important sentences were chosen, about {told_s:.0f} s",
        )
    )
    if abs(told_s - wanted_s) > TOLERANCE * wanted_s:
        draft.warnings.append(
            Text(f"句子太長，沒辦法剛好湊成 {wanted_s} 秒", f"the sentences are too long to come near {wanted_s} s")
        )


def _choose(draft: _Draft, wanted_s: int) -> float:
    """Take the choice of sentences that comes nearest; returns its seconds.  A part below 5 s counts like 15 % off."""
    whole = draft.units
    choice = Choice(whole, draft.language, whole_list_s=wanted_s / 2)
    ways = list[tuple[float, int, tuple[Unit, ...], float]]()
    for share in AIMS:
        draft.units = choice.of_length(share * wanted_s)
        cut = _cut(draft)
        short = any(duration_of(group) < SHORTEST_S for group in cut.groups)
        over = cut.seconds > LONGEST_VIDEO_S
        ways.append((abs(cut.seconds - wanted_s) / wanted_s + 0.15 * short + over, len(ways), draft.units, cut.seconds))
    _, _, draft.units, seconds = min(ways, key=lambda way: way[:2])
    return seconds


def _too_long(draft: _Draft, whole_s: float) -> InvalidBrief:
    return InvalidBrief(
        "content",
        Text(
            f"最長 {LONGEST_VIDEO_S:,} 秒的影片；請縮短內容，或用 duration_s 指定長度，由系統挑選句子",
            f"a video of at most {LONGEST_VIDEO_S:,} s; shorten the text, or give duration_s and sentences are chosen",
        ),
        f"{sum(len(unit.text) for unit in draft.units):,} characters, about {whole_s:,.0f} s",
    )


def _warn_of_silence(draft: _Draft, reading: Reading) -> None:
    if reading.code_blocks:
        draft.warnings.append(
            Text(f"{reading.code_blocks} 個程式碼區塊不會朗讀", f"{reading.code_blocks} blocks of code are not read aloud")
        )
    if reading.pictures:
        draft.warnings.append(
            Text(
                f"文中的 {reading.pictures} 張圖片沒有使用；請用 images 或 images_dir 提供",
                f"{reading.pictures} pictures of the text are not used: give them as images or images_dir",
            )
        )


@dataclass(frozen=True, slots=True)
class _Cut:
    """A draft, cut into parts."""

    intro: Part
    groups: tuple[tuple[Unit, ...], ...]
    outro: Part

    @property
    def seconds(self) -> float:
        return self.intro.duration + sum(map(duration_of, self.groups)) + self.outro.duration


def _cut(draft: _Draft) -> _Cut:
    """Intro, segments and outro: the text's first and last sentences open and close it where enough is left between."""
    language, units = draft.language, draft.units
    head = opening_count(units, draft.opening, language)
    tail = _closing_count(units[head:])
    middle, last = units[head : len(units) - tail], units[len(units) - tail :]
    close = closing_of(draft.title, language, after_sentence=bool(last) or not draft.names_title)
    said = draft.opening if head or not draft.opening else longer_opening(draft.opening, draft.title, language)
    opening = [said] if said else []
    return _Cut(
        Part(
            text=joined([*opening, *(unit.text for unit in units[:head])]),
            duration=_part_s(said, units[:head], language),
        ),
        tuple(cut_segments(middle)),
        Part(text=joined([*(unit.text for unit in last), close]), duration=_part_s(close, last, language)),
    )


def _closing_count(units: Sequence[Unit]) -> int:
    """How many of the last units the outro takes: the last sentence, where it stands alone and enough is left."""
    if not units:
        return 0
    last = units[-1]
    alone = last.kind in {"paragraph", "quote"} and not last.inside and last.seconds <= 10
    left = units[:-1]
    return 1 if alone and left and left[-1].kind != "heading" and duration_of(left) >= SHORTEST_S else 0


def _part_s(fixed: str | None, units: Sequence[Unit], language: str) -> float:
    fixed_s = seconds_of(fixed, language) if fixed else 0.0
    return round(fixed_s + (duration_of(units) if units else PART_PAUSE_S), 2)


def _segments(groups: Sequence[Sequence[Unit]], metadata: Metadata, language: str) -> tuple[Segment, ...]:
    out, shown = list[Segment](), metadata.title
    for index, group in enumerate(groups):
        spoken = next((unit for unit in group if unit.kind == "heading"), None)
        heading = spoken.heading if spoken else group[0].heading
        text = joined([unit.text for unit in group])
        out.append(
            Segment(
                index=index,
                text=text,
                duration=round(duration_of(group), 2),
                image_description=describe_picture(text, heading, metadata, language),
                heading=heading if heading != shown else None,
            )
        )
        shown = heading or shown
    return tuple(out)


def _script(intro: Part, segments: tuple[Segment, ...], outro: Part, metadata: Metadata, language: str) -> Script:
    total = round(intro.duration + sum(segment.duration for segment in segments) + outro.duration, 2)
    return Script(intro=intro, segments=segments, outro=outro, metadata=metadata, total_duration=total, language=language)


def _outline(request: ScriptRequest) -> WrittenScript:
    """From a topic alone: questions, marked as an outline."""
    topic, language = request.topic or "", request.language
    wanted = request.duration_s or TOPIC_ALONE_S
    scripts = [_outline_of(topic, parts, request) for parts in range(1, outline.MOST_PARTS + 1)]
    script = min(scripts, key=lambda made: abs(made.total_duration - wanted))
    warnings = [
        Text(
            "只有主題，沒有內容：這是一份標明的大綱，只有問題、沒有答案。提供 content，或設定 GEMINI_API_KEY，會得到更好的腳本",
            "a topic without a text: this is a marked outline of questions, without answers. A content, or a GEMINI_API_KEY, gives a better script",
        )
    ]
    if script.total_duration < (1 - TOLERANCE) * wanted:
        warnings.append(
            Text(f"大綱最長約 {script.total_duration:.0f} 秒", f"an outline takes about {script.total_duration:.0f} s at most")
        )
    return WrittenScript(script=script.model_copy(update={"language": language}), warnings=tuple(map(str, warnings)))


def _outline_of(topic: str, parts: int, request: ScriptRequest) -> Script:
    language = request.language
    title = clean_title(topic)
    questions = outline.questions_for(parts)
    intro = outline.OPENING.in_language(language).format(topic=spoken_title(topic, language))
    outro = outline.CLOSING.in_language(language)
    texts = [question.text.in_language(language) for question in questions]
    headings = [question.heading.in_language(language) for question in questions]
    metadata = make_metadata(
        title=title,
        sentences=[intro],
        headings=headings,
        links=(),
        tags=[
            *request.tags,
            *key_phrases(topic, language),
            *dict.fromkeys(naming_words(topic) or content_words(topic, language)),
        ],
        language=language,
    )
    segments = tuple(
        Segment(
            index=index,
            text=text,
            duration=_spoken_s(text, language),
            image_description=describe_picture(text, heading, metadata, language),
            heading=heading,
        )
        for index, (text, heading) in enumerate(zip(texts, headings, strict=True))
    )
    return _script(
        Part(text=intro, duration=_spoken_s(intro, language)),
        segments,
        Part(text=outro, duration=_spoken_s(outro, language)),
        metadata,
        language,
    )


def _spoken_s(text: str, language: str) -> float:
    return round(duration_of(units_of([Block("paragraph", text)], language)), 2)
