"""States as bytes: JSON, checked when it is read and once more before it is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from reelqueue.models.batch import BATCH_SCHEMA_VERSION, BatchState
from reelqueue.models.project import SCHEMA_VERSION, ProjectState
from storage.migrations import BATCH_STEPS, PROJECT_STEPS, FromTheFuture, Step, Unreadable, migrate

MAX_STATE_BYTES = 64 * 1024
"""The contract's bound on a state; pieces are listed in the manifests."""


S = TypeVar("S", ProjectState, BatchState)


@dataclass(frozen=True, slots=True)
class Codec(Generic[S]):
    """How one kind of state is written and read."""

    model: type[S]
    schema_version: int
    steps: Mapping[int, Step]

    def decode(self, body: bytes) -> S:
        """A state of today's version.

        Raises:
            FromTheFuture: a newer version of ours wrote it, or one with fields that we don't know.
            Unreadable: it is no state.
        """
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable(str(error)) from error
        if not isinstance(data, dict):
            raise Unreadable("not an object")
        try:
            return self.model.model_validate(migrate(data, to=self.schema_version, steps=self.steps))
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)
            where = ", ".join(".".join(str(part) for part in each["loc"]) for each in wrong[:3])
            if all(each["type"] == "extra_forbidden" for each in wrong):
                raise FromTheFuture(f"unknown fields: {where}") from error
            raise Unreadable(where) from error

    def encode(self, state: S) -> tuple[bytes, S]:
        """The bytes, and the state as a reader will find it (lists as tuples, for one).

        Raises:
            ValueError: the state breaks its own model: a bug of the mutation; nothing may be written.
        """
        body = state.model_dump_json(warnings=False).encode()
        return body, self.model.model_validate_json(body)


PROJECT_CODEC = Codec(ProjectState, SCHEMA_VERSION, PROJECT_STEPS)
BATCH_CODEC = Codec(BatchState, BATCH_SCHEMA_VERSION, BATCH_STEPS)
