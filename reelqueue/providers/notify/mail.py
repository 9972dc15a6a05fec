"""Tells by mail over SMTP: by the standard library in a thread.  A few mails a day need no asynchronous client of their own.

A password is only said after TLS; a server on this machine may go without.
"""

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from zoneinfo import ZoneInfo

from reelqueue.mailing import SmtpServer
from reelqueue.models.event import Notice
from reelqueue.wording import Text, visible

TIMEOUT_SECONDS = 20.0
"""For each step of the conversation."""
WHAT = "mail"
"""This way's name in a notice's `done`."""


class NotSecured(OSError):
    """The server offers no TLS, and is another machine."""


class Mail:
    """Mail from `sender` to all of `to` by one server.  `context` is of TLS; None: the system's own trust."""

    what = WHAT
    retries = True

    def __init__(
        self, server: SmtpServer, sender: str, to: Sequence[str], zone: ZoneInfo, context: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = tuple(to)
        self._zone = zone
        self._context = context

    async def tell(self, notice: Notice) -> None:
        """Send one mail.

        Raises:
            OSError (smtplib's errors among them): it was not taken, or nobody knows.
        """
        await asyncio.to_thread(self._send, letter(notice, self._sender, self._to, self._zone))

    async def look(self) -> None:
        """Whether the server is there and takes our password; sends nothing.  Raises as `tell`."""
        await asyncio.to_thread(self._send, None)

    def _send(self, message: EmailMessage | None) -> None:
        context = self._context or ssl.create_default_context()
        with self._talk(context) as talk:
            if not self._server.is_tls:
                self._secured(talk, context)
            if self._server.user is not None:
                talk.login(self._server.user, self._server.password or "")
            if message is None:
                talk.noop()
            else:
                talk.send_message(message, from_addr=self._sender, to_addrs=self._to)

    def _talk(self, context: ssl.SSLContext) -> smtplib.SMTP:
        place = (self._server.host, self._server.port)
        if self._server.is_tls:
            return smtplib.SMTP_SSL(*place, timeout=TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(*place, timeout=TIMEOUT_SECONDS)

    def _secured(self, talk: smtplib.SMTP, context: ssl.SSLContext) -> None:
        talk.ehlo()
        if talk.has_extn("starttls"):
            talk.starttls(context=context)
        elif not self._server.is_here:
            raise NotSecured(
                str(Text("郵件伺服器不提供 TLS，沒有送出任何內容", "the mail server offers no TLS; nothing was sent to it"))
            )


def letter(notice: Notice, sender: str, to: Sequence[str], zone: ZoneInfo) -> EmailMessage:
    """The mail of a notice, in the language of this process; its id follows from the notice, so a second one can be told."""
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(to)
    message["Subject"] = " ".join(visible(f"[reelqueue] {notice.title}").split())
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<{_hash_of(notice)}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(visible("\n".join(_lines(notice, zone))) + "\n")
    return message


def _hash_of(notice: Notice) -> str:
    return hashlib.sha256(f"{notice.kind} {notice.at.isoformat()}".encode()).hexdigest()[:32]


def _lines(notice: Notice, zone: ZoneInfo) -> list[str]:
    lines = [notice.why or notice.title, ""]
    if notice.what_to_do:
        lines += [str(Text(f"該怎麼做：{notice.what_to_do}", f"What to do: {notice.what_to_do}")), ""]
    if notice.until is not None:
        at = _at(notice.until, zone)
        lines.append(str(Text(f"會自動繼續：{at}", f"It goes on by itself: {at}")))
    batch = notice.batch_id
    of_batch = Text("", "") if batch is None else Text(f"（批次 {batch}）", f" (batch {batch})")
    lines.append(
        str(
            Text(
                f"第一個遇到的是專案 {notice.project_id}{of_batch.zh}，{_at(notice.at, zone)}。",
                f"Project {notice.project_id}{of_batch.en} met it first, {_at(notice.at, zone)}.",
            )
        )
    )
    closing = Text(
        "同樣的情況不會再通知，直到沒有專案再這樣等待為止。",
        "You will not be told of the same again until no project waits like this any more.",
    )
    return [*lines, "", str(closing)]


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
