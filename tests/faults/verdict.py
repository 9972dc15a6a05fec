"""What must hold whatever was done: nothing published twice, nothing lost, nothing unreadable, nothing paid for twice without a cause.

The verdict says what was broken in sentences, so that a test can ask for none, and one whose protection is taken out for some.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from jobs.spending import MONEY, USD
from reelqueue.models.buckets import UPLOADS
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.prices import read_prices
from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.gemini.memory import Paid
from reelqueue.sandbox.youtube.model import Video
from storage import Paths
from storage.codec import PROJECT_CODEC
from storage.ledger import Account, pacific_day
from tests.faults.nemesis import Nemesis
from tests.faults.watcher import Watcher

AT_ONCE = 8
"""Calls that one project has under way side by side: four pictures and four pieces of voice."""
HARMFUL = ("kill", "stop", "end")
OWN_UNIT = {"script": "output_tokens", "image": "image_tokens", "voice": "audio_tokens"}


@dataclass
class Verdict:
    """`broken`: what does not hold, a sentence each.  `figures` are what a page of guarantees shows."""

    broken: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def holds(self, fact: object, otherwise: str) -> None:
        """Note what is wrong where `fact` is not true."""
        if not fact:
            self.broken.append(otherwise)


def verdict_on(nemesis: Nemesis, watcher: Watcher, seconds: float) -> Verdict:
    """Look at everything that is left: states, files, videos, money."""
    found = Verdict(broken=list(watcher.wrong))
    paths = Paths(nemesis.world.settings.data_dir)
    states = {number: PROJECT_CODEC.decode(paths.project(number).state.read_bytes()) for number in nemesis.projects}
    _published(found, nemesis, states)
    _files(found, paths, states)
    repeated = _paid(found, nemesis, paths)
    harmed = nemesis.count(*HARMFUL)
    found.figures = {
        "kills": nemesis.count("kill"), "pauses": nemesis.count("stop"), "ends": nemesis.count("end"),
        "kills that met a whole one": sum(any(number in nemesis.whole for number in one.hit) for one in nemesis.harm if one.kind == "kill"),
        "whole ones met": _hit(nemesis),
        "redis restarts": nemesis.count("restart", "empty"), "projects": len(states), "whole": len(nemesis.whole),
        "videos": len(nemesis.sandbox.youtube.videos), "sessions": len(nemesis.sandbox.journal.calls("youtube", "upload.open")),
        "paid calls": len(nemesis.sandbox.gemini.paid), "repeated": repeated, "repeated per kill": round(repeated / max(1, harmed), 3),
        "fenced": fenced(nemesis.logs), "reads": watcher.reads, "unreadable": sum(one.startswith("unreadable") for one in watcher.wrong),
        "seconds": round(seconds),
    }  # fmt: skip
    _booked(found, nemesis.sandbox, paths)
    return found


def _hit(nemesis: Nemesis) -> dict[str, int]:
    """How often a kill met a whole project, by its stage."""
    met = Counter(
        stage for one in nemesis.harm if one.kind == "kill" for number, stage in one.hit.items() if number in nemesis.whole
    )
    return {str(stage): met[stage] for stage in Stage}


def videos_of(sandbox: Sandbox, number: int) -> list[Video]:
    """The videos of a project, by the marker that each of them bears."""
    return [one for one in sandbox.youtube.videos.values() if any(tag.startswith(f"rq-{number}-") for tag in one.tags)]


def _published(found: Verdict, nemesis: Nemesis, states: dict[int, ProjectState]) -> None:
    """Each project is one video, whole, visible, with what belongs to it once."""
    videos = nemesis.sandbox.youtube.videos
    for number, state in states.items():
        ours = videos_of(nemesis.sandbox, number)
        found.holds(len(ours) <= 1, f"project {number} was published {len(ours)} times")
        done = state.status is ProjectStatus.COMPLETED
        found.holds(done, f"project {number} is {state.status}, {state.next_stage}: {state.wait or _errors(state)}")
        found.holds(ours or not done, f"project {number} is lost: it is completed, and no video is there")
        if not (done and ours):
            continue
        video = ours[0]
        made = state.stages[Stage.RENDER].artifacts[0].sha256
        found.holds(video.sha256 == made == nemesis.bodies.get(number, made), f"project {number}: the video is not its file")
        found.holds(state.upload is not None and state.upload.video_id == video.video_id, f"project {number}: another video's id")
        if number in nemesis.bodies:
            _beside_it(found, nemesis, number, video, state.stages[Stage.UPLOAD].warnings)
    found.holds(len(videos) <= len(states), f"{len(videos)} videos of {len(states)} projects")


def _beside_it(found: Verdict, nemesis: Nemesis, number: int, video: Video, warnings: tuple[str, ...]) -> None:
    said = " ".join(warnings)
    placed = sum(item.video_id == video.video_id for item in nemesis.playlist.items)
    found.holds(video.privacy == "public", f"project {number}: the video is {video.privacy}")
    found.holds(
        len(video.captions) == 1 or (not video.captions and warnings), f"project {number}: {len(video.captions)} captions"
    )
    found.holds(video.thumbnail_sha256 or "thumbnail" in said, f"project {number}: no thumbnail, and no word of it")
    found.holds(placed == 1 or (not placed and "playlist" in said), f"project {number}: {placed} times in the playlist")


def _errors(state: ProjectState) -> list[str]:
    return [known.error.message for known in state.stages.values() if known.error is not None]


def _files(found: Verdict, paths: Paths, states: dict[int, ProjectState]) -> None:
    """What a stage says that it made is there, and is that."""
    for number, state in states.items():
        for stage, known in state.stages.items():
            for artifact in known.artifacts:
                path = paths.project(number).root / artifact.path
                same = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == artifact.sha256
                found.holds(same, f"project {number}: {artifact.path} is not what {stage} says")


def _paid(found: Verdict, nemesis: Nemesis, paths: Paths) -> int:
    """Each piece is paid for once, and once more at most for each cause; returns how many calls were repeated."""
    wanted: Counter[tuple[str, str]] = Counter()
    for number in nemesis.whole:
        wanted.update(("voice", text) for text in _texts(paths.project(number).script))
    causes, repeated = _causes(nemesis), 0
    for (call, prompt), times in Counter((one.call, one.prompt) for one in nemesis.sandbox.gemini.paid).items():
        once = wanted[call, prompt] if call == "voice" else 1
        found.holds(once, f"nobody needed this {call}: {prompt[:60]!r}")
        found.holds(times - once <= causes, f"a {call} was paid for {times} times, for {causes} causes: {prompt[:60]!r}")
        repeated += times - once
    most = _in_flight(nemesis)
    found.holds(repeated <= most, f"{repeated} calls were repeated, and {most} at most were in flight when something happened")
    return repeated


def _texts(script: Path) -> Iterator[str]:
    if script.is_file():
        told = json.loads(script.read_text(encoding="utf-8"))
        yield from (part["text"] for part in (told["intro"], *told["segments"], told["outro"]))


def _causes(nemesis: Nemesis) -> int:
    """How often an answer may have been lost: by deeds, by answers that were spoiled, by leases that a busy machine did not keep."""
    return nemesis.count(*HARMFUL) + _spoiled(nemesis) + fenced(nemesis.logs)


def _in_flight(nemesis: Nemesis) -> int:
    """How many calls may have been lost: of each project that was in the hand of whom it befell; whoever ends may take one more."""
    hit = sum(number in nemesis.whole for one in nemesis.harm if one.kind in {"kill", "stop"} for number in one.hit)
    return AT_ONCE * (hit + nemesis.plan.whole * nemesis.count("end") + fenced(nemesis.logs)) + _spoiled(nemesis)


def _spoiled(nemesis: Nemesis) -> int:
    return sum(one.fault not in {"", "slow"} for one in nemesis.sandbox.journal.calls("gemini"))


def fenced(logs: list[Path]) -> int:
    """How often workers were told that a project is another's by now."""
    return sum(log.read_bytes().count(b'"event": "fenced"') for log in logs if log.exists())


def _booked(found: Verdict, sandbox: Sandbox, paths: Paths) -> None:
    """The ledger knows of all that was spent; more, where a worker died between a call and its settlement."""
    prices = read_prices(None)
    spent = sum((_cost(one, prices) for one in sandbox.gemini.paid), Decimal(0))
    booked = _used(paths, f"{MONEY}.{USD}.json")
    found.holds(booked >= spent, f"{spent} USD were spent, and the ledger knows of {booked}")
    opened = sum(1 for one in sandbox.journal.calls("youtube", "upload.open") if one.detail.get("session"))
    counted = _used(paths, f"youtube-*.{UPLOADS}.json")
    found.holds(counted >= opened, f"{opened} sessions were opened, and the ledger knows of {counted}")
    found.figures |= {"spent": float(spent), "booked": float(booked)}


def _used(paths: Paths, name: str) -> Decimal:
    return sum((Account.model_validate_json(path.read_bytes()).used for path in paths.ledger.glob(f"2*/{name}")), Decimal(0))


def _cost(one: Paid, prices: Any) -> Decimal:
    """What a real account would have been billed, by the counts that the sandbox answered."""
    counts, own = one.usage, OWN_UNIT[one.call]
    amounts = Counter({"input_tokens": counts["promptTokenCount"], "output_tokens": counts.get("thoughtsTokenCount", 0)})
    told = counts.get("candidatesTokenCount", 0)
    for detail in counts.get("candidatesTokensDetails", ()):
        unit = {"IMAGE": "image_tokens", "AUDIO": "audio_tokens"}.get(detail["modality"], "output_tokens")
        amounts[unit] += detail["tokenCount"]
        told -= detail["tokenCount"]
    amounts[own] += max(0, told)
    return sum(
        (prices.usd("gemini", one.model, unit, amount, pacific_day(one.at)) for unit, amount in amounts.items()), Decimal(0)
    )
