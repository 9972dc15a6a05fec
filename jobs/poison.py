"""A piece that its workers die in, again and again: how a person is told of it."""

from reelqueue.errors import NeedsPerson
from reelqueue.models.stage import Stage
from reelqueue.wording import Text

_KINDS = {
    "script": Text("腳本", "the script"),
    "image": Text("一張圖", "a picture"),
    "picture": Text("提供的一張圖片", "a picture that was given"),
    "voice": Text("一段旁白", "a piece of the voice"),
    "presenter": Text("主持人的片段", "the presenter's clip"),
    "music": Text("音樂", "the music"),
    "sound": Text("混音", "the mixed sound"),
    "unit": Text("一段畫面", "a part of the picture track"),
    "join": Text("合併影片", "the joined film"),
    "thumbnail": Text("縮圖", "the thumbnail"),
    "session": Text("開始上傳", "the begin of the upload"),
    "video": Text("上傳影片", "the upload of the video"),
}
_STAGES = {
    Stage.SCRIPT: Text("腳本階段", "the script stage"),
    Stage.ASSETS: Text("素材階段", "the assets stage"),
    Stage.RENDER: Text("影片階段", "the render stage"),
    Stage.THUMBNAIL: Text("縮圖階段", "the thumbnail stage"),
    Stage.UPLOAD: Text("發布階段", "the upload stage"),
}
_SHOWN = 8
"""Of a piece's hash: enough to find its file."""


def poisoned(pieces: tuple[str, ...], deaths: int) -> NeedsPerson:
    """What waits for a person: so many deaths in a row with these pieces in hand, as the lease names them."""
    names = [_named(piece) for piece in pieces]
    zh, en = "、".join(name.zh for name in names), ", ".join(name.en for name in names)
    return NeedsPerson(
        Text(f"worker 連續 {deaths} 次在「{zh}」中斷", f"the worker died {deaths} times in a row at {en}"),
        Text(
            "請檢查記憶體與這一段的輸入，再用 reelqueue retry 重試",
            "look at the memory and at the input of this piece, then reelqueue retry",
        ),
    )


def _named(piece: str) -> Text:
    """`render: unit 3f9a01c2…` in words; a piece of another release as it is."""
    stage, _, name = piece.partition(": ")
    if not name:
        return _STAGES[Stage(piece)] if piece in set(Stage) else Text(piece, piece)
    kind, _, which = name.partition(" ")
    word = _KINDS.get(kind)
    if word is None:
        return Text(piece, piece)
    mark = f" {which[:_SHOWN]}" if which and not which.startswith("from ") else ""
    return Text(f"{word.zh}{mark}（{stage}）", f"{word.en}{mark} ({stage})")
