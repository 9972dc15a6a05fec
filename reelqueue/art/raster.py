"""SVG -> pixels, by resvg: no system library, no system font, the same picture everywhere."""

import re
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from resvg_py import svg_to_bytes

from reelqueue.errors import MediaError
from reelqueue.wording import Text

Pixels: TypeAlias = NDArray[np.uint8]
_ROOT = re.compile(r"<svg[\s>]")


def document(body: str, width: float, height: float, defs: str = "") -> str:
    """A whole SVG document around a fragment; the same arguments give the same bytes."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">'
    return f"{head}<defs>{defs}</defs>{body}</svg>" if defs else f"{head}{body}</svg>"


def rasterise(svg: str, width: int, height: int) -> Pixels:
    """Draw an SVG document, or a fragment in px, on a transparent ground of exactly `width` x `height` px.

    Returns:
        height x width x 4, red green blue alpha, 0-255; STRAIGHT (not premultiplied): see `premultiplied`.

    Raises:
        MediaError: it is no SVG, or it can't be drawn at this size.
    """
    whole = svg if _ROOT.match(svg.lstrip()) else document(svg, width, height)
    try:
        png = svg_to_bytes(svg_string=whole, width=width, height=height, skip_system_fonts=True)
    except ValueError as error:
        raise MediaError(Text(f"無法繪製圖形：{error}", f"a drawing could not be rendered: {error}")) from error
    decoded = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3 or decoded.shape[:2] != (height, width):
        shape = None if decoded is None else decoded.shape
        raise MediaError(
            Text(f"圖形大小不符：{shape}，應為 {width}x{height}", f"a drawing came out as {shape}, not {width}x{height}")
        )
    order = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return np.asarray(cv2.cvtColor(decoded, order), dtype=np.uint8)


def premultiplied(straight: Pixels) -> Pixels:
    """The same picture with its colours multiplied by their alpha, rounded: what blending wants."""
    alpha = straight[..., 3:].astype(np.uint16)
    out = straight.copy()
    out[..., :3] = ((straight[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return out
