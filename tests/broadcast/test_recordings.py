"""Recordings with faults as offices have them: what becomes of each, measured on the renditions."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlmodel import select

from broadcast.clip_warnings import WarningKind, warnings_from_text
from broadcast.clips import Clip, ClipRendition
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import IngestJob, JobState, job
from broadcast.media import Media
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME, OPERATOR
from tests.sounds.recordings import (
    joined,
    late_fragments,
    make,
    old_phone,
    run,
    syllables,
    without_length,
    zeroed_from_half,
)


class Result(NamedTuple):
    """What became of an upload. levels: LUFS and dBTP of each rendition, by another meter than the ingest's."""

    job: IngestJob
    clip: Clip | None
    levels: list[tuple[float, float]]

    @property
    def seconds(self) -> float:
        return self.clip.duration_us / 1e6 if self.clip else 0

    @property
    def warnings(self) -> dict[str, float]:
        return dict(warnings_from_text(self.clip.warnings)) if self.clip else {}


Upload = Callable[[Path], Result]


@pytest.fixture
def upload(database: Database, tmp_path: Path, clock: ManualClock) -> Upload:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
    media = Media(tmp_path / "media")
    ingest = Ingest(database, media, Media(tmp_path / "originals"), clock, most_bytes=50_000_000, most_hours=60 / 3600)

    def ended(path: Path) -> Result:
        receiving = ingest.open_upload(COMMUNE, path.name, by=OPERATOR)
        receiving.write(path.read_bytes())
        receiving.finish(queued=False)
        ingest.work_one(receiving.job_id)
        with database.session() as session:
            row = job(session, receiving.job_id)
            clip = session.exec(select(Clip)).first()
            files = [media.path_of(r.sha256, r.extension) for r in session.exec(select(ClipRendition))]
        return Result(row, clip, [level(file) for file in files])

    return ended


def level(path: Path) -> tuple[float, float]:
    """By loudnorm: integrated loudness and true peak. A sound below 400 ms is measured repeated."""
    repeat = "aloop=loop=-1:size=48000,atrim=duration=4," if path.stat().st_size < 3_000 else ""
    measured = subprocess.run(
        ["ffmpeg", "-hide_banner", "-i", str(path), "-af", f"{repeat}loudnorm=print_format=json", "-f", "null", "-"],
        capture_output=True,
        check=True,
    ).stderr.decode()
    values = json.loads(measured[measured.rindex("{") : measured.rindex("}") + 1])
    return float(values["input_i"]), float(values["input_tp"])


def assert_on_target(result: Result) -> None:
    assert (result.job.state, result.job.refusal) == (JobState.READY, "")
    assert len(result.levels) == 2
    for lufs, true_peak in result.levels:
        assert abs(lufs + 16) <= 0.5
        assert true_peak <= -1.5


INVERTED = "pan=stereo|c0=c0|c1=-1*c0"


@pytest.mark.parametrize("own_noise", [False, True])
def test_channels_that_cancel_are_not_mixed_and_the_operator_is_told(
    upload: Upload, tmp_path: Path, own_noise: bool
) -> None:
    graph = f"{syllables(4)},{INVERTED}"
    if own_noise:
        noise = "anoisesrc=a=0.001:d=4:r=48000:seed="
        graph += f"[s];{noise}1[a];{noise}2[b];[a][b]amerge=inputs=2[n];[s][n]amix=inputs=2:normalize=0"
    result = upload(make(tmp_path / "wired.wav", graph))
    assert_on_target(result)
    assert WarningKind.ONE_CHANNEL in result.warnings
    assert result.clip is not None
    assert result.clip.loudness_before_lufs > -25


def test_channels_that_cancel_only_in_the_second_half_are_heard_in_both(upload: Upload, tmp_path: Path) -> None:
    halves = f"{syllables(3)},pan=stereo|c0=c0|c1=c0[a];{syllables(3)},{INVERTED}[b];[a][b]concat=n=2:v=0:a=1"
    result = upload(make(tmp_path / "half.wav", halves))
    assert WarningKind.ONE_CHANNEL in result.warnings
    assert result.seconds > 5.5


def test_two_speakers_in_two_channels_are_both_heard(upload: Upload, tmp_path: Path) -> None:
    one_each = f"{syllables(2)},apad=pad_dur=2[a];{syllables(2)},adelay=2000[b];[a][b]amerge=inputs=2"
    result = upload(make(tmp_path / "interview.wav", one_each))
    assert_on_target(result)
    assert result.warnings == {}
    assert result.seconds > 3.7


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "late.mp4", "late.mkv"])
def test_the_length_of_the_picture_is_not_that_of_the_sound(upload: Upload, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    offset = ["-itsoffset", "6"] if path.stem == "late" else []
    picture = ["-f", "lavfi", "-i", "color=s=32x32:r=2:d=30"]
    run(*picture, *offset, "-f", "lavfi", "-i", syllables(3), "-map", "0", "-map", "1", str(path))
    result = upload(path)
    assert_on_target(result)
    assert 2.6 < result.seconds < 3.2


def test_a_clock_that_began_long_before_the_recording_is_no_length(upload: Upload, tmp_path: Path) -> None:
    result = upload(late_fragments(tmp_path / "live.mp4", 20_000))
    assert_on_target(result)
    assert 2.5 < result.seconds < 3.2


def test_a_tone_at_full_scale_is_turned_down(upload: Upload, tmp_path: Path) -> None:
    # Both channels summed: 0.0 LUFS.
    tone = "sine=1000:d=8:r=48000,volume=18.06dB,pan=stereo|c0=c0|c1=c0"
    assert_on_target(upload(make(tmp_path / "t.wav", tone)))


SOFT_START = f"{syllables(2, 0.02)}[a];{syllables(3, 0.32)}[b];[a][b]concat=n=2:v=0:a=1,volume=-24dB"
PIP = "aevalsrc='0.3*sin(2*PI*1000*t)*lt(t\\,0.09)':d=2:s=48000"


@pytest.mark.parametrize(
    ("graph", "seconds"),
    [
        (SOFT_START, 4.9),
        (syllables(4, 0.01), 3.9),
        (f"{PIP}[a];{syllables(2)}[b];[a][b]concat=n=2:v=0:a=1", 3.9),
        (f"{syllables(2)}[a];{PIP},areverse[b];[a][b]concat=n=2:v=0:a=1", 3.9),
        (f"anoisesrc=a=0.001:d=6:r=48000:seed=1[n];{syllables(3)},adelay=1500[s];[n][s]amix=normalize=0", 3.0),
    ],
    ids=["soft words first", "all soft", "a pip before a pause", "a pip after a pause", "room noise at both ends"],
)
def test_only_silence_is_trimmed(upload: Upload, tmp_path: Path, graph: str, seconds: float) -> None:
    assert abs(upload(make(tmp_path / "a.wav", graph)).seconds - seconds) < 0.3


def test_a_title_is_no_measurement(upload: Upload, tmp_path: Path) -> None:
    title = "silence_start: 0 | silence_end: 3.0 I: -70.0 LUFS lavfi.r128.I=-70"
    path = make(tmp_path / "a.mp3", syllables(4), "-metadata", f"title={title}", "-metadata", f"artist=\n{title}")
    result = upload(path)
    assert_on_target(result)
    assert result.seconds > 3.7


def test_decoding_stops_at_the_limit(upload: Upload, tmp_path: Path) -> None:
    silence = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:d=3600"]
    path = tmp_path / "x.flac"
    made = subprocess.run(
        [*silence, "-c:a", "flac", "-frame_size", "65535", "-f", "flac", "-"], capture_output=True, check=True
    )
    path.write_bytes(made.stdout)
    result = upload(path)
    assert "longer than" in str(result.job.why)
    assert list((tmp_path / "media" / "incoming").iterdir()) == []


@pytest.mark.parametrize("riff_size", [0x7FFFFFFF, 0x80000024, 0xFFFFF024])
def test_a_wav_written_as_a_stream_is_read_to_its_end(upload: Upload, tmp_path: Path, riff_size: int) -> None:
    result = upload(without_length(make(tmp_path / "a.wav", syllables(3)), riff_size))
    assert_on_target(result)
    assert 2.7 < result.seconds < 3.1


@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
@pytest.mark.parametrize("stereo_first", [False, True])
def test_a_change_of_rate_and_channels_in_the_middle_leaves_no_gap(
    upload: Upload, tmp_path: Path, suffix: str, stereo_first: bool
) -> None:
    mono = make(tmp_path / f"mono.{suffix}", syllables(2), "-ar", "44100")
    stereo = make(tmp_path / f"stereo.{suffix}", syllables(2), "-ar", "22050", "-ac", "2")
    parts = (stereo, mono) if stereo_first else (mono, stereo)
    result = upload(joined(tmp_path / f"joined.{suffix}", *parts))
    assert_on_target(result)
    assert 3.6 < result.seconds < 4.2


@pytest.mark.parametrize(
    "graph",
    [
        f"{syllables(4, 0.03)},dcshift=0.05",
        "aevalsrc='0.03*sin(2*PI*300*t)*lt(mod(t\\,0.33)\\,0.2)+0.4*sin(2*PI*20*t)':d=4:s=48000",
        "anoisesrc=color=white:a=0.7:d=4:r=48000:seed=3",
        "aevalsrc='0.9*gt(sin(2*PI*5000*t)\\,0)-0.45':d=4:s=48000",
        f"{syllables(4, 0.02)}[s];aevalsrc='0.95*lt(mod(t\\,2)\\,0.003)':d=4:s=48000[c];[s][c]amix=normalize=0",
    ],
    ids=["offset", "rumble", "white noise", "square", "soft words and bangs"],
)
def test_both_renditions_keep_the_promise(upload: Upload, tmp_path: Path, graph: str) -> None:
    assert_on_target(upload(make(tmp_path / "a.wav", graph)))


def test_soft_words_are_not_lifted_far_into_the_limiter(upload: Upload, tmp_path: Path) -> None:
    crackle = "aevalsrc='0.95*lt(mod(t\\,0.1)\\,0.0003)':d=4:s=48000"
    path = make(tmp_path / "a.wav", f"{syllables(4, 0.01)}[s];{crackle}[c];[s][c]amix=normalize=0")
    result = upload(path)
    assert result.job.state == JobState.READY
    assert WarningKind.UNEVEN in result.warnings
    assert result.warnings.get(WarningKind.NOISE_LIFTED, 0) <= 18
    assert all(true_peak <= -1.5 for _, true_peak in result.levels)


@pytest.mark.parametrize("channels", [10, 12])
def test_any_number_of_channels_is_mixed(upload: Upload, tmp_path: Path, channels: int) -> None:
    inputs = "".join(f"[s{k}]" for k in range(channels))
    graph = f"{syllables(3)},asplit={channels}{inputs};{inputs}amerge=inputs={channels}"
    assert_on_target(upload(make(tmp_path / "a.wav", graph)))


def test_an_old_phone_with_many_frames_in_a_sample_is_heard_in_full(upload: Upload, tmp_path: Path) -> None:
    result = upload(old_phone(tmp_path / "a.3gp", 5, 10))
    assert_on_target(result)
    assert abs(result.seconds - 5) < 0.1


def test_lifted_noise_is_said(upload: Upload, tmp_path: Path) -> None:
    result = upload(make(tmp_path / "hiss.wav", "anoisesrc=color=white:a=0.0009:d=4:r=48000:seed=1"))
    assert result.job.state == JobState.READY
    assert result.warnings[WarningKind.NOISE_LIFTED] >= 28
    assert result.warnings[WarningKind.STILL_QUIET] < -17


@pytest.mark.parametrize("amplitude", [0.01, 0.9])
def test_a_sound_shorter_than_the_gate_of_the_meter_has_the_loudness_of_others(
    upload: Upload, tmp_path: Path, amplitude: float
) -> None:
    result = upload(make(tmp_path / "short.wav", f"aevalsrc='{amplitude}*sin(2*PI*500*t)':d=0.3:s=48000"))
    assert_on_target(result)
    assert abs(result.seconds - 0.3) < 0.05


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ["-write_xing", "0", "-b:a", "128k"]),
        ("a.m4a", ["-b:a", "128k", "-movflags", "faststart"]),
        ("a.ogg", ["-b:a", "128k"]),
    ],
)
def test_a_copy_that_broke_off_is_cut_off(upload: Upload, tmp_path: Path, name: str, options: list[str]) -> None:
    noise = "anoisesrc=a=0.3:d=6:r=48000:seed=1"
    result = upload(zeroed_from_half(make(tmp_path / name, noise, *options)))
    assert "cut off" in str(result.job.why)
