"""Connections to an address that somebody else named: each goes only where it may, looked at as it is made.

A name that was public when it was checked may lead into our own network a second later (DNS rebinding), so what counts is the
number that the socket really goes to.
"""

import socket
from collections.abc import Callable, Collection
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from reelqueue.addresses import may_connect

KEPT_S = 10.0


def connector(
    host: str,
    private_hosts: Collection[str],
    *,
    refused: Callable[[str], object],
    resolver: type[AbstractResolver] = aiohttp.ThreadedResolver,
    ssl: Any = True,
) -> aiohttp.TCPConnector:
    """Connections on behalf of `host` alone: only so the socket's maker knows for whom it is asked.

    `refused` hears of each address that is not connected to; the request then fails as where nobody answers.
    """

    def made(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, place = info
        if not may_connect(host, str(place[0]), private_hosts):
            refused(str(place[0]))
            raise PermissionError(place[0])
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=resolver(), use_dns_cache=False, socket_factory=made, limit=8, keepalive_timeout=KEPT_S, ssl=ssl
    )
