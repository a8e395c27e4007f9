"""Encoding of a measured recording: trimmed, −16 LUFS, true peak below −1.5 dBTP, as Ogg Opus and MP3.

One gain for the whole clip and a limiter for the peaks keep the dynamics of the recording. The gain is corrected for
what the limiter removes, and the result is measured.
"""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from broadcast.audio import RATE, Ffmpeg, Progress, source, unreadable, wall_limit_s
from broadcast.audio_measure import Measured, loudness, true_peak
from broadcast.media import disk_full

TARGET_LUFS = -16.0
MOST_TRUE_PEAK_DBTP = -1.5
#: The limiter sees samples only and Opus adds an error, so the limit is below the true peak.
_LIMIT_DBFS = -2.6
#: The most that a quiet recording is amplified; beyond it room noise dominates.
MOST_GAIN_DB = 30.0
#: How close to the target the gain must come before encoding, and the most attempts.
_NEAR_ENOUGH_LU = 0.2
_MOST_TRIES = 4
OPUS_BIT_RATE = "48k"
#: From 7 on the encoder takes 2.5 times as long without an audible difference at 48 kbit/s.
OPUS_COMPLEXITY = 6
MP3_BIT_RATE = "64k"


class Encoded(NamedTuple):
    """samples: at 48 kHz, the same in both renditions. loudness, true peak: of the Opus rendition."""

    opus: Path
    mp3: Path
    samples: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None


def encode(
    path: Path,
    measured: Measured,
    run: Ffmpeg,
    make_file: Callable[[str], Path],
    *,
    trim: bool,
    progress: Progress | None = None,
) -> Encoded:
    """Encode both renditions in parallel. make_file: returns an empty file with a suffix.

    Raises Refusal when the file cannot be decoded.
    """
    first, last = (measured.sound_from, measured.sound_until) if trim else (0, measured.samples)
    gain_db = 0.0
    if measured.loudness_lufs is not None:
        gain_db = min(MOST_GAIN_DB, TARGET_LUFS - measured.loudness_lufs)
    limit_dbfs, opus, mp3 = _LIMIT_DBFS, make_file(".opus"), make_file(".mp3")
    try:
        if measured.loudness_lufs is not None:
            gain_db = _gain_through_limiter(_Chain(path, first, last, gain_db, limit_dbfs), run)
        for attempt in (1, 2):
            chain = _Chain(path, first, last, gain_db, limit_dbfs)
            reached = _encode_both(chain, opus, mp3, run, progress if attempt == 1 else None)
            if reached.true_peak is None or reached.true_peak <= MOST_TRUE_PEAK_DBTP:
                break
            limit_dbfs -= reached.true_peak - MOST_TRUE_PEAK_DBTP + 0.2
    except subprocess.CalledProcessError as error:
        if "No space left on device" in str(error.stderr):
            raise disk_full(0) from error
        raise unreadable() from error
    return Encoded(opus, mp3, last - first, reached.loudness, reached.true_peak)


class _Chain(NamedTuple):
    path: Path
    first: int
    last: int
    gain_db: float
    limit_dbfs: float

    @property
    def wall_s(self) -> float:
        return wall_limit_s(length_us=self.last * 1_000_000 // RATE)

    def sound(self) -> Any:
        """Exactly last − first samples: trimmed, amplified and limited."""
        return (
            source(self.path)
            .audio.filter("aresample", RATE)
            .filter("aformat", sample_fmts="fltp", channel_layouts="mono")
            .filter("asetpts", "N/SR/TB")  # some containers count in whole milliseconds
            .filter("atrim", start_sample=self.first, end_sample=self.last)
            .filter("asetpts", "N/SR/TB")
            .filter("volume", f"{self.gain_db:.2f}dB")
            .filter("alimiter", limit=f"{10 ** (self.limit_dbfs / 20):.5f}", attack=5, release=60, level="false")
            .filter("apad", whole_len=self.last - self.first)
            .filter("atrim", end_sample=self.last - self.first)
        )


class _Reached(NamedTuple):
    loudness: float | None
    true_peak: float | None


def _gain_through_limiter(chain: _Chain, run: Ffmpeg) -> float:
    """The gain that reaches the target loudness through the limiter, by iteration."""
    for _ in range(_MOST_TRIES):
        log = run.run(
            [chain.sound().filter("ebur128", framelog="verbose").output("pipe:", format="null")],
            wall_s=chain.wall_s,
        ).said
        reached = loudness(log)
        if reached is None or abs(TARGET_LUFS - reached) <= _NEAR_ENOUGH_LU or chain.gain_db >= MOST_GAIN_DB:
            break
        # The limiter removes more at a higher gain, so correct by more than the error.
        chain = chain._replace(gain_db=min(MOST_GAIN_DB, chain.gain_db + 1.4 * (TARGET_LUFS - reached)))
    return chain.gain_db


def _encode_both(chain: _Chain, opus: Path, mp3: Path, run: Ffmpeg, progress: Progress | None) -> _Reached:
    """Opus and MP3 in parallel processes, since two cores are common; then the Opus file is measured."""
    length_us = (chain.last - chain.first) * 1_000_000 // RATE
    failed: list[BaseException] = []

    def make_mp3() -> None:
        try:
            run.run(
                [chain.sound().output(f"file:{mp3}", format="mp3", acodec="libmp3lame", audio_bitrate=MP3_BIT_RATE)],
                wall_s=chain.wall_s,
            )
        except BaseException as error:
            failed.append(error)

    beside = threading.Thread(target=make_mp3, name="mp3")
    beside.start()
    try:
        out = chain.sound().output(
            f"file:{opus}",
            format="opus",
            acodec="libopus",
            audio_bitrate=OPUS_BIT_RATE,
            application="audio",
            compression_level=OPUS_COMPLEXITY,
            map_metadata=-1,
        )
        run.run([out], expected_us=length_us, progress=progress, wall_s=chain.wall_s)
        judged = source(opus).audio.filter("ebur128", framelog="verbose", peak="true").output("pipe:", format="null")
        log = run.run([judged], wall_s=chain.wall_s).said
    finally:
        beside.join()
    if failed:
        raise failed[0]
    return _Reached(loudness(log), true_peak(log))
