"""The base of all our models: frozen, and strict about unknown names."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable data; `replace` gives a changed copy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def replace(self, **changes: Any) -> Self:
        """A copy with `changes`, not validated again: callers pass typed values."""
        return self.model_copy(update=changes)
