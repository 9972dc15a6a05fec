"""The sandbox's pictures: one a prompt, always the same, in the sizes that Gemini sends."""

import functools
import io
import random

import numpy as np
from PIL import Image

from reelqueue.sandbox.gemini.prompt import seed_of
from reelqueue.sandbox.gemini.scenes import mood_for, scene_for

SIZES_1K: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896), "4:5": (928, 1152),
    "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
}  # fmt: skip
"""Pixels at 1K; 512 has half of it, 2K twice, 4K four times as many a side."""
SCALES = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}
"""Output tokens of one picture of the flash models; gemini-3-pro-image takes 1,120 up to 2K and 2,000 above."""


def tokens_of(model: str, size: str) -> int:
    """How many output tokens one picture counts for."""
    if "pro" in model:
        return 2000 if size == "4K" else 1120
    return TOKENS[size]


@functools.lru_cache(maxsize=48)
def picture(prompt: str, aspect: str, size: str, mime: str) -> bytes:
    """The picture as a file.  `mime` is "image/jpeg" or "image/png"; takes 0.2-0.5 s of CPU the first time."""
    file = io.BytesIO()
    image = drawn(prompt, aspect, size)
    if mime == "image/png":
        image.save(file, "PNG", compress_level=1)
    else:
        image.save(file, "JPEG", quality=88)
    return file.getvalue()


def drawn(prompt: str, aspect: str, size: str) -> Image.Image:
    """The picture itself."""
    wide, high = SIZES_1K[aspect]
    dice = random.Random(seed_of(prompt))  # noqa: S311  # the same prompt, the same picture
    painter = scene_for(prompt, dice)
    paint, finish = painter(wide, high, mood_for(dice), dice)
    grain = np.random.default_rng(seed_of(prompt)).random(paint.shape[:2], np.float32)[:, :, None]
    pixels = np.clip(paint * 255 + grain, 0, 255).astype(np.uint8)  # the grain keeps gradients from showing bands
    scale = SCALES[size]
    image = Image.fromarray(pixels).resize((round(wide * scale), round(high * scale)), Image.Resampling.BICUBIC)
    finish(image)
    return image
