"""The heap of this process: with one for each thread glibc keeps what threads that have ended once needed."""

import contextlib
import ctypes

#: mallopt(3), of glibc.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def share_heaps(most: int, large_bytes: int = 0) -> None:
    """All threads share so many. large_bytes: larger blocks return to the system when they are freed; 0: as usual."""
    with contextlib.suppress(OSError, AttributeError):  # another libc
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, most)
        if large_bytes:
            libc.mallopt(_M_MMAP_THRESHOLD, large_bytes)
