"""A program that has our terminal for its own: it ends as it ends, and a Ctrl-C is its own."""

import os
import signal
import sys

from reelqueue.process import attend


async def test_its_exit_code_is_given_back():
    assert await attend([sys.executable, "-c", "raise SystemExit(3)"]) == 3


async def test_a_ctrl_c_ends_neither_us_nor_a_program_that_does_not_want_to(tmp_path):
    """Both are in the terminal's group: the editor may take it as a key."""
    program = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.kill(int(sys.argv[1]), signal.SIGINT)"

    assert await attend([sys.executable, "-c", program, str(os.getpid())]) == 0
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
