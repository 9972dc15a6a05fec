"""Under which names this board answers, and from whose pages it takes changes.

A foreign page can make a browser ask us under a name of its own that leads to this machine (DNS rebinding): then our loopback is
open to it, unless names that are not ours are refused.  An address in numbers cannot be made to lead elsewhere.
"""

import socket
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from reelqueue.addresses import is_loopback
from reelqueue.bootstrap import Settings

ALWAYS = frozenset({"localhost"})


def is_ours(host: str, settings: Settings) -> bool:
    """Whether `host` (a Host header) names this board."""
    name = _name(host)
    if name is None:
        return False
    if _is_number(name) or name in ALWAYS or name == settings.dashboard_host.lower() or name in settings.dashboard_hosts:
        return True
    return not is_loopback(settings.dashboard_host) and name in _own_names()


def is_same_origin(headers: Headers) -> bool | None:
    """Whether a change was asked for by a page of ours; None where it was by none: a program, which says nothing of pages."""
    site, origin, referer = headers.get("sec-fetch-site"), headers.get("origin"), headers.get("referer")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    said = origin or referer
    if said is None:
        return True if site == "same-origin" else None
    try:
        parts = urlsplit(said)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == headers.get("host", "").lower()


def listens_to_the_network(server: object) -> bool:
    """Whether the socket that a request came by (`scope["server"]`) is another than this machine's own address."""
    host = server[0] if isinstance(server, tuple | list) and server else None
    return isinstance(host, str) and _is_number(host) and not is_loopback(host)


def _name(host: str) -> str | None:
    try:
        found = urlsplit(f"//{host}")
        port = found.port
    except ValueError:  # no port that is one, no brackets that close
        return None
    return None if port == 0 or "@" in host or "/" in host else found.hostname


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@lru_cache
def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0], f"{name.partition('.')[0]}.local"})
