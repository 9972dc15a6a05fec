"""The child that finds the marks of pictures: `{"picture": path}` is answered by `{"mark": hex}`, "" where there is none.

The lowest 8 x 8 frequencies of the picture's brightness, each above or below their median: what is coarse in a picture survives
scaling and encoding.
"""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from reelqueue.process import serve

SIDE, KEPT = 32, 8
LEAST_CONTRAST = 2.0
"""Standard deviation of brightness, of 255: below it there is nothing to know a picture by."""


def handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One picture."""
    yield {"mark": mark_of(str(request["picture"]))}


def mark_of(path: str) -> str:
    """The mark of a picture's file; "" where it can't be read or shows nothing."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if grey is None:
        return ""
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < LEAST_CONTRAST:
        return ""
    waves = cv2.dct(small)[:KEPT, :KEPT].ravel()
    bits = waves > np.median(waves[1:])  # the first is the brightness of the whole
    return np.packbits(bits).tobytes().hex()


if __name__ == "__main__":
    serve(handle)
