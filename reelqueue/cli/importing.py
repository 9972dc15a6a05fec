"""`reelqueue import DIR`: take over the Celery system's projects and go on where they stopped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs import connect
from jobs.importing.plan import Outcome, Plan, Workshop
from reelqueue.bootstrap import Settings, open_shelf, read_settings
from reelqueue.cli.bars import TITLES
from reelqueue.cli.console import complain, note, say, say_json
from reelqueue.cli.outcome import DONE, FAILED, WAITING, run
from reelqueue.errors import ReelqueueError, as_wire
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from reelqueue.providers.registry import estimated_seconds
from reelqueue.wording import Text
from storage import Owner, Paths, ProjectStore
from storage.installation import open_installation

Taken = list[tuple[Plan, ProjectState | None]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    about = Text(
        "匯入 Celery 系統的專案，從停下的地方繼續", "take over the Celery system's projects and go on where they stopped"
    )

    @app.command("import", help=str(about))
    def import_projects(
        folder: Annotated[str, typer.Argument(metavar="DIR", help=str(Text("舊系統的資料夾", "the old system's folder")), show_default=False)],
        media: Annotated[list[str] | None, typer.Option(help=str(Text("素材所在的其他資料夾，可重複", "another folder with its files (repeat)")))] = None,
        renumber: Annotated[bool, typer.Option("--renumber", help=str(Text("編號被佔用時給新的編號", "give a new id where the old one is taken")))] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help=str(Text("只說會做什麼", "only say what would be done")))] = False,
        start: Annotated[bool, typer.Option("--start", help=str(Text("匯入後開始（暫停的除外）", "start what was imported (not what was paused)")))] = False,
        as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False,
    ) -> None:  # fmt: skip
        root, others = Path(folder).expanduser(), [Path(name).expanduser() for name in media or []]
        settings = read_settings()
        from jobs.importing.looking import look_at_all  # noqa: PLC0415 - the makers' code: other commands start without it
        from jobs.importing.taking import take_over_all  # noqa: PLC0415 - as above

        async def work() -> int:
            shop = await _workshop(settings, dry_run=dry_run)
            plans = await look_at_all(shop, root, others, renumber=renumber)
            taken: Taken = []
            try:
                async for one in _unchanged(plans) if dry_run else take_over_all(shop, plans):
                    taken.append(one)
                    if not as_json:
                        _tell(*one)  # at once: hundreds of videos take their time
                started = await _started(settings, taken) if start and not dry_run else set[int]()
            finally:
                if as_json:
                    say_json([_as_json(plan, state, dry_run=dry_run) for plan, state in taken])
            if not as_json:
                _sum_up(taken, started, dry_run=dry_run)
            return _exit_code(taken)

        raise typer.Exit(run(work()))


async def _workshop(settings: Settings, *, dry_run: bool) -> Workshop:
    paths = Paths(settings.data_dir)
    if not dry_run:
        await asyncio.to_thread(open_installation, paths, allow_network_fs=settings.allow_network_fs)
    return Workshop(
        paths=paths,
        projects=ProjectStore(paths, Owner.here(), lease_seconds=settings.lease_seconds),
        providers=open_shelf(settings, paths).usual(),
        seconds=estimated_seconds,
        language=settings.language,
        spare_bytes=settings.disk_low_water_gb * 1e9,
    )


async def _started(settings: Settings, taken: Taken) -> set[int]:
    """Start what was imported now and can go on by itself; returns the ids."""
    wanted = [
        plan.project_id
        for plan, state in taken
        if plan.outcome is Outcome.NEW
        and plan.project_id is not None
        and state is not None
        and state.status is ProjectStatus.CREATED
        and plan.accepted is not None
        and not plan.accepted.old.is_paused
    ]
    if wanted:
        async with connect(settings) as queue:
            for number in wanted:
                await queue.start(number)
    return set(wanted)


async def _unchanged(plans: Sequence[Plan]) -> AsyncIterator[tuple[Plan, ProjectState | None]]:
    """The plans as if carried out."""
    for plan in plans:
        yield plan, None


def _tell(plan: Plan, state: ProjectState | None) -> None:
    if plan.error is not None:
        complain(plan.error)
    else:
        say(_sentence(plan, state))
    for told in plan.notes:
        note(f"    · {told}")


def _sentence(plan: Plan, state: ProjectState | None) -> Text:
    where = str(plan.folder.path)
    number = plan.project_id if plan.project_id is not None else Text("（新編號）", "(a new id)")
    zh, en = (number.zh, number.en) if isinstance(number, Text) else (str(number), str(number))
    if plan.outcome is Outcome.PRESENT:
        status = state.status if state is not None else ""
        return Text(f"= {where}：先前已匯入為專案 {zh} {status}", f"= {where}: imported before, as project {en} {status}")
    status = plan.accepted.status if plan.accepted is not None else ProjectStatus.CREATED
    if status is ProjectStatus.COMPLETED:
        return Text(f"✓ {where} → 專案 {zh}：已發布，不會再發布", f"✓ {where} → project {en}: published already, never again")
    if status is ProjectStatus.NEEDS_PERSON:
        return Text(f"! {where} → 專案 {zh}：需要人確認", f"! {where} → project {en}: a person has to look")
    stage = (
        TITLES[plan.accepted.next_stage] if plan.accepted is not None and plan.accepted.next_stage is not None else Text("", "")
    )
    return Text(f"✓ {where} → 專案 {zh}：從「{stage.zh}」繼續", f"✓ {where} → project {en}: goes on with {stage.en}")


def _sum_up(taken: Taken, started: set[int], *, dry_run: bool) -> None:
    new, present, refused = (sum(plan.outcome is outcome for plan, _ in taken) for outcome in Outcome)
    if dry_run:
        say(Text(
            f"會匯入 {new} 個；先前已匯入 {present} 個；不能匯入 {refused} 個（沒有更動任何東西）", f"would import {new}; imported before {present}; can't import {refused} (nothing was changed)"
        ))  # fmt: skip
        return
    say(
        Text(
            f"匯入 {new} 個；先前已匯入 {present} 個；不能匯入 {refused} 個",
            f"imported {new}; imported before {present}; can't import {refused}",
        )
    )
    waiting = [plan.project_id for plan, state in taken if state is not None and state.status is ProjectStatus.CREATED]
    left = [number for number in waiting if number not in started]
    if started:
        say(
            Text(
                f"已開始 {len(started)} 個；reelqueue watch 編號 可看進度",
                f"started {len(started)}; reelqueue watch ID shows each",
            )
        )
    if left:
        one = f"reelqueue start {left[0]}"
        how = one if len(left) == 1 else f"for id in {' '.join(map(str, left))}; do reelqueue start $id; done"
        say(Text(f"繼續：{how}", f"to go on: {how}"))


def _as_json(plan: Plan, state: ProjectState | None, *, dry_run: bool) -> dict[str, Any]:
    known: ReelqueueError | None = plan.error
    accepted = plan.accepted
    return {
        "path": str(plan.folder.path),
        "outcome": str(plan.outcome),
        "dry_run": dry_run,
        "project_id": plan.project_id,
        "status": str(state.status) if state is not None else str(accepted.status) if accepted is not None else None,
        "next_stage": None if accepted is None or accepted.next_stage is None else str(accepted.next_stage),
        "notes": [str(told) for told in plan.notes],
        "error": None if known is None else as_wire(known),
    }


def _exit_code(taken: Taken) -> int:
    if any(plan.outcome is Outcome.REFUSED for plan, _ in taken):
        return FAILED
    waits = any(plan.accepted is not None and plan.accepted.status is ProjectStatus.NEEDS_PERSON for plan, _ in taken)
    return WAITING if waits else DONE
