"""A script that the sandbox's writer makes of a wish: whole sentences, told at the pace of the sandbox's own voice; pure.

What the wish brings along is told in its own sentences; a topic alone is told by the phrases beside this module.  As with
a real model, nothing but the texts is to be trusted: the index counts from 0, 1 or 10, durations are rounded, sums are off.
"""

import random
import re
from collections.abc import Iterator
from typing import Any

from reelqueue.models.language import HAN
from reelqueue.sandbox.gemini import phrases_en as en
from reelqueue.sandbox.gemini import phrases_zh as zh
from reelqueue.sandbox.gemini.prompt import Wish

ZH_SYLLABLES_PER_S = 4.2
EN_WORDS_PER_S = 2.6
"""The pace of the sandbox's voice, pauses included."""
SHORTEST_SEGMENT_S = 6.0
FULL_SEGMENT_S = 11.0
LONGEST_SEGMENT_S = 17.0
SHORT_STORY_S = 40.0
"""Below this one sentence each has to do for the intro and the outro."""

_WORD = re.compile(rf"[{HAN}]|[A-Za-z0-9À-ɏ]+(?:['’.][A-Za-z0-9]+)*")
_HAN = re.compile(f"[{HAN}]")
_SENTENCE = re.compile(r"[^。！？!?；\n]+?(?:[。！？!?；]+[」』”]?|\.(?=\s|$)|(?=\n)|$)", re.DOTALL)
_CLAUSE = re.compile(r".+?(?:[，,、：:](?=\s*\S)|$)", re.DOTALL)
_MARKS = re.compile(r"^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+|\*\*|__|`+", re.MULTILINE)
_BEGINS = re.compile(r"\s*(?:#{1,6}\s|[-*+>]\s|\d+[.)]\s|\|)")
_NO_SPACE_BEHIND = re.compile(f"[{HAN}，。！？；：、」』）]")
_CODE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def seconds_of(text: str) -> float:
    """How long the sandbox's voice takes for `text`, pauses included."""
    words: list[str] = _WORD.findall(text)
    han = len([word for word in words if _HAN.match(word)])
    return han / ZH_SYLLABLES_PER_S + (len(words) - han) / EN_WORDS_PER_S


def write_story(wish: Wish) -> dict[str, Any]:
    """A script: intro, segments, outro, metadata and total_duration, as plain data."""
    dice = random.Random(wish.seed)  # noqa: S311  # the same prompt, the same script
    bank = zh if wish.chinese else en
    intro = _filled(dice.choice(bank.INTROS), wish.topic)
    outro = _filled(dice.choice(bank.OUTROS), wish.topic)
    if wish.seconds is not None and wish.seconds < SHORT_STORY_S:
        intro, outro = (next(_sentences(text), text) for text in (intro, outro))
    told = _content_told(wish, seconds_of(intro + outro)) if wish.content else _topic_told(wish, dice, seconds_of(intro + outro))
    first = dice.choice((0, 0, 1, 10))
    segments: list[dict[str, Any]] = [
        {
            "index": first + place,
            "text": text,
            "duration": round(seconds_of(text) * dice.uniform(0.9, 1.1), 1),
            "image_description": scene,
        }
        for place, (text, scene) in enumerate(told)
    ]
    total = sum(segment["duration"] for segment in segments)
    return {
        "intro": {"text": intro, "duration": round(seconds_of(intro), 1)},
        "segments": segments,
        "outro": {"text": outro, "duration": round(seconds_of(outro), 1)},
        "metadata": _metadata(wish, dice, intro, [text for text, _ in told]),
        "total_duration": round(total * dice.choice((1.0, 0.9, 1.25))),
    }


def _topic_told(wish: Wish, dice: random.Random, spent: float) -> list[tuple[str, str]]:
    bank = zh if wish.chinese else en
    left = (wish.seconds or 60.0) - spent
    told: list[tuple[str, str]] = []
    first, *between, last = bank.SUBJECTS
    while left > FULL_SEGMENT_S / 2 or not told:
        for name, scene, sentences in (first, *dice.sample(between, len(between)), last):
            filled = [
                _filled(
                    sentence,
                    wish.topic,
                    who=dice.choice(bank.WHO),
                    where=dice.choice(bank.WHERE),
                    when=dice.choice(bank.WHEN),
                    n=dice.randint(3, 40),
                )
                for sentence in sentences
            ]
            if any(scene in done for _, done in told):
                filled[0] = f"再說一次{name}。{filled[0]}" if wish.chinese else f"{name}, once more. {filled[0]}"
            text = ("" if wish.chinese else " ").join(filled)
            told.append((text, f"{scene}, in a film about {wish.topic}, wide shot, no text"))
            left -= seconds_of(text)
            if left <= FULL_SEGMENT_S / 2:
                break
    return told


def _filled(sentence: str, topic: str, **places: object) -> str:
    """A sentence of the bank about this topic; an English topic that begins with an article goes on in small letters."""
    inside = re.sub(r"^(The|A|An|How|Why|What)\b", lambda found: found[1].lower(), topic)
    said = sentence.format(t=topic if sentence.startswith("{t}") else inside, **places)
    return said[0].upper() + said[1:]


def _content_told(wish: Wish, spent: float) -> list[tuple[str, str]]:
    sentences = list(_sentences(wish.content or ""))
    if wish.seconds:
        sentences = _chosen(sentences, max(wish.seconds - spent, SHORTEST_SEGMENT_S))
    joint = "" if wish.chinese else " "
    groups: list[str] = []
    for sentence in sentences:
        fits = groups and seconds_of(groups[-1]) < FULL_SEGMENT_S * 0.8 and seconds_of(groups[-1] + sentence) <= LONGEST_SEGMENT_S
        if fits:
            groups[-1] += joint + sentence
        else:
            groups.append(sentence)
    if (
        len(groups) > 1
        and seconds_of(groups[-1]) < SHORTEST_SEGMENT_S
        and seconds_of(groups[-2] + groups[-1]) < LONGEST_SEGMENT_S + 3
    ):
        groups[-2:] = [groups[-2] + joint + groups[-1]]
    return [(text, f"an illustration of: {text[:60].rstrip('，。, .')}, calm light, wide shot, no text") for text in groups]


def _sentences(content: str) -> Iterator[str]:
    """The content's own sentences without the marks of Markdown; one that is too long for a scene comes by its clauses."""
    for found in _SENTENCE.finditer("\n".join(_paragraphs(content))):
        sentence = re.sub(r"\s+", " ", found[0]).strip()
        if not _WORD.search(sentence):
            continue
        if seconds_of(sentence) <= LONGEST_SEGMENT_S:
            yield _closed(sentence)
            continue
        for clause in _CLAUSE.findall(sentence):
            yield clause.strip()


def _paragraphs(content: str) -> Iterator[str]:
    """The content's blocks, each in one line: wrapped lines are joined, headlines and list items stand alone, code and tables go."""
    joined = ""
    for line in _LINK.sub(r"\1", _CODE.sub("\n", content)).splitlines():
        begins, bare = bool(_BEGINS.match(line)), _MARKS.sub("", line).strip()
        if joined and (begins or not bare):
            yield joined
            joined = ""
        if bare and not bare.startswith("|"):
            joined += (" " if joined and not _NO_SPACE_BEHIND.match(joined[-1]) else "") + bare
        if joined and line.lstrip().startswith("#"):
            yield joined
            joined = ""
    if joined:
        yield joined


def _closed(sentence: str) -> str:
    """A headline is closed by a full stop, so that it is spoken as a sentence."""
    if sentence[-1] in "。！？!?.；;：:」』”…":
        return sentence
    return sentence + ("。" if _HAN.search(sentence) else ".")


def _chosen(sentences: list[str], seconds: float) -> list[str]:
    """Sentences from the whole text, in their order, that fit."""
    everything = sum(map(seconds_of, sentences))
    if everything <= seconds:
        return sentences
    kept: list[str] = []
    owed = seconds_of(sentences[0])  # a text is told from its beginning
    for sentence in sentences:
        owed += seconds_of(sentence) * seconds / everything
        if owed >= seconds_of(sentence) / 2 and sum(map(seconds_of, kept)) + seconds_of(sentence) <= seconds:
            kept.append(sentence)
            owed -= seconds_of(sentence)
    return kept or sentences[:1]


def _metadata(wish: Wish, dice: random.Random, intro: str, texts: list[str]) -> dict[str, Any]:
    if wish.chinese:
        title = (
            dice.choice(("{t}:你不知道的故事", "重新認識{t}", "{t}，從頭說起", "一次看懂{t}"))
            .format(t=wish.topic)
            .replace(":", "：")
        )
        tags = [wish.topic[:20], "知識", "故事", *dice.sample(("紀錄", "生活", "科普", "旅行", "歷史", "自然"), 2)]
    else:
        title = dice.choice(
            ("{t}: what nobody tells you", "A closer look at {t}", "{t}, from the beginning", "{t} in plain words")
        ).format(t=wish.topic)
        tags = [
            wish.topic[:30],
            "explained",
            "story",
            *dice.sample(("documentary", "everyday life", "science", "travel", "history", "nature"), 2),
        ]
    joint = "" if wish.chinese else " "
    return {"title": title, "description": joint.join([intro, *(text for text in texts[:2])]), "tags": tags}
