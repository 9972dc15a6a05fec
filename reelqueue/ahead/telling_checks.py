"""What `doctor` looks at of those who are told: the webhook's address, the command, the mail server.  Nothing is sent."""

import asyncio
import shlex
import shutil
import smtplib
import socket
from pathlib import Path
from urllib.parse import urlsplit

from reelqueue.addresses import may_connect, shown
from reelqueue.ahead.findings import Finding
from reelqueue.bootstrap import Settings, told_of
from reelqueue.wording import Text, same
from storage import Paths
from storage.outbox import Outbox

LOOK_UP_SECONDS = 10.0
_NOBODY = Text("沒有設定", "not set up")


async def webhook(settings: Settings) -> list[Finding]:
    """Whether the webhook's host is there and no address of our own network, and what could not be told."""
    what, url = Text("webhook", "webhook"), settings.webhook_url
    if url is None:
        return [Finding("ok", what, _NOBODY)]
    host = urlsplit(url).hostname or ""
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        do = Text("檢查 WEBHOOK_URL 的主機名稱與網路", "look at the host's name in WEBHOOK_URL, and at the network")
        return [Finding("warn", what, Text(f"找不到主機 {host}", f"there is no host {host}"), do)]
    addresses = sorted({str(place[0]) for *_, place in found})
    private = [address for address in addresses if not may_connect(host, address, settings.webhook_private_hosts)]
    if private:
        saw = Text(f"{host} 的位址 {private[0]} 屬於內部網路", f"{host} has the address {private[0]} of one's own network")
        do = Text(
            f"改用公開的主機，或把 {host} 加進 WEBHOOK_PRIVATE_HOSTS",
            f"name a public host, or add {host} to WEBHOOK_PRIVATE_HOSTS",
        )
        return [Finding("fail", what, saw, do)]
    return [Finding("ok", what, same(shown(url))), *await _given_up(settings)]


async def _given_up(settings: Settings) -> list[Finding]:
    count = len(await Outbox(Paths(settings.data_dir).outbox).listed("given_up"))
    if not count:
        return []
    saw = Text(f"有 {count} 個事件已放棄", f"{count} events were given up")
    do = Text(
        "reelqueue webhooks list 列出，webhooks replay 再送一次",
        "reelqueue webhooks list shows them, webhooks replay sends again",
    )
    return [Finding("warn", Text("  事件", "  events"), saw, do)]


async def people(settings: Settings) -> list[Finding]:
    """Whether the command is there, and the mail server takes us."""
    found = [*_command(settings), *await _mail(settings)]
    return found or [Finding("ok", Text("通知", "notices"), _NOBODY)]


def _command(settings: Settings) -> list[Finding]:
    if settings.notify_command is None:
        return []
    what, program = same("NOTIFY_COMMAND"), shlex.split(settings.notify_command)[0]
    found = shutil.which(program) or shutil.which(str(Path(settings.data_dir, program)))
    if found is not None:
        return [Finding("ok", what, same(found))]
    do = Text("寫出完整路徑，並給它執行權限（chmod +x）", "write its whole path, and let it be run (chmod +x)")
    return [Finding("fail", what, Text(f"找不到可以執行的 {program}", f"there is no {program} that can be run"), do)]


async def _mail(settings: Settings) -> list[Finding]:
    told = told_of(settings)
    if told.server is None or not told.mail_to:
        return []
    from reelqueue.providers.notify.mail import Mail  # noqa: PLC0415 - only what is set up is loaded

    what, mail = Text("郵件", "mail"), next(way for way in told.ways(settings.data_dir) if isinstance(way, Mail))
    try:
        await mail.look()
    except smtplib.SMTPAuthenticationError:
        do = Text("修正 SMTP_URL 的使用者與密碼", "correct the user and the password in SMTP_URL")
        return [Finding("fail", what, Text("伺服器拒絕了密碼", "the server refuses the password"), do)]
    except OSError as error:
        do = Text("檢查 SMTP_URL 的主機、埠號與 TLS", "look at the host, the port and TLS in SMTP_URL")
        return [Finding("warn", what, same(str(error)[:200]), do)]
    return [Finding("ok", what, same(f"{told.server.host}:{told.server.port} → {', '.join(told.mail_to)}"))]
