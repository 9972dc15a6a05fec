"""What a video is published with: title, description and tags, drawn from the text and kept to YouTube's rules; pure."""

import re
from collections.abc import Sequence

from reelqueue.art.words import words_of
from reelqueue.models.script import Metadata
from reelqueue.providers.narration.marks import CLOSERS, OPENERS, is_han

MOST_TITLE_CHARS = 100
MOST_DESCRIPTION_BYTES = 4_800
"""YouTube allows 5,000; the rest is left for what publishing adds."""
MOST_TAG_CHARS = 480
"""YouTube allows 500, counting commas, and quotes around tags with spaces."""
MOST_TAGS = 15
MOST_LINKS = 10
_SUMMARY_CHARS = {"zh": 160, "en": 320}
_LONGEST_FIRST_TITLE = {"zh": 28, "en": 70}


def clean_title(title: str) -> str:
    """A title by YouTube's rules: one line, 1-100 characters, no `<` or `>`; cut between words."""
    line = re.sub(r"\s+", " ", title.replace("<", "‹").replace(">", "›")).strip()
    line = "".join(character for character in line if character.isprintable())
    return cut_at_word(line, MOST_TITLE_CHARS) or "reelqueue"


def cut_at_word(text: str, most: int) -> str:
    """The text, or its first words with an ellipsis, at most `most` characters in all."""
    if len(text) <= most:
        return text
    ends = [end for _, end in words_of(text) if end <= most - 1]
    return text[: ends[-1] if ends else most - 1].rstrip(" ，、；：,;:（(「『—-") + "…"


def title_from(sentences: Sequence[str], language: str) -> str:
    """A title from a text that has none: its first sentence where that is short, else the first clause that says something."""
    most = _LONGEST_FIRST_TITLE["zh" if language.startswith("zh") else "en"]
    first = sentences[0].strip()
    bare = first.rstrip("。.．；;：:，,")
    if len(bare) <= most:
        return clean_title(bare)
    clauses = [clause.strip(" " + CLOSERS + OPENERS) for clause in re.split(r"[，；：。,;:—]\s*", bare)]
    least = most // 5
    fitting = [clause for clause in clauses if least <= len(clause) <= most]
    return clean_title(fitting[0] if fitting else cut_at_word(bare, most))


def make_metadata(
    *, title: str, sentences: Sequence[str], headings: Sequence[str], links: Sequence[str], tags: Sequence[str], language: str
) -> Metadata:
    """The metadata of a video.

    Args:
        title: as it is to be shown; cleaned here.
        sentences: the narration in its order; the description begins with the first.
        headings: the text's own, in their order: an overview.
        links: addresses in the text.
        tags: wanted ones first.
        language: BCP 47.
    """
    summary = _summary(sentences, chinese=language.startswith("zh"))
    return Metadata(
        title=clean_title(title),
        description=description_of(summary, headings=headings, links=links, language=language),
        tags=fitting_tags(tags),
    )


def description_of(summary: str, *, headings: Sequence[str], links: Sequence[str], language: str) -> str:
    """A description by YouTube's rules: a summary, an overview where there are headings, the links; no `<` or `>`."""
    chinese = language.startswith("zh")
    parts = [summary]
    if len(headings) > 1:
        parts.append(("內容：\n" if chinese else "In this video:\n") + "\n".join(f"• {heading}" for heading in headings))
    unique = list(dict.fromkeys(links))[:MOST_LINKS]
    if unique:
        parts.append(("連結：\n" if chinese else "Links:\n") + "\n".join(unique))
    description = "\n\n".join(part for part in parts if part).replace("<", "‹").replace(">", "›")
    return _cut_bytes(description, MOST_DESCRIPTION_BYTES)


def fitting_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """As many of `tags` as YouTube takes, without repeats; each 2-30 characters, no `<`, `>`, comma or quote."""
    out: list[str] = []
    used = 0
    for tag in tags:
        clean = re.sub(r"\s+", " ", re.sub(r"[<>,\"，#]", " ", tag)).strip()
        cost = len(clean) + 1 + (2 if " " in clean else 0)
        known = clean.lower() in (other.lower() for other in out)
        long_enough = len(clean) > 1 or (clean and is_han(clean))
        if known or not long_enough or len(clean) > 30 or used + cost > MOST_TAG_CHARS or len(out) >= MOST_TAGS:
            continue
        out.append(clean)
        used += cost
    return tuple(out)


def _summary(sentences: Sequence[str], *, chinese: bool) -> str:
    out, most = "", _SUMMARY_CHARS["zh" if chinese else "en"]
    for sentence in sentences:
        longer = out + ("" if chinese or not out else " ") + sentence
        if out and len(longer) > most:
            break
        out = longer
    return cut_at_word(out, 2 * most)


def _cut_bytes(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")
