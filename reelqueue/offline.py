"""A child without a network: the kernel gives it no socket, whatever an input made of its code.

A seccomp filter that is set between fork and exec: no right is needed for it, it holds in containers, and it can't be taken off.
Of 64-bit Linux on the processors below; elsewhere nothing is changed, and the limits of `process.Limits` are what there is.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Callable

_KINDS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}
"""By processor: its AUDIT_ARCH, and the number of socket(2); as `linux/audit.h` and the tables of system calls have them."""
_IO_URING_SETUP = 425
"""A ring can open sockets by itself; the number is the same everywhere."""
_X32 = 0x4000_0000
"""From here on x86-64 counts its calls a second time."""
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
_ALLOWED, _REFUSED = 0x7FFF_0000, 0x0005_0000 | 13  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EACCES
_NUMBER_AT, _ARCH_AT = 0, 4  # in struct seccomp_data
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def cut_off() -> Callable[[], None] | None:
    """What a child calls between fork and exec to be without a network; None where this machine knows no such thing."""
    # A 32-bit program below a 64-bit kernel has other calls, all of which would be refused.
    is_known = sys.platform == "linux" and sys.maxsize > 2**32
    kind = _KINDS.get(os.uname().machine) if is_known else None
    if kind is None:
        return None
    steps = _steps(*kind)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None)

    def cut(_kept: ctypes.Array[ctypes.c_char] = code) -> None:  # the program points into it
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # without it the kernel takes filters from root alone
        libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)  # an old kernel says no: then without

    return cut


def _steps(arch: int, socket: int) -> list[tuple[int, int, int, int]]:
    """The filter: code, jump if so, jump if not, operand.  Another processor's calls, which have other numbers, are refused."""
    return [
        (_LOAD, 0, 0, _ARCH_AT),
        (_IF_EQUAL, 0, 5, arch),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, 3, 0, _X32),
        (_IF_EQUAL, 2, 0, socket),
        (_IF_EQUAL, 1, 0, _IO_URING_SETUP),
        (_ANSWER, 0, 0, _ALLOWED),
        (_ANSWER, 0, 0, _REFUSED),
    ]
