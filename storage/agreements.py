"""What a person has agreed to pay or to publish, as `agreed.json`: for whom nobody has to be asked again."""

from collections.abc import Iterable

from pydantic import ValidationError

from reelqueue.models.frozen import Frozen
from storage.answers import Exists, Missing, Stale, Unavailable
from storage.documents import Documents, Version
from storage.paths import Paths

KEY = "agreed.json"
MOST_TRIES = 100
"""Of one change: each lost race means that somebody else's landed."""


class Agreed(Frozen):
    """The document."""

    terms: tuple[str, ...] = ()


class Agreements:
    """The agreements of one installation."""

    def __init__(self, paths: Paths) -> None:
        self._documents = Documents(paths.root)

    async def terms(self) -> frozenset[str]:
        """All that was agreed to; nothing where the document is not there or makes no sense.  Raises Unavailable."""
        return frozenset((await self._load())[0].terms)

    async def add(self, terms: Iterable[str]) -> None:
        """Keep what was agreed to.  Raises Unavailable, DiskFull: it may be asked again."""
        new = tuple(terms)
        for _ in range(MOST_TRIES):
            agreed, version = await self._load()
            body = Agreed(terms=tuple(dict.fromkeys((*agreed.terms, *new)))).model_dump_json().encode()
            try:
                if version is None:
                    await self._documents.create(KEY, body)
                else:
                    await self._documents.replace(KEY, body, version)
            except (Exists, Stale, Missing):
                continue
            return
        raise Unavailable(KEY, "others were always faster")

    async def _load(self) -> tuple[Agreed, Version | None]:
        try:
            body, version = await self._documents.load(KEY)
        except Missing:
            return Agreed(), None
        try:
            return Agreed.model_validate_json(body), version
        except ValidationError:
            return Agreed(), version
