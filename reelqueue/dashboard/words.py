"""The board's words, by name, in both languages; a page's own sentences stand with the page."""

from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage
from reelqueue.wording import Text

STATUS: dict[str, Text] = {
    ProjectStatus.CREATED: Text("已建立", "Created"),
    ProjectStatus.QUEUED: Text("排隊中", "Queued"),
    ProjectStatus.RUNNING: Text("執行中", "Running"),
    ProjectStatus.WAITING_REVIEW: Text("待審核", "Needs review"),
    ProjectStatus.NEEDS_PERSON: Text("需人工判斷", "Needs a decision"),
    ProjectStatus.WAITING_QUOTA: Text("等待配額", "Waiting for quota"),
    ProjectStatus.WAITING_BUDGET: Text("等待預算", "Waiting for budget"),
    ProjectStatus.WAITING_DISK: Text("等待磁碟空間", "Waiting for disk"),
    ProjectStatus.COMPLETED: Text("已完成", "Completed"),
    ProjectStatus.FAILED: Text("失敗", "Failed"),
    ProjectStatus.CANCELLED: Text("已取消", "Cancelled"),
    BatchStatus.PAUSED: Text("已暫停", "Paused"),
}
"""Of projects and of batches."""
LOOKS: dict[str, str] = {
    ProjectStatus.CREATED: "mute",
    ProjectStatus.QUEUED: "mute",
    ProjectStatus.RUNNING: "run",
    ProjectStatus.WAITING_REVIEW: "review",
    ProjectStatus.NEEDS_PERSON: "review",
    ProjectStatus.WAITING_QUOTA: "quota",
    ProjectStatus.WAITING_BUDGET: "quota",
    ProjectStatus.WAITING_DISK: "quota",
    ProjectStatus.COMPLETED: "ok",
    ProjectStatus.FAILED: "bad",
    ProjectStatus.CANCELLED: "mute",
    BatchStatus.PAUSED: "mute",
}
"""The colour of each, by its class."""
STAGE = {
    Stage.SCRIPT: Text("腳本", "Script"),
    Stage.ASSETS: Text("素材", "Assets"),
    Stage.RENDER: Text("渲染", "Render"),
    Stage.THUMBNAIL: Text("封面", "Thumbnail"),
    Stage.UPLOAD: Text("上傳", "Upload"),
}
WORDS = {
    "as_table": Text("以表格顯示", "As a table"),
    "time": Text("時間", "Time"),
    "value": Text("數值", "Value"),
    "overview": Text("總覽", "Overview"),
    "projects": Text("專案", "Projects"),
    "batches": Text("批次", "Batches"),
    "publishing": Text("發布與費用", "Publishing & costs"),
    "workers": Text("Worker 與佇列", "Workers & queues"),
    "overview_brief": Text("總覽", "Overview"),
    "projects_brief": Text("專案", "Projects"),
    "batches_brief": Text("批次", "Batches"),
    "publishing_brief": Text("發布", "Publish"),
    "workers_brief": Text("Worker", "Workers"),
    "find": Text("尋找專案", "Find a project"),
    "new_project": Text("新增專案", "New project"),
    "redis_gone": Text("Redis 沒有回應（{span}）。", "Redis does not answer ({span})."),
    "from_disk": Text(
        "畫面為 {at} 的磁碟資料；執行中的工作不受影響，恢復後自動補上。",
        "Shown from disk as of {at}. Running work goes on; what was missed is filled in on its return.",
    ),
    "try_now": Text("立即重試", "Try now"),
    "redis_off": Text("Redis 沒有回應，恢復前無法操作。", "Redis does not answer; this is off until it does."),
    "viewer_only": Text("你以「檢視」身分登入，只能查看。", "You are signed in to look only."),
    "viewer_off": Text(
        "你以「檢視」身分登入，只能查看。需要操作請以操作員登入。", "You are signed in to look only. To act, sign in as operator."
    ),
    "operator": Text("操作員", "operator"),
    "viewer": Text("檢視", "viewer"),
    "sign_in": Text("登入", "Sign in"),
    "sign_out": Text("登出", "Sign out"),
    "live": Text("即時更新", "Live"),
    "worker_count": Text("Worker", "Workers"),
    "needs_person_count": Text("{n} 件需要處理", "{n} need a person"),
    "failed_count": Text("{n} 個失敗", "{n} failed"),
    "no_worker_count": Text("沒有 Worker", "no worker"),
    "skip": Text("跳到內容", "Skip to the content"),
    "pages": Text("主要頁面", "Pages"),
    "other_language": Text("English", "中文"),
    "theme_auto": Text("主題：跟隨系統", "Theme: as the system"),
    "theme_light": Text("主題：淺色", "Theme: light"),
    "theme_dark": Text("主題：深色", "Theme: dark"),
    "account": Text("帳號與顯示", "Account and display"),
    "strip": Text("5 個階段完成 {done} 個", "{done} of 5 stages done"),
    "bar": Text("已用 {used}%", "{used}% used"),
    "page_failed": Text("服務仍在運作；原因在紀錄裡，編號 {req}。", "The service goes on. The cause is in the log under {req}."),
    "to_overview": Text("回總覽", "To the overview"),
    "back": Text("返回", "Back"),
    "close": Text("關閉", "Close"),
}
