"""Every page at three widths, light and dark, in both languages, as pictures to be looked at.

python -m tests.browser.pictures FOLDER
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr

from reelqueue.settings import Settings
from tests.boards import serving_board
from tests.browser.chromium import WISH, found
from tests.scene import Scene

PAGES = {
    "overview": "/", "projects": "/projects", "running": "/projects/1", "review": "/projects/4", "quota": "/projects/5", "failed": "/projects/6",
    "script": "/projects/4/script", "batches": "/batches", "batch": "/batches/1", "new-batch": "/batches/new", "publishing": "/publishing",
    "workers": "/workers", "new": "/new", "account": "/account", "api": "/api/docs",
}  # fmt: skip
LOOKS = {
    "360-zh-light": ((360, 740), "zh-TW", "light"),
    "360-en-dark": ((360, 740), "en", "dark"),
    "1440-zh-dark": ((1440, 900), "zh-TW", "dark"),
    "1440-en-light": ((1440, 900), "en", "light"),
    "2560-zh-dark": ((2560, 1440), "zh-TW", "dark"),
    "2560-en-light": ((2560, 1440), "en", "light"),
}
STREAM_MS = 1_000
"""How long a page may take for its first events: an open stream never lets the network rest."""


async def take(folder: Path) -> None:
    """All of them, of a busy installation."""
    path = found()
    if path is None:
        raise SystemExit(WISH)
    with tempfile.TemporaryDirectory() as data:
        scene = Scene(Path(data))
        await scene.set()
        async with scene.alive() as url, async_playwright() as driver:
            settings = Settings(
                _env_file=None, redis_url=SecretStr(url), data_dir=Path(data), channels_file=Path(data) / "channels.toml",
            )  # fmt: skip
            browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            async with serving_board(settings) as base:
                for name, page in PAGES.items():
                    await _page(browser, base, page, folder / name)
            await browser.close()


async def _page(browser: Browser, base: str, path: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for look, ((width, height), lang, theme) in LOOKS.items():
        context = await browser.new_context(viewport={"width": width, "height": height}, locale=lang, timezone_id="Asia/Taipei")
        await context.add_cookies(
            [{"name": name, "value": value, "url": base} for name, value in (("lang", lang), ("theme", theme))]
        )
        page = await context.new_page()
        await page.goto(base + path)
        await page.wait_for_timeout(STREAM_MS)
        await page.screenshot(path=folder / f"{look}.png", full_page=True)
        await context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asyncio.run(take(parser.parse_args().folder))
