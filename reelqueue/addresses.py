"""Which addresses the outside may name for us to call: public ones by https, those of this machine's network only by allow-list.

Told twice: by name before anything starts (`check_webhook`), and by number at each connection (`may_connect`, which
`providers/outward.py` asks), since a name that
was public when it was checked may lead into our own network a second later.
"""

import contextlib
import socket
import unicodedata
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from reelqueue.errors import InvalidBrief
from reelqueue.wording import Text

Address = IPv4Address | IPv6Address
MOST_CHARACTERS = 1_000
WEBHOOK_ALLOWED = Text("公開主機的 https:// 網址", "an https:// address of a public host")
HOST_ALLOWED = Text(
    "以逗號分隔的主機名稱或 IP 位址（不含 https:// 與埠號）",
    "host names or IP addresses separated by commas (no https://, no port)",
)
_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "localdomain")
"""Top names that only lead into one's own network (RFC 6761, 6762, 8375; `internal`: ICANN 2024)."""
_NEVER = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
    )
)  # fmt: skip
"""Of the registries of special addresses, what `is_global` of some Pythons since 3.11 takes for public."""
_NAT64, _6TO4 = ip_network("64:ff9b::/96"), ip_network("2002::/16")


class Fault(NamedTuple):
    """Why an address may not be called, and what would help."""

    why: Text
    do: Text


_FOREIGN_PARTS = Fault(
    Text("網址裡不能有使用者、密碼或 #", "an address has no user, no password and no #"),
    Text("拿掉這些部分；送出的內容會以 WEBHOOK_SECRET 簽章", "leave them out: what is sent is signed with WEBHOOK_SECRET"),
)


def is_public(address: Address) -> bool:
    """Whether an address leads out of every private network; one that carries another inside is judged by that one, too."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address in _6TO4:  # `is_global` says no of all of them since 3.13, and yes before
            return is_public(IPv4Address(int(address) >> 80 & 0xFFFF_FFFF))
    if any(address in net for net in _NEVER if net.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def may_connect(host: str, address: str, private_hosts: Collection[str]) -> bool:
    """Whether a connection on behalf of `host` may go to `address`, as the system writes it."""
    known = _numeric(address)
    if known is None:
        return False
    allowed = {_plain(name) for name in private_hosts}
    return is_public(known) or _plain(host) in allowed or str(known) in allowed


def leads_inside(host: str) -> bool:
    """Whether a host is one of this machine's or its own network's by its mere name or number; no name server is asked."""
    plain = _plain(host)
    number = _numeric(plain)
    return _is_private_name(plain) if number is None else not is_public(number)


def webhook_fault(url: str, private_hosts: Collection[str]) -> Fault | None:
    """What is wrong with an address to tell, without asking any name server; None where nothing is.

    Allowed is https to a host that is not visibly of this machine's network; a host in `private_hosts` may be anything, by http too.
    """
    parts = _parts(url)
    if parts is None:
        return _malformed()
    host = _plain(parts.hostname or "")
    if parts.username is not None or parts.fragment:
        return _FOREIGN_PARTS
    if host in {_plain(name) for name in private_hosts}:
        return None
    if parts.scheme != "https":
        return Fault(Text("不是 https", "it is not https"), _allow(host, Text("改用 https://", "use https://")))
    if leads_inside(host):
        return Fault(
            Text(f"{host} 屬於這台機器或內部網路", f"{host} belongs to this machine or its own network"),
            _allow(host, Text("改用公開的網址", "name a public address")),
        )
    return None


def _parts(url: str) -> SplitResult | None:
    """The parts of an http or https address; None where it is none."""
    if len(url) > MOST_CHARACTERS or any(ord(sign) <= 0x20 for sign in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # it is looked at only here
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def check_webhook(url: str, private_hosts: Collection[str], *, has_secret: bool = True) -> None:
    """Refuse an address that a batch names to be told, before anything starts.

    `has_secret`: whether WEBHOOK_SECRET is set, without which nothing is sent.

    Raises:
        InvalidBrief: names the field `webhook`, why, and what to do.
    """
    fault = webhook_fault(url, private_hosts) or (None if has_secret else _no_secret())
    if fault is not None:
        hint = Text(f"{fault.why.zh}：{fault.do.zh}", f"{fault.why.en}: {fault.do.en}")
        raise InvalidBrief("webhook", WEBHOOK_ALLOWED, shown(url), hint)


def shown(url: str) -> str:
    """An address for people and logs: what follows the host is left out, since it may be a secret in itself."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "***"
    return f"{parts.scheme}://{place}" + ("/…" if len(parts.path) > 1 or parts.query else "") if place else url[:40]


def is_host(name: str) -> bool:
    """Whether it is a host's name or number, and nothing more."""
    return _numeric(name) is not None or (0 < len(name) < 254 and not set(name) & set("/:@?#*[] \t"))


def is_loopback(host: str) -> bool:
    """Whether a name or an address leads nowhere but to this machine."""
    if host.lower() == "localhost":
        return True
    try:
        found = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _plain(host: str) -> str:
    """A host as it is compared: full-width digits and letters folded, any script's dots (RFC 3490), no zone, no last dot."""
    folded = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return folded.lower().strip("[]").partition("%")[0].removesuffix(".")


def _numeric(host: str) -> Address | None:
    """The address that a number stands for, in the old forms of IPv4, too (`127.1`, `0x7f000001`, `2130706433`)."""
    plain = _plain(host)
    with contextlib.suppress(ValueError):
        return ip_address(plain)
    with contextlib.suppress(OSError):
        return IPv4Address(socket.inet_aton(plain))
    return None


def _is_private_name(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _PRIVATE_NAMES)


def _allow(host: str, first: Text) -> Text:
    return Text(f"{first.zh}，或把 {host} 加進 WEBHOOK_PRIVATE_HOSTS", f"{first.en}, or add {host} to WEBHOOK_PRIVATE_HOSTS")


def _malformed() -> Fault:
    return Fault(
        Text("這不是網址", "that is no address"),
        Text("例如 https://app.example.org/hooks/reelqueue", "for example https://app.example.org/hooks/reelqueue"),
    )


def _no_secret() -> Fault:
    return Fault(
        Text("沒有設定 WEBHOOK_SECRET，無法簽章", "WEBHOOK_SECRET is not set, so nothing can be signed"),
        Text("執行 reelqueue webhooks secret 產生一個並設定", "reelqueue webhooks secret makes one to set"),
    )
