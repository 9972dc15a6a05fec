"""Seconds that are promised.  `make test` gives them room, since it fills the machine; `STRICT_SECONDS=1`, as `make soak` has it, gives none."""

import os

IS_STRICT = bool(os.environ.get("STRICT_SECONDS"))


def seconds(promised: float, *, busy: float) -> float:
    """What a test allows: what is `promised`, or as much as a `busy` machine may take."""
    return promised if IS_STRICT else busy
