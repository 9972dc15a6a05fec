"""What the settings of mail mean: SMTP_URL as a server, NOTIFY_MAIL_TO as addresses.  Pure."""

from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import getaddresses
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}
"""The ports of submission, with STARTTLS and with TLS from the first byte (RFC 8314)."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that takes mail.  `is_tls`: TLS from the first byte; else it is asked for (STARTTLS)."""

    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine: the only one that may be spoken to without TLS."""
        return self.host in LOOPBACK


def smtp_server(url: str) -> SmtpServer:
    """The server of `smtps://user:password@host:465` or `smtp://user:password@host:587`; signs in the password are %-escaped.

    Raises:
        ValueError: it is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("smtp")
    if parts.password is not None and not parts.username:
        raise ValueError("user")
    return SmtpServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def mail_addresses(text: str) -> tuple[str, ...]:
    """The addresses of a list, `a@b.org, Name <c@d.org>`, without their names.

    Raises:
        ValueError: one of them is none, or there is none.
    """
    if not text.isprintable():  # a line break would begin another header
        raise ValueError("address")
    found = []
    for _name, address in getaddresses([text]):
        try:
            known = Address(addr_spec=address)
        except (MessageError, ValueError, IndexError):
            raise ValueError("address") from None
        if not known.username or "." not in known.domain or any(ord(sign) <= 0x20 for sign in address):
            raise ValueError("address")
        found.append(known.addr_spec)
    if not found:
        raise ValueError("address")
    return tuple(found)
