"""What a project is made from.

`parse_brief` is the only door for what people typed: it names the field, what is allowed and what was given.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from reelqueue.errors import InvalidBrief
from reelqueue.models.frozen import Frozen
from reelqueue.models.media import Aspect
from reelqueue.wording import Text

MIN_CONTENT_CHARS = 500
"""Least content where there is no topic; as in the system that we replace."""
MAX_CONTENT_CHARS = 10_000
MAX_TOPIC_CHARS = 200
MAX_BRIEF_BYTES = 48 * 1024
"""Of all fields together as JSON: the state, which holds the brief, stays under 64 KB.  10,000 Chinese characters are 30 KB."""
MIN_DURATION_S, MAX_DURATION_S = 15, 1_800
LOCAL_LANGUAGES = ("zh-TW", "en")
CHANNEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
MOST_TITLE_CHARS, MOST_DESCRIPTION_BYTES = 100, 5_000
"""YouTube's limits."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of characters, but line ends and tabs."""
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
PROVIDERS: dict[str, tuple[str, ...]] = {
    "script": ("auto", "local", "gemini"),
    "image": ("auto", "local", "gemini"),
    "voice": ("auto", "local", "gemini"),
    "presenter": ("auto", "local", "did"),
    "publisher": ("auto", "local", "youtube"),
}
"""Who may make what, by the names that a brief uses."""
MOST_PRIORITY = 100
REVIEWS = ("script", "assets", "render", "thumbnail", "final")


class Brief(Frozen):
    """A validated brief.  Optional fields are None where the caller left the choice to us."""

    topic: str | None = None
    content: str | None = None
    language: str | None = None
    duration_s: int | None = Field(default=None, ge=MIN_DURATION_S, le=MAX_DURATION_S, strict=True)
    aspect: Aspect = "16:9"
    fps: int = Field(default=30, ge=24, le=60, strict=True)
    voice: str | None = Field(default=None, min_length=1, max_length=100)
    lexicon: dict[str, str] = Field(default_factory=dict, max_length=500)
    presenter: bool = Field(default=True, strict=True)
    presenter_required: bool = Field(default=False, strict=True)
    images_dir: str | None = Field(default=None, min_length=1, max_length=1_000)
    images: tuple[str, ...] = Field(default=(), max_length=500)
    music: str | None = Field(default=None, min_length=1, max_length=1_000)
    logo: str | None = Field(default=None, min_length=1, max_length=1_000)
    subtitle_style: Literal["box", "outline", "none"] = "box"
    image_style: str | None = Field(default=None, max_length=500)
    negative_prompt: str | None = Field(default=None, max_length=500)
    privacy: Literal["private", "unlisted", "public"] = "private"
    publish_at: str | None = None
    playlist: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{2,64}$")
    tags: tuple[str, ...] = Field(default=(), max_length=60)
    category_id: int | None = Field(default=None, ge=1, le=99)
    made_for_kids: bool = Field(default=False, strict=True)
    synthetic_media: bool = Field(default=True, strict=True)
    localizations: dict[str, dict[str, str]] = Field(default_factory=dict, max_length=50)
    channel: str | None = Field(default=None, pattern=CHANNEL_NAME)
    priority: int = Field(default=0, ge=-MOST_PRIORITY, le=MOST_PRIORITY, strict=True)
    deadline: str | None = None
    review: tuple[str, ...] = ()
    providers: dict[str, str] = Field(default_factory=dict)

    @property
    def headline(self) -> str:
        """What it is about, in one line."""
        return headline(self.topic, self.content)

    @field_validator("topic", "content")
    @classmethod
    def _no_control_characters(cls, value: str | None) -> str | None:
        if value is None:
            return None
        text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"))
        if _CONTROL.search(text):
            raise ValueError("control characters")
        return text.strip()

    @field_validator("topic")
    @classmethod
    def _topic_in_range(cls, value: str | None) -> str | None:
        if value is not None and not 1 <= len(value) <= MAX_TOPIC_CHARS:
            raise ValueError("length")
        if value is not None and all(unicodedata.category(c)[0] in "CZ" for c in value):
            raise ValueError("nothing to see")
        return value

    @field_validator("content")
    @classmethod
    def _content_in_range(cls, value: str | None) -> str | None:
        if value is not None and not 1 <= len(value) <= MAX_CONTENT_CHARS:
            raise ValueError("length")
        return value

    @field_validator("language")
    @classmethod
    def _language_has_a_voice(cls, value: str | None) -> str | None:
        if value is not None and value not in LOCAL_LANGUAGES:
            raise ValueError("language")
        return value

    @field_validator("review")
    @classmethod
    def _reviews_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(value) - set(REVIEWS):
            raise ValueError("review")
        return tuple(name for name in REVIEWS if name in value)

    @field_validator("providers")
    @classmethod
    def _providers_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        if any(maker not in PROVIDERS.get(kind, ()) for kind, maker in value.items()):
            raise ValueError("providers")
        return value

    @field_validator("tags")
    @classmethod
    def _tags_fit(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tags = tuple(tag.strip() for tag in value)
        if any(not tag or "<" in tag or ">" in tag or "," in tag for tag in tags) or sum(len(tag) + 2 for tag in tags) > 500:
            raise ValueError("tags")
        return tags

    @field_validator("image_style", "negative_prompt")
    @classmethod
    def _style_is_a_line(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or any(unicodedata.category(c) in {"Cc", "Cs"} for c in value)):
            raise ValueError("style")
        return value

    @field_validator("publish_at", "deadline")
    @classmethod
    def _time_is_aware(cls, value: str | None) -> str | None:
        if value is None:
            return None
        at = datetime.fromisoformat(value)
        if at.tzinfo is None or not MINYEAR < at.year < MAXYEAR:  # in another zone it may be no date any more
            raise ValueError("zone")
        return at.isoformat(timespec="seconds")

    @field_validator("localizations")
    @classmethod
    def _localizations_fit(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for tag, words in value.items():
            fits = set(words) <= {"title", "description"} and 1 <= len(words.get("title", "")) <= MOST_TITLE_CHARS
            if not _TAG.fullmatch(tag) or not fits or len(words.get("description", "").encode()) > MOST_DESCRIPTION_BYTES:
                raise ValueError("localizations")
            if any(sign in text for text in words.values() for sign in "<>"):
                raise ValueError("localizations")
        return value

    @model_validator(mode="after")
    def _something_to_tell(self) -> "Brief":
        if self.topic is None and self.content is None:
            raise ValueError("nothing to tell")
        if self.topic is None and self.content is not None and len(self.content) < MIN_CONTENT_CHARS:
            raise ValueError("too short")
        return self


ALLOWED: dict[str, Text] = {
    "topic": Text(
        f"1 到 {MAX_TOPIC_CHARS} 個字元的文字，不含控制字元",
        f"text of 1 to {MAX_TOPIC_CHARS} characters, without control characters",
    ),
    "content": Text(
        f"最多 {MAX_CONTENT_CHARS:,} 個字元的文字或 Markdown（沒有 topic 時至少 {MIN_CONTENT_CHARS} 個），不含控制字元",
        f"text or Markdown to {MAX_CONTENT_CHARS:,} characters (at least {MIN_CONTENT_CHARS} where there is no topic), without control characters",
    ),
    "language": Text("zh-TW 或 en（本機語音只有這兩種）", "zh-TW or en (the local voice speaks these two)"),
    "duration_s": Text(
        f"{MIN_DURATION_S} 到 {MAX_DURATION_S:,} 的整數秒",
        f"a whole number of seconds from {MIN_DURATION_S} to {MAX_DURATION_S:,}",
    ),
    "aspect": Text("16:9、9:16 或 1:1", "16:9, 9:16 or 1:1"),
    "fps": Text("24 到 60 的整數", "a whole number from 24 to 60"),
    "voice": Text("語音名稱，1 到 100 個字元", "the name of a voice, 1 to 100 characters"),
    "lexicon": Text("{寫法: 讀法} 的文字對照，最多 500 筆", "a mapping {written: spoken} of texts, at most 500"),
    "presenter": Text("true 或 false", "true or false"),
    "presenter_required": Text("true 或 false", "true or false"),
    "images_dir": Text("一個資料夾的路徑", "the path of a folder"),
    "images": Text("圖片路徑的清單，最多 500 個", "a list of paths of pictures, at most 500"),
    "music": Text("音樂檔的路徑，或 none", "the path of a music file, or none"),
    "logo": Text("圖片檔的路徑", "the path of a picture"),
    "subtitle_style": Text("box、outline 或 none", "box, outline or none"),
    "privacy": Text("private、unlisted 或 public", "private, unlisted or public"),
    "tags": Text("標籤清單，合計最多 500 個字元，不含 < > ,", "a list of tags, 500 characters in all, without < > ,"),
    "category_id": Text("1 到 99 的整數", "a whole number from 1 to 99"),
    "made_for_kids": Text("true 或 false", "true or false"),
    "synthetic_media": Text("true 或 false", "true or false"),
    "review": Text(
        "由 script、assets、render、thumbnail、final 組成的清單", "a list of script, assets, render, thumbnail, final"
    ),
    "providers": Text(
        "{script|image|voice: auto、local 或 gemini; presenter: auto、local 或 did; publisher: auto、local 或 youtube}",
        "{script|image|voice: auto, local or gemini; presenter: auto, local or did; publisher: auto, local or youtube}",
    ),
    "image_style": Text("圖片風格，1 到 500 個字元", "the style of pictures, 1 to 500 characters"),
    "negative_prompt": Text("圖片裡不要有的，1 到 500 個字元", "what no picture may show, 1 to 500 characters"),
    "priority": Text(
        f"-{MOST_PRIORITY} 到 {MOST_PRIORITY} 的整數，大的先做",
        f"a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}; the greater comes first",
    ),
    "deadline": Text(
        "含時區的 ISO 8601 時間，例如 2026-12-01T18:00:00+08:00",
        "an ISO 8601 time with its zone, for example 2026-12-01T18:00:00+08:00",
    ),
    "publish_at": Text(
        "含時區的 ISO 8601 時間，例如 2026-12-01T18:00:00+08:00",
        "an ISO 8601 time with its zone, for example 2026-12-01T18:00:00+08:00",
    ),
    "playlist": Text("YouTube 播放清單的編號（PL 開頭）", "the id of a YouTube playlist (PL...)"),
    "channel": Text("CHANNELS_FILE 裡的頻道名稱", "the name of a channel in CHANNELS_FILE"),
    "localizations": Text(
        '{語言: {"title": 1 到 100 個字元, "description": 最多 5,000 位元組}}，不含 < >',
        '{language: {"title": 1 to 100 characters, "description": at most 5,000 bytes}}, without < >',
    ),
}
_ALLOWED_TOGETHER = Text(
    f"整個 brief 合計最多 {MAX_BRIEF_BYTES // 1024} KB（圖片多時請用 images_dir）",
    f"{MAX_BRIEF_BYTES // 1024} KB for the whole brief (many pictures: use images_dir)",
)
_WITH_A_TOPIC = Text(
    "再給一個主題（topic；指令是 reelqueue make 主題 --from 檔案），或寫長一點",
    "give a topic too (reelqueue make TOPIC --from FILE), or more text",
)


_NO_TEXT = Text("拿掉控制字元（與不成對的代理字元）", "leave out control characters (and halves of characters)")

MOST_HEADLINE_CHARS = 100
MOST_DEPTH = 5
"""How deep the values of fields are nested, and some more."""
TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of writing, and is not seen."""


def headline(topic: str | None, content: str | None) -> str:
    """What a project is about, in one line of at most 100 characters; nothing in it turns the direction of writing."""
    lines = (content or "").strip().splitlines()
    text = TURNS.sub("", topic or (lines[0].lstrip("# ") if lines else ""))
    return text if len(text) <= MOST_HEADLINE_CHARS else text[: MOST_HEADLINE_CHARS - 1] + "…"


def _is_no_text(value: Any) -> bool:
    """Whether a text in a field's value holds what no text does.  A state that has such a brief already stays readable."""
    return any(_CONTROL.search(text.replace("\r", "")) for text in _texts(value))


def _texts(value: Any, depth: int = MOST_DEPTH) -> Iterator[str]:
    """Every text of a field's value: of a list, and of a mapping's keys and values, too; what lies deeper fits no field anyhow."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple) and depth:
        for one in itertools.chain.from_iterable(value.items()) if isinstance(value, Mapping) else value:
            yield from _texts(one, depth - 1)


def parse_brief(data: Any) -> Brief:
    """A brief from what a caller gave: a `Brief` or a mapping.

    Raises:
        InvalidBrief: a field is unknown, missing or out of range; names the first such field.
    """
    brief, wrong = judged(data)
    if brief is None:
        raise wrong[0]
    return brief


def judged(data: Any) -> tuple[Brief | None, list[InvalidBrief]]:
    """As `parse_brief`, for who wants to hear of every field that is wrong, each once: the brief, or the refusals."""
    if not isinstance(data, Brief) and not (isinstance(data, Mapping) and all(isinstance(key, str) for key in data)):
        allowed = Text("一個欄位與值的對照（JSON 物件）", "a mapping of fields to values (a JSON object)")
        return None, [InvalidBrief("brief", allowed, data)]
    given = data.model_dump(exclude_unset=True) if isinstance(data, Brief) else dict(data)
    unknown = [_unknown(key) for key in given if key not in Brief.model_fields]
    if unknown:
        return None, unknown
    if wrong := [InvalidBrief(field, ALLOWED[field], value, _NO_TEXT) for field, value in given.items() if _is_no_text(value)]:
        return None, wrong
    try:
        return _small_enough(data if isinstance(data, Brief) else Brief.model_validate(given)), []
    except ValidationError as error:
        first: dict[str, InvalidBrief] = {}
        for each in error.errors(include_url=False):
            refusal = _refusal(given, each)
            first.setdefault(refusal.field, refusal)
        return None, list(first.values())
    except InvalidBrief as error:
        return None, [error]


def _unknown(field: str) -> InvalidBrief:
    names = "、".join(Brief.model_fields), ", ".join(Brief.model_fields)
    return InvalidBrief(field[:80], Text(f"這些欄位：{names[0]}", f"one of the fields {names[1]}"), field)


def _small_enough(brief: Brief) -> Brief:
    """The brief itself; refused where its lists would make the project's state larger than it may be."""
    size = len(brief.model_dump_json().encode())
    if size <= MAX_BRIEF_BYTES:
        return brief
    longest = max(("lexicon", "images"), key=lambda name: len(brief.model_dump_json(include={name})))
    raise InvalidBrief(longest, _ALLOWED_TOGETHER, Text(f"{size:,} 位元組", f"{size:,} bytes").en)


def _refusal(data: Mapping[str, Any], error: Any) -> InvalidBrief:
    if error["loc"]:
        field = str(error["loc"][0])
        given = data.get(field)
        if isinstance(given, str) and str(error.get("ctx", {}).get("error")) == "length":
            given = _length(given)
        return InvalidBrief(field, ALLOWED[field], given)
    if data.get("content") is not None:
        return InvalidBrief("content", ALLOWED["content"], _length(str(data["content"])), _WITH_A_TOPIC)
    return InvalidBrief("topic", Text("topic 或 content 至少要有一個", "a topic or a content, at least one of them"), None)


def _length(text: str) -> str:
    """Of a text that is too long or too short the length says more than its beginning."""
    return str(Text(f"{len(text.strip()):,} 個字元", f"{len(text.strip()):,} characters"))
