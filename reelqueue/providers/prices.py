"""Where prices come from: our own dated table, and before it the operator's (PRICES_FILE), which has the same form.

{"prices": [{"service": "gemini", "model": "gemini-3.8-flash", "unit": "output_tokens", "usd": "3.75", "per": 1000000,
             "since": "2026-09-01", "until": "2026-12-31", "source": "price list, read on 2026-11-29"}, ...]}

Units: Gemini's are "input_tokens", "output_tokens" (text, and what is thought), "image_tokens", "audio_tokens"; D-ID's "second".
"""

import json
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from reelqueue.errors import InvalidSettings
from reelqueue.models.prices import PriceTable
from reelqueue.wording import Text

SETTING = "PRICES_FILE"
OURS = Path(__file__).parents[1] / "data" / "prices.json"
_FORM = Text(
    '一個 JSON 檔 {"prices": [...]}，每筆價格有 service、model、unit、usd、per、since，以及可省略的 until、source、assumed',
    'a JSON file {"prices": [...]}, each price with service, model, unit, usd, per, since, and where wanted until, source, assumed',
)


def read_prices(own: Path | None) -> PriceTable:
    """Our table with the operator's prices before ours; what his file does not name stays as it is in ours.

    Raises:
        InvalidSettings: PRICES_FILE can't be read, or is of another form (names the field).
    """
    ours = _ours()
    return ours if own is None else ours.with_own(_read(own.expanduser()))


@cache
def _ours() -> PriceTable:
    return PriceTable.model_validate_json(OURS.read_bytes())


def _read(path: Path) -> PriceTable:
    try:
        return PriceTable.model_validate(json.loads(path.read_text(encoding="utf-8"), parse_float=str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidSettings(SETTING, _FORM, f"{path.name}: {place}: {first['msg']}") from None
    except OSError as error:
        raise InvalidSettings(SETTING, _FORM, f"{path.name}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidSettings(SETTING, _FORM, f"{path.name}: {error}") from None
