"""Files as a disk, a power cut or a person leaves them: spoilt, cut, of another shape, or not to be read at all."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

NOT_TO_BE_READ = Path("/proc/self/mem")
"""Opens, and is EIO at its first byte, whoever reads: as a bad sector is."""
Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, Spoil] = {
    "empty": lambda _body: b"",
    "one byte": lambda body: body[:1],
    "cut in the middle": lambda body: body[: len(body) // 2],
    "cut by one byte": lambda body: body[:-1],
    "zeros": lambda body: b"\0" * len(body),
    "zeros from the middle on": lambda body: body[: len(body) // 2] + b"\0" * (len(body) - len(body) // 2),
    "zeros behind it": lambda body: body + b"\0" * 4096,
    "no utf-8": lambda body: b"\xff\xfe" + body,
    "twice": lambda body: body + body,
    "null": lambda _body: b"null",
    "a number": lambda _body: b"7",
    "a huge number": lambda _body: b"9" * 10_000,
    "a text": lambda _body: b'"text"',
    "a list": lambda _body: b"[[]]",
    "deep": lambda _body: b"[" * 200_000,
    "deep objects": lambda _body: b'{"a":' * 200_000,
    "fields of another kind": lambda _body: (
        b'{"id": 1e999, "content": [], "cap": "NaN", "event": 1, "terms": 1, "hour": {}, "mood": 1}'
    ),
}


@contextlib.contextmanager
def unreadable(path: Path, *, opens: bool = True) -> Iterator[None]:
    """Let a file be there and not be read: EIO where it `opens`, else ELOOP; for every process and user, and whole again afterwards.

    A folder can't be opened.
    """
    kept = path.with_name(f"{path.name}.kept-away")
    path.rename(kept)
    path.symlink_to(NOT_TO_BE_READ if opens else path.name)
    try:
        yield
    finally:
        path.unlink()
        kept.rename(path)
