"""A busy installation to look at: channels, projects in every state, a batch of hundreds, money and quota, something that moves.

python -m tests.scene FOLDER            on disk; prints what to set for a board that shows it
python -m tests.scene FOLDER --live     and then, until Ctrl-C, a Redis with workers' heartbeats and progress that goes on
python -m tests.scene FOLDER --many 10000   so many more finished ones
"""

import argparse
import asyncio
import contextlib
import io
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from arq.connections import ArqRedis
from PIL import Image, ImageDraw, ImageFont

from jobs.batch.calendar_words import calendar_of
from jobs.client import redis_settings
from jobs.pipeline import overall
from jobs.pools import open_pool
from jobs.spending import channel_bucket, money_bucket, project_bucket
from progress import Publisher
from reelqueue import embedded
from reelqueue.art import fonts
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.models.buckets import UPLOADS, youtube_client
from reelqueue.models.forecast import Forecast
from reelqueue.models.project import ProjectState, StageError, Upload, Usage, Wait
from reelqueue.models.script import Metadata, Part, Script, Segment
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage, StageStatus
from reelqueue.providers.registry import open_shelf
from reelqueue.settings import Settings
from storage import BatchStore, Bucket, Ledger, Owner, Paths, ProjectStore
from storage.bookings import Bookings
from storage.installation import open_installation
from storage.ledger import pacific_day
from tests.scene_fleet import Fleet
from tests.scene_numbers import tell_history
from tests.scene_pieces import put_pieces

CHANNELS = ("tea", "science", "history")
TITLES = (
    "深海為什麼會發光？", "一杯東方美人茶的誕生", "How a typhoon gets its name", "霧社櫻花的記憶", "茶葉渡海四百年", "量子電腦怕什麼？",
    '<script>alert("茶")</script> 的安全課', "夜市攤位的一天", "阿里山的第一班車", "一斤茶要多少芽？", "黑潮流向哪裡", "What the Kuroshio carries",
    "文山包種的花香", "日月潭的水從哪來", "木柵鐵觀音的火候", "凍頂烏龍怎麼烘", "鄭成功的第一個冬天", "章魚真的有九個腦？", "Why bridges hum in the wind",
    "珊瑚怎麼過冬", "杉林溪的霧", "采茶歌怎麼唱",
    "一個很長的標題：從高山上的一片茶葉，到杯子裡的一口回甘，中間到底發生了多少事，而我們又為什麼要花四百年才慢慢學會等待？",
)  # fmt: skip
LENGTHS_S = {Stage.SCRIPT: 11, Stage.ASSETS: 172, Stage.RENDER: 447, Stage.THUMBNAIL: 2, Stage.UPLOAD: 80}
CALENDAR = "slots Mon-Sun 07:00,09:00,10:00,12:00,13:00,15:00,16:00,18:00,19:00,21:00 Asia/Taipei"
COST = {Stage.SCRIPT: 0.01, Stage.ASSETS: 0.36}
STAGES = tuple(Stage)
Change = Callable[[ProjectState], ProjectState]


def _always(booked: Mapping[datetime, int]) -> Callable[[Mapping[datetime, int]], Mapping[datetime, int]]:
    return lambda _known: booked


def _at_slot(at: datetime) -> Change:
    return lambda state: state.replace(slot=at)


class Scene:
    """One folder's.  `now` is what everything in it is as of."""

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self.paths = Paths(folder)
        self.projects = ProjectStore(self.paths, Owner.here(), lease_seconds=15)
        self.batches = BatchStore(self.paths, Owner.here(), lease_seconds=15)
        self.now = now or datetime.now(UTC)
        self.chance = random.Random(7)
        self.pictures = [_thumbnail(title, number) for number, title in enumerate(TITLES)]
        self.running: list[int] = []
        self.batch_id = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a board needs to show it."""
        return {
            "REELQUEUE_DATA_DIR": str(self.paths.root),
            "REELQUEUE_CHANNELS_FILE": str(self.paths.root / "channels.toml"),
            "REELQUEUE_GEMINI_API_KEY": "key-of-a-stage-set",
            "REELQUEUE_GEMINI_BASE_URL": "http://127.0.0.1:9",
            "REELQUEUE_YOUTUBE_API_BASE_URL": "http://127.0.0.1:9",
            "REELQUEUE_GOOGLE_TOKEN_URL": "http://127.0.0.1:9",
            "REELQUEUE_DAILY_COST_CAP_USD": "30",
        }

    async def set(self, *, batch: int = 500, many: int = 0) -> None:
        """Put everything there."""
        open_installation(self.paths)
        self._channels()
        for number, title in enumerate(TITLES[:19]):
            await self._single(number, title)
        await self._pieces()
        if batch:
            await self._batch(batch)
        for _ in range(many):
            await self._finished(self.chance.randrange(len(TITLES)), self.chance.uniform(1, 80))
        await self._money()
        await tell_history(self.paths, self.now, LENGTHS_S, self.chance)

    async def _pieces(self) -> None:
        """What the single ones are made of."""
        given = {name.removeprefix("REELQUEUE_").lower(): value for name, value in self.environment.items()}
        async with contextlib.aclosing(open_shelf(Settings(**given), self.paths)) as shelf:  # type: ignore[arg-type]  # pydantic reads text
            for number in await self.projects.ids():
                if (await self.projects.load(number)).stages[Stage.SCRIPT].artifacts:
                    await put_pieces(self.projects, shelf, number, self.chance)

    def _channels(self) -> None:
        tables = []
        for name in CHANNELS:
            token = {
                "client_id": f"{name if name == 'science' else 'shared'}.apps",
                "client_secret": "none",
                "refresh_token": "none",
            }
            file = self.paths.root / f"{name}.token.json"
            file.write_text(json.dumps(token), encoding="ascii")
            file.chmod(0o600)
            tables.append(f'[{name}]\ntoken_file = "{file.name}"\ndaily_uploads = 15\n')
        (self.paths.root / "channels.toml").write_text("\n".join(tables), encoding="utf-8")

    async def _single(self, number: int, title: str) -> None:
        """One of each kind first, then finished ones."""
        kinds: Sequence[Callable[[int, str], Any]] = (
            self._runs(Stage.RENDER), self._runs(Stage.ASSETS), self._runs(Stage.UPLOAD), self._reviewed, self._without_quota,
            self._signed_out, self._refused, self._queued, self._runs(Stage.SCRIPT),
        )  # fmt: skip
        if number < len(kinds):
            await kinds[number](number, title)
        elif number == 11:
            await self._cancelled(number, title)
        elif number == 12:
            await self._alike(number, title)
        else:
            await self._finished(number, hours_ago=number - 8)

    async def _make(self, number: int, title: str, **brief: object) -> int:
        language = "en" if title.isascii() else "zh-TW"
        given = {"topic": title, "language": language, "channel": CHANNELS[number % 3], "tags": ("tea", "台灣"), **brief}
        return (await self.projects.create(parse_brief(given))).project_id

    async def _made(self, number: int, project: int, upto: Stage, began: datetime) -> Change:
        """All stages before `upto` done, with their files; the change that says so."""
        title, files = TITLES[number], {}
        async with await self.projects.take_over(project) as lease:
            script = _script(title)
            files[Stage.SCRIPT] = (await lease.blobs.write("script.json", script.model_dump_json().encode()),)
            if upto.reaches(Stage.UPLOAD):
                files[Stage.THUMBNAIL] = (await lease.blobs.write("output/thumbnail.jpg", self.pictures[number]),)

        def change(state: ProjectState) -> ProjectState:
            at, usage = began, []
            for stage in STAGES[: STAGES.index(upto)]:
                took = timedelta(seconds=LENGTHS_S[stage] * self.chance.uniform(0.8, 1.3))
                state = state.with_stage(
                    stage,
                    status=StageStatus.DONE, attempts=1, started_at=at, finished_at=at + took,
                    duration_s=round(took.total_seconds(), 1), artifacts=files.get(stage, ()), result=_result(stage, project),
                )  # fmt: skip
                at += took
            usage = [Usage(service="gemini", model="gemini-3.8-flash", unit="output_tokens", amount=2400, cost_usd=0.01)]
            if upto.reaches(Stage.RENDER):
                usage.append(
                    Usage(service="gemini", model="gemini-3.1-flash-image", unit="image_tokens", amount=18, cost_usd=0.26)
                )
                usage.append(Usage(service="gemini", model="gemini-3.8-flash-tts", unit="audio_tokens", amount=41, cost_usd=0.11))
            return state.replace(created_at=began - timedelta(seconds=4), run=1, usage=tuple(usage), batch_id=state.batch_id)

        return change

    async def _at(self, project: int, change: Change, more: Change) -> None:
        await self.projects.change(project, lambda state: more(change(state)))

    def _runs(self, stage: Stage) -> Callable[[int, str], Any]:
        async def put(number: int, title: str) -> None:
            project = await self._make(number, title)
            began = self.now - timedelta(seconds=60 + sum(LENGTHS_S[one] for one in STAGES[: STAGES.index(stage)]))
            made = await self._made(number, project, stage, began)
            await self._at(
                project,
                made,
                lambda state: state.with_stage(
                    stage, status=StageStatus.RUNNING, attempts=1, started_at=self.now - timedelta(seconds=50)
                ).replace(status=ProjectStatus.RUNNING),
            )
            self.running.append(project)

        return put

    async def _reviewed(self, number: int, title: str) -> None:
        project = await self._make(number, title, review=("script",))
        made = await self._made(number, project, Stage.ASSETS, self.now - timedelta(hours=1, minutes=46))
        wait = Wait(reason="script", what_to_do=f"reelqueue approve {project}")
        await self._at(project, made, lambda state: state.replace(status=ProjectStatus.WAITING_REVIEW, wait=wait))

    async def _without_quota(self, number: int, title: str) -> None:
        project = await self._make(number, title, privacy="public")
        made = await self._made(number, project, Stage.UPLOAD, self.now - timedelta(hours=1))
        until = self.now + timedelta(hours=1, minutes=28)
        wait = Wait(reason="今天的配額已用完：YouTube 點數", until=until, what_to_do="重置後會自動繼續")
        await self._at(project, made, lambda state: state.replace(status=ProjectStatus.WAITING_QUOTA, wait=wait, resume_at=until))

    async def _signed_out(self, number: int, title: str) -> None:
        await self._failed(number, title, Stage.UPLOAD, StageError(
            code="authentication",
            message="YouTube 不再接受頻道 science 的授權（invalid_grant：Token has been expired or revoked.）",
            hint="reelqueue auth youtube --channel science",
        ), hours_ago=2)  # fmt: skip

    async def _refused(self, number: int, title: str) -> None:
        await self._failed(number, title, Stage.ASSETS, StageError(
            code="content_refused", message="Gemini 拒絕了第 4 景的圖片描述（SAFETY）", hint="改寫那一景的文字，然後重試",
        ), hours_ago=2.5)  # fmt: skip

    async def _failed(self, number: int, title: str, stage: Stage, error: StageError, hours_ago: float) -> None:
        project = await self._make(number, title)
        began = self.now - timedelta(hours=hours_ago)
        made = await self._made(number, project, stage, began - timedelta(minutes=12))
        await self._at(
            project,
            made,
            lambda state: state.with_stage(
                stage, status=StageStatus.FAILED, attempts=2, started_at=began - timedelta(seconds=38), finished_at=began,
                duration_s=38.0, error=error,
            ).replace(status=ProjectStatus.FAILED),
        )  # fmt: skip

    async def _queued(self, number: int, title: str) -> None:
        project = await self._make(number, title)
        await self.projects.change(project, lambda state: state.replace(status=ProjectStatus.QUEUED, run=1))

    async def _cancelled(self, number: int, title: str) -> None:
        project = await self._make(number, title)
        made = await self._made(number, project, Stage.RENDER, self.now - timedelta(hours=3))
        await self._at(project, made, lambda state: state.replace(status=ProjectStatus.CANCELLED))
        await self.projects.unmark(project)

    async def _alike(self, number: int, title: str) -> None:
        project = await self._make(number, title, privacy="public")
        made = await self._made(number, project, Stage.UPLOAD, self.now - timedelta(minutes=38))
        wait = Wait(
            reason=f"標題與專案 {project - 3} 相似 91%",
            what_to_do=f"核可：reelqueue approve {project}；修改：reelqueue edit {project}",
        )
        await self._at(project, made, lambda state: state.replace(status=ProjectStatus.WAITING_REVIEW, wait=wait))

    async def _finished(self, number: int, hours_ago: float) -> None:
        project = await self._make(number, TITLES[number], privacy="public")
        await self._publish(number, project, self.now - timedelta(hours=hours_ago))

    async def _publish(self, number: int, project: int, ended: datetime) -> None:
        began = ended - timedelta(seconds=sum(LENGTHS_S.values()))
        made = await self._made(number, project, Stage.UPLOAD, began)
        warned = ("2 張圖片由替代畫面代替（第 4、11 景）",) if number == 10 else ()
        await self._at(
            project,
            made,
            lambda state: state.with_stage(
                Stage.UPLOAD, status=StageStatus.DONE, attempts=1, started_at=ended - timedelta(seconds=80), finished_at=ended,
                duration_s=80.0, warnings=warned,
                result={"status": "success", "video_id": f"Q3k{project:08}", "video_url": f"https://youtu.be/Q3k{project:08}",
                        "video_status": "public"},
            ).replace(
                status=ProjectStatus.COMPLETED,
                upload=Upload(marker=f"rq-{project}", session_no=1, video_id=f"Q3k{project:08}", steps={}),
            ),
        )  # fmt: skip
        await self.projects.unmark(project)

    async def _batch(self, size: int) -> None:
        """As far as the drawn one: two thirds done, some failed, some wait, the rest not begun."""
        briefs: list[tuple[Brief, str]] = []
        for place in range(size):
            number = place % 22
            title = f"{TITLES[number]}（{place + 1}）"[:190]
            brief = {"topic": title, "language": "zh-TW", "channel": CHANNELS[number % 3], "privacy": "public"}
            briefs.append((parse_brief(brief), f"row-{place}"))
        batch = await self.batches.create((), content="scene", idempotency_key="scene")
        numbers = tuple(await self.projects.create_many(briefs, batch_id=batch.batch_id))
        self.batch_id = batch.batch_id
        done, started = int(size * 0.624), self.now - timedelta(days=11)
        for place, project in enumerate(numbers[: int(size * 0.72)]):
            at = started + (self.now - started) * (place / max(1, int(size * 0.7)))
            await self._member(place, project, done, at)
        for number, channel in enumerate(CHANNELS):
            mine = [project for place, project in enumerate(numbers) if place % 22 % 3 == number]
            booked = dict(zip(calendar_of(CALENDAR).after(started), mine[: int(len(mine) * 0.8)], strict=False))
            for at, project in booked.items():
                await self.projects.change(project, _at_slot(at))
            await Bookings(self.paths).change(channel, _always(booked), self.now)

        def running(state: BatchState) -> BatchState:
            return state.replace(
                status=BatchStatus.RUNNING, project_ids=numbers, completed=done, failed=3, started_at=started,
                calendar=CALENDAR,
                forecast=Forecast(
                    made_at=started, projects=size, least=self.now + timedelta(days=5), most=self.now + timedelta(days=8),
                    limit="units", usd=(Decimal(190), Decimal(206)),
                ),
            )  # fmt: skip

        await self.batches.change(batch.batch_id, running)

    async def _member(self, place: int, project: int, done: int, at: datetime) -> None:
        number = place % 19
        if place in {done // 7, done + 3, done + 9}:
            error = StageError(
                code="authentication", message="YouTube 不再接受頻道的授權（invalid_grant）", hint="reelqueue auth youtube"
            )
            await self.projects.change(
                project,
                lambda state: state.with_stage(Stage.UPLOAD, status=StageStatus.FAILED, error=error, attempts=2).replace(
                    status=ProjectStatus.FAILED, run=1
                ),
            )
        elif place < done:
            await self._publish(number, project, at)
        elif place % 5 == 0:
            until = self.now + timedelta(hours=1)
            wait = Wait(reason="今天的配額已用完", until=until, what_to_do="重置後會自動繼續")
            await self.projects.change(
                project, lambda state: state.replace(status=ProjectStatus.WAITING_QUOTA, wait=wait, resume_at=until, run=1)
            )
        elif place % 17 == 0:
            wait = Wait(reason="script", what_to_do=f"reelqueue approve {project}")
            await self.projects.change(
                project, lambda state: state.replace(status=ProjectStatus.WAITING_REVIEW, wait=wait, run=1)
            )
        else:
            await self.projects.change(project, lambda state: state.replace(status=ProjectStatus.QUEUED, run=1))

    async def _money(self) -> None:
        """Two weeks of spending, and today's quota."""
        ledger, today = Ledger(self.paths), pacific_day(self.now)
        for back in range(14):
            day = today - timedelta(days=back)
            parts = {"gemini-3.1-flash-image": 12.2, "gemini-3.8-flash-tts": 4.4, "gemini-3.8-flash": 0.9}
            usage = [
                Usage(
                    service="gemini", model=model, unit="call", amount=100, cost_usd=round(usd * self.chance.uniform(0.8, 1.1), 2)
                )
                for model, usd in parts.items()
            ]
            whole = Decimal(str(round(sum(use.cost_usd for use in usage), 2)))
            await ledger.settle(money_bucket(day), "scene", whole, usage)
            for channel in CHANNELS:
                await ledger.settle(channel_bucket(channel, day), "scene", whole / 3, ())
        await ledger.reserve(money_bucket(today), "under-way", Decimal("1.20"), cap=Decimal(30))
        for project in self.running:
            spent = (await self.projects.load(project)).usage
            await ledger.settle(project_bucket(project), "scene", Decimal(str(sum(use.cost_usd for use in spent))), spent)
        for client, used, held in (("shared.apps", 6_565, 1_515), ("science.apps", 4_040, 1_010)):
            await ledger.settle(Bucket(youtube_client(client), "units", today), "scene", Decimal(used))
            await ledger.reserve(Bucket(youtube_client(client), "units", today), "held", Decimal(held), cap=Decimal(10_000))
            await ledger.settle(Bucket(youtube_client(client), UPLOADS, today), "scene", Decimal(used // 505))

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[str]:
        """A Redis in the folder; five workers beat, and what runs gets on.  Yields its address."""
        async with embedded.server(self.paths.redis_dir) as url:
            redis = open_pool(redis_settings(url))
            fleet = Fleet(redis, self.now, self.chance)
            outlines = await self.projects.outlines(await self.projects.ids(newest_first=False))
            await fleet.begin([one for one in outlines.values() if one is not None], [self.batch_id])
            acting = asyncio.create_task(self._act(redis, fleet))
            try:
                yield url
            finally:
                acting.cancel()
                await asyncio.wait({acting})
                await redis.aclose(close_connection_pool=True)

    async def _act(self, redis: ArqRedis, fleet: Fleet) -> None:
        publisher, share = Publisher(redis), dict.fromkeys(self.running, 20.0)
        while True:
            await fleet.beat()
            for project in self.running:
                state = await self.projects.load(project)
                stage = next((one for one in Stage if state.stages[one].status is StageStatus.RUNNING), None)
                if stage is None:  # somebody cancelled it on the board
                    continue
                share[project] = min(99.0, share[project] + self.chance.uniform(0.1, 0.8))
                await publisher.publish(
                    project_id=project, stage=stage.event_name, progress=share[project], overall=overall(stage, share[project]),
                    message=_words(stage, share[project]), eta_s=(100 - share[project]) * 4, status="running", run=1,
                )  # fmt: skip
            await asyncio.sleep(0.5)


def _words(stage: Stage, percent: float) -> str:
    piece = 1 + int(percent * 17 / 100)
    return {
        Stage.SCRIPT: "調用 Gemini API...", Stage.ASSETS: f"圖片 {piece} / 18", Stage.RENDER: f"第 {piece} / 18 景",
        Stage.THUMBNAIL: "合成中", Stage.UPLOAD: f"{percent * 1.83:.0f} / 183 MB",
    }[stage]  # fmt: skip


def _result(stage: Stage, project: int) -> dict[str, Any]:
    if stage is Stage.RENDER:
        info = {
            "duration": 252.0,
            "duration_s": 252.0,
            "width": 1920,
            "height": 1080,
            "fps": 30,
            "bytes": 183_000_000,
            "loudness_lufs": -14.1,
        }
        return {"status": "success", "video_path": f"projects/{project}/output/final_video.mp4", "video_info": info}
    return {"status": "success"}


def _script(title: str) -> Script:
    sentences = ("深海九成的生物會自己發光。", "牠們不是為了好看，", "而是為了吃飯、求偶，還有——不被吃掉。")
    segments = tuple(
        Segment(index=place, text=f"{place + 1}、" + "".join(sentences), duration=13.0, image_description=f"scene {place + 1}")
        for place in range(16)
    )
    return Script(
        intro=Part(text=f"{title}今天一起來看。", duration=6.0), segments=segments, outro=Part(text="我們下次見。", duration=4.0),
        metadata=Metadata(title=title.replace("<", "").replace(">", ""), description="Of a stage set.", tags=("tea",)),
        total_duration=218.0, language="zh-TW",
    )  # fmt: skip


def _thumbnail(title: str, number: int) -> bytes:
    """1280x720, a hill under a sky, and the title in two lines."""
    skies = (("#16243f", "#3c7de0"), ("#4b2a63", "#e39a7a"), ("#0f3a44", "#4fb7a5"), ("#5b4a2f", "#e6c27a"))
    top, bottom = skies[number % len(skies)]
    sky = Image.linear_gradient("L").resize((1280, 720))
    picture = Image.composite(Image.new("RGB", (1280, 720), bottom), Image.new("RGB", (1280, 720), top), sky)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((900, 110, 1060, 270), fill="#f6efe0")
    draw.polygon([(0, 720), (0, 560), (330, 400), (700, 600), (1010, 450), (1280, 590), (1280, 720)], fill="#0c1a22")
    font = ImageFont.truetype(str(fonts.find_font("Huninn-Regular.ttf")), 120)
    words = title.replace("？", "")[:12]
    for line, part in enumerate((words[:6], words[6:])):
        draw.text(
            (70, 340 + 150 * line),
            part,
            font=font,
            fill="#ffffff" if not line else "#ffe36b",
            stroke_width=8,
            stroke_fill="#101418",
        )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--many", type=int, default=0)
    parser.add_argument("--live", action="store_true")
    asked = parser.parse_args()
    scene = Scene(asked.folder)
    await scene.set(batch=asked.batch, many=asked.many)
    for name, value in scene.environment.items():
        print(f"export {name}={value}")  # noqa: T201 - a command's output
    if asked.live:
        async with scene.alive() as url:
            print(f"export REELQUEUE_REDIS_URL={url}", flush=True)  # noqa: T201 - as above
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
