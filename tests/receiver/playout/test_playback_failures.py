"""A damaged recording through the playout, onto a speaker: sound as far as it goes, the backup from there, no burst."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from receiver.link.outbox import Outbox
from receiver.link.play_reporter import AFTER_END_US, PlayReporter
from receiver.live.live_input import LiveInput
from receiver.playout.cues import FRAME_US, RATE, ChimeSpec
from receiver.playout.ladder import Ladder
from receiver.playout.playback_failures import PlaybackFailures
from receiver.playout.readers import CueReader
from receiver.playout.sources import CHIME_FRAMES, ChimeSource
from receiver.store.plan import Plan
from tests.receiver.plans import KEY, KEYS, config, manifest, rendition
from tests.receiver.playout.test_playout import Studio, until
from wire.broadcasts import ClipItem, Manifest
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport
from wire.sealing import PublicKey, SealingKey, open_sealed

OPUS, BACKUP = rendition("a"), rendition("e")
LENGTH_S = 8


def tone(path: Path, hertz: float, seconds: float) -> Path:
    """A steady tone in Ogg Opus."""
    at = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * at), RATE, format="OGG", subtype="OPUS")
    return path


def strength(sound: np.ndarray, hertz: float) -> float:
    """How much of a tone is in a sound, 0 to about 0.3."""
    at = np.arange(len(sound)) / RATE
    return float(abs(np.mean(sound * np.exp(-2j * np.pi * hertz * at)))) * 2


def read_ahead(reader: CueReader, head_us: int) -> bool:
    """Whether what a reader has for the next quarter of a second is there, or never will be."""
    cue = reader.cue
    from_us, until_us = max(head_us - 20_000, cue.sounds_from_us), min(head_us + 300_000, cue.until_us)
    if reader.buffer.failure or until_us <= from_us:
        return True
    first, frames = int((from_us - cue.starts_at_us) / FRAME_US), int((until_us - from_us) / FRAME_US)
    return reader.buffer.read(first, frames) is not None


def play(tmp_path: Path, *, backup: bool) -> tuple[Studio, PlayReport]:
    """8 s of 440 Hz whose second half is damaged; the backup is 700 Hz."""
    damaged = tone(tmp_path / f"{OPUS.sha256}.opus", 440, LENGTH_S)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2 :] = b"\x55" * (len(content) - len(content) // 2)
    damaged.write_bytes(content)
    files = {OPUS.sha256: damaged}
    if backup:
        files[BACKUP.sha256] = tone(tmp_path / f"{BACKUP.sha256}.opus", 700, 2)
    studio, failures = Studio(), PlaybackFailures()
    item = ClipItem(offset_us=0, duration_us=LENGTH_S * 1_000_000, clip="c", renditions=[OPUS])
    plan = msgspec.structs.replace(
        manifest("b", items=[item]),
        starts_at_us=studio.instant(0.5),
        ends_at_us=studio.instant(0.5 + LENGTH_S),
    )
    spare = ClipItem(offset_us=0, duration_us=2_000_000, clip="spare", renditions=[BACKUP])
    held = config(backup=spare if backup else None)
    ladder = Ladder([plan], held, lambda r: files.get(r.sha256), lambda _: None, failures)
    studio.speaker.take(0.05)  # from here on the playhead says what the time is, however slow this machine
    studio.playout.set_timeline(ladder)
    for _ in range(36):  # 9 s
        cues = ladder.cues(studio.head_us, 4_000_000)
        studio.playout.wake()
        until(lambda cues=cues: {c.key for c in cues} <= {v.cue.key for v in studio.playout._readers})
        until(lambda: all(read_ahead(v, studio.head_us) for v in studio.playout._readers))
        if failures.note_failed(studio.playout.failed_cues(), studio.head_us):
            wanted = {c.key for c in ladder.cues(studio.head_us, 4_000_000)}
            studio.playout.wake()
            until(lambda wanted=wanted: wanted <= {v.cue.key for v in studio.playout._readers})
        studio.speaker.take(0.25)
    played = studio.playout.played("b")
    studio.playout.close()
    assert played is not None
    assert played.lacking == 0
    assert 2 * RATE < played.frames < 5 * RATE, "what stood in is not counted as the recording"
    return studio, report_of(tmp_path, plan, studio, failures)


def report_of(folder: Path, plan: Manifest, studio: Studio, failures: PlaybackFailures) -> PlayReport:
    """What the receiver tells of it afterwards."""
    own, now_us = SealingKey(bytes(32)), plan.ends_at_us + AFTER_END_US
    sealed = msgspec.structs.replace(plan, expires_at_us=now_us + 10**9)
    held = Plan(folder / "plan", "loa-1", "tt", KEYS)
    assert held.take_manifest("b", KEY.seal(sealed), now_us)
    outbox = Outbox(folder / "outbox", own)
    reporter = PlayReporter(folder, "loa-1", held, studio.playout, LiveInput(KEYS, lambda: None), outbox, failures)
    reporter.step(now_us, 0, 80, "")
    [pending] = outbox.due(0)
    public = PublicKey(own.public)
    report: PlayReport = open_sealed(pending.payload, PlayReport, {public.kid: public}, to=CONTROLLER, now_us=now_us)
    return report


@pytest.mark.parametrize(("backup", "rung", "length_s"), [(True, "backup", 2.0), (False, "chime", CHIME_FRAMES / RATE)])
def test_it_falls_without_a_gap_or_a_burst(tmp_path: Path, backup: bool, rung: str, length_s: float) -> None:
    studio, report = play(tmp_path, backup=backup)
    assert (report.outcome, report.cause) == (Outcome.PARTLY, rung)
    [stood_in] = report.stood_in
    assert (stood_in.position, stood_in.clip, stood_in.rung) == (0, "c", rung)
    assert "ends after" in stood_in.detail
    sound = studio.speaker.sound
    pieces = [sound[k : k + 2400] for k in range(RATE, len(sound) - 2400, 2400)]  # 50 ms each
    changes = next(k for k, piece in enumerate(pieces) if strength(piece, 440) < 0.1)
    assert all(strength(piece, 440) > 0.2 for piece in pieces[: changes - 1])
    stands = pieces[changes - 1 : changes + round(length_s * 20) - 8]
    assert all(np.abs(piece).max() > 0.004 for piece in stands), "never dead silence"
    assert np.abs(sound).max() < 0.6, "never a burst"
    assert not np.abs(pieces[changes + round(length_s * 20) + 2]).any(), "once, and then silence"


def test_the_chime_is_the_same_wherever_it_is_read() -> None:
    chime = ChimeSource(ChimeSpec())
    whole = chime.read(0, CHIME_FRAMES + 100)
    assert np.array_equal(chime.read(1000, 500), whole[1000:1500])
    assert not chime.read(-10, 10).any()
    assert not chime.read(CHIME_FRAMES, 10).any()
    assert not chime.read(CHIME_FRAMES + 500, 10).any()
    assert 0.1 < np.abs(whole).max() < 0.6
