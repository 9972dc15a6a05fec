"""Ids of projects and batches: whole numbers from 1, as text `^[1-9][0-9]{0,15}$` in ASCII."""

import re

from reelqueue.errors import BatchNotFound, ProjectNotFound

_ID = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


def parse_project_id(value: object) -> int:
    """A project's id from what a caller gave.

    Raises:
        ProjectNotFound: it is no id: not a whole number from 1 to 9999999999999999, or text in another form.
    """
    number = _parse(value)
    if number is None:
        raise ProjectNotFound(value)
    return number


def parse_batch_id(value: object) -> int:
    """A batch's id from what a caller gave.

    Raises:
        BatchNotFound: it is no id, as for a project's.
    """
    number = _parse(value)
    if number is None:
        raise BatchNotFound(value)
    return number


def _parse(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value) if isinstance(value, int) else value
    return int(text) if _ID.fullmatch(text) else None
