"""Sentences with a count in them: in English of one thing is told otherwise than of many, in Chinese alike.  Pure."""

from collections.abc import Callable, Mapping

from reelqueue.wording import Text

Numbered = Callable[..., Text]


def numbered(says: Mapping[str, Text]) -> Numbered:
    """What makes the sentence `name` of a number; where there is one, `name_one` is its English of one."""

    def sentence(name: str, number: int, /, **parts: object) -> Text:
        """The sentence with its `{count}`, and its other parts, in place."""
        many, one = says[name], says.get(f"{name}_one")
        english = one.en if number == 1 and one is not None else many.en
        told = {"count": f"{number:,}", **parts}
        return Text(many.zh.format(**told), english.format(**told))

    return sentence
