"""What the page of publication and costs says, in both languages."""

from datetime import date, timedelta

from reelqueue.models.buckets import CLOSED, TITLES, UNITS
from reelqueue.models.meter import Standing
from reelqueue.wording import Text, same

_DAYS_ZH = ("一", "二", "三", "四", "五", "六", "日")
_SERVICES = {"youtube": "YouTube", "gemini": "Gemini", "did": "D-ID"}
SAYS = {
    "week": Text("週", "Week"),
    "this_week": Text("本週", "This week"),
    "before": Text("前一週", "The week before"),
    "after": Text("後一週", "The week after"),
    "days_before": Text("前兩天", "Two days before"),
    "days_after": Text("後兩天", "Two days on"),
    "all_channels": Text("全部頻道", "All channels"),
    "channels": Text("頻道", "Channels"),
    "channel": Text("頻道", "Channel"),
    "today": Text("今天", "today"),
    "calendar": Text("發布行事曆", "Publishing calendar"),
    "ready_of": Text("{planned} 支中 {ready} 支就緒", "{ready} of {planned} ready"),
    "free": Text("{count} 個空時段", "{count} free"),
    "more_of_day": Text("另有 {count} 支", "{count} more"),
    "units": Text("點數", "Units"),
    "by_upload_day": Text("依上傳日", "by upload day"),
    "used": Text("已用 {percent}%", "{percent}% used"),
    "taken": Text("已佔 {percent}%", "{percent}% taken"),
    "planned": Text("≈ 已排 {percent}%", "≈ {percent}% planned"),
    "until": Text("到 {at}", "until {at}"),
    "day_ends": Text("配額日在這裡的 {at} 換日（洛杉磯午夜）。", "A quota day ends at {at} here: midnight in Los Angeles."),
    "quota_today": Text("今日配額", "Quota today"),
    "resets": Text("{span} 後重置", "resets in {span}"),
    "bucket": Text("配額", "Bucket"),
    "whose": Text("所屬", "Belongs to"),
    "used_head": Text("已用", "Used"),
    "held": Text("預留", "Held"),
    "left": Text("剩餘", "Left"),
    "room": Text("還夠", "Room for"),
    "fits_one": same("{count} video"),
    "fits_whole_one": same("{count} video · {whole} captioned"),
    "owed_one": same("Captions of {count} video follow when units are left."),
    "fits": Text("{count} 支", "{count} videos"),
    "fits_whole": Text("{count} 支 · 含字幕 {whole}", "{count} videos · {whole} captioned"),
    "closed": Text("{at} 再試", "closed until {at}"),
    "learned": Text("今天用了（上限只有服務知道）：", "Used today, of limits that only the service knows:"),
    "no_quota": Text("全部由這台機器製作，沒有會用完的配額", "All is made on this machine: no quota to run out of"),
    "owed": Text("{count} 支影片的字幕等有剩餘點數時補上。", "Captions of {count} videos follow when units are left."),
    "money": Text("花費", "Money"),
    "images": Text("圖片", "images"),
    "others": Text("腳本、語音、主持人", "script, voice, presenter"),
    "expected": Text("預留與預計", "held and expected"),
    "money_label": Text("最近 {days} 天的花費，今天 {today}", "Spent on each of the last {days} days; today {today}"),
    "cap": Text("上限 {usd}", "cap {usd}"),
    "today_head": Text("今天", "Today"),
    "this_month": Text("本月", "This month"),
    "month_end": Text("月底預計", "Month end"),
    "each": Text("每支影片", "Per video"),
    "lost": Text("失敗損失", "Lost to failures"),
    "p95": Text("p95 {usd}", "p95 {usd}"),
    "at_cap": Text(
        "到了上限，付費呼叫會停下來等，不會失敗。上限：{caps}。",
        "At a cap paid calls stop and projects wait; nothing fails. Caps: {caps}.",
    ),
    "no_cap": Text("沒有設定花費上限。", "There is no cost cap."),
    "cap_project": Text("每個專案 {usd}", "project {usd}"),
    "cap_day": Text("每天 {usd}", "day {usd}"),
    "cap_channel": Text("頻道 {name} 每天 {usd}", "channel {name} {usd} a day"),
    "no_money": Text("還沒有付費的呼叫", "Nothing was paid for yet"),
    "no_money_more": Text("全部在這台機器上製作時不花錢。", "What is made on this machine costs nothing."),
    "pacific": Text("日期為太平洋時間", "Days are Pacific"),
    "no_plan": Text("這一週沒有排定的影片", "Nothing is planned in this week"),
    "no_plan_more": Text(
        "批次加上發布時程，或在 brief 裡寫 publish_at，就會出現在這裡。",
        "Give a batch a calendar, or a brief its publish_at, and it shows here.",
    ),
    "day_of": Text("{channel}，{day}", "{channel}, {day}"),
    "slot": Text("時刻", "Moment"),
    "title": Text("標題", "Title"),
    "status": Text("狀態", "Status"),
    "free_slot": Text("空時段", "Free"),
    "close_day": Text("關閉", "Close"),
}  # fmt: skip


def hours_in_words(left: timedelta) -> Text:
    """A span of hours and minutes."""
    hours, minutes = divmod(int(left.total_seconds()) // 60, 60)
    if not hours:
        return Text(f"{minutes} 分鐘", f"{minutes} min")
    return Text(f"{hours} 小時 {minutes} 分", f"{hours} h {minutes} min")


def day_in_words(day: date) -> Text:
    """A day as a column's head."""
    return Text(f"{_DAYS_ZH[day.weekday()]} {day.day}", f"{day:%a} {day.day}")


def day_at_length(day: date) -> Text:
    """A day with its month."""
    return Text(f"{day.month}/{day.day}（{_DAYS_ZH[day.weekday()]}）", f"{day:%a} {day.day} {day:%b}")


def week_in_words(first: date, days: int) -> Text:
    """From its first to its last day."""
    last = first + timedelta(days=days - 1)
    if first.month == last.month:
        return Text(f"{first.year} 年 {first.month} 月 {first.day} – {last.day} 日", f"{first.day} – {last.day} {last:%B %Y}")
    zh_last = f"{last.month} 月 {last.day} 日" if first.year == last.year else f"{last.year} 年 {last.month} 月 {last.day} 日"
    return Text(
        f"{first.year} 年 {first.month} 月 {first.day} 日 – {zh_last}", f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    )


def bucket_title(one: Standing) -> Text:
    """What is counted, without whose it is."""
    service = _SERVICES.get(one.service, one.service)
    if one.bucket == CLOSED:
        return Text(f"{service} 頻道", f"{service} channel")
    if one.bucket not in TITLES:
        return same(one.bucket.replace("_", "."))  # a model, by its own name
    title = Text("點數", "units") if one.bucket == UNITS else TITLES[one.bucket]
    return Text(f"{service} {title.zh}", f"{service} {title.en}")
