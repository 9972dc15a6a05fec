"""`reelqueue webhooks`: what is to be told, what was given up, tell it again, try the address; `reelqueue notify` tries the rest.

All of it reads the disk; no Redis is needed.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from jobs.announcing import TO_ALL
from jobs.maintenance.informing import Way
from reelqueue import clock
from reelqueue.addresses import check_webhook, shown
from reelqueue.ahead.moments import moment
from reelqueue.bootstrap import Settings, read_settings, told_of
from reelqueue.cli.console import escape, note, out, say, say_json
from reelqueue.cli.outcome import DONE, FAILED, run
from reelqueue.errors import InvalidBrief, InvalidSettings
from reelqueue.models.event import Delivery, Event, Notice
from reelqueue.process import ChildFailed
from reelqueue.signing import new_secret
from reelqueue.telemetry import keep_secret
from reelqueue.wording import Text
from storage import Paths, open_installation
from storage.outbox import PLACES, Outbox, Place

MOST_SHOWN = 50
_PLACES = {
    "pending": Text("待送", "pending"),
    "delivered": Text("已送達", "delivered"),
    "given_up": Text("已放棄", "given up"),
}
_EVENT = Text("一個事件的編號，見 reelqueue webhooks list", "an event's id: see reelqueue webhooks list")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    webhooks = typer.Typer(help=str(Text("通知其他程式（webhook）", "tell other programs (webhooks)")), no_args_is_help=False)
    app.add_typer(webhooks, name="webhooks")

    @webhooks.callback(invoke_without_command=True)
    def acts(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit(2)

    @webhooks.command("list", help=str(Text("待送與已放棄的事件", "events to be told, and those given up")))
    def listed(
        delivered: Annotated[bool, typer.Option("--delivered", help=str(Text("也列出已送達的", "those delivered, too")))] = False,
        as_json: Annotated[bool, typer.Option("--json", help=str(Text("輸出 JSON", "as JSON")))] = False,
    ) -> None:
        raise typer.Exit(run(_listed(delivered=delivered, as_json=as_json)))

    @webhooks.command("replay", help=str(Text("再送一次，編號不變", "send again, under the same id")))
    def replay(
        events: Annotated[list[str] | None, typer.Argument(metavar="EVENT...", help=str(_EVENT), show_default=False)] = None,
        given_up: Annotated[bool, typer.Option("--given-up", help=str(Text("所有已放棄的", "all that were given up")))] = False,
    ) -> None:
        raise typer.Exit(run(_replay(events or [], given_up=given_up)))

    @webhooks.command("test", help=str(Text("立刻送一個測試事件", "send a test event now")))
    def test(
        url: Annotated[str | None, typer.Option("--url", help=str(Text("而不是 WEBHOOK_URL", "instead of WEBHOOK_URL")))] = None,
    ) -> None:
        raise typer.Exit(run(_test(url)))

    @webhooks.command("secret", help=str(Text("產生一個 WEBHOOK_SECRET", "make a WEBHOOK_SECRET")))
    def secret() -> None:
        say(f"WEBHOOK_SECRET={new_secret()}")

    about = Text("以 NOTIFY_COMMAND 與郵件送一則測試通知", "send a test notice by NOTIFY_COMMAND and by mail")

    @app.command("notify", help=str(about))
    def notify() -> None:
        raise typer.Exit(run(_notify()))


def _opened() -> tuple[Settings, Outbox]:
    settings = read_settings()
    keep_secret(*settings.secrets())
    return settings, Outbox(Paths(settings.data_dir).outbox)


async def _listed(*, delivered: bool, as_json: bool) -> int:
    _, outbox = _opened()
    places: Sequence[Place] = PLACES if delivered else ("pending", "given_up")
    found = {place: await outbox.listed(place) for place in places}
    if as_json:
        say_json([{"place": place} | one.model_dump(mode="json") for place, some in found.items() for one in some])
        return DONE
    if not any(found.values()):
        say(Text("沒有待送的事件", "there is nothing to be told"))
        return DONE
    table = Table(box=None, pad_edge=False)
    for head in (Text("事件", "event"), Text("狀態", "state"), Text("嘗試", "tries"), Text("說明", "said")):
        table.add_column(str(head), overflow="fold")
    for place, some in found.items():
        for one in some[-MOST_SHOWN:]:
            table.add_row(one.name, str(_PLACES[place]), str(one.attempts), escape(str(_standing(one))))
    out().print(table)
    if left := sum(max(0, len(some) - MOST_SHOWN) for some in found.values()):
        say(Text(f"另有 {left} 個較早的；--json 全部列出", f"{left} older ones more; --json lists all"))
    return DONE


def _standing(one: Delivery) -> Text:
    if one.next_at is not None:
        at = moment(one.next_at)
        return Text(f"{one.error}；下次 {at}", f"{one.error}; again {at}")
    return Text(one.error, one.error) if one.error else Text(moment(one.event.at), moment(one.event.at))


async def _replay(asked: list[str], *, given_up: bool) -> int:
    _, outbox = _opened()
    if not asked and not given_up:
        raise InvalidBrief("EVENT", Text(f"{_EVENT.zh}，或 --given-up", f"{_EVENT.en}; or --given-up"), "")
    known = {place: await outbox.listed(place) for place in PLACES}
    names = [one.name for one in known["given_up"]] if given_up else []
    for event in asked:
        found = [one.name for some in known.values() for one in some if event in {one.name, one.event.event_id}]
        if not found:
            raise InvalidBrief("EVENT", _EVENT, event)
        names += found
    again = [name for name in dict.fromkeys(names) if await outbox.again(name) is not None]
    say(Text(f"{len(again)} 個事件會再送一次", f"{len(again)} to be sent again"))
    if again:
        note(Text("由執行中的 worker 送出", "a worker that runs sends them"))
    return DONE


async def _test(url: str | None) -> int:
    from reelqueue.providers.webhooks import WebhookSender  # noqa: PLC0415 - an HTTP client

    settings, _ = _opened()
    if url is not None:
        check_webhook(url, settings.webhook_private_hosts, has_secret=settings.webhook_secret is not None)
    target = url or settings.webhook_url
    if target is None:
        raise InvalidSettings(
            "WEBHOOK_URL", Text("要送往的網址，或用 --url 指定", "the address to tell, or name one by --url"), None
        )
    told, instance = told_of(settings), await asyncio.to_thread(open_installation, Paths(settings.data_dir))
    event = Event(
        event_id=f"test-{secrets.token_hex(4)}", type="webhook.test", at=clock.now(), subject="test", data={"destination": TO_ALL}
    )
    async with contextlib.aclosing(WebhookSender(told.keys, told.private_hosts, instance)) as sender:
        answer = await sender.send(target, event)
    if answer.is_taken:
        say(Text(f"{shown(target)} 收下了（{answer.status}）", f"{shown(target)} took it ({answer.status})"))
        return DONE
    say(Text(f"{shown(target)} 沒有收下：{answer.error}", f"{shown(target)} did not take it: {answer.error}"))
    return FAILED


async def _notify() -> int:
    settings, _ = _opened()
    paths = Paths(settings.data_dir)
    ways = told_of(settings).ways(paths.root)
    if not ways:
        raise InvalidSettings(
            "NOTIFY_COMMAND",
            Text("一個命令，或設定 NOTIFY_MAIL_TO 與 SMTP_URL", "a command, or set NOTIFY_MAIL_TO and SMTP_URL"),
            None,
        )
    await asyncio.to_thread(open_installation, paths)
    outcomes = [await _went(way) for way in ways]
    return DONE if all(outcomes) else FAILED


async def _went(way: Way) -> bool:
    try:
        await way.tell(_test_notice())
    except (OSError, ChildFailed) as error:
        say(Text(f"{way.what}：失敗，{error}", f"{way.what}: failed, {error}"))
        return False
    say(Text(f"{way.what}：已送出", f"{way.what}: sent"))
    return True


def _test_notice() -> Notice:
    why = Text("這是一則測試通知，沒有事情要處理。", "This is a test notice: there is nothing to do.")
    title = Text("測試通知", "a test notice")
    return Notice(
        kind="test", at=clock.now(), project_id=0, status="test", stage="test", title=str(title), why=str(why), what_to_do=""
    )
