"""Scripts by Gemini: one call with our schema, its answer validated by us."""

import asyncio
import math
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from reelqueue.errors import InvalidBrief
from reelqueue.models.cost import Cost
from reelqueue.models.prices import PriceTable
from reelqueue.providers.gemini import prompt
from reelqueue.providers.gemini.answer import text_of
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.model import AT_ONCE, script_model
from reelqueue.providers.gemini.schema import SCHEMA_VERSION, AskedScript
from reelqueue.providers.gemini.tariff import INPUT, OUTPUT, Tariff, paid, tokens_from_above
from reelqueue.providers.protocols import ScriptRequest, WrittenScript
from reelqueue.wording import Text

if TYPE_CHECKING:
    from google.genai import types

    from reelqueue.providers.gemini.screenplay import Told

TOPIC_ALONE_S = 180
"""The length of a video from a topic alone where none is asked for (contract, section 6)."""
LONGEST_VIDEO_S, LONGEST_ASKED_S = 1_800, 1_650
"""A script that is a little longer than was asked for is still a video."""
SCHEMA_TOKENS = 600
ANSWER_TOKENS, ANSWER_TOKENS_A_SECOND = 2_000, 30
THOUGHT_TOKENS = 10_240
MOST_OUTPUT_TOKENS = 65_536
USUAL_S, LONGEST_CALL_S, USUAL_VIDEO_S = 50.0, 170.0, 300
"""A call's time-out: below the stage's 60 s for a video of up to 5 minutes, longer for a longer one."""


class GeminiScriptWriter:
    """See `ScriptWriter`."""

    name = "gemini"

    def __init__(self, client: GeminiClient, model: str, prices: PriceTable) -> None:
        self._client = client
        self._tariff = Tariff(script_model(model), prices)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.version = f"{model}/prompt-{prompt.PROMPT_VERSION}/schema-{SCHEMA_VERSION}"

    def turn(self) -> AbstractAsyncContextManager[object]:
        """See `TakesTurns`: four at once."""
        return self._turns

    def cost(self, request: ScriptRequest) -> Cost:
        """See `ScriptWriter`: as many tokens as the answer may have."""
        return self._tariff.cost(_most(request))

    async def write_script(self, request: ScriptRequest) -> WrittenScript:
        """See `ScriptWriter`."""
        await self._client.load()
        from google.genai import types  # noqa: PLC0415 - only what is chosen is loaded

        with paid(()):  # what is refused here is not sent
            asked_s, target_s = await asyncio.to_thread(_lengths, request)
        config = types.GenerateContentConfig(
            system_instruction=prompt.instruction(request.language),
            response_mime_type="application/json",
            response_schema=AskedScript,
            max_output_tokens=math.ceil(_most(request)[OUTPUT]),
        )
        asked = prompt.prompt(request, asked_s)
        answer = await self._client.generate(self._tariff.model, asked, config, timeout_s=_timeout_s(request))
        usage = self._tariff.billed(answer)
        with paid(usage):
            told = await asyncio.to_thread(_told, answer, request, target_s)
        counted = usage if usage is not None else self._tariff.usage(_most(request))
        return WrittenScript(script=told.script, warnings=tuple(map(str, told.warnings)), usage=counted)


def _told(answer: "types.GenerateContentResponse", request: ScriptRequest, target_s: int | None) -> "Told":
    from reelqueue.providers.gemini.screenplay import script_of  # noqa: PLC0415 - its word lists hold up no worker's start

    return script_of(text_of(answer), request, target_s)


def _lengths(request: ScriptRequest) -> tuple[int | None, int | None]:
    """The length to ask for and the one to hold the script to, in seconds; None: as long as the content is.

    Raises:
        InvalidBrief: the content has nothing to tell, or can't be told in 1,800 s.
    """
    from reelqueue.providers.gemini.screenplay import TOLERANCE, told_seconds  # noqa: PLC0415 - as in `_told`

    wanted_s = request.duration_s
    if not request.content or not request.content.strip():
        target_s = TOPIC_ALONE_S if wanted_s is None else wanted_s
        return min(target_s, LONGEST_ASKED_S), target_s
    whole_s = told_seconds(request.content, request.language)
    if not whole_s:
        allowed = Text("有可以朗讀的文字（程式碼和圖片不會朗讀）", "text that can be read aloud (code and pictures can't)")
        raise InvalidBrief("content", allowed, request.content)
    if wanted_s is None and whole_s > LONGEST_VIDEO_S:
        allowed = Text(
            f"最長 {LONGEST_VIDEO_S:,} 秒的影片；請縮短內容，或用 duration_s 指定長度",
            f"a video of at most {LONGEST_VIDEO_S:,} s; shorten the text, or give duration_s",
        )
        raise InvalidBrief("content", allowed, f"{len(request.content):,} characters, about {whole_s:,.0f} s")
    if wanted_s is None or whole_s <= min((1 + TOLERANCE) * wanted_s, LONGEST_ASKED_S):
        return None, wanted_s  # a text that is no longer than that is told whole
    return min(wanted_s, LONGEST_ASKED_S), wanted_s


def _expected_s(request: ScriptRequest) -> float:
    """About how long the script will be: without the word lists that `_lengths` loads, and from above."""
    if request.duration_s is not None:
        return min(request.duration_s, LONGEST_ASKED_S)
    return min(LONGEST_VIDEO_S, len(request.content) / 4) if request.content else TOPIC_ALONE_S


def _most(request: ScriptRequest) -> dict[str, float]:
    """At most so many tokens; what may come out is a limit of the call itself."""
    asked = f"{prompt.instruction(request.language)}\n{prompt.prompt(request, LONGEST_VIDEO_S)}"
    answer = ANSWER_TOKENS + ANSWER_TOKENS_A_SECOND * _expected_s(request)
    return {INPUT: tokens_from_above(asked) + SCHEMA_TOKENS, OUTPUT: min(MOST_OUTPUT_TOKENS, answer + THOUGHT_TOKENS)}


def _timeout_s(request: ScriptRequest) -> float:
    longer = max(0.0, _expected_s(request) - USUAL_VIDEO_S) / (LONGEST_VIDEO_S - USUAL_VIDEO_S)
    return round(USUAL_S + longer * (LONGEST_CALL_S - USUAL_S))
