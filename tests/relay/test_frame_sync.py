"""Frames of real MP3 and AAC, begun in their middle, and what lies between them."""

import threading
from collections.abc import Iterable

import pytest

from broadcast.audio_relay import StreamDecoder
from relay.frame_sync import MOST_UNKNOWN_BYTES, FrameSync, begins_in_frames, frame_at
from tests.relay.station_server import encoded


def passed_on(sound: bytes, block: int = 777) -> list[bytes | None]:
    blocks: Iterable[bytes] = (sound[at : at + block] for at in range(0, len(sound), block))
    return list(FrameSync().frames(blocks))


@pytest.mark.parametrize(("codec", "format_"), [("mp3", "mp3 48000"), ("aac", "aac 3 1")])
def test_a_stream_begun_in_the_middle_of_a_frame_begins_with_a_whole_one(codec: str, format_: str) -> None:
    sound = encoded(codec)
    whole = b"".join(part for part in passed_on(sound[101:]) if part is not None)
    assert sound.endswith(whole)
    assert 0 <= len(sound) - 101 - len(whole) < 600
    first = frame_at(whole, 0)
    assert first is not None
    assert first.format == format_


def test_another_format_begins_with_a_new_decoder_and_metadata_between_frames_is_left_out() -> None:
    mp3, aac = encoded("mp3")[: 192 * 50], encoded("aac")[101:20_000]
    parts = passed_on(mp3 + b"TAG" + b"x" * 125 + mp3 + aac)
    assert parts.count(None) == 1
    before, after = parts[: parts.index(None)], parts[parts.index(None) + 1 :]
    assert b"".join(part or b"" for part in before) == mp3 + mp3
    assert aac.endswith(b"".join(part or b"" for part in after))


def test_what_has_no_such_frames_is_passed_on_as_it_is() -> None:
    noise = bytes(range(256)) * (2 * MOST_UNKNOWN_BYTES // 256)
    assert b"".join(part or b"" for part in passed_on(noise)) == noise
    assert not begins_in_frames(encoded("opus"))
    assert begins_in_frames(encoded("mp3")[101:])


@pytest.mark.parametrize("codec", ["mp3", "aac"])
def test_a_few_frames_are_enough_for_the_decoder(codec: str) -> None:
    came = threading.Event()
    decoder = StreamDecoder(lambda _pcm: came.set())
    try:
        for part in passed_on(encoded(codec)[101:9_000]):
            assert part is not None
            decoder.feed(part)
        assert came.wait(5), "it waits for more of what it has not recognized"
    finally:
        decoder.kill()
