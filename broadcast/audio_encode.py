"""Encoding of a measured recording: trimmed, −16 LUFS, true peak at most −1.5 dBTP, as Ogg Opus and MP3.

One gain for the whole clip and a limiter for the peaks keep the dynamics of the recording. Each rendition is decoded
and measured, and encoded again with another gain and limit when it misses the target: the codecs add peaks.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, NamedTuple

from broadcast.audio import RATE, Ffmpeg, Progress, pcm_source, source, unreadable, wall_limit_s
from broadcast.audio_decode import Pcm
from broadcast.audio_loudness import Loudness, loudness_of
from broadcast.audio_measure import Measured
from broadcast.media import disk_full, free_bytes

TARGET_LUFS = -16.0
MOST_TRUE_PEAK_DBTP = -1.5
#: The most that a rendition may miss the target before it is encoded again.
_NEAR_ENOUGH_LU = 0.3
#: How close the gain must come before encoding.
_GAIN_NEAR_ENOUGH_LU = 0.15
#: The limiter sees samples only and the codecs add an error, so the limit is below the true peak.
_LIMIT_DBFS = -2.8
#: Added to the correction of a limit, so that one correction is enough.
_LIMIT_MARGIN_DB = 0.2
#: alimiter's lowest.
_LOWEST_LIMIT_DBFS = -24.0
#: The most that a quiet recording is amplified; beyond it room noise dominates.
MOST_GAIN_DB = 30.0
#: What the codecs take from the loudness is added to that.
_MOST_CORRECTION_DB = 1.0
#: The most that the limiter may take from what is not just a bang: beyond it, soft words are raised against loud ones.
MOST_LIMITING_DB = 20.0
_MOST_GAIN_TRIES, _MOST_ENCODINGS = 4, 5
OPUS_BIT_RATE = "48k"
#: From 7 on the encoder takes 2.5 times as long without an audible difference at 48 kbit/s.
OPUS_COMPLEXITY = 6
MP3_BIT_RATE = "64k"
#: Less free space than this after a failure means that the disk was full.
_FULL_BYTES = 10_000_000

_CODECS: dict[str, dict[str, Any]] = {
    "opus": {
        "format": "opus",
        "acodec": "libopus",
        "audio_bitrate": OPUS_BIT_RATE,
        "application": "audio",
        "compression_level": OPUS_COMPLEXITY,
    },
    "mp3": {"format": "mp3", "acodec": "libmp3lame", "audio_bitrate": MP3_BIT_RATE},
}
#: What the encoders take from the level: LAME multiplies by 0.95 at this bit rate.
_MADE_UP_DB = {"opus": 0.0, "mp3": 0.45}


class Encoded(NamedTuple):
    """samples: at 48 kHz, the same in both renditions. gain_db: before the limiter, relative to the loudest channel.

    opus_level, mp3_level: measured on the decoded renditions.
    """

    opus: Path
    mp3: Path
    samples: int
    gain_db: float
    opus_level: Loudness
    mp3_level: Loudness

    @property
    def true_peak_dbtp(self) -> float | None:
        """The higher of both renditions, None for silence."""
        peaks = [level.true_peak_dbtp for level in (self.opus_level, self.mp3_level)]
        return max((peak for peak in peaks if peak is not None), default=None)


class _SlowerOf:
    """Progress of several encodings at once: of the one that is behind. Called from several threads."""

    def __init__(self, count: int, progress: Progress) -> None:
        self._shares, self._progress, self._lock = [0.0] * count, progress, threading.Lock()

    def part(self, number: int) -> Progress:
        def told(share: float) -> None:
            with self._lock:
                self._shares[number] = share
                self._progress(min(self._shares))

        return told


class _Chain(NamedTuple):
    """From samples to sound: trimmed, amplified and limited.

    peak_dbfs: of the samples. most_gain_db: what no correction exceeds. softer_db: taken away after the limiter.
    """

    path: Path
    first: int
    last: int
    gain_db: float
    limit_dbfs: float
    peak_dbfs: float
    most_gain_db: float
    softer_db: float = 0.0

    @property
    def samples(self) -> int:
        return self.last - self.first

    def sound(self) -> Any:
        """The last filters fix its number of samples, which the limiter would change."""
        return (
            pcm_source(self.path)
            .audio.filter("aformat", sample_fmts="fltp", channel_layouts="mono")
            .filter("atrim", start_sample=self.first, end_sample=self.last)
            .filter("asetpts", "N/SR/TB")
            .filter("volume", f"{self.gain_db:.2f}dB")
            .filter("alimiter", limit=f"{10 ** (self.limit_dbfs / 20):.5f}", attack=5, release=60, level="false")
            .filter("volume", f"{-self.softer_db:.2f}dB")
            .filter("apad", whole_len=self.samples)
            .filter("atrim", end_sample=self.samples)
        )

    def louder(self, by_db: float) -> "_Chain":
        return self._replace(gain_db=min(self.most_gain_db, self.gain_db + by_db))


def encode(
    pcm: Pcm,
    measured: Measured,
    run: Ffmpeg,
    make_file: Callable[[str], Path],
    *,
    trim: bool,
    progress: Progress | None = None,
) -> Encoded:
    """Encode both renditions in parallel. make_file: returns an empty file with a suffix.

    progress: of the slower encoding; 1 when both are written and only measured and corrected from then on.

    Raises Refusal when ffmpeg fails or the disk is full.
    """
    first, last = (measured.sound_from, measured.sound_until) if trim else (0, measured.samples)
    peak_dbfs = measured.peak_dbfs if measured.peak_dbfs is not None else 0.0
    chain = _Chain(pcm.path, first, last, 0.0, _LIMIT_DBFS, peak_dbfs, _most_gain_db(pcm, measured))
    opus, mp3 = make_file(".opus"), make_file(".mp3")
    try:
        if measured.loudness_lufs is not None:
            chain = chain.louder(min(MOST_GAIN_DB + pcm.mix_loss_db, TARGET_LUFS - measured.loudness_lufs))
            if peak_dbfs + chain.gain_db > chain.limit_dbfs:
                chain = _through_limiter(chain, run)
        slower = _SlowerOf(2, progress or (lambda _share: None))
        with ThreadPoolExecutor(2, "encode") as threads:
            renditions = [
                threads.submit(_render, chain, "opus", opus, run, slower.part(0)),
                threads.submit(_render, chain, "mp3", mp3, run, slower.part(1)),
            ]
        (gain_db, opus_level), (_, mp3_level) = (rendition.result() for rendition in renditions)
    except CalledProcessError as error:
        if free_bytes(opus.parent) < _FULL_BYTES:
            raise disk_full(0) from error
        raise unreadable() from error
    return Encoded(opus, mp3, last - first, gain_db - pcm.mix_loss_db, opus_level, mp3_level)


def _most_gain_db(pcm: Pcm, measured: Measured) -> float:
    most_db = MOST_GAIN_DB + pcm.mix_loss_db + _MOST_CORRECTION_DB
    if measured.usual_peak_dbfs is None:
        return most_db
    return min(most_db, _LIMIT_DBFS + MOST_LIMITING_DB - measured.usual_peak_dbfs)


def _through_limiter(chain: _Chain, run: Ffmpeg, target_lufs: float = TARGET_LUFS) -> _Chain:
    """With the gain that reaches this loudness behind the limiter, found by trial."""
    before: tuple[float, float] | None = None
    lu_per_db = 0.8  # the more the limiter removes, the less
    for _ in range(_MOST_GAIN_TRIES):
        lufs = loudness_of(chain.sound(), chain.samples, run).lufs
        if lufs is None or abs(target_lufs - lufs) <= _GAIN_NEAR_ENOUGH_LU:
            break
        if before is not None:
            lu_per_db = min(1.0, max(0.15, (lufs - before[1]) / (chain.gain_db - before[0])))
        louder = chain.louder((target_lufs - lufs) / lu_per_db)
        if abs(louder.gain_db - chain.gain_db) < 0.05:
            break
        before, chain = (chain.gain_db, lufs), louder
    return chain


def _render(chain: _Chain, codec: str, path: Path, run: Ffmpeg, progress: Progress | None) -> tuple[float, Loudness]:
    """Encode, decode and measure, until the loudness and the true peak are right. Returns the gain and the levels."""
    tried: list[tuple[float, _Chain, Loudness]] = []
    for attempt in range(_MOST_ENCODINGS):
        level = _encode(chain, codec, path, run, None if attempt else progress)
        miss = _miss(level)
        tried.append((miss, chain, level))
        if miss <= _NEAR_ENOUGH_LU or level.lufs is None:
            break
        corrected = _corrected(chain, level, run)
        if corrected == chain:
            break
        chain = corrected
    _, best, level = min(tried, key=lambda one: one[0])
    excess_db = _peak_excess_db(level)
    if excess_db:  # no limit helps: softer as a whole
        softer_db = excess_db + _LIMIT_MARGIN_DB
        best = best._replace(softer_db=best.softer_db + softer_db)
    if excess_db or best is not tried[-1][1]:
        level = _encode(best, codec, path, run, None)
    return best.gain_db, level


def _miss(level: Loudness) -> float:
    """How far a rendition is from the target, LU; a true peak that is too high counts most."""
    loudness_miss = 0.0 if level.lufs is None else abs(TARGET_LUFS - level.lufs)
    return loudness_miss + 100 * _peak_excess_db(level)


def _peak_excess_db(level: Loudness) -> float:
    return 0.0 if level.true_peak_dbtp is None else max(0.0, level.true_peak_dbtp - MOST_TRUE_PEAK_DBTP)


def _corrected(chain: _Chain, level: Loudness, run: Ffmpeg) -> _Chain:
    """With a lower limit when the true peak is too high, and the gain that makes up for what the codec changes."""
    lufs = loudness_of(chain.sound(), chain.samples, run).lufs
    excess_db = _peak_excess_db(level)
    if excess_db:
        peak_dbfs = min(chain.limit_dbfs, chain.peak_dbfs + chain.gain_db)
        lowered_dbfs = peak_dbfs - excess_db - _LIMIT_MARGIN_DB
        chain = chain._replace(limit_dbfs=max(_LOWEST_LIMIT_DBFS, lowered_dbfs))
    if lufs is None or level.lufs is None:
        return chain
    return _through_limiter(chain, run, TARGET_LUFS - (level.lufs - lufs))


def _encode(chain: _Chain, codec: str, path: Path, run: Ffmpeg, progress: Progress | None) -> Loudness:
    sound = chain.sound().filter("volume", f"{_MADE_UP_DB[codec]:.2f}dB")
    output = sound.output(f"file:{path}", map_metadata=-1, **_CODECS[codec])
    length_us = chain.samples * 1_000_000 // RATE
    wall_s = wall_limit_s(length_us=chain.last * 1_000_000 // RATE)
    run.run([output], expected_us=length_us, progress=progress, wall_s=wall_s)
    if progress is not None:
        progress(1.0)
    return loudness_of(source(path).audio, chain.samples, run, true_peak=True)
