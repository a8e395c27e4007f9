"""From an upload to a clip, with a real ffmpeg; and what is refused, with nothing left behind."""

import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from sqlmodel import select

from broadcast.acceptance import check_length
from broadcast.audio import Ffmpeg
from broadcast.audio_decode import decode
from broadcast.audio_probe import probe
from broadcast.clips import Clip, ClipRendition, clips
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import IngestJob, JobState, job, update_job
from broadcast.media import Media
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cast import COMMUNE, COMMUNE_NAME, OPERATOR

#: suffix → what ffmpeg is told to make of three seconds of tone with silence at both ends.
FORMATS = {
    "mp3": ["-c:a", "libmp3lame"],
    "m4a": ["-c:a", "aac"],
    "aac": ["-c:a", "aac"],
    "wav": [],
    "flac": [],
    "ogg": ["-c:a", "libvorbis"],
    "opus": ["-c:a", "libopus"],
    "wma": ["-c:a", "wmav2"],
    "mp4": ["-f", "mp4", "-c:a", "aac"],
    "webm": ["-c:a", "libopus"],
    "3gp": ["-c:a", "aac", "-f", "3gp"],
    "ac3": ["-ac", "2"],
    "flv": ["-c:a", "libmp3lame", "-ar", "44100"],
    "rm": ["-c:a", "ac3", "-ac", "2"],
    "ra": ["-c:a", "real_144", "-ar", "8000", "-f", "rm"],
}


@pytest.fixture
def ingest(database: Database, tmp_path: Path, clock: ManualClock) -> Ingest:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
    return make_ingest(database, tmp_path, clock)


def make_ingest(database: Database, tmp_path: Path, clock: ManualClock, **limits: float) -> Ingest:
    media, originals = Media(tmp_path / "media"), Media(tmp_path / "originals")
    return Ingest(
        database,
        media,
        originals,
        clock,
        most_bytes=int(limits.get("most_bytes", 50_000_000)),
        most_hours=limits.get("most_hours", 4.0),
    )


def sound(path: Path, *options: str, seconds: float = 3.0, tone_db: float = -30.0) -> bytes:
    """A tone with one second of silence before and after it, in the format of the path's suffix."""
    source = (
        f"sine=frequency=440:duration={seconds}:sample_rate=48000,volume={tone_db + 18}dB,adelay=1000,apad=pad_dur=1"
    )
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *options, str(path)], check=True)
    return path.read_bytes()


def given(ingest: Ingest, database: Database, content: bytes, name: str, **options: object) -> IngestJob:
    """Upload, work, and give the job as it ended."""
    upload = ingest.open_upload(COMMUNE, name, by=OPERATOR, **options)  # type: ignore[arg-type]
    for at in range(0, len(content), 100_000):
        upload.write(content[at : at + 100_000])
    upload.finish()
    ingest.work_one(upload.job_id)
    with database.session() as session:
        return job(session, upload.job_id)


def left_behind(tmp_path: Path) -> list[Path]:
    return [p for folder in ("media", "originals") for p in (tmp_path / folder).rglob("*") if p.is_file()]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_that_people_bring_becomes_a_clip(
    ingest: Ingest, database: Database, tmp_path: Path, suffix: str
) -> None:
    ended = given(ingest, database, sound(tmp_path / f"a.{suffix}", *FORMATS[suffix]), f"Bản tin.{suffix}")
    assert (ended.state, ended.refusal) == (JobState.READY, "")
    with database.session() as session:
        made = session.exec(select(Clip)).one()
        renditions = session.exec(select(ClipRendition)).all()
    assert made.title == "Bản tin"
    assert abs(made.loudness_after_lufs + 16) <= 0.5
    assert made.true_peak_after_dbtp <= -1.5
    assert 3_000_000 <= made.duration_us <= 3_300_000
    assert 800_000 <= made.trimmed_start_us <= 1_050_000
    assert {r.codec for r in renditions} == {"opus", "mp3"}
    for rendition in renditions:
        info = soundfile.info(
            str(tmp_path / "media" / rendition.sha256[:2] / f"{rendition.sha256}.{rendition.extension}")
        )
        assert (info.samplerate, info.channels) == (48_000, 1)
        # One frame for Opus; an MP3 says its padding no finer than this.
        most_us = 21 if rendition.codec == "opus" else 1_000
        assert abs(info.frames * 1_000_000 // 48_000 - made.duration_us) <= most_us


def test_trimming_can_be_switched_off(ingest: Ingest, database: Database, tmp_path: Path) -> None:
    given(ingest, database, sound(tmp_path / "a.wav"), "a.wav", trim_silence=False)
    with database.session() as session:
        made = session.exec(select(Clip)).one()
    assert abs(made.duration_us - 5_000_000) < 2_000
    assert made.trimmed_start_us == 0


def test_the_same_bytes_twice_are_one_clip(ingest: Ingest, database: Database, tmp_path: Path) -> None:
    content = sound(tmp_path / "a.mp3")
    first = given(ingest, database, content, "a.mp3")
    second = given(ingest, database, content, "b.mp3")
    assert second.same_as_before
    assert first.clip_id == second.clip_id
    with database.session() as session:
        assert len(clips(session, COMMUNE)) == 1


def test_a_clip_is_replaced_and_the_old_one_retired(ingest: Ingest, database: Database, tmp_path: Path) -> None:
    first = given(ingest, database, sound(tmp_path / "a.mp3"), "a.mp3")
    second = given(ingest, database, sound(tmp_path / "b.mp3", seconds=2), "b.mp3", replaces=first.clip_id)
    with database.session() as session:
        assert [c.id for c in clips(session, COMMUNE)] == [second.clip_id]
        old = session.get(Clip, first.clip_id)
    assert old is not None
    assert old.replaced_by == second.clip_id


def picture(path: Path) -> bytes:
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=64x64:duration=1"]
    subprocess.run([*command, "-frames:v", "1", str(path)], check=True)
    return path.read_bytes()


def film_without_sound(path: Path) -> bytes:
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=64x64:duration=1"]
    subprocess.run([*command, str(path)], check=True)
    return path.read_bytes()


def archive(_: Path) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a.txt", "chào" * 1000)
    return held.getvalue()


REFUSED: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty.mp3": (lambda _: b"", "empty"),
    "picture.mp3": (lambda p: picture(p / "p.png"), "not a recording"),
    "photo.mp3": (lambda p: picture(p / "p.jpg"), "not a recording"),
    "text.mp3": (lambda _: "Kính chào bà con.\n".encode() * 500, "not a recording"),
    "archive.mp3": (archive, "not a recording"),
    "film.mp4": (lambda p: film_without_sound(p / "f.mp4"), "no sound"),
    "playlist.mp3": (lambda _: b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "not a recording"),
    "silent.wav": (lambda p: sound(p / "s.wav", "-af", "volume=0"), "silent"),
    "cut.m4a": (lambda p: sound(p / "c.m4a", seconds=20)[:5_000], "cut off"),
    "cut.wav": (lambda p: sound(p / "c.wav", seconds=20)[:300_000], "cut off"),
    "cut.mp3": (lambda p: sound(p / "c.mp3", "-q:a", "4", seconds=60)[:100_000], "cut off"),
    "cut.flac": (lambda p: sound(p / "c.flac", seconds=60)[:60_000], "cut off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_recording_is_refused_and_nothing_stays(
    ingest: Ingest, database: Database, tmp_path: Path, name: str
) -> None:
    make, word = REFUSED[name]
    ended = given(ingest, database, make(tmp_path), name)
    assert ended.state == JobState.REFUSED
    assert word in str(ended.why)
    assert left_behind(tmp_path) == []


def test_a_file_beyond_the_limit_is_refused_while_it_comes(
    database: Database, tmp_path: Path, clock: ManualClock, ingest: Ingest
) -> None:
    small = make_ingest(database, tmp_path, clock, most_bytes=1_000_000)
    upload = small.open_upload(COMMUNE, "big.wav", by=OPERATOR)
    upload.write(b"x" * 900_000)
    with pytest.raises(Refusal, match="larger than 1 MB"):
        upload.write(b"x" * 200_000)
    with pytest.raises(Refusal, match="larger than 1 MB"):
        small.open_upload(COMMUNE, "big.wav", by=OPERATOR, size_hint=2_000_000)
    assert left_behind(tmp_path) == []


def test_a_recording_beyond_the_longest_is_refused(
    database: Database, tmp_path: Path, clock: ManualClock, ingest: Ingest
) -> None:
    short = make_ingest(database, tmp_path, clock, most_hours=0.001)
    ended = given(short, database, sound(tmp_path / "a.wav", seconds=8), "a.wav")
    assert "longer than" in str(ended.why)
    assert left_behind(tmp_path) == []


def test_an_upload_that_breaks_off_leaves_nothing(ingest: Ingest, database: Database, tmp_path: Path) -> None:
    upload = ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR)
    upload.write(b"x" * 1000)
    upload.abandon()
    with database.session() as session:
        ended = job(session, upload.job_id)
    assert ended.state == JobState.REFUSED
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\x00b\n.mp3", "ab.mp3"),
        ("‮3pm.exe", "3pm.exe"),
        ("", "recording"),
        ("x" * 5000 + ".mp3", "x" * 116 + ".mp3"),
        ("<script>alert(1)</script>.mp3", "script>.mp3"),
    ],
)
def test_hostile_file_names_are_only_words(ingest: Ingest, database: Database, hostile: str, kept: str) -> None:
    upload = ingest.open_upload(COMMUNE, hostile, by=OPERATOR)
    with database.session() as session:
        assert job(session, upload.job_id).file_name == kept
    upload.abandon()


def test_killed_in_the_middle_it_is_finished_or_cleaned_up_at_the_next_start(
    ingest: Ingest, database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    whole = ingest.open_upload(COMMUNE, "whole.mp3", by=OPERATOR)
    whole.write(sound(tmp_path / "a.mp3"))
    whole.finish()
    half = ingest.open_upload(COMMUNE, "half.mp3", by=OPERATOR)
    half.write(b"x" * 1000)
    half._file.close()
    # Here the power goes. A new controller starts on what is on disk.
    after = make_ingest(database, tmp_path, clock)
    after.recover()
    after.work_one(whole.job_id)
    with database.session() as session:
        finished, cleaned = job(session, whole.job_id), job(session, half.job_id)
    assert (finished.state, finished.resumed) == (JobState.READY, True)
    assert cleaned.state == JobState.INTERRUPTED
    assert "Choose the file again" in str(cleaned.why)
    assert len(left_behind(tmp_path)) == 3  # the original and two renditions


def test_a_full_disk_is_said_before_and_while_the_file_comes(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000})())
    with pytest.raises(Refusal, match="disk is full"):
        ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=1_000_000)
    assert left_behind(tmp_path) == []


def test_searching_without_diacritics_finds_with_them(ingest: Ingest, database: Database, tmp_path: Path) -> None:
    given(ingest, database, sound(tmp_path / "a.mp3"), "Thời sự Đông Xuân.mp3")
    with database.session() as session:
        assert len(clips(session, COMMUNE, search="thoi su dong")) == 1
        assert len(clips(session, COMMUNE, search="Xuân thời")) == 1
        assert clips(session, COMMUNE, search="khuyen nong") == []


def film(path: Path, *, sound_s: float, picture_s: float, sound_from_s: float = 0) -> bytes:
    """A film whose sound is shorter than its picture."""
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        f"color=size=32x32:rate=5:duration={picture_s}",
    ]
    command += ["-itsoffset", str(sound_from_s), "-f", "lavfi", "-i", f"sine=frequency=440:duration={sound_s}"]
    subprocess.run([*command, "-map", "0", "-map", "1", str(path)], check=True)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize(("sound_s", "sound_from_s"), [(3, 0), (9, 0), (3, 4)])
def test_a_film_whose_sound_is_shorter_than_its_picture_is_taken(
    ingest: Ingest, database: Database, tmp_path: Path, suffix: str, sound_s: float, sound_from_s: float
) -> None:
    content = film(tmp_path / f"f.{suffix}", sound_s=sound_s, picture_s=10, sound_from_s=sound_from_s)
    ended = given(ingest, database, content, f"f.{suffix}")
    assert (ended.state, ended.refusal) == (JobState.READY, "")


def test_a_recording_whose_header_hides_its_length_is_decoded_only_up_to_the_limit(
    database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
    ingest = make_ingest(database, tmp_path, clock, most_hours=10 / 3600)
    decoded: list[int] = []

    def ends_at_ten(length_us: int) -> None:
        decoded.append(length_us)
        check_length(length_us, 10 / 3600)

    path = tmp_path / "hidden.flac"
    made = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:d=3600", "-f", "flac", "pipe:1"],
        stdout=subprocess.PIPE,
        check=True,
    )
    path.write_bytes(made.stdout)
    with pytest.raises(Refusal, match="longer than"):
        decode(path, probe(path), Ffmpeg(), tmp_path / "hidden.pcm", on_length=ends_at_ten)
    assert decoded[-1] < 60_000_000
    assert given(ingest, database, path.read_bytes(), "hidden.flac").state == JobState.REFUSED


def test_after_the_encoding_the_job_says_that_the_result_is_verified(
    ingest: Ingest, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, object]] = []

    def noted(database: Database, job_id: str, **values: object) -> IngestJob | None:
        told.append((values.get("state"), values.get("progress")))
        return update_job(database, job_id, **values)

    monkeypatch.setattr("broadcast.clip_maker.update_job", noted)
    given(ingest, database, sound(tmp_path / "a.wav"), "a.wav")
    states = [state for state, _ in told if state is not None]
    assert states == ["probing", "measuring", "encoding", "verifying"]
    shares = [share for _, share in told if isinstance(share, float)]
    assert shares == sorted(shares)
