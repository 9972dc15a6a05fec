"""The overview's own sentences."""

from collections.abc import Mapping

from reelqueue.dashboard.overview.glance import Span
from reelqueue.wording import Text

SPAN_WORDS: Mapping[Span, Text] = {
    "1h": Text("近 1 小時", "last hour"),
    "24h": Text("近 24 小時", "last 24 h"),
    "7d": Text("近 7 天", "last 7 days"),
}


def about(seconds: float) -> Text:
    """A length as people say it: `38 min`, `2 h 10 min`, `3 days`."""
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return Text(f"{hours // 24} 天", f"{hours // 24} days")
    if hours and rest:
        return Text(f"{hours} 小時 {rest} 分", f"{hours} h {rest} min")
    return Text(f"{hours} 小時", f"{hours} h") if hours else Text(f"{rest} 分", f"{rest} min")


SAYS = {
    "look_back": Text("回看多久", "How far to look back"),
    "six": Text("今日數字", "Today in figures"),
    "published_today": Text("今日發布", "Published today"),
    "of_planned": Text("/ {n} 預定", "/ {n} planned"),
    "published_of": Text("今天預定 {all} 支，已發布 {n} 支", "{n} of today's {all} videos are published"),
    "on_course": Text("照目前狀況，午夜前 {n} 支", "on course for {n} by midnight"),
    "none_planned": Text("今天沒有其他預定", "nothing more is planned today"),
    "success_rate": Text("成功率", "Success rate"),
    "success_spark": Text("每小時沒有失敗的執行比例", "Share of runs that did not fail, by the hour"),
    "of_ended": Text("{n} / {all} · 7 日 {week}", "{n} of {all} · 7 days {week}"),
    "videos_an_hour": Text("每小時影片", "Videos an hour"),
    "hourly_spark": Text("近 24 小時每小時發布的影片", "Videos published in each of the last 24 hours"),
    "not_counted": Text("還沒有累積數字", "nothing is counted yet"),
    "day_mean": Text("24 小時平均 {n}", "24 h mean {n}"),
    "waiting": Text("排隊", "Waiting"),
    "waiting_spark": Text("排隊數量的變化", "How many waited, over time"),
    "nobody_waits": Text("沒有人在排隊", "nobody waits"),
    "oldest": Text("最久 {span}", "oldest {span}"),
    "oldest_left": Text("最久 {span}，約 {left}清空", "oldest {span}, ≈ {left} left"),
    "topic_to_published": Text("從題目到發布", "Topic to published"),
    "to_publish_spark": Text("從題目到發布所需時間的變化", "Time from topic to publication, over time"),
    "median_p95": Text("中位數 · p95 {p95}", "median · p95 {p95}"),
    "spent_today": Text("今日花費", "Spent today"),
    "spent_of": Text("今天的上限 {cap}，已用 {used}", "{used} of today's {cap} are spent or held"),
    "all_local": Text("全部在本機製作", "all is made on this machine"),
    "counted_until": Text("這一天算到 {at}", "this day ends at {at}"),
    "at_this_pace": Text("照目前速度，{at} 前約 {usd}", "≈ {usd} by {at} at this pace"),
    "needs_a_person": Text("需要處理", "Needs a person"),
    "most_urgent": Text("依急迫程度排列", "most urgent first"),
    "more_causes": Text("還有 {n} 個原因", "{n} more causes"),
    "nothing_needs": Text("沒有需要處理的事", "Nothing needs a person"),
    "next_slot": Text("下一個時段：{at}，{title}", "Next slot: {at}, {title}"),
    "running_now": Text("執行中", "Running now"),
    "slots_taken": Text("{n} / {all} 個工作槽", "{n} of {all} slots"),
    "n_waiting": Text("{n} 件排隊", "{n} waiting"),
    "project": Text("專案", "Project"),
    "stage": Text("階段", "Stage"),
    "progress": Text("進度", "Progress"),
    "left": Text("剩餘", "Left"),
    "more_running": Text("還有 {n} 個在執行", "{n} more run"),
    "nothing_runs": Text("現在沒有專案在執行。", "No project runs just now."),
    "stages": Text("各階段", "Stages"),
    "runs": Text("次數", "Runs"),
    "success": Text("成功率", "Success"),
    "mean": Text("平均", "Mean"),
    "trend": Text("趨勢", "Trend"),
    "trend_of": Text("「{stage}」平均時間的變化", "Mean time of {stage}, over time"),
    "against_week": Text("較 7 日", "vs 7 d"),
    "batch": Text("批次", "Batch"),
    "batch_n": Text("批次 {n}", "Batch {n}"),
    "all_batches": Text("全部批次", "all batches"),
    "done": Text("完成", "Done"),
    "done_of": Text("{all} 個專案完成了 {n} 個", "{n} of {all} projects are done"),
    "ends": Text("預計結束", "Ends"),
    "cost": Text("費用", "Cost"),
    "no_batch_runs": Text("沒有進行中的批次。", "No batch is under way."),
    "quota_left": Text("剩餘配額", "Quota left"),
    "resets": Text("{at} 重置 · {span}後", "resets {at} · in {span}"),
    "used_n": Text("已用 {n}", "{n} used"),
    "left_of": Text("上限 {all}，還剩 {n}", "{n} of {all} are left"),
    "more_buckets": Text("還有 {n} 項配額", "{n} more quotas"),
    "no_quota": Text("全部在本機製作，沒有會用完的配額。", "All is made on this machine: there is no quota to run out of."),
    "queues": Text("佇列", "Queues"),
    "queue": Text("佇列", "Queue"),
    "oldest_short": Text("最久", "Oldest"),
    "waited_in": Text("{queue} 排隊數量的變化", "How many waited in {queue}, over time"),
    "last_6h": Text("近 6 小時", "last 6 h"),
    "last_24h": Text("近 24 小時", "last 24 h"),
    "unknown_now": Text("Redis 沒有回應，現在看不到。", "Redis does not answer: not known now."),
    "the_workers": Text("Worker", "Workers"),
    "with_ffmpeg": Text("含 ffmpeg 子程序", "with their ffmpeg"),
    "name": Text("名稱", "Name"),
    "slots": Text("工作槽", "Slots"),
    "memory": Text("記憶體", "Memory"),
    "draining": Text("收尾", "drain"),
    "all_workers": Text("全部 {n} 個 Worker", "all {n} workers"),
    "no_worker": Text("尚未看到 Worker。啟動：", "No worker seen. Start one:"),
    "events": Text("事件", "Events"),
    "nothing_heard": Text("儀表板啟動後還沒有新的事件。", "Nothing has happened since this board began."),
    "newest_first": Text("全部專案，最新在上", "all projects, newest first"),
    "hold": Text("暫停捲動", "Hold"),
    "published_and_waiting": Text("發布與排隊", "Published and waiting"),
    "videos": Text("影片", "Videos"),
    "work_an_hour": Text("每小時執行時間", "Work by the hour"),
    "heat_key": Text("與該階段平時相比；◆ 表示有失敗", "against the stage's usual hour; ◆ something failed"),
    "n_failed": Text("失敗 {n} 次", "{n} failed"),
    "last_published": Text("最近發布", "Last published"),
    "took": Text("耗時 {span}", "took {span}"),
    "none_published": Text("還沒有發布過影片。", "Nothing has been published yet."),
    "next_slots": Text("接下來公開", "Next slots"),
    "calendar": Text("行事曆", "calendar"),
    "channel": Text("頻道", "Channel"),
    "state": Text("狀態", "State"),
    "uploaded": Text("已上傳", "Uploaded"),
    "no_slots": Text("沒有排定的公開時間。", "No moment of publication is planned."),
}
