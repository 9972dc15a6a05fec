"""How Gemini is asked for a picture.  Pure."""

from reelqueue.providers.protocols import ImageRequest

PICTURE_PROMPT_VERSION = 1
"""Part of the maker's version: raise it when another picture would come of the same request."""
USUAL_STYLE = (
    "a photograph as in a well-made documentary, or where the subject can't be photographed a detailed illustration; natural light, depth, "
    "a calm background, rich but true colours"
)
_FRAMES = {
    "16:9": "a wide picture (16:9), the subject off the centre, the lowest fifth quiet: subtitles will stand there",
    "9:16": "an upright picture (9:16), the subject in the upper two thirds, the lowest third quiet: subtitles will stand there",
    "1:1": "a square picture (1:1), the lowest fifth quiet: subtitles will stand there",
}


def picture_prompt(request: ImageRequest) -> str:
    """One part's picture."""
    lines = [
        f"Make one picture: {request.image_description.strip() or request.text.strip()}",
        f"It is seen in a film about: {request.topic.strip()}",
        f"Style: {(request.image_style or USUAL_STYLE).strip()}",
        f"Frame: {_FRAMES[request.aspect]}",
        "One single scene that fills the frame, without borders. No text, letters, numbers, signs, captions, logos or watermarks anywhere in it.",
    ]
    if request.negative_prompt and request.negative_prompt.strip():
        lines.append(f"Not to be seen: {request.negative_prompt.strip()}")
    return "\n".join(lines)
