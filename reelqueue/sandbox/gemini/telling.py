"""A text told scene by scene in its own sentences, as the sandbox's writer does where it was given one; pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from reelqueue.models.language import HAN
from reelqueue.sandbox.gemini.pace import seconds_of

SHORTEST_SCENE_S = 6.0
FULL_SCENE_S = 9.0
"""Another scene begins once this much is told."""
LONGEST_SCENE_S = 17.0

_HAN = re.compile(f"[{HAN}]")
_SPOKEN = re.compile(rf"[{HAN}A-Za-z0-9À-ɏ]")
_SENTENCE = re.compile(r"[^。！？!?；\n]+?(?:[。！？!?；]+[」』”]?|\.(?=\s|$)|(?=\n)|$)", re.DOTALL)
_CLAUSE = re.compile(r".+?(?:[，,、：:](?=\s*\S)|$)", re.DOTALL)
_MARKS = re.compile(r"^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+|\*\*|__|`+", re.MULTILINE)
_BEGINS = re.compile(r"\s*(?:#{1,6}\s|[-*+>]\s|\d+[.)]\s|\|)")
_NO_SPACE_BEHIND = re.compile(f"[{HAN}，。！？；：、」』）]")
_CODE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


class Told(NamedTuple):
    """A sentence, or some that are one scene, and the heading above them in the text."""

    text: str
    heading: str | None


def scenes_of(content: str, joint: str, seconds: float | None) -> list[Told]:
    """The content in scenes of 6-17 s.

    Args:
        content: text or Markdown; code and tables are left out, headings are told apart.
        joint: what stands between two sentences: a space, or nothing in Chinese.
        seconds: how long all of it may take; whole sentences are left out to fit.  None: all is told.
    """
    sentences = list(_sentences(content))
    scenes: list[Told] = []
    for sentence in sentences if seconds is None else _chosen(sentences, max(seconds, SHORTEST_SCENE_S)):
        last = scenes[-1] if scenes else None
        if last and last.heading == sentence.heading and _goes_on(last.text, sentence.text):
            scenes[-1] = Told(last.text + joint + sentence.text, last.heading)
        else:
            scenes.append(sentence)
    if (
        len(scenes) > 1
        and seconds_of(scenes[-1].text) < SHORTEST_SCENE_S
        and seconds_of(scenes[-2].text + scenes[-1].text) < LONGEST_SCENE_S
    ):
        scenes[-2:] = [Told(scenes[-2].text + joint + scenes[-1].text, scenes[-2].heading)]
    return scenes


def sentences_in(text: str) -> list[str]:
    """The sentences of a text, one that is too long for a scene by its clauses."""
    return [sentence.text for sentence in _sentences(text)]


def _goes_on(told: str, sentence: str) -> bool:
    return seconds_of(told) < FULL_SCENE_S and seconds_of(told + sentence) <= LONGEST_SCENE_S


def _sentences(content: str) -> Iterator[Told]:
    for block, heading in _blocks(content):
        for found in _SENTENCE.finditer(block):
            sentence = re.sub(r"\s+", " ", found[0]).strip()
            if not _SPOKEN.search(sentence):
                continue
            pieces = [_closed(sentence)] if seconds_of(sentence) <= LONGEST_SCENE_S else _CLAUSE.findall(sentence)
            yield from (Told(piece.strip(), heading) for piece in pieces)


def _blocks(content: str) -> Iterator[tuple[str, str | None]]:
    """The content's blocks, each in one line, and the heading that they stand under: wrapped lines are joined, list items are not."""
    heading: str | None = None
    block = ""
    for line in [*_LINK.sub(r"\1", _CODE.sub("\n", content)).splitlines(), ""]:
        bare = _MARKS.sub("", line).strip()
        if block and (not bare or _BEGINS.match(line)):
            yield block, heading
            block = ""
        if line.lstrip().startswith("#"):
            heading = bare
        elif bare and not bare.startswith("|"):
            block += (" " if block and not _NO_SPACE_BEHIND.match(block[-1]) else "") + bare


def _closed(sentence: str) -> str:
    """A list item or a wrapped end is closed by a full stop, so that it is spoken as a sentence."""
    if sentence[-1] in "。！？!?.；;：:」』”…":
        return sentence
    return sentence + ("。" if _HAN.search(sentence) else ".")


def _chosen(sentences: list[Told], seconds: float) -> list[Told]:
    """Sentences from the whole text, in their order, that fit."""
    everything = sum(seconds_of(sentence.text) for sentence in sentences)
    if everything <= seconds:
        return sentences
    kept: list[Told] = []
    spent, owed = 0.0, seconds_of(sentences[0].text)  # a text is told from its beginning
    for sentence in sentences:
        length = seconds_of(sentence.text)
        owed += length * seconds / everything
        if owed >= length / 2 and spent + length <= seconds:
            kept.append(sentence)
            spent += length
            owed -= length
    return kept or sentences[:1]
