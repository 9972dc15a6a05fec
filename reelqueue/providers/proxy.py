"""The proxy on the way to a service, as the environment names it; aiohttp by itself would ask it for this machine's own, too."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def proxy_for(url: str) -> str | None:
    """The proxy for this address (HTTPS_PROXY, NO_PROXY), None where it is reached directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or host in LOOPBACK or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)
