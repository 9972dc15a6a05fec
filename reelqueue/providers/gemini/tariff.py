"""What a call is billed for: by the counts that came with the answer, or from above, before it is sent."""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from reelqueue import clock
from reelqueue.errors import ReelqueueError
from reelqueue.models.buckets import GEMINI
from reelqueue.models.cost import Cost
from reelqueue.models.language import HAN
from reelqueue.models.prices import PriceTable
from reelqueue.models.project import Usage
from reelqueue.providers.gemini.model import Model
from storage.ledger import pacific_day

if TYPE_CHECKING:
    from google.genai import types

INPUT, OUTPUT, IMAGE, AUDIO = "input_tokens", "output_tokens", "image_tokens", "audio_tokens"
MOST_TOKENS = 2_000_000
"""More than any model takes or gives in one call."""
_MODALITY = {"IMAGE": IMAGE, "AUDIO": AUDIO}
_TOKEN = re.compile(rf"[{HAN}]|[^\W_]+|[^\w\s]|_")
_HAN_TOKENS, _LETTERS_A_TOKEN, _FRAME_TOKENS = 1.5, 2.5, 16


def tokens_from_above(text: str) -> int:
    """At most so many tokens: 1.5 for a Chinese character, one for 2.5 letters or digits of a word; usual are about 0.8 and 4."""
    words: list[str] = _TOKEN.findall(text)
    han = sum(len(word) == 1 and ord(word) > 0x2E7F for word in words)
    rest = sum(math.ceil(len(word) / _LETTERS_A_TOKEN) for word in words)
    return _FRAME_TOKENS + rest + math.ceil((_HAN_TOKENS - 1) * han)


@dataclass(frozen=True, slots=True)
class Tariff:
    """One model's prices; `own` is the unit in which its answers are counted."""

    model: Model
    prices: PriceTable
    own: str = OUTPUT

    def cost(self, amounts: Mapping[str, float]) -> Cost:
        """What a call may take that uses so many units of each kind."""
        return Cost(usd=sum((self._usd(unit, amount) for unit, amount in amounts.items()), Decimal(0)), needs=(self.model.need,))

    def usage(self, amounts: Mapping[str, float]) -> tuple[Usage, ...]:
        """What so many units of each kind were billed with, at the price of today."""
        return tuple(
            Usage(service=GEMINI, model=self.model.name, unit=unit, amount=amount, cost_usd=float(self._usd(unit, amount)))
            for unit, amount in amounts.items()
            if amount
        )

    def billed(self, answer: "types.GenerateContentResponse") -> tuple[Usage, ...] | None:
        """What an answer was billed for; None where it does not say, or what can't be."""
        counts = answer.usage_metadata
        if counts is None or counts.prompt_token_count is None:
            return None
        amounts = {
            INPUT: counts.prompt_token_count + (counts.tool_use_prompt_token_count or 0),
            OUTPUT: counts.thoughts_token_count or 0,
        }
        left = counts.candidates_token_count or 0
        for detail in counts.candidates_tokens_details or ():
            unit = _MODALITY.get(detail.modality.value if detail.modality else "", OUTPUT)
            tokens = min(left, detail.token_count or 0)
            amounts[unit] = amounts.get(unit, 0) + tokens
            left -= tokens
        amounts[self.own] = amounts.get(self.own, 0) + left
        if not all(0 <= amount <= MOST_TOKENS for amount in amounts.values()):  # it would give money back, or take all of it
            return None
        return self.usage(amounts)

    def _usd(self, unit: str, amount: float) -> Decimal:
        return self.prices.usd(GEMINI, self.model.name, unit, amount, on=pacific_day(clock.now()))


@contextlib.contextmanager
def paid(usage: tuple[Usage, ...] | None) -> Iterator[None]:
    """Around what is done with an answer, or before it is asked for: whatever fails there, this was billed."""
    try:
        yield
    except ReelqueueError as error:
        error.usage = usage
        raise
