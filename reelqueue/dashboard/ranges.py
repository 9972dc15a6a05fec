"""Which part of a file a `Range` header asks for (RFC 9110, section 14).  Pure."""

import re

_ONE = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """Nothing of the file lies in what is asked for."""


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last, of a file of `size` bytes; None where the whole file is to be sent.

    That is so where nothing is asked for, the header makes no sense, or it asks for several parts: a server may send the whole then.

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    unit, sign, asked = (header or "").partition("=")
    found = _ONE.fullmatch(asked.strip())
    if not sign or unit.strip().lower() != "bytes" or found is None:
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last) + 1, size) if last else size
