"""What stands in a success: text, pictures or sound; or why there is none, as one of our errors.

Gemini's safety refusals are successes on the wire, without content.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reelqueue.errors import ContentRefused, ReelqueueError, ServiceUnavailable
from reelqueue.providers.gemini.errors import AGAIN
from reelqueue.providers.gemini.model import NAME
from reelqueue.wording import Text

if TYPE_CHECKING:
    from google.genai import types

REFUSALS = frozenset(
    (
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "MODEL_ARMOR", "LANGUAGE", "ESCALATION",
    )
)  # fmt: skip
"""Ends for which the same request finds the same answer again."""
WHOLE = frozenset(("STOP", "FINISH_REASON_UNSPECIFIED", ""))
CUT = frozenset(("MAX_TOKENS", "CONTINUATION"))
_REWRITE = Text(
    "改寫這段文字，或換一個主題；也可以改用本機的提供者（providers）再試",
    "rewrite this text or choose another topic; or try again with the local provider (providers)",
)


def text_of(answer: "types.GenerateContentResponse") -> str:
    """The whole text.

    Raises:
        ContentRefused: Gemini will not write this.  ServiceUnavailable: there is none, or it is cut.
    """
    text = "".join(part.text for part in _parts(answer) if part.text)
    if not text.strip():
        raise _nothing(Text("沒有文字", "no text"))
    return text


def blobs_of(answer: "types.GenerateContentResponse", kind: str) -> list[tuple[bytes, str]]:
    """The pictures or pieces of sound, bytes and media type each, in their order; `kind` is "image" or "audio".

    Raises as `text_of`.
    """
    found = [(part.inline_data.data or b"", part.inline_data.mime_type or "") for part in _parts(answer) if part.inline_data]
    wanted = [(data, mime) for data, mime in found if data and mime.lower().startswith(f"{kind}/")]
    if not wanted:
        raise _nothing(Text("沒有圖片", "no picture") if kind == "image" else Text("沒有聲音", "no sound"))
    return wanted


def _parts(answer: "types.GenerateContentResponse") -> "Iterator[types.Part]":
    """What the first candidate says, without what it thought."""
    candidates = answer.candidates or []
    feedback = answer.prompt_feedback
    if not candidates:
        if feedback is not None and feedback.block_reason is not None:
            raise _refused(feedback.block_reason.value)
        raise _nothing(Text("是空的", "nothing at all"))
    end = candidates[0].finish_reason.value if candidates[0].finish_reason is not None else ""
    if end in REFUSALS:
        raise _refused(end)
    if end in CUT:
        raise ServiceUnavailable(Text(f"{NAME} 的回應沒有寫完（{end}）", f"{NAME}'s answer is cut off ({end})"), AGAIN)
    if end not in WHOLE:
        raise _nothing(Text(f"沒有結果（{end}）", f"no result ({end})"))
    content = candidates[0].content
    return (part for part in (content.parts if content is not None else None) or [] if not part.thought)


def _refused(reason: str) -> ReelqueueError:
    return ContentRefused(Text(f"{NAME} 不願處理這段內容（{reason}）", f"{NAME} will not make this ({reason})"), _REWRITE)


def _nothing(what: Text) -> ReelqueueError:
    return ServiceUnavailable(Text(f"{NAME} 的回應{what.zh}", f"{NAME}'s answer has {what.en}"), AGAIN)
