"""Which layouts suit a part of the script, and what they show: the one place where a further layout is added.

A rule looks at one part and finds what its layout shows, or nothing.  `RULES` stands in the order in which they are asked
(look.md section 5 of the specification): the first that finds something gives the scene its words, later ones that can be
drawn with these words are its other candidates.  A new layout is a name in `models/scene.py`, a rule here, and a drawing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from reelqueue.models.scene import Figure, Layout, Point
from reelqueue.providers.local.image_clauses import Clause, clauses_of, sentences_of
from reelqueue.providers.local.image_figures import standing_out
from reelqueue.providers.local.image_phrases import (
    as_title,
    begins_well,
    best_phrase,
    is_balanced,
    is_open,
    is_short,
    marked_part,
    set_length,
    standing,
)
from reelqueue.providers.local.image_points import item_of, points_of
from reelqueue.providers.local.script_keywords import content_words
from reelqueue.providers.local.script_parts import CLOSE
from reelqueue.providers.narration.metadata import cut_at_word
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.protocols import ImageRequest

MOST_OPENING_ZH, MOST_OPENING_EN = 32, 72
"""An opening's title may take four lines; Chinese characters, Latin characters."""
MOST_LABEL_ZH, MOST_LABEL_EN, MOST_LABEL_WORDS = 26, 60, 11
"""What stands below a large figure."""
MOST_NOTE_ZH, MOST_NOTE_EN = 26, 72
LEAST_NOTE_ZH, LEAST_NOTE_EN = 6, 4
LEAST_HEADING_ZH, LEAST_HEADING_EN = 4, 2
"""A shorter heading ("結論", "Results") says too little for large type: it is the kicker."""


LEAST_S_FOR_A_NOTE = 7.0
"""A shorter part needs no line beside its large type."""
LEAST_WORDS_OF_A_NOTE = 6
LEAST_SCORE_OF_A_NOTE, SHORT_AGAIN = 1.5, 9
SAME = 0.6
"""Two texts say the same where so much of one stands in the other."""

_AROUND = '「」『』“”"。. '
"""Marks around a sentence."""


@dataclass(frozen=True, slots=True)
class Material:
    """One part of the script and what is known of it."""

    request: ImageRequest
    clauses: tuple[Clause, ...]
    about: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is spoken."""
        return self.request.text

    @property
    def language(self) -> str:
        """Of the narration."""
        return self.request.language

    @property
    def chinese(self) -> bool:
        """Whether it is Chinese."""
        return self.request.language.startswith("zh")


@dataclass(frozen=True, slots=True)
class Found:
    """What a layout shows, as the fields of a `SceneSpec`."""

    title: str = ""
    marked: str = ""
    note: str = ""
    figure: Figure | None = None
    points: tuple[Point, ...] = ()
    kicker: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A layout, the parts that it is for, and how it finds what it shows."""

    layout: Layout
    role: str
    find: Callable[[Material], Found | None]


def material_of(request: ImageRequest) -> Material:
    """What the rules look at."""
    about = content_words(" ".join((request.title, request.topic, request.heading or "")), request.language)
    return Material(request, clauses_of(request.text, request.language), about)


def find_layouts(material: Material) -> tuple[tuple[Layout, ...], Found]:
    """The layouts that suit, best first, and what they show."""
    found: Found | None = None
    layouts: list[Layout] = []
    for rule in RULES:
        if rule.role != material.request.role:
            continue
        more = rule.find(material)
        if more is None:
            continue
        if found is None:
            found = more
        elif rule.layout not in {"statement", "backdrop"} or rule.layout in layouts:
            continue  # it shows other words than those that were found
        elif rule.layout == "statement" and not (found.title and is_short(found.title, material.language)):
            continue  # the words of the first layout are too many for large type
        layouts.append(rule.layout)
    return tuple(layouts), found or Found()


def opening(material: Material) -> Found:
    """The video's title, and a line of what comes."""
    request = material.request
    title = _fitting_title(request.title, material)
    note = _first_line(material, without=request.title)
    return Found(title=title, note=note, kicker=_kicker(request.topic, title, material))


def outro(material: Material) -> Found:
    """The last words that are spoken, and what the video was about."""
    close = CLOSE.in_language(material.language)
    spoken = [clause.text for clause in material.clauses]
    title = as_title(spoken[-1], material.language) if spoken and spoken[-1] in close else ""
    phrase = best_phrase(material.clauses, material.language, about=material.about)
    if not title and phrase:
        title = as_title(phrase.text, material.language)
    return Found(title=title, note=_whole_or_head(material.request.title, material))


def points_rows(material: Material) -> Found | None:
    """Two to four items, under what was said before them, or after."""
    told = points_of(material.text, material.language)
    if told is None:
        return None
    heading = material.request.heading or ""
    goes_on = (told.points[0].number or 1) > 1
    if (goes_on or heading in material.text) and heading and is_short(heading, material.language):
        return Found(title=as_title(heading, material.language), points=told.points)
    last = sentences_of(told.lead)[-1].text if sentences_of(told.lead) else ""
    whole = standing(last.strip(" ：:。."), material.language)
    if whole and is_short(whole, material.language) and not any(mark in whole for mark in "，,；;"):
        return Found(title=as_title(whole, material.language), points=told.points)
    for said in (last, told.lead, told.rest, heading, material.request.title):
        clauses = [clause for clause in clauses_of(said, material.language) if is_short(clause.text, material.language)]
        phrase = best_phrase(clauses, material.language, about=material.about)
        if phrase or clauses:
            words = phrase.text if phrase else clauses[-1].text
            return Found(title=as_title(words, material.language), points=told.points)
    return Found(points=told.points)


def number_hero(material: Material) -> Found | None:
    """One figure that stands out, and what it counts."""
    measured = standing_out(material.text, material.language, theme=material.request.title)
    if measured is None:
        return None
    clause = next((c for c in material.clauses if c.start <= measured.figure.start_char < c.end), None)
    if clause is None:
        return None
    label = standing(clause.text, material.language) or clause.text
    begun = material.text.startswith(label, clause.start)
    if begun and not begins_well(label, opens=clause.opens, language=material.language):
        return None
    rest = material.text[measured.end_char : clause.end]
    if clause.start == measured.figure.start_char and rest.startswith("的"):  # "84% 的礁區…": the figure is not said twice
        label = rest[1:].strip() if set_length(rest) > LEAST_HEADING_ZH else label
    following = next((c for c in material.clauses if c.start >= clause.end and c.sentence == clause.sentence), None)
    if following and set_length(label) < LEAST_HEADING_ZH + 2:
        label = material.text[clause.start : following.end]
    if not _at_most(label, material, MOST_LABEL_ZH, MOST_LABEL_EN) or len(label.split()) > MOST_LABEL_WORDS:
        return None
    before = [c for c in material.clauses if c.end <= clause.start and c.sentence == clause.sentence]
    note = before[-1].text if before and _at_most(before[-1].text, material, MOST_NOTE_ZH, MOST_NOTE_EN) else ""
    note = note if set_length(note) >= LEAST_NOTE_ZH - 1 else ""
    return Found(title=as_title(label, material.language), note=note, figure=measured.figure, kicker=_heading_kicker(material))


def one_item(material: Material) -> Found | None:
    """An item of a list that is told over several parts: its name, and its place under the list's heading."""
    point = item_of(material.text, material.language)
    if point is None or not is_short(point.title, material.language):
        return None
    heading, name, note = _heading_kicker(material), point.title, point.note
    kicker = f"{heading} · {point.number}" if heading else ""
    least = set_length(name) < LEAST_HEADING_ZH if material.chinese else len(name.split()) < LEAST_HEADING_EN
    if least:  # 「第三，人。」 "Third: Damping."
        ordinal = re.split(r"[，、：是,:]", material.text[point.start_char :])[0].strip()
        name, kicker = f"{ordinal}{'：' if material.chinese else ': '}{name}", heading
    return Found(title=name, marked=marked_part(name, point.title if name != point.title else ""), note=note, kicker=kicker)


def statement(material: Material) -> Found | None:
    """The phrase worth large type: a short heading where one is spoken here, else the clause that says most."""
    heading = material.request.heading
    if heading and heading in material.text and _speaks_for_itself(heading, material):
        title = as_title(heading, material.language)
        return Found(title=title, marked=marked_part(title, ""), note=_told_of(heading, material))
    phrase = best_phrase(material.clauses, material.language, about=material.about)
    if phrase is None:
        return None
    title = as_title(phrase.text, material.language)
    second = as_title(phrase.second, material.language) if phrase.second else ""
    return Found(
        title=title, marked=marked_part(title, second), kicker=_heading_kicker(material), note=_told_of(phrase.text, material)
    )


def backdrop(_material: Material) -> Found:
    """Nothing but the motif; a short phrase of another layout stands on a slip."""
    return Found()


RULES: tuple[Rule, ...] = (
    Rule("opening", "intro", opening),
    Rule("outro", "outro", outro),
    Rule("points-rows", "segment", points_rows),  # before the figure: a list's figures are its items'
    Rule("statement", "segment", one_item),
    Rule("number-hero", "segment", number_hero),
    Rule("statement", "segment", statement),
    Rule("backdrop", "segment", backdrop),
)


def _fitting_title(title: str, material: Material) -> str:
    bare = as_title(title, material.language)
    if _at_most(bare, material, MOST_OPENING_ZH, MOST_OPENING_EN):
        return bare
    phrase = best_phrase(clauses_of(title, material.language), material.language, about=material.about)
    return (
        as_title(phrase.text, material.language)
        if phrase
        else cut_at_word(bare, MOST_OPENING_ZH if material.chinese else MOST_OPENING_EN)
    )


def _first_line(material: Material, *, without: str) -> str:
    """The first clause of the intro that is not the title and is short enough for the line below it."""
    known = "".join(filter(str.isalnum, without))
    sentences = [
        Clause(standing(sentence.text.strip(_AROUND), material.language), sentence.start, number, opens=True, closes=True)
        for number, sentence in enumerate(sentences_of(material.text))
    ]
    for clause in (*sentences, *material.clauses):
        plain = "".join(filter(str.isalnum, clause.text))
        said = plain in known or known in plain or _says_again(plain, known, material)
        long_enough = set_length(clause.text) >= LEAST_NOTE_ZH if material.chinese else len(clause.text.split()) >= LEAST_NOTE_EN
        stands = standing(clause.text, material.language) == clause.text and is_balanced(clause.text) and not is_open(clause.text)
        begins = material.chinese or (clause.opens and begins_well(clause.text, opens=True, language=material.language))
        if not said and begins and long_enough and stands and _at_most(clause.text, material, MOST_NOTE_ZH, MOST_NOTE_EN):
            return as_title(clause.text, material.language)
    return ""


def _kicker(topic: str, title: str, material: Material) -> str:
    same = "".join(filter(str.isalnum, topic)).lower() == "".join(filter(str.isalnum, title)).lower()
    return "" if same or not is_short(topic, material.language) else topic


def _heading_kicker(material: Material) -> str:
    heading = material.request.heading or ""
    return as_title(heading, material.language) if heading and is_short(heading, material.language) else ""


def _speaks_for_itself(heading: str, material: Material) -> bool:
    least = set_length(heading) >= LEAST_HEADING_ZH if material.chinese else len(heading.split()) >= LEAST_HEADING_EN
    return least and is_short(heading, material.language)


def _told_of(shown: str, material: Material) -> str:
    """What a long part says beside its large type, worth a smaller line: a whole clause that stands alone; "" where none does.

    What follows the large type comes first; before it is looked where nothing follows.
    """
    if seconds_of(material.text, material.language) < LEAST_S_FOR_A_NOTE:
        return ""
    at = material.text.find(shown.rstrip("？?"))
    around = [c for c in material.clauses if c.text not in shown and shown not in c.text]
    after, before = [c for c in around if c.start > at], [c for c in around if c.start < at]
    for some in (after, before) if material.chinese else (after,):
        phrase = best_phrase(some, material.language, about=material.about)
        long_enough = material.chinese or (phrase and len(phrase.text.split()) >= LEAST_WORDS_OF_A_NOTE)
        if phrase and long_enough and phrase.score >= LEAST_SCORE_OF_A_NOTE and not _says_again(phrase.text, shown, material):
            return as_title(phrase.text, material.language)
    return ""


def _says_again(text: str, said: str, material: Material) -> bool:
    """Whether a short text is about a thing that was said, or most of its pairs of characters were."""
    if set_length(text) < SHORT_AGAIN and any(word in said for word in content_words(text, material.language)):
        return True
    plain, known = ("".join(filter(str.isalnum, one)).lower() for one in (text, said))
    pairs = [a + b for a, b in pairwise(plain)]
    return sum(pair in known for pair in pairs) > SAME * len(pairs)


def _whole_or_head(title: str, material: Material) -> str:
    """A title as a note: whole where two lines hold it, else what stands before its colon; never cut with an ellipsis."""
    bare = as_title(title, material.language)
    most = (2 * MOST_NOTE_ZH, 2 * MOST_NOTE_EN)
    if _at_most(bare, material, *most):
        return bare
    head = re.split(r"[：，。！？—|｜]|[:,?!]\s", bare)[0].strip()
    return head if _at_most(head, material, *most) else ""


def _at_most(text: str, material: Material, zh: int, en: int) -> bool:
    return set_length(text) <= zh if material.chinese else len(text) <= en
