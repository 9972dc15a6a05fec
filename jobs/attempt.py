"""One attempt of one stage, with the project in hand: begin, work under watch, and whatever follows from how it ended."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from jobs import tally, transitions
from jobs.batch.booking import moment_of
from jobs.containing import contained
from jobs.context import Service
from jobs.judging import Later, StageJob, answer_of
from jobs.pipeline import SPECS
from jobs.poison import poisoned
from jobs.retry import RetryIn, decide, decisive
from jobs.spending import Spender
from jobs.stages import HandBack, Postponed, StageInputs, StageOutcome, StageRun, imported_fingerprint
from jobs.telling import Teller
from jobs.wire import translate
from reelqueue import clock, failpoints
from reelqueue.errors import (
    DiskFull,
    Fenced,
    MediaError,
    NeedsPerson,
    Parked,
    ProjectCancelled,
    ReelqueueError,
    StageTimedOut,
    StorageUnavailable,
    TransientError,
)
from reelqueue.models.numbers import Outcome
from reelqueue.models.project import Artifact, StageError
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage import Debts, Lease
from storage.answers import Unavailable
from storage.disk import NO_SPACE, UNREACHABLE, says_nothing_of_the_file

LOOK_SECONDS = 0.5
"""How often a running stage looks whether it was cancelled: a state is read in under a millisecond."""
STOP_SECONDS = 10.0
"""How long cancelled work may take to end; its children are killed at once."""
DISK_SECONDS, UNREACHABLE_SECONDS, STORAGE_SECONDS, FENCED_SECONDS = 60.0, 60.0, 5.0, 1.0
"""When to look again after a full disk, a file that can't be reached, a disk that does not answer, a project that another took."""
SUSPECT_SECONDS = 1.0
"""When to look again whether another project that a worker died with is through."""
STARTED = Text("開始", "started")
_OF_WHAT_BEGAN = frozenset({"cancelled", "interrupted"})
"""Outcomes that only an attempt has whose work began."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Attempt:
    """An attempt by a job that holds the lease.  `began` is when the stage's work did, by the boot's clock; None: it did not.
    `changes_video`: the project's video was published before.
    """

    job: StageJob
    lease: Lease
    teller: Teller
    spender: Spender
    began: float | None = None
    changes_video: bool = False

    @property
    def service(self) -> Service:
        """What the worker's jobs share."""
        return self.job.service

    @property
    def stage(self) -> Stage:
        """The stage that is asked for."""
        return self.job.stage

    async def carry_out(self) -> dict[str, Any]:
        """Run the stage, or find that its old result holds; returns the job's answer.

        Raises:
            Later: the job has to be judged anew.
            ReelqueueError: the job's error; what it means for the project is committed.
        """
        await self._bury_the_dead()
        await self._review()
        given = self.job.given(self.lease.state, self.lease.blobs)
        await self._are_there(given, {artifact: need for need in SPECS[self.stage].needs for artifact in _artifacts(given, need)})
        try:
            now = await self.job.fingerprint_now(given)
            imported = given.project.stages[self.stage].is_imported
            stored = imported_fingerprint(given.project, self.stage) if imported else now
            holds = await self._holds(given, stored)
        except Exception as error:  # noqa: BLE001 - whatever it is, the state has to say so
            raise await self._conclude(error, None) from None
        if holds:
            await self._commit(transitions.unchanged(self.stage, stored, chain=self.job.chain))
            if self.lease.state.stages[self.stage].fingerprint != stored:
                raise Later(0)  # somebody wants it anew, since we looked
            await self.teller.done(self.lease.state)
            return await answer_of(self.job.work, self.job.given(self.lease.state, self.lease.blobs), self.stage)
        try:
            pieces = await self.job.work.pieces(given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the state has to say so
            raise await self._conclude(error, None) from None
        await self._are_there(given, pieces)
        with self._under_suspicion():
            return await self._begun(now)

    async def _begun(self, fingerprint: str) -> dict[str, Any]:
        """Begin and run; whoever tells us to end meanwhile, from the first commit on, costs no attempt and is no death."""
        try:
            await self._commit(transitions.begin(self.stage, _now(), chain=self.job.chain))
            await failpoints.reach("stage.begun")
            self.began, upload = time.monotonic(), self.lease.state.upload
            self.changes_video = upload is not None and upload.is_published
            await self.teller.tell(self.lease.state, 0, STARTED)
            return await self._run(fingerprint)
        except asyncio.CancelledError:
            await _to_its_end(asyncio.create_task(self._hand_back_quietly()))
            raise

    async def _bury_the_dead(self) -> None:
        """A stage that runs although nobody had the project: its owner died.  Too often in one piece: a person's matter."""
        for stage in Stage:
            if self.lease.state.stages[stage].status is StageStatus.RUNNING:
                previous = self.lease.previous
                piece = previous.piece if previous is not None and previous.piece else str(stage)
                log.warning("owner_died", died_in=piece)
                await self._commit(transitions.crashed(stage, piece))
                died = previous.owner.name if previous is not None else ""
                tally.stage_ended(
                    stage, "interrupted", project_id=self.job.project_id, now=_now(), worker=died, code="worker_died"
                )
        if self.lease.state.crashes >= self.service.rules.poison_after:
            raise await self._parked(poisoned(transitions.in_hand_of(self.lease.state), self.lease.state.crashes))

    @contextlib.contextmanager
    def _under_suspicion(self) -> Iterator[None]:
        """A project that its owner died with runs beside no other such: one that kills its workers would take it along.

        Raises:
            Later: another one runs.
        """
        suspects, number = self.service.suspects, self.job.project_id
        if not self.lease.state.crashes:
            yield
            return
        if suspects:
            raise Later(SUSPECT_SECONDS)
        suspects.add(number)
        try:
            yield
        finally:
            suspects.discard(number)

    async def _review(self) -> None:
        if transitions.reviews_before(self.lease.state, self.stage):
            await self._commit(transitions.review_due(self.stage, chain=self.job.chain))
            await self._tell_waiting()
            raise Later.of(self.lease.state)

    async def _are_there(self, given: StageInputs, made_by: Mapping[Artifact, Stage]) -> None:
        """What the earlier stages made may have been deleted or spoilt: then they have to run again, and make what is missing."""
        try:
            lost = await self.lease.blobs.first_lost(list(made_by))
        except (StorageUnavailable, MediaError) as error:  # a file can't be read, or a link leads out of the project
            raise await self._conclude(error, None) from None
        if lost is None:
            return
        log.warning("artifact_lost", path=lost.path, made_by=str(made_by[lost]))
        if transitions.is_locked(given.project, made_by[lost]):  # it can't be made again
            raise await self._failed(_gone(lost.path))
        await self._commit(transitions.lost(made_by[lost]))
        raise self.job.not_ready(made_by[lost])

    async def _holds(self, given: StageInputs, fingerprint: str) -> bool:
        known = given.project.stages[self.stage]
        if known.fingerprint != fingerprint or known.result is None:
            return False
        return await self.lease.blobs.first_lost(known.artifacts) is None

    async def _run(self, fingerprint: str) -> dict[str, Any]:
        run = StageRun(
            stage=self.stage,
            attempt=self.lease.state.stages[self.stage].attempts,
            language=self.job.given(self.lease.state, self.lease.blobs).language,
            choice=self.service.choice,
            tools=self.service.tools,
            lease=self.lease,
            teller=self.teller,
            rules=self.service.rules,
            timeout_s=SPECS[self.stage].timeout_s,
            spender=self.spender,
            others=self._others,
            moment=lambda: moment_of(self.service, self.lease.state),
            debts=Debts(self.service.paths.owed),
            guard=self.service.guard,
        )
        try:
            outcome = await self._work(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, the state has to say so
            raise await self._conclude(decisive(error), run) from None
        return await self._done(run, outcome, fingerprint)

    async def _work(self, run: StageRun) -> StageOutcome:
        """The work, stopped as soon as the project is cancelled or another's."""

        async def timed() -> StageOutcome:
            async with asyncio.timeout(run.timeout_s) as run.deadline:
                return await contained(self.job.work.work(run))

        work, watch = asyncio.create_task(timed()), asyncio.create_task(self._watch())
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise watch.result()
            return work.result()
        except TimeoutError as error:
            if run.deadline is None or not run.deadline.expired():
                raise
            raise _timed_out(self.stage, run.timeout_s) from error
        finally:
            watch.cancel()
            await _stopped(work)

    async def _watch(self) -> ReelqueueError:
        """Why the work has to stop."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.lease.lost.wait()
            try:
                await self.lease.check()
                transitions.still_wanted(self.lease.state, self.stage)
            except (Fenced, ProjectCancelled) as reason:
                return reason
            except StorageUnavailable:
                continue  # the lease says itself when it is lost

    async def _done(self, run: StageRun, outcome: StageOutcome, fingerprint: str) -> dict[str, Any]:
        result = {"status": "partial_success" if outcome.partial else "success"} | outcome.result
        change = transitions.done(
            self.stage,
            _now(),
            fingerprint=fingerprint,
            result=result,
            artifacts=outcome.artifacts,
            warnings=tuple(run.warnings),
            skipped=outcome.skipped,
            chain=self.job.chain,
        )
        change = await self._with_usage(change)
        await failpoints.reach("stage.made")
        try:
            await self.lease.commit(lambda state: change(transitions.still_wanted(state, self.stage)))
        except ReelqueueError as error:
            raise await self._conclude(error, run) from None
        await failpoints.reach("stage.done")
        self._count("ok")
        self._count_what_was_made(outcome)
        await self.teller.done(self.lease.state)
        if self.lease.state.status is ProjectStatus.WAITING_REVIEW:
            await self._tell_waiting()
        return await answer_of(self.job.work, self.job.given(self.lease.state, self.lease.blobs), self.stage)

    async def _conclude(self, error: BaseException, run: StageRun | None) -> Exception:
        """Commit what an error means for the project; returns what the job ends with.  `run` is None before the begin."""
        error = self._of_the_disk(error)
        match error:
            case Fenced():
                if not self.lease.lost.is_set():  # else whoever took over counts it: cancelled, and asked for anew
                    self._count("cancelled")
                log.warning("fenced")
                return Later(FENCED_SECONDS)
            case ProjectCancelled():
                self._count("cancelled")
                return error
            case Parked() | Postponed() | StorageUnavailable():
                return await self._not_now(error, run)
            case TransientError() if run is None:
                return Later(STORAGE_SECONDS)
            case TransientError() if run is not None and error not in run.given_up:
                return await self._again(error, run)
        if not isinstance(error, ReelqueueError):
            log.error("bug", exc_info=error)
        return await self._failed(translate(error))

    def _of_the_disk(self, error: BaseException) -> BaseException:
        """What the kernel says of a disk, as we say it; any other error as it is."""
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            return DiskFull(
                Text(f"磁碟空間不足：{error.strerror}", f"there is no space left: {error.strerror}"),
                Text("請釋放 DATA_DIR 所在磁碟的空間", "free space on the disk of DATA_DIR"),
            )
        if isinstance(error, OSError) and error.errno in UNREACHABLE:
            refused = Unavailable(str(error.filename or self.lease.files.root), error.strerror or error)
            refused.__cause__ = error
            return refused
        return error

    async def _unreachable(self, error: StorageUnavailable, run: StageRun | None) -> Exception:
        """The disk does not answer: no project fails for it.  Where this process alone is short of something, or others held a lock for
        too long (which has no cause), it is soon over; else a person hears which file it is, and the project looks again by itself.
        """
        if error.__cause__ is not None and not says_nothing_of_the_file(error.__cause__):
            until = _now() + timedelta(seconds=UNREACHABLE_SECONDS)
            return await self._parked(NeedsPerson(error.text, error.hint_text, until=until))
        return Later(STORAGE_SECONDS) if run is None else await self._handed_back(error, STORAGE_SECONDS, counts=False)

    async def _not_now(self, error: Parked | Postponed | StorageUnavailable, run: StageRun | None) -> Exception:
        """The project waits for something; or goes on soon, as if nothing had been."""
        if isinstance(error, StorageUnavailable):
            return await self._unreachable(error, run)
        if isinstance(error, Parked):
            return await self._parked(error)
        return await self._handed_back(error, error.seconds, counts=False, outcome="park")

    async def _again(self, error: TransientError, run: StageRun) -> Exception:
        """The whole stage once more, after a pause outside; one that got on before its time-out or pause was no attempt."""
        if isinstance(error, StageTimedOut | HandBack) and run.made_a_piece:
            return await self._handed_back(error, error.retry_after or 0.0, counts=False)
        decision = decide(error, attempt=run.attempt, delays=self.service.rules.retry_delays)
        if isinstance(decision, RetryIn):
            return await self._handed_back(error, decision.seconds, counts=True)
        return await self._failed(error)

    async def _handed_back(self, error: ReelqueueError, seconds: float, *, counts: bool, outcome: Outcome = "retry") -> Exception:
        log.warning("handed_back", error=error.message, seconds=seconds)
        at = _now() + timedelta(seconds=seconds) if seconds else None
        change = transitions.handed_back(self.stage, counts=counts, resume_at=at)
        return await self._ended(change, Later(seconds), outcome, error.code)

    async def _hand_back_quietly(self) -> None:
        """We are told to end: the attempt was none."""
        try:
            await self.lease.commit(transitions.handed_back(self.stage, counts=False))
        except ReelqueueError as error:
            log.warning("not_handed_back", error=error.message)
        else:
            await failpoints.reach("stage.handed-back")
            self._count("cancelled" if self.lease.state.status is ProjectStatus.CANCELLED else "interrupted")

    async def _parked(self, error: Parked) -> Exception:
        if isinstance(error, DiskFull) and error.until is None:
            error.until = _now() + timedelta(seconds=DISK_SECONDS)
        log.warning("parked", error=error.message, until=str(error.until))
        change = transitions.parked(self.stage, error, chain=self.job.chain)
        ended = await self._ended(change, Later.until(error.until), "park", error.code)
        await self._tell_waiting()
        return ended

    async def _failed(self, error: ReelqueueError) -> Exception:
        log.error("stage_failed", error=error.message, code=error.code)
        change = transitions.failed(self.stage, _now(), error, chain=self.job.chain)
        ended = await self._ended(change, error, "fail", error.code)
        known = self.lease.state.stages[self.stage].error
        if ended is error and known is not None:
            await self.teller.failed(self.lease.state, StageError(**known.model_dump()))
        return ended

    async def _ended(self, change: transitions.Change, ending: Exception, outcome: Outcome, code: str) -> Exception:
        """Commit `change`, then end with `ending`; or with what the commit met.  Only what is committed is counted: else whoever
        takes over counts the attempt as interrupted.
        """
        met = await self._tried(await self._with_usage(change))
        if met is None:
            await failpoints.reach("stage.ended")
            self._count(outcome, code)
        elif isinstance(met, ProjectCancelled):
            self._count("cancelled")
        return Later(DISK_SECONDS) if isinstance(met, DiskFull) else met or ending

    def _count(self, outcome: Outcome, code: str = "") -> None:
        if outcome in _OF_WHAT_BEGAN and self.began is None:
            return
        seconds = None if self.began is None else time.monotonic() - self.began
        tally.stage_ended(
            self.stage,
            outcome,
            project_id=self.job.project_id,
            now=_now(),
            seconds=seconds,
            worker=self.service.owner.name,
            code=code,
        )
        self.began = None  # it is counted

    def _count_what_was_made(self, outcome: StageOutcome) -> None:
        if self.stage is Stage.RENDER and outcome.artifacts:
            tally.rendered(max(artifact.bytes for artifact in outcome.artifacts))
        if self.stage is Stage.UPLOAD and not outcome.skipped and not self.changes_video:
            state = self.lease.state
            first = min((known.started_at for known in state.stages.values() if known.started_at), default=state.created_at)
            tally.published(_now(), (_now() - first).total_seconds())

    async def _others(self) -> int:
        return max(0, len(await self.service.projects.unfinished()) - 1)

    async def _with_usage(self, change: transitions.Change) -> transitions.Change:
        """`change`, and what the ledger knows of what the project was billed for."""
        try:
            return transitions.with_usage(change, await self.spender.usage())
        except (StorageUnavailable, NeedsPerson) as error:
            log.warning("usage_unknown", error=error.message)
            return change

    async def _commit(self, change: transitions.Change) -> None:
        """Commit; what it meets ends the job.  Where there is no space for it the project waits, and says so."""
        met = await self._tried(change)
        if met is not None:
            raise await self._parked(met) if isinstance(met, DiskFull) else met

    async def _tried(self, change: transitions.Change) -> Exception | None:
        try:
            await self.lease.commit(change)
        except Fenced:
            return Later(FENCED_SECONDS)
        except StorageUnavailable as error:
            log.warning("storage_unavailable", error=error.message)
            return Later(STORAGE_SECONDS)
        except ReelqueueError as error:  # cancelled, a full disk, or the act does not fit
            return error
        return None

    async def _tell_waiting(self) -> None:
        wait = self.lease.state.wait
        await self.teller.waiting(self.lease.state, wait.what_to_do or wait.reason if wait else "")


async def _stopped(work: "asyncio.Task[Any]") -> None:
    """Stop the work and wait for its end, even while we are being cancelled ourselves."""
    work.cancel()
    await _to_its_end(work)
    if not work.done():
        log.error("work_does_not_stop")
    elif not work.cancelled():
        work.exception()  # it is seen


async def _to_its_end(task: "asyncio.Task[Any]") -> None:
    """Wait for a task however often we are told to end: arq cancels once more when it closes."""
    deadline = asyncio.get_running_loop().time() + STOP_SECONDS
    while not task.done() and asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=STOP_SECONDS)


def _artifacts(given: StageInputs, stage: Stage) -> tuple[Artifact, ...]:
    return given.project.stages[stage].artifacts


def _now() -> datetime:
    return clock.now()


def _timed_out(stage: Stage, seconds: float) -> StageTimedOut:
    return StageTimedOut(
        Text(f"{stage} 階段超過 {seconds:g} 秒", f"stage {stage} took longer than {seconds:g} s"),
        Text("完成的部分都保留著；用 reelqueue retry 繼續", "what is done is kept; reelqueue retry goes on"),
    )


def _gone(path: str) -> MediaError:
    return MediaError(
        Text(f"{path} 不見了，而專案已經發布", f"{path} is gone, and the project is published already"),
        Text("請從備份還原這個檔案", "restore the file from a backup"),
    )
