import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs.client import no_redis

AWAY = RedisConnectionError("Error 111 connecting")
REFUSED = AuthenticationError("WRONGPASS invalid username-password pair")


@pytest.mark.parametrize("setting", ["REDIS_URL", "REDIS_HOST", "CELERY_BROKER_URL"])
def test_who_named_a_server_that_is_away_hears_of_that_setting(setting):
    error = no_redis(AWAY, "redis://h/0", setting)

    assert (error.name, setting in error.hint_text.en, setting in error.hint_text.zh) == (setting, True, True)


def test_who_named_none_hears_of_the_one_that_we_bring_along():
    error = no_redis(AWAY, "redis://localhost:6379/0")

    assert (error.name, "embedded" in error.hint_text.en) == ("REDIS_URL", True)


@pytest.mark.parametrize(
    ("setting", "door"),
    [("REDIS_URL", "REDIS_URL"), ("CELERY_BROKER_URL", "CELERY_BROKER_URL"), ("REDIS_HOST", "REDIS_URL"), ("", "REDIS_URL")],
)
def test_a_password_goes_where_there_is_a_place_for_it(setting, door):
    error = no_redis(REFUSED, "redis://h/0", setting)

    assert (error.name, door in error.hint_text.en, door in error.hint_text.zh) == (door, True, True)
