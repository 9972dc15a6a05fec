"""The `Content-Range` of an upload: which bytes of how many, or the question how far it has come."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True)
class ContentRange:
    """`bytes first-last/size`; `size` is None for `*`.  A question (`bytes */size`) has no `first` and no `last`."""

    first: int | None
    last: int | None
    size: int | None

    @property
    def asks(self) -> bool:
        """Whether it carries no bytes."""
        return self.first is None


def parse(header: str | None, length: int | None) -> ContentRange | None:
    """The range of a request whose body has `length` bytes; without a header the body is the whole.

    None where it makes no sense.
    """
    if header is None:
        return None if length is None else ContentRange(0, length - 1, length)
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        return None
    size = None if found[3] == "*" else int(found[3])
    if found[1] is None:
        return ContentRange(None, None, size)
    first, last = int(found[1]), int(found[2])
    if last < first or (size is not None and last >= size) or (length is not None and length > last - first + 1):
        return None
    return ContentRange(first, last, size)
