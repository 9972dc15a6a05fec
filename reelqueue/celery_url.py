"""A Redis as Celery's settings name it, in the form that we and redis-py know.  Pure.

Celery (Kombu) writes a unix socket as `redis+socket://`, sentinels as `sentinel://a;sentinel://b` with the master's name
beside the address, several servers with `;` between them, and TLS rules as `CERT_REQUIRED`.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

MASTER = "mymaster"
"""The name that Sentinel's own documentation gives the master: Celery's address has none (it is a transport option)."""
_TLS = {"CERT_REQUIRED": "required", "CERT_OPTIONAL": "optional", "CERT_NONE": "none"}
_ACCESS = re.compile(r"://([^/;?#\s]*)@")
_PASSWORD_FIELD = re.compile(r"[?&]password=([^&#;]*)")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")


class NoRedis(ValueError):
    """The address is of another broker or backend.  `scheme` names which ("amqp", "sqs", "rpc"); never the rest."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.scheme = scheme


def is_redis(address: str | None) -> bool:
    """Whether an address is of a Redis."""
    try:
        return address is not None and bool(as_redis_url(address))
    except NoRedis:
        return False


def passwords_in(address: str) -> tuple[str, ...]:
    """Every password in an address of one or several servers, as it stands there and as it is sent."""
    found = [access.partition(":")[2] for access in _ACCESS.findall(address)] + _PASSWORD_FIELD.findall(address)
    return tuple(form for password in found if password for form in dict.fromkeys((password, unquote(password))))


def as_redis_url(address: str) -> str:
    """The server of a Celery address: `redis://`, `rediss://`, `unix://` or `redis+sentinel://host,host2/master/db`.

    Raises:
        NoRedis: it is no Redis, or no address at all.
    """
    found = _SCHEME.match(address)
    scheme = found[1].lower() if found is not None else ""
    servers = [server.strip() for server in address.split(";") if server.strip()]
    match scheme:
        case "sentinel" | "redis+sentinel":
            return _sentinels(servers)
        case "redis+socket" | "unix":
            return _socket(servers[0])
        case "redis" | "rediss":  # of several servers Celery takes the first that answers, too
            return _server(servers[0])
    raise NoRedis(scheme or "?")


def _server(address: str) -> str:
    scheme, _, rest = address.partition("://")
    place, _, query = rest.partition("?")
    kept = [(name, _TLS.get(value, value)) for name, value in parse_qsl(query) if name.startswith("ssl_") or name == "db"]
    known = scheme.strip().lower()
    return f"{known}://{place.rstrip('/')}" + (f"?{urlencode(kept)}" if kept else "")


def _socket(address: str) -> str:
    """`redis+socket://[:password@]/path?virtual_host=N` (or `db=N`)."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    database = query.get("virtual_host", query.get("db", "")).strip("/")
    access = parts.netloc.rpartition("@")[0]
    if not access and query.get("password"):
        access = f":{quote(query['password'], safe='')}"
    return f"unix://{access}{'@' if access else ''}{parts.path}" + (f"?db={database}" if database.isdigit() else "")


def _sentinels(servers: list[str]) -> str:
    """The access and the database may stand at any of them: the last one that has some counts."""
    hosts, access, database, master = list[str](), "", "0", MASTER
    for server in servers:
        rest = server.partition("://")[2] or server
        place, _, query = rest.partition("?")
        netloc, _, path = place.partition("/")
        held, _, named = netloc.rpartition("@")
        access = held or access
        hosts += [host for host in named.split(",") if host]
        first, _, second = path.strip("/").partition("/")
        if first and not first.isdigit():
            master, first = first, second
        database = first if first.isdigit() else database
        master = dict(parse_qsl(query)).get("master_name", master)
    if not hosts:
        raise NoRedis("sentinel")
    return f"redis+sentinel://{access}{'@' if access else ''}{','.join(hosts)}/{master}/{database}"
