"""In which language a request is answered."""

from starlette.requests import Request

from reelqueue.wording import Language

LANGUAGE_COOKIE = "lang"
MOST_CHARACTERS = 400


def language_for(request: Request, otherwise: Language) -> Language:
    """The one that the reader chose, else the first of its browser's that we speak, else the installation's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in {"en", "zh-TW"}:
        return "en" if chosen == "en" else "zh-TW"
    for tag in _in_order(request.headers.get("accept-language", "")[:MOST_CHARACTERS]):
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh-TW"
    return otherwise


def _in_order(header: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first."""
    found = []
    for part in header.split(","):
        tag, _, rest = part.strip().lower().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            weight = 0.0
        if tag and weight > 0:
            found.append((weight, tag))
    return [tag for _, tag in sorted(found, key=lambda one: -one[0])]
