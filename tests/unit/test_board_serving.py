"""How the board's server is set up: what it sends goes at once, and what is there at its start is not looked through for garbage."""

import contextlib
import gc
import socket

from reelqueue.dashboard.serving import collected_quickly, listen


def test_who_is_let_in_is_answered_without_waiting_for_what_it_confirms():
    """Pages of more than one packet took 40 ms longer: the second waited until the first was confirmed."""
    with contextlib.ExitStack() as stack:
        (listening,) = (stack.enter_context(one) for one in listen("127.0.0.1", 0))
        stack.enter_context(socket.create_connection(listening.getsockname()))
        accepted, _ = listening.accept()
        stack.enter_context(accepted)

        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_there_at_the_start_is_left_alone_until_the_end():
    with collected_quickly():
        assert gc.get_freeze_count() > 10_000

    assert gc.get_freeze_count() == 0
    gc.freeze()  # as it was before (tests/conftest.py)
