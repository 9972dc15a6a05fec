"""A script that the sandbox's writer makes of a wish: whole sentences, told at the pace of the sandbox's own voice; pure.

What the wish brings along is told in its own sentences; a topic alone is told by the phrases beside this module.  As with
a real model, nothing but the texts is to be trusted: the index counts from 0, 1 or 10, durations are rounded, sums are off.
"""

import random
import re
from typing import Any, NamedTuple

from reelqueue.sandbox.gemini import phrases_en as en
from reelqueue.sandbox.gemini import phrases_zh as zh
from reelqueue.sandbox.gemini.pace import seconds_of
from reelqueue.sandbox.gemini.prompt import DEFAULT_SECONDS, Wish
from reelqueue.sandbox.gemini.telling import scenes_of, sentences_in

HALF_A_SCENE_S = 5.5
"""A topic is told on while at least so much time is left."""
SHORT_STORY_S = 40.0
"""Below this one sentence each has to do for the intro and the outro."""


class Scene(NamedTuple):
    """What one segment says and shows, and the heading that it stands under."""

    text: str
    picture: str
    heading: str | None = None


def write_story(wish: Wish) -> dict[str, Any]:
    """A script: intro, segments, outro, metadata and total_duration, as plain data."""
    dice = random.Random(wish.seed)  # noqa: S311  # the same prompt, the same script
    bank = zh if wish.chinese else en
    intro = _filled(dice.choice(bank.INTROS), wish.topic)
    outro = _filled(dice.choice(bank.OUTROS), wish.topic)
    if wish.seconds is not None and wish.seconds < SHORT_STORY_S:
        intro, outro = (next(iter(sentences_in(text)), text) for text in (intro, outro))
    spent = seconds_of(intro + outro)
    told = (_content_told(wish, spent) if wish.content else []) or _topic_told(wish, dice, spent)
    first = dice.choice((0, 0, 1, 10))
    segments: list[dict[str, Any]] = [
        {
            "index": first + place,
            "text": scene.text,
            "duration": round(seconds_of(scene.text) * dice.uniform(0.9, 1.1), 1),
            "image_description": scene.picture,
            "heading": scene.heading,
        }
        for place, scene in enumerate(told)
    ]
    total = sum(segment["duration"] for segment in segments)
    return {
        "intro": {"text": intro, "duration": round(seconds_of(intro), 1)},
        "segments": segments,
        "outro": {"text": outro, "duration": round(seconds_of(outro), 1)},
        "metadata": _metadata(wish, dice, intro, [scene.text for scene in told]),
        "total_duration": round(total * dice.choice((1.0, 0.9, 1.25))),
    }


def _topic_told(wish: Wish, dice: random.Random, spent: float) -> list[Scene]:
    bank = zh if wish.chinese else en
    left = (wish.seconds or DEFAULT_SECONDS) - spent
    told: list[Scene] = []
    first, *between, last = bank.SUBJECTS
    while left > HALF_A_SCENE_S or not told:
        for name, picture, sentences in (first, *dice.sample(between, len(between)), last):
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
            if any(done.picture.startswith(picture) for done in told):
                filled[0] = f"再說一次{name}。{filled[0]}" if wish.chinese else f"{name}, once more. {filled[0]}"
            text = wish.joint.join(filled)
            told.append(Scene(text, f"{picture}, in a film about {wish.topic}, wide shot, no text"))
            left -= seconds_of(text)
            if left <= HALF_A_SCENE_S:
                break
    return told


def _filled(sentence: str, topic: str, **places: object) -> str:
    """A sentence of the bank about this topic; an English topic that begins with an article goes on in small letters."""
    inside = re.sub(r"^(The|A|An|How|Why|What)\b", lambda found: found[1].lower(), topic)
    said = sentence.format(t=topic if sentence.startswith("{t}") else inside, **places)
    return said[0].upper() + said[1:]


def _content_told(wish: Wish, spent: float) -> list[Scene]:
    seconds = None if wish.seconds is None else wish.seconds - spent
    scenes: list[Scene] = []
    shown: str | None = None
    for text, heading in scenes_of(wish.content or "", wish.joint, seconds):
        picture = f"an illustration of: {text[:60].rstrip('，。, .')}, calm light, wide shot, no text"
        scenes.append(Scene(text, picture, heading if heading != shown else None))
        shown = heading
    return scenes


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
    return {"title": title, "description": wish.joint.join([intro, *(text for text in texts[:2])]), "tags": tags}
