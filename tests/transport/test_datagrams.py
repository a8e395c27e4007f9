"""Datagrams carry the instant at which the kernel received them."""

import socket
import time

from transport.datagrams import enable_timestamps, receive


def test_a_datagram_is_as_old_as_the_kernel_says_not_as_late_as_it_was_read() -> None:
    with (
        enable_timestamps(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        ours.bind(("127.0.0.1", 0))
        ours.settimeout(5)
        other.bind(("127.0.0.1", 0))
        early = 0
        # The kernel begins to stamp a moment after it was asked to.
        for _ in range(200):
            before_ns = time.monotonic_ns()
            other.sendto(b"x", ours.getsockname())
            sent_ns = time.monotonic_ns()
            time.sleep(0.001)
            came = receive(ours, 100)
            assert came.payload == b"x"
            assert came.sender == other.getsockname()
            assert came.arrived_ns >= before_ns - 50_000
            early += came.arrived_ns <= sent_ns + 50_000
        assert early > 100
