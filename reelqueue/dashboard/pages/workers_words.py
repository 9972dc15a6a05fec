"""What `/workers` says, in both languages."""

from datetime import timedelta

from reelqueue.wording import Text

SAYS = {
    "title": Text("Worker 與佇列", "Workers & queues"),
    "all_well": Text(
        "{n} 個 Worker，影片工作槽 {taken} / {places} 使用中", "{n} workers, {taken} of {places} video slots busy"
    ),
    "one_well": Text("1 個 Worker，影片工作槽 {taken} / {places} 使用中", "1 worker, {taken} of {places} video slots busy"),
    "n_drain": Text("{n} 個收尾中", "{n} draining"),
    "is_paused": Text("{queue} 已暫停", "{queue} is paused"),
    "nobody_makes": Text("沒有 Worker 在做影片", "no worker makes videos"),
    "no_workers": Text("沒有 Worker", "No workers"),
    "unknown": Text("Redis 沒有回應，Worker 與佇列目前未知", "Redis does not answer: workers and queues are not known now"),
    "comma": Text("，", ", "),
    "look_back": Text("回看多久", "How far to look back"),
    "waiting": Text("等待", "waiting"),
    "oldest": Text("最久", "oldest"),
    "running": Text("執行中", "running"),
    "parked": Text("停放", "parked"),
    "parked_until": Text("停放至 {at}", "parked until {at}"),
    "to_empty": Text("清空", "to empty"),
    "about": Text("約 {n}", "≈ {n}"),
    "pause": Text("暫停佇列", "Pause queue"),
    "pause_short": Text("暫停", "Pause"),
    "resume": Text("繼續", "Resume"),
    "paused_since": Text("已暫停，從 {at} 起；進行中的會做完", "Paused since {at}; what runs is finished"),
    "depth_of": Text("{queue} 等待件數，{span}", "Jobs waiting in {queue}, {span}"),
    "age_of": Text("{queue} 最久等待秒數，{span}；虛線是 30 分警戒", "Longest wait in {queue} in seconds, {span}; the dashed line is 30 min"),
    "age_alarm": Text("最久等待，30 分警戒", "oldest wait, alert at 30 min"),
    "seconds": Text("秒", "seconds"),
    "not_counted": Text("還沒有累積數字", "Nothing is counted yet"),
    "now": Text("目前", "Now"),
    "in_flight": Text("進行", "in flight"),
    "done": Text("完成", "done"),
    "batch_n": Text("批次 {n}", "Batch {n}"),
    "no_batches": Text("目前沒有批次", "No batch is under way"),
    "schedule": Text("排程", "Clock"),
    "last": Text("上次", "last"),
    "next": Text("下次", "next"),
    "ran_well": Text("成功", "went well"),
    "ran_badly": Text("失敗", "failed"),
    "workers": Text("Worker", "Workers"),
    "workers_note": Text("CPU 與記憶體含 ffmpeg 子程序；100% = 一個核心", "CPU and memory count ffmpeg in; 100% is one core"),
    "name": Text("名稱", "Name"),
    "state": Text("狀態", "State"),
    "slots": Text("工作槽", "Slots"),
    "doing": Text("正在做", "Working on"),
    "ten_minutes": Text("10 分鐘", "10 min"),
    "cpu_of": Text("{name} 近 10 分鐘的 CPU", "CPU of {name} in the last ten minutes"),
    "memory": Text("記憶體", "Memory"),
    "memory_of": Text("Python {python}，ffmpeg {ffmpeg}", "Python {python}, ffmpeg {ffmpeg}"),
    "ended": Text("完成 / 失敗", "Done / failed"),
    "up": Text("運行", "Up"),
    "beat": Text("心跳", "Beat"),
    "beat_s": Text("{n} s", "{n} s"),
    "is_running": Text("運作中", "Running"),
    "is_draining": Text("收尾中", "Draining"),
    "idle": Text("閒置", "idle"),
    "slots_of": Text("{all} 個工作槽使用 {n} 個", "{n} of {all} slots busy"),
    "places_of": Text("{cpu} 個給吃 CPU 的工作，{wait} 個給等待服務的工作", "{cpu} for jobs that load the CPU, {wait} for those that wait for a service"),
    "drain": Text("收尾", "Drain"),
    "left": Text("剩 {n} 件", "{n} left"),
    "ends": Text("即將結束", "ends now"),
    "none_seen": Text("尚未看到 Worker", "No worker seen"),
    "start_one": Text("啟動：", "Start one:"),
    "contents": Text("佇列內容", "In the queue"),
    "in_order": Text("{n} 件，依執行順序", "{n}, in the order in which they begin"),
    "which": Text("哪個佇列", "Which queue"),
    "project": Text("專案", "Project"),
    "stage": Text("階段", "Stage"),
    "waits": Text("已等待", "Waits"),
    "batch": Text("批次", "Batch"),
    "order": Text("順序", "Order"),
    "runs": Text("執行中", "running"),
    "single": Text("單支，優先", "single, first"),
    "of_batch": Text("一般", "usual"),
    "cpu": Text("等 CPU 工作槽", "for a CPU slot"),
    "at": Text("{at} 起", "from {at} on"),
    "nothing": Text("佇列是空的", "The queue is empty"),
    "nothing_why": Text("新的工作會馬上開始。", "What comes begins at once."),
    "nothing_behind": Text("後面沒有了", "There is nothing behind"),
    "first_page": Text("從頭", "From the first"),
    "next_page": Text("後 {n} 件", "Next {n}"),
    "paging": Text("翻頁", "Pages"),
    "new_waiting": Text("顯示新的", "Show new ones"),
}  # fmt: skip
SPAN_WORDS = {
    "1h": Text("近 1 小時", "last hour"),
    "6h": Text("近 6 小時", "last 6 hours"),
    "24h": Text("近 24 小時", "last 24 hours"),
    "7d": Text("近 7 天", "last 7 days"),
}
ASK_TITLE = Text("讓 {name} 收尾？", "Drain {name}?")
ASK_BODY = (
    Text(
        "它不再接新的工作，手上的 {n} 件會做完，然後結束。",
        "It takes nothing more, finishes what it has in hand ({n}), and ends.",
    ),
    Text(
        "reelqueue worker 不會再啟動它；由 systemd 或容器直接啟動的，依那邊的設定。要它再工作，請在那台機器上重新啟動。",
        "reelqueue worker starts none in its place; a unit or a container that starts it by itself goes by its own rules. To have it back, start it again on its machine.",
    ),
)
ASK_LAST = Text(
    "它是 {queue} 唯一在工作的 Worker：之後那裡的工作會等到有人啟動另一個。",
    "It is the only worker of {queue}: what is there then waits until somebody starts another.",
)
KEEP = Text("讓它繼續", "Keep it working")
DRAIN = Text("收尾", "Drain it")
DRAINS = Text("{name} 正在收尾，還有 {n} 件", "{name} is draining; jobs left: {n}")
DRAINS_NOW = Text("{name} 正在收尾，手上沒有工作", "{name} is draining; it has nothing in hand")
PAUSED = Text("{queue} 已暫停；進行中的 {n} 件會做完", "{queue} is paused; what runs ({n}) is finished")
PAUSED_NOW = Text("{queue} 已暫停；沒有進行中的工作", "{queue} is paused; nothing of it runs")
RESUMED = Text("{queue} 繼續；{n} 件等待中", "{queue} goes on; waiting: {n}")


def lasting(span: timedelta) -> Text:
    """How long something has been up: `2 d 4 h`, `3 h 5 min`, `12 min`."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1_440, minutes // 60 % 24, minutes % 60
    if days:
        return Text(f"{days} 天 {hours} 時" if hours else f"{days} 天", f"{days} d {hours} h" if hours else f"{days} d")
    if hours:
        return Text(f"{hours} 時 {rest} 分" if rest else f"{hours} 時", f"{hours} h {rest} min" if rest else f"{hours} h")
    return Text(f"{rest} 分", f"{rest} min")


def filled(text: Text, **parts: object) -> Text:
    """The sentence with its parts, in both languages."""
    return Text(text.zh.format(**parts), text.en.format(**parts))
