"""How often a password may be tried: five times, then a pause of a minute."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

MOST_TRIES, PAUSE_SECONDS = 5, 60.0
MOST_CLIENTS = 10_000
"""How many are remembered; the ones that tried longest ago are forgotten first."""


@dataclass(slots=True)
class _Client:
    failed: int = 0
    until: float = 0.0


class Tries:
    """Counts those of one process, by the address that they come from."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def pause_s(self, address: str) -> float:
        """How long this one has to wait before another try counts; 0 for not at all."""
        known = self._clients.get(_group(address))
        return max(0.0, known.until - self._now()) if known else 0.0

    def failed(self, address: str) -> int:
        """One more was wrong: how many are left before the pause."""
        group = _group(address)
        known = self._clients.setdefault(group, _Client())
        self._clients.move_to_end(group)
        if known.failed >= MOST_TRIES or (known.failed and self._now() - known.until > PAUSE_SECONDS * 10):
            known.failed = 0
        known.failed += 1
        known.until = self._now() + PAUSE_SECONDS if known.failed >= MOST_TRIES else self._now()
        while len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        return MOST_TRIES - known.failed

    def passed(self, address: str) -> None:
        """That was the password."""
        self._clients.pop(_group(address), None)


def _group(address: str) -> str:
    """A household has 2^64 addresses of IPv6: they count as one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
