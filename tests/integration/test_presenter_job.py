"""A presenter elsewhere as the assets stage has him made: paid for once, whoever dies, and stood in for where he fails."""

import asyncio
import wave
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jobs.context import Rules
from jobs.spending import Caps, Spender
from jobs.stages import StageRun
from jobs.video import presenters
from jobs.video.presenters import show_presenters
from reelqueue.errors import AuthenticationFailed, BudgetExhausted, ContentRefused, MediaError, PermanentError
from reelqueue.models.manifest import SpokenPiece
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.models.voice import Speech
from reelqueue.providers.did.presenter import DIdPresenter
from reelqueue.providers.local.presenter import LocalPresenter
from reelqueue.providers.prices import read_prices
from reelqueue.providers.protocols import Fixed
from reelqueue.sandbox import open_sandbox
from reelqueue.sandbox.did import face, film
from storage import Ledger, Owner, Paths, ProjectStore

RATE_HZ = 24_000
SCRIPT = Script(
    intro=Part(text="Hello. There.", duration=5),
    segments=(Segment(index=1, text="Tides.", duration=5, image_description="sea"),),
    outro=Part(text="Bye.", duration=5),
    metadata=Metadata(title="Tides", description="", tags=()),
    total_duration=15,
    language="en",
)


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


class Assets:
    """The assets stage of one project, entered as often as a test lets it die."""

    def __init__(self, paths: Paths, providers: Any) -> None:
        self.paths, self.providers, self.warnings = paths, providers, []
        self.projects = ProjectStore(paths, Owner.here(), lease_seconds=30)
        self.cap_usd = Decimal(0)

    async def create(self, **brief: Any) -> None:
        state = await self.projects.create({"topic": "Tides", "presenter": True} | brief)
        self.project_id = state.project_id
        async with await self.projects.take_over(self.project_id) as lease:
            await lease.commit(lambda state: state.with_stage(Stage.ASSETS, status=StageStatus.RUNNING))

    async def enter(self) -> list[Any]:
        async with await self.projects.take_over(self.project_id) as lease:
            run = StageRun(
                stage=Stage.ASSETS, attempt=1, language="en", choice=Fixed(self.providers), tools=None, lease=lease, teller=Quiet(),
                rules=Rules(retry_delays=(0.0, 0.0, 0.0)), timeout_s=600,
                spender=Spender(Ledger(self.paths), self.project_id, Caps(project_usd=self.cap_usd)),
            )  # type: ignore[arg-type]  # fmt: skip
            self.warnings = run.warnings
            self.run = run
            return await show_presenters(run, SCRIPT, [await self._spoken(run, 2), (), await self._spoken(run, 1)])

    async def _spoken(self, run: StageRun, count: int) -> tuple[SpokenPiece, ...]:
        return tuple([await self._piece(run, f"{count}{number}") for number in range(count)])

    async def _piece(self, run: StageRun, key: str) -> SpokenPiece:
        samples = (8_000 * np.sin(np.arange(RATE_HZ // 5) * 0.05)).astype(np.int16)
        part = run.files.audio / f"{key}.part"
        part.parent.mkdir(exist_ok=True)
        with wave.open(str(part), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(samples.tobytes())
        speech = Speech(text="Hello.", sample_rate=RATE_HZ, samples=len(samples), words=(), visemes=())
        return SpokenPiece(key=key, sound=await run.blobs.put(f"audio/{key}.wav", part), speech=speech)


@pytest.fixture
async def sandbox(tmp_path, monkeypatch):
    """Its films are small: nobody looks at them."""
    for module in (face, film):
        monkeypatch.setattr(module, "SIZE", 128)
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
async def stage(sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr(presenters, "POLL_S", 0.0)
    told = sandbox.settings()
    did = DIdPresenter(
        told["DID_BASE_URL"], told["DID_API_KEY"], source_url=told["DID_SOURCE_URL"], prices=read_prices(None)
    )  # fmt: skip
    yield Assets(Paths(tmp_path / "data"), SimpleNamespace(presenter=did, stand_in_presenter=LocalPresenter()))
    await did.aclose()


async def failures(stage: Assets) -> set[type[BaseException]]:
    """How the stage fails: the two parts are made side by side, and each may have its say."""
    with pytest.raises(BaseExceptionGroup) as raised:
        await stage.enter()
    return {type(error) for error in raised.value.exceptions}


def begun(sandbox) -> int:
    """How many talks were paid for."""
    return len(sandbox.did.created)


async def test_intro_and_outro_are_clips_of_their_parts_and_are_paid_for_once(stage, sandbox):
    await stage.create()

    shown = await stage.enter()
    again = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert shown[0].description["duration_s"] == pytest.approx(0.75, abs=0.06)  # two sentences and the gap between them
    assert await stage.run.blobs.holds(shown[0].clip)
    assert shown[0].clip.path == shown[0].description["path"]
    assert again == shown
    assert begun(sandbox) == 2
    assert not [path for path in stage.run.files.avatars.iterdir() if path.name.startswith("did-") or path.suffix == ".part"]


@pytest.mark.parametrize("dies_at", ["poll", "fetch"])
async def test_who_goes_on_after_a_death_looks_at_the_job_that_was_begun(stage, sandbox, monkeypatch, dies_at):
    await stage.create()

    async def die(*_args: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr(stage.providers.presenter, dies_at, die)
        with pytest.raises(asyncio.CancelledError):
            await stage.enter()
    before = begun(sandbox)
    shown = await stage.enter()

    assert before in {1, 2}
    assert begun(sandbox) == 2
    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]


@pytest.mark.parametrize("kind", ["credits", "moderation", "401", "400"])
async def test_where_one_fails_both_are_drawn_and_the_video_goes_on(stage, sandbox, kind):
    await stage.create()
    sandbox.faults.order(service="did", call="talks.create", kind=kind)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["figure", None, "figure"]
    assert len(stage.warnings) == 1
    assert "D-ID" in stage.warnings[0]


async def test_a_presenter_who_is_required_fails_the_stage(stage, sandbox):
    await stage.create(presenter_required=True)
    sandbox.faults.order(service="did", call="talks.create", kind="moderation", times=2)

    assert await failures(stage) == {ContentRefused}


async def test_a_clip_that_is_damaged_on_its_way_is_fetched_again_and_not_paid_for_again(stage, sandbox):
    await stage.create()
    sandbox.faults.order(service="did", call="result", kind="broken_json", times=3)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert begun(sandbox) == 2


async def test_a_clip_that_is_none_however_often_it_is_fetched_is_a_dead_job(stage, sandbox):
    await stage.create(presenter_required=True)
    sandbox.faults.order(service="did", call="result", kind="broken_json", times=8)
    assert MediaError in await failures(stage)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert begun(sandbox) > 2


async def test_a_job_that_is_never_ready_is_waited_for_past_the_stages_time_and_then_stood_in_for(stage, sandbox, monkeypatch):
    monkeypatch.setattr(presenters, "LONGEST_JOB_S", 0.0)
    monkeypatch.setattr(presenters, "FETCH_S", 5_000.0)
    monkeypatch.setattr(stage.providers.presenter, "poll", _not_yet)
    await stage.create()

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["figure", None, "figure"]
    assert "還沒完成" in stage.warnings[0]
    assert (begun(sandbox), stage.run.timeout_s >= 5_000) == (2, True)


async def test_what_a_talk_took_is_told_by_the_name_that_the_prices_have(stage, sandbox):
    await stage.create()

    await stage.enter()

    (use,) = await stage.run.spender.usage()
    assert (use.service, use.model, use.unit, use.amount) == ("did", "talks", "second", 30)
    assert use.cost_usd == pytest.approx(30 * 0.02)


async def test_a_job_that_died_is_begun_anew_by_a_retry(stage, sandbox):
    await stage.create(presenter_required=True)
    sandbox.faults.order(service="did", call="talks.create", kind="error")
    assert PermanentError in await failures(stage)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert begun(sandbox) == 3


async def test_a_key_that_was_revoked_meanwhile_does_not_lose_the_paid_job(stage, sandbox):
    await stage.create(presenter_required=True)
    sandbox.faults.order(service="did", call="talks.get", kind="401", times=2)
    assert AuthenticationFailed in await failures(stage)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert begun(sandbox) == 2


async def test_a_cap_stops_before_the_talk_is_begun(stage, sandbox):
    await stage.create()
    stage.cap_usd = Decimal("0.20")

    assert await failures(stage) == {BudgetExhausted}

    assert not sandbox.journal.calls(service="did")


async def test_an_unknown_outcome_stays_counted_and_a_refusal_does_not(stage, sandbox):
    """The answer of one talk is lost: it is begun again, and both are counted."""
    await stage.create()
    sandbox.faults.order(service="did", call="talks.create", kind="reset", when="after")
    sandbox.faults.order(service="did", call="talks.create", kind="429", retry_after=0)

    shown = await stage.enter()

    assert [piece and piece.description["kind"] for piece in shown] == ["clip", None, "clip"]
    assert begun(sandbox) == 3
    assert len(sandbox.journal.calls(service="did", call="talks.create")) == 4


async def _not_yet(_job_id: str) -> bool:
    return False
