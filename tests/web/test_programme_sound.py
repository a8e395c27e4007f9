"""Listening to a whole programme: the sound that a receiver would play, whole and by ranges."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from broadcast.audio import RATE, Ffmpeg
from broadcast.audio_samples import samples_of
from broadcast.audio_stream import FRAME_BYTES, FRAME_SAMPLES, asked_range
from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office

FIRST_HZ, SECOND_HZ = 440, 1320
LISTEN = "/listen/programme/1.mp3"


def add_tone(office: Office, clip_id: str, hertz: int, seconds: float) -> None:
    path = office.deps.media.incoming(".opus")
    tone = 0.3 * np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * hertz / RATE)
    soundfile.write(path, tone, RATE, format="OGG", subtype="OPUS")
    stored = office.deps.media.adopt(path, "opus")
    with office.database.writing() as session:
        session.add(
            Clip(
                id=clip_id,
                commune_id=COMMUNE,
                title=clip_id,
                original_name="a.wav",
                original_sha256=stored.sha256,
                original_bytes=1,
                uploaded_at=office.clock.now(),
                duration_us=round(seconds * 1e6),
                peaks=b"",
            )
        )
        session.flush()
        row = {"clip_id": clip_id, "codec": "opus", "sha256": stored.sha256, "bytes": stored.bytes}
        session.add(ClipRendition(**row, extension="opus"))


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    """A programme of 1.5 s at 440 Hz, a pause of half a second and 1 s at 1320 Hz."""
    made = Office(database, clock, tmp_path)
    add_tone(made, "tin", FIRST_HZ, 1.5)
    add_tone(made, "nhac", SECOND_HZ, 1.0)
    items = [Item(ItemKind.CLIP, "tin"), Item(ItemKind.GAP, gap_ms=500), Item(ItemKind.CLIP, "nhac")]
    with database.writing() as session:
        add_programme(session, COMMUNE, "Bản tin", items, now=clock.now())
    return made


def decoded(content: bytes, folder: Path) -> np.ndarray:
    path = folder / "heard.mp3"
    path.write_bytes(content)
    return samples_of(path, Ffmpeg(), most_s=10)


def loudest_hz(sound: np.ndarray, from_s: float, until_s: float) -> float | None:
    """None where it is silent."""
    part = sound[round(from_s * RATE) : round(until_s * RATE)]
    if np.sqrt(np.mean(part**2)) < 0.003:
        return None
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(np.argmax(spectrum) * RATE / len(part))


def test_a_programme_sounds_whole_with_its_pause(office: Office, tmp_path: Path) -> None:
    answer = office.browser.get(LISTEN)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert len(answer.content) == int(answer.headers["content-length"])
    sound = decoded(answer.content, tmp_path)
    assert loudest_hz(sound, 0.2, 1.4) == pytest.approx(FIRST_HZ, abs=2)
    assert loudest_hz(sound, 1.6, 1.95) is None
    assert loudest_hz(sound, 2.1, 2.9) == pytest.approx(SECOND_HZ, abs=2)


def test_a_range_sounds_from_its_place(office: Office, tmp_path: Path) -> None:
    first = round(1.7 * RATE / FRAME_SAMPLES) * FRAME_BYTES
    answer = office.browser.get(LISTEN, headers={"Range": f"bytes={first}-"})
    assert answer.status_code == 206
    size = int(answer.headers["content-range"].partition("/")[2])
    assert answer.headers["content-range"] == f"bytes {first}-{size - 1}/{size}"
    assert len(answer.content) == size - first
    sound = decoded(answer.content, tmp_path)
    assert loudest_hz(sound, 0, 0.2) is None
    assert loudest_hz(sound, 0.45, 1.2) == pytest.approx(SECOND_HZ, abs=2)


def test_a_browser_that_probes_gets_two_bytes_of_a_frame(office: Office) -> None:
    answer = office.browser.get(LISTEN, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content[:1]) == (206, b"\xff")
    assert len(answer.content) == 2


def test_a_range_beyond_the_end_is_refused(office: Office) -> None:
    answer = office.browser.get(LISTEN, headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=-30", (70, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=100-", None),
        ("pages=1-2", (0, 100)),
        ("", (0, 100)),
        ("bytes=-", (0, 100)),
        ("bytes=9-3", None),
    ],
)
def test_what_a_range_header_asks_for(header: str, asked: tuple[int, int] | None) -> None:
    assert asked_range(header, 100) == asked


def test_a_programme_without_sound_is_refused_in_a_sentence(office: Office) -> None:
    assert office.post("/programmes", title="Trống") == 303
    answer = office.browser.get("/listen/programme/2.mp3")
    assert answer.status_code == 422
    assert "chưa có gì để nghe" in answer.text


def test_a_stranger_does_not_listen(office: Office) -> None:
    assert office.stranger.get(LISTEN).headers["location"] == "/sign-in"
