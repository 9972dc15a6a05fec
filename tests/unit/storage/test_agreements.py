"""What was agreed to is remembered, once for all processes of an installation."""

import asyncio

from storage import Agreements, Paths


async def test_nothing_is_agreed_to_before_there_is_a_folder(tmp_path):
    assert await Agreements(Paths(tmp_path / "data")).terms() == frozenset()
    assert not (tmp_path / "data").exists()


async def test_what_is_added_is_known_to_everybody_else(tmp_path):
    paths = Paths(tmp_path / "data")
    await asyncio.gather(*(Agreements(paths).add([f"pay {name}"]) for name in ("gemini", "did", "somebody")))
    await Agreements(paths).add(["pay did", "publish default private"])

    assert await Agreements(paths).terms() == {"pay gemini", "pay did", "pay somebody", "publish default private"}


async def test_a_document_that_makes_no_sense_is_no_agreement(tmp_path):
    paths = Paths(tmp_path)
    (tmp_path / "agreed.json").write_text('{"terms": 7}')

    assert await Agreements(paths).terms() == frozenset()
    await Agreements(paths).add(["pay gemini"])
    assert await Agreements(paths).terms() == {"pay gemini"}
