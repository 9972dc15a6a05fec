"""Every form in which Celery names a Redis is understood; every other broker is named, and nothing else of its address."""

import pytest

from jobs.client import redis_settings
from reelqueue.celery_url import NoRedis, as_redis_url, passwords_in


@pytest.mark.parametrize(
    ("celerys", "ours"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://", "redis://"),
        ("redis://localhost//", "redis://localhost"),
        ("redis://:s3cret@h:1/2?virtual_host=x&visibility_timeout=3600", "redis://:s3cret@h:1/2"),
        ("rediss://u:p@h:6380/0?ssl_cert_reqs=CERT_NONE", "rediss://u:p@h:6380/0?ssl_cert_reqs=none"),
        (
            "rediss://h/0?ssl_cert_reqs=required&ssl_ca_certs=/ca.pem",
            "rediss://h/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fca.pem",
        ),
        ("redis://first:1/0;redis://second:2/0", "redis://first:1/0"),
        ("redis+socket:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+socket:///run/redis.sock?virtual_host=3", "unix:///run/redis.sock?db=3"),
        ("redis+socket://:p%40ss@/run/redis.sock?virtual_host=/3", "unix://:p%40ss@/run/redis.sock?db=3"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        ("sentinel://h1:26379;sentinel://h2:26380/2", "redis+sentinel://h1:26379,h2:26380/mymaster/2"),
        ("sentinel://:pw@h1:26379/0;sentinel://:pw@h2:26379/0", "redis+sentinel://:pw@h1:26379,h2:26379/mymaster/0"),
        ("sentinel://h1:26379/0?master_name=video", "redis+sentinel://h1:26379/video/0"),
        ("redis+sentinel://h1:1,h2:2/video/4", "redis+sentinel://h1:1,h2:2/video/4"),
    ],
)
def test_a_redis_is_found_in_every_form(celerys, ours):
    assert as_redis_url(celerys) == ours
    redis_settings(ours)


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("amqp://guest:s3cret@localhost//", "amqp"), ("pyamqp://s3cret@h", "pyamqp"), ("sqs://KEY:s3cret@", "sqs"), ("rpc://", "rpc"),
        ("memory://", "memory"), ("filesystem://", "filesystem"), ("db+postgresql://u:s3cret@h/db", "db+postgresql"), ("", "?"), ("s3cret", "?"),
    ],
)  # fmt: skip
def test_another_broker_is_named_and_its_password_is_not(address, scheme):
    with pytest.raises(NoRedis) as caught:
        as_redis_url(address)

    assert caught.value.scheme == scheme
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "passwords"),
    [
        ("redis://h/0", ()), ("redis://:pw@h/0", ("pw",)), ("redis://me:p%40w@h/0", ("p%40w", "p@w")), ("redis://me@h", ()),
        ("sentinel://:one@h1:1;sentinel://:two@h2:1/0", ("one", "two")), ("redis+socket:///run/r.sock?password=pw&virtual_host=1", ("pw",)),
        ("sqs://KEY:secret@", ("secret",)), ("redis://u:p@ss@h/0", ("p@ss",)), ("redis://[::1", ()),
    ],
)  # fmt: skip
def test_every_password_in_an_address_is_known_as_one(address, passwords):
    assert passwords_in(address) == passwords
