"""What a batch's pages say, in both languages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from reelqueue.dashboard.batch.standing import BatchFigures
from reelqueue.dashboard.project.now import moment
from reelqueue.models.forecast import Forecast, Limit
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import Text, same

STATUS: dict[BatchStatus, Text] = {
    BatchStatus.CREATED: Text("已建立", "Created"),
    BatchStatus.RUNNING: Text("執行中", "Running"),
    BatchStatus.PAUSED: Text("已暫停", "Paused"),
    BatchStatus.COMPLETED: Text("已完成", "Completed"),
    BatchStatus.FAILED: Text("失敗", "Failed"),
    BatchStatus.CANCELLED: Text("已取消", "Cancelled"),
}
LIMIT: dict[Limit, Text] = {
    "cpu": Text("運算資源", "Computing"),
    "uploads": Text("上傳次數", "Uploads"),
    "units": Text("YouTube 點數", "YouTube units"),
    "money": Text("花費上限", "Cost cap"),
    "slots": Text("發布時程", "Calendar"),
    "person": Text("等人處理", "A person"),
}
"""What decides when it ends, in a word or two."""
LEVER: dict[Limit, Text] = {
    "cpu": Text("多開 Worker，或調高 VIDEO_MAX_JOBS", "Start more workers, or raise VIDEO_MAX_JOBS"),
    "uploads": Text("分散到另一個 OAuth 用戶端的頻道", "Spread over channels of another OAuth client"),
    "units": Text("向 Google 申請更多，或分散到另一個 OAuth 用戶端", "Ask Google for more, or spread over another OAuth client"),
    "money": Text("調高 DAILY_COST_CAP_USD 或頻道的上限", "Raise DAILY_COST_CAP_USD, or the channel's cap"),
    "slots": Text("影片會先上傳，再照時程公開", "Videos are uploaded ahead and published on time"),
    "person": Text("審核或處理之後才會繼續", "It goes on once somebody has approved or mended them"),
}
"""What somebody could do about it."""
SAYS = {
    "batch": Text("批次 {number}", "Batch {number}"),
    "no_batches": Text("還沒有批次", "No batches yet"),
    "unreadable": Text("批次 {n} 無法讀取：", "Batch {n} can't be read:"),
    "no_batches_more": Text(
        "上傳一個 CSV 或 JSONL 檔，每列做一支影片。", "Upload a CSV or JSONL file: a video is made of each row."
    ),
    "new_batch": Text("新增批次", "New batch"),
    "videos": Text("影片", "Videos"),
    "done": Text("已完成", "Completed"),
    "failed": Text("失敗", "Failed"),
    "begun": Text("開始", "Begun"),
    "ends": Text("結束", "Ends"),
    "spent": Text("花費", "Spent"),
    "status": Text("狀態", "Status"),
    "title": Text("標題", "Title"),
    "what_now": Text("目前", "What now"),
    "row": Text("列", "Row"),
    "time": Text("時間", "Time"),
    "cost": Text("費用", "Cost"),
    "success": Text("結束者中 {percent}%", "{percent}% of those that ended"),
    "none_ended": Text("還沒有專案結束", "None has ended yet"),
    "will_end": Text("預計完成", "Will be done"),
    "ended": Text("結束於", "Ended"),
    "expected_between": Text("九成把握：{least} – {most}", "9 in 10: {least} – {most}"),
    "was_within": Text("在開始時的預測之內", "As was expected at the start"),
    "was_not_within": Text("開始時預測：{least} – {most}", "Expected at the start: {least} – {most}"),
    "expected_at_start": Text("開始時的預測，正在重新計算", "As expected at the start; being made anew"),
    "deadline": Text("期限 {at}", "deadline {at}"),
    "limit": Text("瓶頸", "What limits it"),
    "about_a_day": Text("每天約 {count} 支", "≈ {count} videos a day"),
    "about_a_day_one": same("≈ {count} video a day"),
    "a_day": Text("每日影片", "Videos a day"),
    "whole_day": Text("前一整日 {count}", "last whole day {count}"),
    "columns_label": Text("最近 {days} 天每天完成的影片，今天 {today} 支", "Videos done on each of the last {days} days; today {today}"),
    "in_all": Text("預測共 ≈ {usd}", "forecast ≈ {usd} in all"),
    "each": Text("每支成本", "Per video"),
    "each_label": Text("最近 {days} 天每支影片的平均成本", "Mean cost of a video on each of the last {days} days"),
    "saved": Text("已完成者的平均", "mean of those that are done"),
    "projects": Text("專案", "Projects"),
    "file_order": Text("依檔案順序", "in the order of the file"),
    "grid": Text("格狀", "Grid"),
    "table": Text("表格", "Table"),
    "calendar": Text("行事曆", "Calendar"),
    "views": Text("檢視方式", "View"),
    "row_pages": Text("列", "Rows"),
    "open": Text("開啟", "Open"),
    "row_of": Text("第 {place} 列", "Row {place}"),
    "forecast": Text("預測", "Forecast"),
    "made_anew": Text("各階段結束後重算", "made anew after each stage"),
    "now_here": Text("現在", "now"),
    "today": Text("今天", "now"),
    "band_label": Text(
        "{total} 支中完成 {done} 支；預計 {least} 到 {most} 全部完成", "{done} of {total} done; all of them expected between {least} and {most}"
    ),
    "band_done": Text("{total} 支中完成 {done} 支", "{done} of {total} done"),
    "waits_by_itself": Text("{count} 個等待中，{at} 起自動繼續。", "{count} wait and go on by themselves from {at} on."),
    "waits_by_itself_one": same("1 waits and goes on by itself at {at}."),
    "waits_unknown_one": same("1 waits and goes on by itself."),
    "waits_for_person_one": same("1 waits for a person; the forecast takes it that nobody keeps it waiting."),
    "waits_unknown": Text("{count} 個等待中，會自動繼續。", "{count} wait and go on by themselves."),
    "waits_for_person": Text(
        "{count} 個等人處理；預測以「馬上有人處理」計。", "{count} wait for a person; the forecast takes it that nobody keeps them waiting."
    ),
    "by_reason": Text("{count} 個失敗，依原因", "{count} failed, by reason"),
    "by_reason_one": same("1 failed, by reason"),
    "show": Text("查看", "Show"),
    "retry": Text("重試", "Retry"),
    "retry_failed": Text("重試 {count} 個失敗", "Retry {count} failed"),
    "retry_all": Text("重新開始 {count} 個", "Start {count} again"),
    "price_free": Text("重試費用 $0.00", "Trying again costs $0.00"),
    "price": Text("重試 ≈ ${most} 以內", "Trying again takes ${most} at most"),
    "price_quota": Text("重試 ≈ ${most} 以內，{uploads} 次上傳、{units} 點", "Trying again takes ${most} at most, {uploads} uploads and {units} units"),
    "pause": Text("暫停", "Pause"),
    "resume": Text("繼續", "Resume"),
    "cancel": Text("取消批次…", "Cancel the batch…"),
    "start": Text("開始", "Start"),
    "list_of": Text("在專案清單中查看", "Show in the list of projects"),
    "results": Text("下載結果（JSON）", "Results as JSON"),
    "more": Text("更多動作", "More actions"),
    "begun_at": Text("開始於 {at}", "Started {at}"),
    "made_at": Text("建立於 {at}", "Made {at}"),
    "count": Text("{count} 個專案", "{count} projects"),
    "count_one": same("{count} project"),
    "publishes": Text("發布時程 {calendar}", "Published {calendar}"),
    "overdue": Text("已超過預定時間，繼續進行", "Over its time, going on"),
    "not_begun": Text("尚未開始", "Not begun"),
    "older": Text("較早的批次", "Older batches"),
    "newest": Text("最新的批次", "Newest batches"),
    "not_known_yet": Text("計算中…", "Being worked out…"),
    "deleted_project": Text("這個專案已經刪除", "This project was deleted"),
    "was_paused": Text("批次已暫停；正在做的會做完。", "The batch is paused; what runs of it ends."),
    "goes_on": Text("批次繼續進行。", "The batch goes on."),
    "was_cancelled": Text("批次已取消；已發布的影片留著。", "The batch is cancelled; what is published stays."),
    "tries_again": Text("失敗的專案重新開始。", "What failed begins once more."),
    "some_again": Text("{count} 個專案重新開始。", "{count} projects begin once more."),
    "some_again_one": same("1 project begins once more."),
    "was_started": Text("批次開始了。", "The batch has begun."),
    "cancel_title": Text("取消批次 {number}？", "Cancel batch {number}?"),
    "cancel_body": Text(
        "{count} 個還沒結束的專案會停下，正在做的在 2 秒內停止。做好的素材會保留，之後重試不必再付。",
        "{count} projects that have not ended stop; work in hand stops within 2 seconds. What is made already is kept, and starting "
        "again does not pay for it twice.",
    ),
    "cancel_body_one": same("1 project that has not ended stops; work in hand stops within 2 seconds. What is made already is kept, and starting again does not pay for it twice."),
    "cancel_kept_one": same("The one that is done stays as it is."),
    "cancel_kept": Text("已完成的 {count} 支不變。", "The {count} that are done stay as they are."),
    "cancel_do": Text("取消這個批次", "Cancel the batch"),
    "keep": Text("讓它繼續", "Let it go on"),
    "approve": Text("核准 {count} 個…", "Approve {count}…"),
    "approve_title": Text("核准這個批次的 {count} 個審核？", "Approve {count} reviews of this batch?"),
    "approve_title_one": same("Approve 1 review of this batch?"),
    "were_approved_one": same("1 review is approved; its project goes on."),
    "approve_body": Text("沒有逐一看過的也會繼續做下去，需要付費的會開始付費。", "They go on whether anybody looked at them or not, and what is paid for is paid."),
    "approve_do": Text("全部核准", "Approve them all"),
    "look_first": Text("先看一看", "Look at them first"),
    "were_approved": Text("{count} 個審核已核准，專案繼續。", "{count} reviews are approved; their projects go on."),
    "delete": Text("刪除批次…", "Delete the batch…"),
    "delete_title": Text("刪除批次 {number}？", "Delete batch {number}?"),
    "delete_body": Text(
        "{count} 個專案與影片都留著，只刪除批次的紀錄：結果、預測與發布時程。",
        "Its {count} projects and their videos stay; only the record of the batch goes: its results, its forecast, its calendar.",
    ),
    "delete_body_one": same("Its project and its video stay; only the record of the batch goes: its results, its forecast, its calendar."),
    "delete_do": Text("刪除紀錄", "Delete the record"),
    "keep_it": Text("留著", "Keep it"),
    "was_deleted": Text("批次 {number} 已刪除，專案都留著。", "Batch {number} is deleted; its projects stay."),
    "gone_count": Text("已刪除 {count}", "Deleted {count}"),
}  # fmt: skip


def expected_end(forecast: Forecast, now: datetime, zone: ZoneInfo) -> tuple[Text, Text, Text]:
    """The middle of what is expected, and its two ends."""
    middle = forecast.least + (forecast.most - forecast.least) / 2
    return brief_moment(middle, now, zone), moment(forecast.least, now, zone), moment(forecast.most, now, zone)


def brief_moment(at: datetime, now: datetime, zone: ZoneInfo) -> Text:
    """A moment as a large figure has room for it: without its weekday."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local:%H:%M}"
    if local.date() == today:
        return same(clock)
    year = "" if local.year == today.year else f"{local.year}/"
    return Text(f"{year}{local.month}/{local.day} {clock}", f"{local.day} {local:%b}{f' {local.year}' if year else ''}, {clock}")


def a_day(forecast: Forecast) -> int | None:
    """How many videos the first whole day is expected to see; None where there is no such day."""
    return forecast.days[1].uploads if len(forecast.days) > 2 else None


def is_late(figures: BatchFigures, forecast: Forecast) -> bool:
    """Whether a deadline may be missed."""
    return figures.deadline is not None and forecast.most > figures.deadline
