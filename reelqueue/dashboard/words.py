"""The board's words, by name, in both languages; a page's own sentences stand with the page."""

from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text

STATUS = {
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
}
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
    "find": Text("尋找專案", "Find a project"),
    "new_project": Text("新增專案", "New project"),
    "redis_gone": Text("Redis 沒有回應（{span}）。", "Redis does not answer ({span})."),
    "from_disk": Text("畫面為 {at} 的磁碟資料。", "Shown from disk as of {at}."),
    "viewer_only": Text("你以「檢視」身分登入，只能查看。", "You are signed in to look only."),
}
