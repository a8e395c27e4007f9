"""`loa`, with the instants at which live sound passes its stages written down (for `benchmarks/mouth_to_ear.py`).

    LOA_BENCH_STAMPS=FOLDER python -m benchmarks.live_stamps serve …

A file for each process: stage, key (frame of the microphone, packet of the stream), CLOCK_MONOTONIC µs, a number.
The stages are where `STAGES` says; the product holds no stamps.
"""

import atexit
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from broadcast.live import PACKET_US, LiveSender
from loa.cli import main
from receiver.live.live_input import DecodedStream
from receiver.live.live_stream import LiveStream
from studio.live_session import LiveSession
from studio.microphone_buffer import MicrophoneBuffer

#: taken: a frame has come to the controller. held: µs in the buffer when a block leaves it. counts: gaps, and frames
#: late or lost, so far. sent: a message, with the number of its packets. lead: the same, with the µs until its first
#: packet sounds. came: to a receiver. decoded: a packet, with what it took, µs. ahead: the same, with the µs until it
#: sounds. lost: in place of a packet that is lacking.
STAGES = ("taken", "held", "counts", "sent", "lead", "came", "decoded", "ahead", "lost")
FOLDER = "LOA_BENCH_STAMPS"


class Stamp(NamedTuple):
    stage: str
    key: int
    at_us: int
    value: int = 0


_stamps: list[Stamp] = []


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _note(stage: str, key: int, value: int = 0) -> None:
    _stamps.append(Stamp(stage, key, _now_us(), value))


def _until_us(stream_starts_us: int, index: int) -> int:
    """Until a packet sounds. All processes are on one machine, whose clock is the controller's."""
    return stream_starts_us + index * PACKET_US - time.time_ns() // 1000


def _patch() -> None:
    session_take, buffer_take = LiveSession.take, MicrophoneBuffer.take
    flush, add, decode = LiveSender._flush, DecodedStream.add, LiveStream._decode_next

    def take(session: LiveSession, connection: int, frame: Any) -> bool:
        _note("taken", frame.number)
        return session_take(session, connection, frame)

    def take_block(buffer: MicrophoneBuffer, now_us: int) -> bytes | None:
        held_us, gaps = buffer.held_us, buffer.counts.gaps
        block = buffer_take(buffer, now_us)
        if block is not None and buffer.counts.gaps == gaps:
            _note("held", 0, held_us)
        _note("counts", buffer.counts.gaps, buffer.counts.late + buffer.counts.lost)
        return block

    def send(sender: LiveSender) -> None:
        index, count = sender._encoded - len(sender._pending), len(sender._pending)
        flush(sender)
        _note("sent", index, count)
        _note("lead", index, _until_us(sender._first_us, index))

    def came(stream: DecodedStream, frame: Any, now_us: int | None) -> bool:
        _note("came", frame.first_index, len(frame.packets))
        return add(stream, frame, now_us)

    def decoded(stream: LiveStream) -> Any:
        index, lost, began_us = stream._next or 0, stream.counts.lost, _now_us()
        sound = decode(stream)
        _note("lost" if stream.counts.lost > lost else "decoded", index, _now_us() - began_us)
        _note("ahead", index, _until_us(stream.starts_at_us, index))
        return sound

    patches: list[tuple[type, str, Any]] = [
        (LiveSession, "take", take),
        (MicrophoneBuffer, "take", take_block),
        (LiveSender, "_flush", send),
        (DecodedStream, "add", came),
        (LiveStream, "_decode_next", decoded),
    ]
    for owner, name, function in patches:
        setattr(owner, name, function)


def _write() -> None:
    file = Path(os.environ[FOLDER]) / f"{os.getpid()}.csv"
    file.write_text("".join(f"{s.stage},{s.key},{s.at_us},{s.value}\n" for s in _stamps))


def read_stamps(folder: Path, pid: int) -> list[Stamp]:
    """Of a process that has ended. Exits when it was killed, as one that does not end in time is."""
    if not (folder / f"{pid}.csv").exists():
        sys.exit(f"process {pid} was killed before it wrote its stamps")
    rows = (line.split(",") for line in (folder / f"{pid}.csv").read_text().splitlines())
    return [Stamp(stage, int(key), int(at_us), int(value)) for stage, key, at_us, value in rows]


if __name__ == "__main__":
    _patch()
    atexit.register(_write)
    main()
