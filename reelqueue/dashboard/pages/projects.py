"""`/projects`: every project, found, chosen, and acted on."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from progress import ProgressEvent
from reelqueue import clock
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.batch.cells import legend
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.catalogue import Found, Wanted
from reelqueue.dashboard.pages import bulk
from reelqueue.dashboard.project.now import Now, is_of, now_of
from reelqueue.dashboard.rendering import page
from reelqueue.errors import InvalidBrief, ProjectNotFound
from reelqueue.models.ids import parse_project_id
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text, same
from storage import Outline

Name = TypeVar("Name", ProjectStatus, Stage)
PAGE_ROWS = 40
"""As many as keep the page below 70 kB (dashboard.md, Budget)."""
MOST_TEXT_CHARS = 200
MOST_BATCHES = 50
"""That a menu names; the page of a batch leads here, too."""
SPANS: Mapping[str, tuple[timedelta, Text]] = {
    "1h": (timedelta(hours=1), Text("1 小時內", "Last hour")),
    "24h": (timedelta(hours=24), Text("24 小時內", "Last 24 h")),
    "7d": (timedelta(days=7), Text("7 天內", "Last 7 days")),
    "30d": (timedelta(days=30), Text("30 天內", "Last 30 days")),
}
SAYS = {
    "find_in": Text("標題、編號、標籤或錯誤", "Title, id, tag or error"),
    "search": Text("搜尋", "Search"),
    "filter": Text("套用", "Apply"),
    "channel": Text("頻道", "Channel"),
    "stage": Text("階段", "Stage"),
    "batch": Text("批次", "Batch"),
    "since": Text("變動時間", "Changed"),
    "channel_all": Text("頻道：全部", "Channel: all"),
    "channel_is": Text("頻道：{name}", "Channel: {name}"),
    "stage_any": Text("階段：不限", "Stage: any"),
    "stage_is": Text("階段：{name}", "Stage: {name}"),
    "batch_any": Text("批次：不限", "Batch: any"),
    "batch_is": Text("批次 {name}", "Batch {name}"),
    "any_time": Text("不限時間", "Any time"),
    "all": Text("全部", "All"),
    "statuses": Text("依狀態篩選", "By status"),
    "project": Text("專案", "Project"),
    "status": Text("狀態", "Status"),
    "now": Text("目前", "Now"),
    "stages": Text("階段", "Stages"),
    "time": Text("時間", "Time"),
    "cost": Text("費用", "Cost"),
    "created": Text("建立", "Created"),
    "choose": Text("選取", "Choose"),
    "choose_all": Text("選取這一頁全部", "Choose all on this page"),
    "chosen": Text("已選 {n} 個", "{n} chosen"),
    "with_chosen": Text("對選取的專案", "With those chosen"),
    "retry": Text("重試", "Retry"),
    "cancel": Text("取消…", "Cancel…"),
    "approve": Text("核准", "Approve"),
    "price_first": Text("按下後會先說明費用與配額", "The price and the quota are said first"),
    "newer": Text("較新", "Newer"),
    "older": Text("較舊", "Older"),
    "rows": Text("第 {first}–{last} 筆，共 {total} 筆", "{first}–{last} of {total}"),
    "took": Text("{ms} ms", "{ms} ms"),
    "new_batch": Text("新增批次", "New batch"),
    "new_waiting": Text("有新專案 · 顯示", "New ones · show"),
    "nothing": Text("還沒有專案", "No projects yet"),
    "nothing_why": Text("一個主題就能做出第一支影片。", "One topic is enough for the first video."),
    "no_match": Text("找不到符合「{words}」的專案", "No project matches “{words}”"),
    "no_match_at_all": Text("沒有符合這些條件的專案", "No project matches these filters"),
    "searched": Text("已搜尋標題、編號、標籤、頻道與錯誤。", "Looked in titles, ids, tags, channels and errors."),
    "searched_of": Text(
        "已搜尋標題、編號、標籤、頻道與錯誤；狀態：{names}。", "Looked in titles, ids, tags, channels and errors; status: {names}."
    ),
    "clear": Text("清除篩選", "Clear filters"),
    "make_of_it": Text("用這個題目新增", "Make one of it"),
    "table": Text("專案清單，新的在前", "Projects, newest first"),
    "comma": Text("、", ", "),
    "paging": Text("翻頁", "Pages"),
    "day_before": Text("%m/%d", "%d %b"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, as typed where it is shown again."""

    wanted: Wanted
    since: str = ""
    after: int | None = None
    before: int | None = None

    def query(self, **changes: object) -> str:
        """The same list with `changes`, from its first page on, as a query; "" where nothing is asked for."""
        wanted = self.wanted
        kept: dict[str, object] = {
            "q": wanted.text,
            "status": [str(status) for status in legend(wanted.statuses)],
            "channel": wanted.channel,
            "stage": wanted.stage,
            "batch": wanted.batch_id,
            "since": self.since,
        }
        left = {name: value for name, value in (kept | changes).items() if value not in (None, "", [])}
        return f"?{urlencode(left, doseq=True)}" if left else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One project of the list."""

    outline: Outline
    now: Now
    heard: ProgressEvent | None
    has_thumbnail: bool

    @property
    def progress(self) -> str:
        """How far its stage is, in percent; "–" where nobody told."""
        return "–" if self.heard is None or not is_of(self.outline, self.heard) else str(self.heard.progress)

    @property
    def version(self) -> int:
        """Changes when its thumbnail may have."""
        return int(self.outline.updated_at.timestamp())


@dataclass(frozen=True, slots=True)
class Chip:
    """A status to filter by; None: all."""

    status: ProjectStatus | None
    count: int
    query: str
    is_on: bool


async def show(request: Request) -> Response:
    """The page."""
    began = time.perf_counter()
    board, zone, now = board_of(request), zone_of(request), clock.now()
    asked = asked_of(request.query_params, now)
    found = await board.catalogue.find(asked.wanted, limit=PAGE_ROWS, after=asked.after, before=asked.before)
    standing = await board.catalogue.standing()
    batches = list(dict.fromkeys(one.batch_id for one in standing.all if one.batch_id is not None))[:MOST_BATCHES]
    return page(
        request,
        "projects.html",
        says=SAYS | bulk.SAYS,
        asked=asked,
        found=found,
        rows=await rows_of(board, found.rows, now, zone),
        chips=chips_of(asked, found),
        channels=standing.channels,
        batches=batches,
        spans=SPANS,
        newest=standing.all[0].project_id if standing.all else 0,
        is_empty=not standing.all,
        back=f"/projects{asked.query()}",
        today=now.astimezone(zone).date(),
        took_ms=round((time.perf_counter() - began) * 1000),
    )


async def rows_of(board: Board, outlines: Sequence[Outline], now: datetime, zone: ZoneInfo) -> list[Row]:
    """The rows of these projects, with what was heard of those that run."""
    heard = await board.hub.last_of([one.project_id for one in outlines if one.running is not None])
    return [
        Row(
            outline=one,
            now=now_of(one, heard.get(one.project_id), now, zone),
            heard=heard.get(one.project_id),
            has_thumbnail=dict(zip(Stage, one.stages, strict=False)).get(Stage.THUMBNAIL) is StageStatus.DONE,
        )
        for one in outlines
    ]


def chips_of(asked: Asked, found: Found) -> list[Chip]:
    """All, then every status that there is one of, or that is asked for."""
    on = asked.wanted.statuses
    whole = Chip(None, sum(found.counts.values()), asked.query(status=None), not on)
    there = legend({status for status, count in found.counts.items() if count} | on)
    order = [status for status in SHOWN_FIRST if status in there] + [status for status in there if status not in SHOWN_FIRST]
    return [whole, *(Chip(one, found.counts[one], asked.query(status=str(one)), one in on) for one in order)]


SHOWN_FIRST = (
    ProjectStatus.RUNNING,
    ProjectStatus.QUEUED,
    ProjectStatus.WAITING_REVIEW,
    ProjectStatus.NEEDS_PERSON,
    ProjectStatus.WAITING_QUOTA,
    ProjectStatus.WAITING_BUDGET,
    ProjectStatus.WAITING_DISK,
    ProjectStatus.FAILED,
)
"""What may need somebody comes before what has ended."""


def asked_of(query: QueryParams, now: datetime) -> Asked:
    """What the address asks for.

    Raises:
        InvalidBrief: names the field that is none of ours.
    """
    text = query.get("q", "").strip()
    if len(text) > MOST_TEXT_CHARS:
        allowed = Text(f"最多 {MOST_TEXT_CHARS} 個字元", f"at most {MOST_TEXT_CHARS} characters")
        raise InvalidBrief("q", allowed, text)
    since = query.get("since", "")
    if since and since not in SPANS:
        raise InvalidBrief("since", same(", ".join(SPANS)), since)
    wanted = Wanted(
        text=text,
        statuses=frozenset(_one_of("status", ProjectStatus, one) for one in query.getlist("status") if one),
        channel=query.get("channel") or None,
        stage=_one_of("stage", Stage, query["stage"]) if query.get("stage") else None,
        batch_id=_number("batch", query.get("batch")),
        since=now.astimezone(UTC) - SPANS[since][0] if since else None,
    )
    return Asked(wanted, since, _number("after", query.get("after")), _number("before", query.get("before")))


def _one_of(field: str, names: type[Name], given: str) -> Name:
    try:
        return names(given)
    except ValueError:
        raise InvalidBrief(field, same(", ".join(names)), given) from None


def _number(field: str, given: str | None) -> int | None:
    if not given:
        return None
    try:
        return parse_project_id(given)  # a batch's id has the same form
    except ProjectNotFound:
        raise InvalidBrief(field, Text("編號：從 1 開始的整數", "an id: a whole number from 1"), given) from None


ROUTES: list[BaseRoute] = [Route("/projects", show), *bulk.ROUTES]
