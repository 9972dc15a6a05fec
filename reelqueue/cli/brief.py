"""From what was typed to a brief: a topic, a text file or a JSON file, and the options for its fields."""

import contextlib
import errno
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.wording import Text

READ_BYTES = 1_000_000
"""More than any brief may hold: what is longer is not read to its end."""


class Unreadable(InvalidBrief):
    """A file that was named can't be read."""

    def __init__(self, option: str, path: str, why: Text) -> None:
        hint = Text("請指定一個存在的 UTF-8 文字檔", "name a file that exists and is UTF-8 text")
        if option == "--brief":
            hint = Text(
                '檔案要是一個 JSON 物件（UTF-8）：{"欄位": 值}', 'the file has to hold one JSON object in UTF-8: {"field": value}'
            )
        ReelqueueError.__init__(self, Text(f"{option} {path}：{why.zh}", f"{option} {path}: {why.en}"), hint)


@dataclass(frozen=True, slots=True)
class Typed:
    """What the options said; None and empty where nothing was said."""

    topic: str | None
    source: str | None
    brief_file: str | None
    fields: dict[str, Any]

    def brief(self) -> Brief:
        """The brief.

        Raises:
            InvalidBrief: nothing to tell, a file that can't be read, a field that is wrong.
        """
        said = {name: value for name, value in self.fields.items() if value is not None and value != []}
        data = _from_json(self.brief_file) if self.brief_file is not None else {}
        data |= said
        if self.topic is not None:
            _check_is_no_file(self.topic)
            data["topic"] = self.topic
        if self.source is not None:
            data["content"] = _read("--from", self.source)
        return parse_brief(_with_pictures(data))


def typed(
    topic: str | None,
    source: str | None,
    brief_file: str | None,
    **fields: Any,
) -> Typed:
    """Gather the options of `make` and `new`."""
    fields["duration_s"], fields["fps"], fields["category_id"] = (
        _number(fields.pop("duration")), _number(fields["fps"]), _number(fields.pop("category")),
    )  # fmt: skip
    fields["review"] = tuple(name for part in fields["review"] or () for name in part.split(",") if name) or None
    fields["tags"] = tuple(fields.pop("tag") or ()) or None
    fields["lexicon"] = read_lexicon(fields["lexicon"] or ())
    fields["providers"] = _read_providers(fields.pop("provider") or ())
    for name in ("music", "logo"):
        fields[name] = _absolute(fields[name], Path.cwd())
    fields["images"] = tuple(_absolute(path, Path.cwd()) or "" for path in fields["images"] or ()) or None
    return Typed(topic, source, brief_file, fields)


def _check_is_no_file(topic: str) -> None:
    """Who names a file in the topic's place wants a video of what it says, and not one about its name.  Raises `InvalidBrief`."""
    path = Path(topic)
    with contextlib.suppress(OSError, ValueError):  # no name of a file
        if (path.suffix or len(path.parts) > 1) and path.is_file():
            option = "--brief" if path.suffix == ".json" else "--from"
            raise InvalidBrief(
                "topic",
                Text("一個主題，而這是一個檔案", "a topic, and this is a file"),
                topic,
                Text(f"要用它的內容：{option} {topic}", f"for what it says: {option} {topic}"),
            )


def _number(text: str | None) -> int | str | None:
    """A whole number where it is one; else the text, which the brief refuses by name."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else text


def _absolute(path: str | None, base: Path) -> str | None:
    return path if path in {None, "", "none"} else str(base / os.path.expanduser(path))  # noqa: PTH111 - Path's raises for an unknown user


def _with_pictures(data: dict[str, Any]) -> dict[str, Any]:
    """One folder given as `--images` is the brief's `images_dir`."""
    images = data.get("images")
    if isinstance(images, list | tuple) and len(images) == 1 and isinstance(images[0], str) and Path(images[0]).is_dir():
        rest = {name: value for name, value in data.items() if name != "images"}
        return rest | {"images_dir": images[0]}
    return data


def read_lexicon(pairs: Iterable[str]) -> dict[str, str] | None:
    """What was typed as `WRITTEN=SPOKEN`; None where nothing was.  Raises `InvalidBrief`."""
    found: dict[str, str] = {}
    for pair in pairs:
        written, sign, spoken = pair.partition("=")
        if not sign or not written.strip() or not spoken.strip():
            raise InvalidBrief("lexicon", Text("寫法=讀法", "WRITTEN=SPOKEN"), pair)
        found[written.strip()] = spoken.strip()
    return found or None


def _read_providers(pairs: Iterable[str]) -> dict[str, str] | None:
    """What was typed as `KIND=NAME`; the brief refuses a kind or a name that there is not."""
    found: dict[str, str] = {}
    for pair in pairs:
        kind, sign, name = (part.strip() for part in pair.partition("="))
        if not (kind and sign and name) or kind in found:
            raise InvalidBrief("providers", Text("種類=名稱，每個種類一次", "KIND=NAME, each kind once"), pair)
        found[kind] = name
    return found or None


def _from_json(path: str) -> dict[str, Any]:
    try:
        data = json.loads(_read("--brief", path), object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        why = Text(f"不是 JSON（第 {error.lineno} 行）", f"is not JSON (line {error.lineno})")
        raise Unreadable("--brief", path, why) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise Unreadable("--brief", path, Text("不是合理的 JSON", "is not JSON of a sensible kind")) from None
    if not isinstance(data, dict):
        raise Unreadable("--brief", path, Text("不是一個 JSON 物件", "is not a JSON object"))
    base = Path.cwd() if path == "-" else Path(path).resolve().parent
    for name in ("images_dir", "music", "logo"):
        if isinstance(data.get(name), str):
            data[name] = _absolute(data[name], base)
    if isinstance(data.get("images"), list):
        data["images"] = [_absolute(item, base) if isinstance(item, str) else item for item in data["images"]]
    return data


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; of two values under one name neither would be the one that was meant."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidBrief(name, Text("只出現一次", "to stand there once"), value)
        found[name] = value
    return found


def _read(option: str, path: str) -> str:
    try:
        body = _bytes(path)
        if len(body) == READ_BYTES:
            raise Unreadable(option, path, Text("太大：最多 1 MB", "is too large: 1 MB at most"))
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(option, path, Text("不是 UTF-8 文字", "is not UTF-8 text")) from None
    except OSError as error:
        why = Text(f"無法讀取（{error.strerror}）", f"can't be read ({error.strerror})")
        raise Unreadable(option, path, why) from None


def _bytes(path: str) -> bytes:
    if path == "-":
        if sys.stdin is None:  # started with it closed
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return sys.stdin.buffer.read(READ_BYTES)
    if not path:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    with open(os.path.expanduser(path), "rb") as file:  # noqa: PTH111, PTH123 - Path's raises for an unknown user
        return file.read(READ_BYTES)


# The options themselves, shared by `make` and `new`.


def _help(zh: str, en: str) -> str:
    return str(Text(zh, en))


def with_brief(act: Callable[..., int | None], **more: Any) -> Callable[..., None]:
    """A command that takes the options of a brief, and `more` (their annotations), and ends with the exit code of `act`.

    `act` gets what was typed of the brief, and what was typed of `more` by name.
    """

    def command(**given: Any) -> None:
        others = {name: given.pop(name) for name in more}
        raise typer.Exit(act(typed(**given), **others) or 0)

    kind = inspect.Parameter.KEYWORD_ONLY
    wanted = options() | more
    parameters = [inspect.Parameter(name, kind, default=None, annotation=known) for name, known in wanted.items()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    command.__annotations__ = wanted
    command.__doc__ = act.__doc__
    return command


def options() -> dict[str, Any]:
    """Their annotations, in the language of the process."""
    option = typer.Option
    return {
        "topic": Annotated[str | None, typer.Argument(help=_help("主題（1 到 200 字）", "the topic (1 to 200 characters)"), show_default=False)],
        "source": Annotated[str | None, option("--from", help=_help("文字或 Markdown 檔，- 是標準輸入", "a text or Markdown file; - is stdin"))],
        "brief_file": Annotated[str | None, option("--brief", help=_help("完整需求的 JSON 檔", "a JSON file with the whole brief"))],
        "language": Annotated[str | None, option(help="zh-TW | en")],
        "aspect": Annotated[str | None, option(help="16:9 | 9:16 | 1:1")],
        "duration": Annotated[str | None, option(help=_help("秒數，15 到 1800", "seconds, 15 to 1800"))],
        "fps": Annotated[str | None, option(help="24-60")],
        "voice": Annotated[str | None, option(help=_help("語音名稱", "the name of a voice"))],
        "lexicon": Annotated[list[str] | None, option(help=_help("讀音：寫法=讀法，可重複", "how to read: WRITTEN=SPOKEN, may be repeated"))],
        "presenter": Annotated[bool | None, option("--presenter/--no-presenter", help=_help("要不要主持人", "with a presenter or without"))],
        "presenter_required": Annotated[bool | None, option("--presenter-required", help=_help("沒有主持人就失敗", "fail without a presenter"))],
        "images": Annotated[list[str] | None, option(help=_help("自己的圖片：一個資料夾，或重複指定檔案", "your pictures: a folder, or files (repeat)"))],
        "music": Annotated[str | None, option(help=_help("音樂檔，或 none", "a music file, or none"))],
        "logo": Annotated[str | None, option(help=_help("標誌圖片", "a logo"))],
        "subtitle_style": Annotated[str | None, option("--subtitles", help="box | outline | none")],
        "privacy": Annotated[str | None, option(help="private | unlisted | public")],
        "tag": Annotated[list[str] | None, option(help=_help("標籤，可重複", "a tag, may be repeated"))],
        "channel": Annotated[str | None, option(help=_help("CHANNELS_FILE 裡的頻道", "a channel of CHANNELS_FILE"))],
        "playlist": Annotated[str | None, option(help=_help("YouTube 播放清單的編號", "the id of a YouTube playlist"))],
        "publish_at": Annotated[str | None, option(help=_help("公開的時間，例如 2026-12-01T18:00+08:00", "when it becomes public, for example 2026-12-01T18:00+08:00"))],
        "image_style": Annotated[str | None, option(help=_help("圖片的風格", "the style of the pictures"))],
        "negative_prompt": Annotated[str | None, option(help=_help("圖片裡不要有的", "what no picture may show"))],
        "provider": Annotated[list[str] | None, option(help=_help("誰來做：種類=名稱，例如 image=local，可重複", "who makes what: KIND=NAME, for example image=local, may be repeated"))],
        "category": Annotated[str | None, option(help=_help("YouTube 類別編號", "YouTube's category number"))],
        "made_for_kids": Annotated[bool | None, option("--made-for-kids/--not-made-for-kids", help=_help("是否為兒童製作", "made for kids or not"))],
        "synthetic_media": Annotated[bool | None, option("--synthetic-media/--no-synthetic-media", help=_help("標示為合成內容", "declared as synthetic"))],
        "review": Annotated[list[str] | None, option(help=_help("在這些階段後停下等核可：script assets render thumbnail final", "stop for approval after: script assets render thumbnail final"))],
    }  # fmt: skip
