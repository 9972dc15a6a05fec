"""A part's text as Gemini is given it to speak: cut where it is too long, the brief's lexicon put in.  Pure."""

import re
from collections.abc import Iterator, Mapping

from reelqueue.providers.gemini.tariff import tokens_from_above
from reelqueue.providers.narration.marks import joined
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.narration.sentences import split_sentences
from reelqueue.providers.narration.units import cut_long

MOST_TOKENS = 7_000
"""Of one call's text: the speech models take 8,192, style and frame included."""
LONGEST_S = 90.0
"""Of one call, by estimate: a longer one takes long to be spoken, and would be lost whole."""
_PINYIN = re.compile(r"[a-zü]{1,6}[1-5](?: [a-zü]{1,6}[1-5])*")
_PHONEMES = re.compile(r"/[^/]+/")


def pieces_of(text: str, language: str) -> tuple[str, ...]:
    """The whole text, or where it is too long for one call runs of its sentences; joined they hold all but white space."""
    whole = text.strip()
    if not re.search(r"\w", whole):
        return ()
    if _fits(whole, language):
        return (whole,)
    return tuple(_runs(whole, language))


def _runs(text: str, language: str) -> Iterator[str]:
    run = ""
    for sentence in split_sentences(text):
        for part in (sentence,) if _fits(sentence, language) else cut_long(sentence, language, LONGEST_S / 2):
            longer = joined([run, part])
            if run and not _fits(longer, language):
                yield run
                longer = part
            run = longer
    if run:
        yield run


def _fits(text: str, language: str) -> bool:
    return tokens_from_above(text) <= MOST_TOKENS and seconds_of(text, language) <= LONGEST_S


def spoken_text(text: str, lexicon: Mapping[str, str]) -> str:
    """The text with each word of the lexicon as it is to be spoken: the longest first, whole words for Latin letters.

    Only plain words are put in: Gemini reads no pinyin and no phonemes, and would spell them.
    """
    plain = {written: spoken.strip() for written, spoken in lexicon.items() if written and _is_plain(spoken)}
    if not plain:
        return text
    entries = "|".join(_bounded(written) for written in sorted(plain, key=len, reverse=True))
    return re.sub(entries, lambda found: plain[found[0]], text)


def _is_plain(spoken: str) -> bool:
    said = spoken.strip()
    return bool(said) and not _PINYIN.fullmatch(said) and not _PHONEMES.fullmatch(said)


def _bounded(written: str) -> str:
    """As the local voice's lexicon finds it (`providers/local/voice/reading.py`)."""
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", written) else ""
    after = r"(?![A-Za-z0-9]|-\d|['’][a-z])" if re.search(r"[A-Za-z0-9]$", written) else ""
    return before + re.escape(written) + after
