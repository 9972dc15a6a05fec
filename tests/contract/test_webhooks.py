"""What goes over the wire to a webhook: signed by the scheme, to no address of one's own network, without redirects."""

import asyncio
import contextlib
import datetime as dt
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from reelqueue.models.event import Event
from reelqueue.providers import webhooks
from reelqueue.providers.webhooks import WebhookSender
from reelqueue.signing import keys_of
from reelqueue.wording import speak
from tests import certificates
from tests.receiver import SECRET, listening

EVENT = Event(
    event_id="p12-r1-completed",
    type="project.completed",
    at=dt.datetime(2026, 11, 29, 20, tzinfo=dt.UTC),
    subject="p12",
    data={"topic": "海豚怎麼睡覺"},
)
LISTED = ("127.0.0.1",)


def answered(*addresses: str) -> type[AbstractResolver]:
    """A name server that gives each address in its turn, and then the last one."""
    left = list(addresses)

    class Changing(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
            address = left.pop(0) if len(left) > 1 else left[0]
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    return Changing


@contextlib.asynccontextmanager
async def sending(hosts=LISTED, **more):
    async with contextlib.aclosing(WebhookSender(keys_of(SECRET), hosts, "inst", **more)) as sender:
        yield sender


@pytest.fixture
async def receiver():
    speak("en")
    async with listening() as found:
        yield found


async def test_an_event_arrives_signed_with_an_id_that_stays_the_same(receiver):
    async with sending() as sender:
        answers = [await sender.send(receiver.url, EVENT) for _ in range(2)]

    assert [answer.is_taken for answer in answers] == [True, True]
    first, second = receiver.messages
    assert first.message_id == second.message_id == "rq_inst_p12-r1-completed"
    assert first.is_signed
    assert first.is_timely
    assert first.body == {
        "type": "project.completed",
        "timestamp": "2026-11-29T20:00:00.000+00:00",
        "data": {"topic": "海豚怎麼睡覺"},
    }


async def test_a_redirect_is_an_answer_and_not_followed(receiver):
    receiver.answers.append((307, {"Location": receiver.url}))

    async with sending() as sender:
        answer = await sender.send(receiver.url, EVENT)

    assert (answer.status, answer.is_taken, len(receiver.messages)) == (307, False, 1)
    assert "redirect" in answer.error


@pytest.mark.parametrize(
    ("wish", "pause"), [("7", 7.0), ("999999999", 86_400.0), ("Sat, 29 Nov 2025 20:00:00 GMT", 0.0), ("soon", None), ("-1", None)]
)
async def test_the_pause_that_a_receiver_asks_for_is_heard(receiver, wish, pause):
    receiver.answers.append((429, {"Retry-After": wish}))

    async with sending() as sender:
        answer = await sender.send(receiver.url, EVENT)

    assert (answer.pause_s, answer.is_about_the_event) == (pause, False)


async def test_a_receiver_that_does_not_answer_is_left_in_time(receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "PATIENCE", aiohttp.ClientTimeout(total=0.2))
    receiver.hangs = asyncio.Event()

    async with sending() as sender:
        answer = await sender.send(receiver.url, EVENT)

    receiver.hangs.set()
    assert (answer.status, answer.is_taken) == (None, False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "64:ff9b::7f00:1"])  # fmt: skip
async def test_a_name_that_leads_into_ones_own_network_is_refused_as_the_connection_is_made(receiver, address):
    async with sending(hosts=(), resolver=answered(address)) as sender:
        answer = await sender.send(f"https://app.example.org:{receiver.port}/hook", EVENT)

    assert receiver.messages == []
    assert f"the address {address} belongs to this machine" in answer.error


async def test_a_name_that_led_elsewhere_a_second_ago_is_refused_once_it_leads_here(tmp_path):
    """DNS rebinding: each connection looks at the address that it really goes to.  A listed number stands for a public one."""
    speak("en")
    ours, trust = certificates.made(tmp_path, "app.example.org")
    async with listening(ssl_context=ours) as receiver:
        receiver.answers.append((204, {"Connection": "close"}))
        url = f"https://app.example.org:{receiver.port}/"
        async with sending(hosts=LISTED, resolver=answered("127.0.0.1", "127.0.0.2"), ssl=trust) as sender:
            first, second = [await sender.send(url, EVENT) for _ in range(2)]

    assert first.is_taken
    assert "the address 127.0.0.2 belongs to this machine" in second.error
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "localhost"])
async def test_a_number_of_ones_own_network_is_refused_without_a_look_up(receiver, host):
    async with sending(hosts=()) as sender:
        answer = await sender.send(f"https://{host}:{receiver.port}/", EVENT)

    assert (answer.status, receiver.messages) == (None, [])


async def test_nobody_there_is_an_answer_that_names_no_address(receiver):
    gone = receiver.url.replace(str(receiver.port), "1")

    async with sending() as sender:
        answer = await sender.send(gone, EVENT)

    assert answer.status is None
    assert "s3cret" not in answer.error


async def test_without_a_secret_nothing_is_sent(receiver):
    async with contextlib.aclosing(WebhookSender((), LISTED, "inst")) as sender:
        answer = await sender.send(receiver.url, EVENT)

    assert receiver.messages == []
    assert "WEBHOOK_SECRET" in answer.error


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    speak("en")
    ours, trust = certificates.made(tmp_path, "app.example.org")
    async with listening(ssl_context=ours) as receiver:
        url = receiver.url.replace("http://", "https://")
        async with sending() as sender:
            refused = await sender.send(url, EVENT)
        async with sending(ssl=trust) as sender:
            taken = await sender.send(url, EVENT)

    assert refused.error == "its certificate is not trusted"
    assert taken.is_taken
