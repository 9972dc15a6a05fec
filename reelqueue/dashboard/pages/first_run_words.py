"""The sentences of the form that makes a video."""

from reelqueue.dashboard.brief.form import LENGTHS_S
from reelqueue.models.brief import MAX_CONTENT_CHARS, MAX_TOPIC_CHARS, MIN_CONTENT_CHARS, Brief
from reelqueue.wording import Text


def begun(brief: Brief) -> Text:
    """The line after it was made."""
    return Text(f"已開始製作「{brief.headline}」。", f"Begun: {brief.headline}.")


def lengths_of(chosen: str) -> dict[str, Text]:
    """The lengths that the list offers; one of the reader's own is offered back, whatever it is."""
    if chosen in LENGTHS_S:
        return LENGTHS_S
    return {**LENGTHS_S, chosen: Text(f"{chosen} 秒", f"{chosen} s")}


SAYS = {
    "make_first": Text("做出第一支影片", "Make the first video"),
    "make_one": Text("新增專案", "New project"),
    "first_lead": Text(
        "目前還沒有任何紀錄。只要一個題目，Worker 就能在這台機器上做出 1080p 影片，一分鐘的影片大約做一分鐘。",
        "Nothing has run yet. One topic is enough: a worker turns it into a 1080p video on this machine, a minute of video in about a minute.",
    ),
    "lead": Text("一個題目就夠了；其餘的都有預設值。", "One topic is enough; all else has a default."),
    "step_script": Text("說什麼", "what is said"),
    "step_assets": Text("圖片、配音", "pictures, voice"),
    "step_render": Text("1080p", "1080p"),
    "step_thumbnail": Text("1280×720", "1280×720"),
    "step_upload": Text("連結後才上傳", "when connected"),
    "step_uploads": Text("上傳到頻道", "to the channel"),
    "topic": Text("題目", "Topic"),
    "topic_hint": Text(
        f"1 – {MAX_TOPIC_CHARS} 字。也可在「更多設定」貼上 {MIN_CONTENT_CHARS} – {MAX_CONTENT_CHARS:,} 字的內容。",
        f"1 – {MAX_TOPIC_CHARS} characters. Or paste {MIN_CONTENT_CHARS} – {MAX_CONTENT_CHARS:,} characters of text under More settings.",
    ),
    "language": Text("語言", "Language"),
    "length": Text("長度", "Length"),
    "aspect": Text("比例", "Shape"),
    "make": Text("開始製作", "Make it"),
    "make_later": Text("先建立，稍後再開始", "Make it, begin later"),
    "price_it": Text("預估費用", "What will it cost?"),
    "free": Text("預估 $0.00", "estimate $0.00"),
    "estimate": Text("預估", "Estimate"),
    "nothing_to_pay": Text("全部在本機製作，不花錢。", "All is made on this machine: nothing to pay."),
    "agree": Text("同意並開始製作", "Agree and make it"),
    "agree_title": Text("第一次用到這些，請先確認", "These are used for the first time: please confirm"),
    "agree_note": Text("同意後，同樣的服務與頻道不再問。", "It is not asked again for these services and this channel."),
    "more": Text("更多設定", "More settings"),
    "content": Text("內容", "Text"),
    "content_hint": Text("貼上文字或 Markdown，會照著說；比較長的主題這樣最準。", "Text or Markdown that is told as it stands: the surest way for what has to be right."),
    "tags": Text("標籤", "Tags"),
    "tags_hint": Text("以逗號分開。", "Separated by commas."),
    "channel": Text("頻道", "Channel"),
    "choose": Text("請選擇", "Choose one"),
    "default_channel": Text("預設頻道", "The default one"),
    "privacy": Text("誰看得到", "Who may see it"),
    "publish_at": Text("公開時間", "Becomes public at"),
    "publish_hint": Text("{zone} 的時間；空白表示做完就照上面的設定。", "In the time of {zone}; left empty: as set above, when it is done."),
    "playlist": Text("播放清單", "Playlist"),
    "playlist_hint": Text("YouTube 播放清單的編號。", "The id of a YouTube playlist."),
    "voice": Text("語音", "Voice"),
    "voice_hint": Text("名稱；空白用預設的。reelqueue voice 可以試聽。", "Its name; left empty, the usual one. reelqueue voice lets you hear them."),
    "presenter": Text("有主持人", "With a presenter"),
    "subtitles": Text("字幕", "Subtitles"),
    "image_style": Text("圖片風格", "Style of the pictures"),
    "negative_prompt": Text("圖片裡不要有", "Not in the pictures"),
    "review": Text("做到這裡先停，等人審核", "Stop here and wait for a review"),
    "makers": Text("由誰製作", "Made by"),
    "auto": Text("自動（{name}）", "automatic ({name})"),
    "local": Text("本機", "this machine"),
    "priority": Text("優先順序", "Priority"),
    "priority_hint": Text("-100 到 100，大的先做。", "-100 to 100; the greater comes first."),
    "files": Text("自己的檔案", "Your own files"),
    "files_hint": Text("BRIEF_FILES_DIR 資料夾裡的路徑。", "Paths below the folder BRIEF_FILES_DIR."),
    "images_dir": Text("圖片資料夾", "Folder of pictures"),
    "music": Text("音樂", "Music"),
    "music_hint": Text("none 表示不要。", "none for none."),
    "logo": Text("標誌", "Logo"),
    "ready": Text("準備狀況", "Ready?"),
    "counts": Text("{ready} 就緒 · {missing} 缺少 · {optional} 選用", "{ready} ready · {missing} missing · {optional} optional"),
    "is_ready": Text("就緒", "ready"),
    "is_missing": Text("缺少", "missing"),
    "is_optional": Text("選用", "optional"),
    "whole_check": Text("完整檢查：", "The whole check:"),
    "allowed": Text("允許的是：{allowed}", "Allowed: {allowed}"),
    "nothing_written": Text("題目和內容至少要填一個。", "Write a topic, or paste a text under More settings."),
    "not_made": Text("沒有建立。", "Nothing was made."),
}  # fmt: skip
