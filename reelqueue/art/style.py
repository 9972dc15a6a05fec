"""The style of one video: palette, type pair, motif and presenter, chosen by what it is about and by its seed; pure."""

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeVar

from reelqueue.art.figures import FIGURES, Figure
from reelqueue.art.fonts import Pair
from reelqueue.art.palette import PALETTES, Palette, palette_named
from reelqueue.models.frozen import Frozen

MotifName = Literal["growth", "contours", "papercut", "blocks", "lanes", "halftone", "orbits", "flow"]
T = TypeVar("T")

PAIRS_OF: dict[str, tuple[Pair, ...]] = {
    "tidewater": ("essay",),
    "signal": ("signal",),
    "brick": ("essay",),
    "lamp": ("essay", "round"),
    "plum": ("essay",),
    "ledger": ("signal",),
    "sunroom": ("round",),
    "carbon": ("signal",),
}
MOTIFS_OF: dict[str, tuple[MotifName, ...]] = {
    "tidewater": ("growth", "papercut"),
    "signal": ("blocks", "lanes"),
    "brick": ("halftone", "papercut"),
    "lamp": ("contours", "growth"),
    "plum": ("flow", "halftone"),
    "ledger": ("blocks", "lanes"),
    "sunroom": ("papercut", "halftone"),
    "carbon": ("orbits", "flow"),
}

KEYWORDS: dict[str, str] = {
    "tidewater": (
        "海 洋 珊瑚 礁 潮 魚 鯨 水域 河 湖 島 氣候 暖化 冰 颱風 天氣 雨 環境 生態 污染 塑膠 節能 碳排 "
        "sea ocean reef coral tide fish whale river lake island climate warming glacier storm weather rain environment ecosystem pollution plastic carbon"
    ),
    "signal": (
        "軟體 程式 工程 系統 伺服器 佇列 任務 資料庫 資料 雲端 網路 電腦 演算法 人工智慧 機器學習 模型 開源 快取 部署 資安 手機 晶片 "
        "software code program engineer system server queue task database data cloud network computer algorithm model api cache deploy security phone chip redis python ai"
    ),
    "brick": (
        "歷史 古 朝 宋 唐 明代 清 帝國 戰爭 文化 傳統 廟 城 建築 考古 博物館 遺產 語言 神話 詩 王 "
        "history ancient dynasty empire war culture tradition temple castle architecture archaeology museum heritage language myth poem king medieval"
    ),
    "lamp": (
        "生物 植物 森林 樹 花 種子 動物 鳥 昆蟲 蜜蜂 細胞 基因 演化 農 土壤 山 地理 土地 步道 野生 "
        "biology plant forest tree flower seed animal bird insect bee cell gene evolution farm soil mountain geography land trail wild species"
    ),
    "plum": (
        "心理 記憶 大腦 情緒 夢 睡眠 意識 思考 習慣 學習 藝術 音樂 畫 設計 電影 創作 哲學 小說 "
        "mind memory brain emotion dream sleep psychology conscious thinking habit learning art music painting design film creative philosophy novel"
    ),
    "ledger": (
        "錢 金融 經濟 投資 股 銀行 利率 通膨 稅 預算 保險 薪 市場 貿易 公司 創業 法律 法院 契約 憲法 政策 選舉 "
        "money finance economy invest stock bank interest inflation tax budget insurance salary market trade company startup law court contract constitution policy election"
    ),
    "sunroom": (
        "食 料理 煮 廚 烤 咖啡 茶 麵 米 湯 甜 餐 營養 健康 運動 家 孩子 親子 寵物 貓 狗 收納 園藝 旅行 "
        "food cook kitchen bake bread coffee tea noodle rice soup dessert meal nutrition health exercise home family child pet cat dog garden travel"
    ),
    "carbon": (
        "物理 量子 宇宙 太空 星 行星 火箭 黑洞 月球 太陽 火星 土星 光 能量 核 電 重力 天文 新聞 科學家 衛星 "
        "physics quantum universe space star planet rocket hole moon sun mars saturn light energy nuclear electric gravity astronomy news scientist satellite"
    ),
}
"""What a video in this palette is about."""
LIVING = (
    "珊瑚 礁 森林 樹 植物 花 種子 農 土壤 生態 雨林 葉 草 果 種植 園藝 紅樹 "
    "reef coral forest tree plant flower seed farm soil ecosystem leaf leaves garden grow root"
)
"""What the motif of growing branches suits; behind a skyscraper it would be an unrelated picture."""


class Style(Frozen):
    """The choices of one video, by name."""

    palette: str
    pair: Pair
    motif: MotifName
    presenter: Figure
    seed: str
    language: str

    @property
    def colours(self) -> Palette:
        """The palette itself."""
        return palette_named(self.palette)


def choose_style(text: str, language: str, seed: str) -> Style:
    """The style of a video that says `text`.  The same arguments give the same style everywhere."""
    scores = topic_scores(text)
    best = max(scores.values())
    palette = pick(f"{seed}/palette", sorted(name for name, score in scores.items() if score == best))
    return Style(
        palette=palette,
        pair=pick(f"{seed}/pair", PAIRS_OF[palette]),
        motif=pick(f"{seed}/motif", _motifs(palette, text)),
        presenter=pick(f"{seed}/presenter", FIGURES),
        seed=seed,
        language=language,
    )


def _motifs(palette: str, text: str) -> tuple[MotifName, ...]:
    """The palette's motifs, without the branches where nothing grows."""
    suits = _score(LIVING, text) > 0
    return tuple(name for name in MOTIFS_OF[palette] if name != "growth" or suits)


def topic_scores(text: str) -> dict[str, int]:
    """How many of each palette's keywords stand in `text`, each counted three times at most."""
    return {palette.name: _score(KEYWORDS[palette.name], text) for palette in PALETTES}


def _score(keys: str, text: str) -> int:
    lower = text.lower()
    words = {word.strip(".,;:!?\"'()") for word in lower.split()}
    singles = words | {word.removesuffix("s") for word in words}
    return sum((2 if key in singles else 0) if key.isascii() else min(3, lower.count(key)) * len(key) for key in keys.split())


def pick(seed: str, choices: Sequence[T]) -> T:
    """One of `choices`, by the hash of `seed`."""
    return choices[int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % len(choices)]
