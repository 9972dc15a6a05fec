"""What opens and closes a video, and what a picture of a part should show; from the text's own words; pure."""

from collections.abc import Sequence

from reelqueue.models.script import Metadata
from reelqueue.providers.local.script_keywords import content_words, naming_words
from reelqueue.providers.narration.metadata import cut_at_word
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.narration.segments import SHORTEST_S, duration_of
from reelqueue.providers.narration.units import Unit, as_sentence
from reelqueue.wording import Text

INTRO_BEST_S, INTRO_MOST_S = 7.0, 15.0
LONGEST_SPOKEN_TITLE_S = 9.0
LONGEST_NAMED_TITLE = {"zh": 26, "en": 60}
"""Characters of a title that the closing still names."""
SHORTEST_OPENING_S = 1.2
"""The opening's drawing needs 1.2 s to come in (look.md section 5 of the specification)."""
ANNOUNCED = Text("這支影片的主題是「{title}」。", "The topic of this video is “{title}”.")
CLOSE = Text("謝謝收看，下次見。", "Thank you for watching. See you next time.")
CLOSE_WITH_TITLE = Text("以上是「{title}」。", "That was “{title}”.")


def spoken_title(title: str, language: str) -> str:
    """The title as the first sentence that is heard; a long one is cut between words."""
    line = " ".join(title.split())
    while seconds_of(line, language) > LONGEST_SPOKEN_TITLE_S and len(line) > 20:
        line = cut_at_word(line, len(line) - 5)
    return as_sentence(line, language)


def longer_opening(opening: str, title: str, language: str) -> str:
    """The title as said where nothing else opens the video: one that is over at once is announced."""
    if seconds_of(opening, language) >= SHORTEST_OPENING_S or "「" in title:
        return opening
    return ANNOUNCED.in_language(language).format(title=title.rstrip("。.？?！!"))


def opening_count(units: Sequence[Unit], opening: str | None, language: str) -> int:
    """How many units the intro takes from the text: with the title about 7 s, so that no short rest is left before a heading."""
    seconds = seconds_of(opening, language) if opening else 0.0
    ways = [(_opening_cost(seconds, units, 0), 0)] if opening or len(units) < 2 else []
    for count, unit in enumerate(units[:-1], 1):
        seconds += unit.seconds
        told = unit.kind in {"paragraph", "quote"} and not unit.leads
        if not told or seconds > INTRO_MOST_S or duration_of(units[count:]) < SHORTEST_S:
            break
        if not units[count].inside:  # a long sentence's parts stay on one side
            ways.append((_opening_cost(seconds, units, count), count))
    return min(ways)[1] if ways else 1


def _opening_cost(seconds: float, units: Sequence[Unit], count: int) -> float:
    rest: list[Unit] = []
    for unit in units[count:]:
        if unit.kind == "heading":
            break
        rest.append(unit)
    orphans = 0 < duration_of(rest) < SHORTEST_S if rest else False
    return abs(seconds - INTRO_BEST_S) / 3 + (4 if orphans else 0)


def closing_of(title: str, language: str, *, after_sentence: bool) -> str:
    """The fixed close; where no sentence of the text's own stands before it, it names the title."""
    close = CLOSE.in_language(language)
    if after_sentence:
        return close
    bare = title.strip('「」『』“”"。.…')
    if len(bare) > LONGEST_NAMED_TITLE["zh" if language.startswith("zh") else "en"] or "「" in bare or "“" in bare:
        return close
    gap = "" if language.startswith("zh") else " "
    return CLOSE_WITH_TITLE.in_language(language).format(title=bare) + gap + close


def describe_picture(text: str, heading: str | None, metadata: Metadata, language: str) -> str:
    """What a picture of this part should show: the things that it names, and what it is about."""
    chinese = language.startswith("zh")
    present = [tag for tag in metadata.tags if tag in text]
    words = naming_words(text) if chinese else [word for word in content_words(text, language) if len(word) > 3]
    things = list(dict.fromkeys([*present, *words]))[:4]
    about = heading or metadata.title
    if chinese:
        return f"插圖，主題是「{about}」" + (f"，畫出{'、'.join(things)}" if things else "") + "；畫面中沒有文字"
    return f"An illustration about “{about}”" + (f", showing {', '.join(things)}" if things else "") + "; no text in the picture"
