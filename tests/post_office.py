"""A mail server on loopback: as much of SMTP as a client needs to hand a mail over (RFC 5321, 3207, 4954)."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class PostOffice:
    """`mails` came, for `recipients`; `users` logged in ("user:password", whether by TLS)."""

    tls: ssl.SSLContext | None = None
    password: str = "pass"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    users: list[tuple[str, bool]] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await _say(writer, "220 here")
            while line := (await reader.readline()).decode().strip():
                if not await self._answer(line, reader, writer):
                    break
        writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb, _, rest = line.partition(" ")
        secured = writer.get_extra_info("ssl_object") is not None
        match verb.upper():
            case "EHLO":
                offers = ["here", "AUTH PLAIN", *(["STARTTLS"] if self.tls is not None and not secured else [])]
                await _say(writer, *(f"250{'-' if offer != offers[-1] else ' '}{offer}" for offer in offers))
            case "STARTTLS" if self.tls is not None:
                await _say(writer, "220 go on")
                await writer.start_tls(self.tls)
            case "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                self.users.append((f"{user}:{password}", secured))
                await _say(writer, "235 welcome" if password == self.password else "535 no")
            case "RCPT":
                self.recipients.append(rest.partition("<")[2].partition(">")[0])
                await _say(writer, "250 ok")
            case "DATA":
                await _say(writer, "354 go on")
                self.mails.append(message_from_bytes(await reader.readuntil(b"\r\n.\r\n"), policy=policy.default))
                await _say(writer, "250 taken")
            case "QUIT":
                await _say(writer, "221 bye")
                return False
            case _:
                await _say(writer, "250 ok")
        return True


async def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


@contextlib.asynccontextmanager
async def open_post_office(*, tls: ssl.SSLContext | None = None, at_once: bool = False) -> AsyncIterator[PostOffice]:
    """A server that takes mail; with `tls` it offers STARTTLS, or speaks TLS `at_once`."""
    office = PostOffice(tls=tls)
    server = await asyncio.start_server(office.talk, "127.0.0.1", 0, ssl=tls if at_once else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
