"""What Gemini says that a call took is believed as far as it can be."""

import pytest
from google.genai import types

from reelqueue.providers.gemini.model import script_model
from reelqueue.providers.gemini.tariff import Tariff
from reelqueue.providers.prices import read_prices


def billed(**counts: int):
    answer = types.GenerateContentResponse(usage_metadata=types.GenerateContentResponseUsageMetadata(**counts))
    return Tariff(script_model("gemini-3.8-flash"), read_prices(None)).billed(answer)


def test_what_was_used_is_counted_by_kind():
    usage = billed(prompt_token_count=100, candidates_token_count=200, thoughts_token_count=50)

    assert {use.unit: use.amount for use in usage} == {"input_tokens": 100, "output_tokens": 250}


@pytest.mark.parametrize(
    "counts",
    [
        {"prompt_token_count": -5, "candidates_token_count": 10},
        {"prompt_token_count": 5, "candidates_token_count": 10**18},
        {"prompt_token_count": 5, "candidates_token_count": -(10**18)},
    ],
)
def test_a_count_that_can_not_be_is_unknown_and_the_estimate_holds(counts):
    """Else one answer would give money back, or take all of a day's."""
    assert billed(**counts) is None
