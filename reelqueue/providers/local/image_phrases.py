"""The phrase worth large type, and the part of it to be marked; from the text's own words; pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reelqueue.providers.local.image_clauses import Clause
from reelqueue.providers.local.script_keywords import content_words, is_vague, tagged
from reelqueue.providers.narration.marks import CLOSERS, OPENERS, is_chinese, is_han, word_set

MOST_ZH, MOST_EN_WORDS, MOST_EN_CHARS = 14, 10, 50
"""The longest phrase in large type (look.md section 5 of the specification)."""
_LEAST_ZH, _LEAST_EN_WORDS = 4, 2
_LEAST_QUANTITY_WORDS = 5
_JOINTS_ZH = (
    "但是", "然而", "不過", "所以", "因此", "而且", "並且", "於是", "可是", "接著", "然後", "再來", "同時", "另外", "最後", "首先", "其次", "其實", "也就是說",
    "換句話說", "問題在於", "例如", "比如", "結果", "因為", "但", "而", "就是", "就", "也", "又", "還", "則", "卻", "並",
)  # fmt: skip
"""What a clause may begin with when it is heard, but not when it stands alone."""
_LEAN_ZH = (
    "它",
    "是",
    "有",
    "要",
    "他",
    "她",
    "牠",
    "這",
    "那",
    "其",
    "此",
    "如果",
    "只要",
    "雖然",
    "當",
    "由於",
    "為了",
    "除了",
    "直到",
    "即使",
    "不管",
    "不是",
    "在",
    "從",
    "才",
    "以及",
    "和",
    "與",
    "或",
    "跟",
    "一旦",
)
_OPEN_ENDS_ZH = (
    "的",
    "在",
    "是",
    "和",
    "與",
    "把",
    "被",
    "從",
    "對",
    "讓",
    "給",
    "為",
    "著",
    "說",
    "問",
    "認為",
    "表示",
    "寫道",
    "說道",
    "問道",
    "答道",
    "的時候",
    "之後",
    "以後",
    "之前",
    "的話",
    "時",
    "就是",
    "一個",
    "比",
    "向",
    "到",
    "及",
    "或",
    "來說",
    "中",
    "裡",
    "上",
)
_PUNCHY_ZH = ("不", "沒", "最", "只", "才", "必須", "永遠", "從來", "反而")
_JOINTS_EN = word_set(
    "and but so because then however therefore also now still yet first second third finally or that which while until when if since although"
)
_SUPPOSING_EN = word_set("when if until unless")
_RELATIVE_EN = word_set("that which who")
_VERB_LIKE_EN = word_set("never always don't don’t do is are can will")
_BEFORE_EN = word_set("in on at by for from with after before under over to of")
_LEAN_EN = word_set("it they he she this these those its their his her there where who than as was were is are be been not nor")
_OPEN_ENDS_EN = word_set(
    "a an the of to in on at by for from with and or but as than that is are was were be been not very so its their his her your our my this these says said who which into about has have had will would can could should may might must cannot can't do does did don't one half more most such all both each every if when"
)
_NOUN_FIRST_EN = word_set(
    "the a an this that these those my your our their his her its each every no nothing nobody one two three four five most many more some all half both either "
    "another any i we you he she they it there what who how why where which when whose never always don't do is are can will don’t"
)
"""What a phrase that stands alone begins with, where its sentence does not begin there."""
_DATE_EN = re.compile(
    r"(?:In|On|By|Since|Around|During|From)\s+(?:the\s+(?:spring|summer|autumn|fall|winter|year|years|end|middle)\s+(?:of\s+)?)?(?:(?:early|late|mid|the|about)[ -])?(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)\s+)?"
    r"(?:\d{1,2},?\s+)?\d{4}s?,?\s+(?=\S+\s+\S)"
)
_THERE_IS_EN = re.compile(r"(?:(?:today|now|here|still|in all),?\s+)?there\s+(?:is|are|was|were)\s+(?=\S+\s+\S)", re.IGNORECASE)
_QUANTITY_EN = re.compile(
    r"\b(?:more than|less than|fewer than|about|over|only|nearly|almost|up to) (?:(?:one|two|three|four|five|six|seven|eight|nine|ten|half|\d[\d,.]*)\b.+)"
)
"""A quantity inside a clause: what follows it to the clause's end stands alone."""
_PUNCHY_EN = word_set("not never no cannot can't don't only must nobody nothing best worst every always")
_SAYS_EN = word_set("says said asks asked writes wrote adds added replies replied explains explained recalls recalled")
_PARTICLES_EN = word_set("up down out off away back on over in again too")
_END_MARKS = "。.，,、；;：:…—"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, how well it suits, and where it begins in the text; -1 where it is not from there (a heading)."""

    text: str
    start: int
    score: float
    second: str = ""
    """Its last clause, where it has two."""


def is_short(text: str, language: str) -> bool:
    """Whether it can be set in large type."""
    if not language.startswith("zh"):
        return len(text.split()) <= MOST_EN_WORDS and len(text) <= MOST_EN_CHARS
    return set_length(text) <= MOST_ZH


def set_length(text: str) -> float:
    """The length in Chinese characters; two Latin letters or digits make one."""
    return sum(1.0 if is_chinese(character) else 0.5 for character in text)


def best_phrase(clauses: Sequence[Clause], language: str, *, about: Iterable[str] = ()) -> Phrase | None:
    """The clause, or two short ones together, that says most and stands alone; None where none does.

    `about` are words of the topic and the heading: a phrase that holds some is better.
    """
    keys = {word.lower() for word in about}
    phrases = [phrase for phrase in _candidates(clauses, language, keys) if phrase.score > 0]
    return max(phrases, key=lambda phrase: (phrase.score, -phrase.start), default=None)


def _candidates(clauses: Sequence[Clause], language: str, keys: set[str]) -> Iterator[Phrase]:
    for place, clause in enumerate(clauses):
        alone = standing(clause.text, language)
        if alone:
            start = clause.start + clause.text.find(alone)
            text = alone + ("？" if clause.asks and language.startswith("zh") else "?" if clause.asks else "")
            goes_on = place + 1 < len(clauses) and clauses[place + 1].text.startswith("not ") and not clause.closes
            score = _score(text, clause, language, keys, last=place == len(clauses) - 1)
            score -= 2.0 if goes_on else 0.0  # "Nothing else, not even a jet, comes close"
            score -= 4.0 if _hangs_on(clause.text) else 0.0
            yield Phrase(text, start, score)
        quantity = _QUANTITY_EN.search(clause.text)
        if quantity and not language.startswith("zh") and len(quantity[0].split()) >= _LEAST_QUANTITY_WORDS:
            score = _score(quantity[0], clause, language, keys, last=False)
            yield Phrase(quantity[0], clause.start + quantity.start(), score + 0.6 if score > 0 else 0.0)
        following = clauses[place + 1] if place + 1 < len(clauses) else None
        leads_on = alone in _JOINTS_ZH or alone.startswith(("第一", "第二", "第三", "第四"))
        if language.startswith("zh") and following and following.sentence == clause.sentence and alone and not leads_on:
            both = f"{alone}，{following.text}"
            if set_length(both) <= MOST_ZH and clause.after == "，" and following.start - clause.end == 1 and not following.asks:
                start = clause.start + clause.text.find(alone)
                contrast = 1.0 if following.text.startswith(("但", "而", "卻", "不", "也", "才", "就", "只")) else 0.2
                score = _score(both, clause, language, keys, last=place == len(clauses) - 2) + contrast
                yield Phrase(both, start, score, _without_joint(following.text))


def _hangs_on(clause: str) -> bool:
    """Whether an English clause says by itself what its sentence may deny or only suppose ("not the one that never moves")."""
    first, second = (*clause.lower().split()[:2], "", "")[:2]
    return first in _SUPPOSING_EN or (first in _RELATIVE_EN and (second in _VERB_LIKE_EN or second not in _NOUN_FIRST_EN))


def standing(text: str, language: str) -> str:
    """The clause without the words that lean on what came before; empty where nothing stands alone."""
    if language.startswith("zh"):
        return _without_joint(text)
    words = text.split()
    while words and words[0].lower().strip("“\"'‘") in _JOINTS_EN:
        words = words[1:]
    kept = " ".join(words)
    if not kept or kept not in text:
        return ""
    for opening in (_DATE_EN, _THERE_IS_EN):
        kept = opening.sub("", kept, count=1) if opening.match(kept) else kept
    return kept


def begins_well(text: str, *, opens: bool, language: str) -> bool:
    """Whether a phrase begins with its subject or asks: not with a preposition, nor, inside a sentence, with a verb."""
    if language.startswith("zh"):
        return True
    first = text.split(maxsplit=1)[0].strip("“”\"'‘’(") if text.strip() else ""
    if not first or first.lower() in _BEFORE_EN:
        return False
    return opens or first[0].isupper() or first[0].isdigit() or first.lower() in _NOUN_FIRST_EN or first.endswith(("'s", "’s"))


def _without_joint(text: str) -> str:
    for joint in _JOINTS_ZH:
        if text.startswith(joint) and len(text) - len(joint) >= _LEAST_ZH:
            return text[len(joint) :].lstrip("，、 ")
    return text


def _score(text: str, clause: Clause, language: str, keys: set[str], *, last: bool) -> float:
    if not is_short(text, language) or not is_balanced(text):
        return 0.0
    score = _score_zh(text, clause) if language.startswith("zh") else _score_en(text, opens=clause.opens)
    if score <= 0:
        return 0.0
    held = sum(word.lower() in keys for word in set(content_words(text, language)))
    place = 0.3 * clause.opens + 0.2 * clause.closes + 0.3 * last + 0.3 * clause.asks + 0.8 * (clause.after in {"：", ":"})
    place += 0.8 * clause.quoted
    return max(0.0, score + 0.6 * min(2, held) + place - 0.3 * any(map(str.isdigit, text)))


def _score_zh(text: str, clause: Clause) -> float:
    length = set_length(text)
    if length < _LEAST_ZH or text.rstrip("？").endswith(_OPEN_ENDS_ZH):
        return 0.0
    score = 2.0 + (1.0 if 6 <= length <= 12 else 0.0)
    runs = re.findall(r"[^\W\da-zA-Z]+", text)
    kinds = [kind for run in runs for _, kind in tagged(run)]
    score -= 0.0 if any(kind.startswith(("v", "a", "i", "l")) for kind in kinds) else 1.2
    score -= 1.4 if text.startswith(_LEAN_ZH) and not clause.quoted else 0.0
    score -= 0.9 if not clause.opens and kinds and kinds[0] == "v" and not clause.quoted else 0.0  # without its subject
    return score + (0.6 if any(word in text for word in _PUNCHY_ZH) else 0.0)


def _score_en(text: str, *, opens: bool) -> float:
    words = [word.lower().strip("“”\"'‘’()?") for word in text.split()]
    if (
        len(words) < _LEAST_EN_WORDS
        or words[-1] in _OPEN_ENDS_EN
        or not any(not is_vague(word) and len(word) > 2 for word in words)
    ):
        return 0.0
    if len(words) < 5 and any(character.isdigit() for character in text):  # "On Jan. 14"
        return 0.0
    score = 2.0 + (1.0 if 3 <= len(words) <= 6 else 0.0)
    if words[0] in _SAYS_EN:
        return 0.0
    if words[0] in _BEFORE_EN and not _QUANTITY_EN.match(text):
        return 0.0
    score -= (
        2.2 if words[0] in _LEAN_EN else 0.0 if _QUANTITY_EN.match(text) or begins_well(text, opens=opens, language="en") else 1.2
    )
    return score + (0.6 if any(word in _PUNCHY_EN for word in words) else 0.0)


def is_balanced(text: str) -> bool:
    """Whether every quotation mark has its partner."""
    pairs = zip("「『（《“(【", "」』）》”)】", strict=True)
    return all(text.count(opened) == text.count(closed) for opened, closed in pairs) and text.count('"') % 2 == 0


def is_open(text: str) -> bool:
    """Whether a text leads on to what follows (在山上, e.g.), so that it does not end here."""
    return text.endswith(_OPEN_ENDS_ZH) or text.startswith(("e.g.", "i.e."))


def as_title(text: str, language: str) -> str:
    """A phrase as large type shows it: no end mark but those that say something, a capital at the front in English."""
    bare = text.strip().strip(_END_MARKS + " ")
    if bare and bare[0] in OPENERS and bare[-1] in CLOSERS and not any(mark in bare[1:-1] for mark in OPENERS + CLOSERS):
        bare = bare[1:-1].strip()
    if not language.startswith("zh") and bare[:1].islower() and not any(map(str.isupper, bare.split()[0])):
        bare = bare[0].upper() + bare[1:]
    return bare


def marked_part(title: str, second: str) -> str:
    """The part of a title that the marker underlines: its second clause, else its last words; "" where that is all of it."""
    if second and second in title:
        return second if second != title else ""
    core = title.rstrip("？?！!。.」』”")
    marked = _last_words_zh(core) if core and is_han(core[-1]) else _last_words_en(core)
    return marked if marked and marked != core and 0.6 * len(core) >= len(marked) else ""


def _last_words_zh(core: str) -> str:
    run = re.search(r"[^\W\da-zA-Z_]+\Z", core)
    if run is None:
        return ""
    out, first = "", ""
    for word, kind in reversed(tagged(run[0])):
        carried = (
            out[:1] == "得"
            or first.startswith(("q", "m"))  # 兩公尺厚
            or out in {"起來", "出來", "下來", "下去", "回來", "過來"}
            or word in {"不", "沒", "沒有", "最", "不能", "不會"}
        )
        if len(out) >= 2 and not carried and not out.startswith(("起來", "出來", "下來", "下去", "回來", "過來")):
            break
        out, first = word + out, kind
    return out if 2 <= len(out) <= 6 and out[0] not in "的了著得" else ""


def _last_words_en(core: str) -> str:
    words = core.split()
    if len(words) < 3 or words[-1].lower() in _PARTICLES_EN:
        return ""
    last = words[-1]
    two = not is_vague(words[-2].strip("“”\"'")) and len(words) > 4 and len(last) < 9
    return f"{words[-2]} {last}" if two else last if len(last) > 2 else ""
