"""Before the first payment to a service and the first publication on a channel a person is asked, once."""

import sys

from reelqueue.ahead.offer import Offer, in_words
from reelqueue.cli.console import notes
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.wording import Text

YES = frozenset({"y", "yes", "好", "是", "要"})


class NotAsked(InvalidBrief):
    """There is nobody to ask."""

    def __init__(self) -> None:
        ReelqueueError.__init__(
            self,
            Text("要先得到同意，但這裡不是終端機，沒有人可以回答", "this needs somebody's consent, and there is no terminal to ask at"),
            Text("同意的話，加上 --yes 再執行一次", "to agree, run it again with --yes"),
        )  # fmt: skip


class Declined(Exception):
    """A person said no: nothing was begun."""


def ask(offer: Offer) -> None:
    """Say what it takes, and ask; blocks, so it is no matter for an event loop.

    Raises:
        NotAsked: there is no terminal.  Declined: the answer is no.
    """
    tell(offer)
    ask_whether(Text("要開始嗎？同樣的服務與頻道之後不再問", "go on? It is not asked again for these services and this channel"))


def tell(offer: Offer) -> None:
    """Say what it takes."""
    for line in in_words(offer):
        notes().print(str(line), markup=False)


def is_anybody_there() -> bool:
    """Whether there is a terminal at which somebody may answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask_whether(question: Text) -> None:
    """Ask a question on the terminal; anything but a yes is a no.  Raises as `ask`."""
    if not is_anybody_there():
        raise NotAsked
    notes().print(f"{question} [y/N] ", end="", markup=False)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        notes().print()
        raise NotAsked
    if answer.strip().lower() not in YES:
        raise Declined
