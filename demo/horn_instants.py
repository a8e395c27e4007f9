"""When and how far apart an upload sounded at the demo's horns."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from broadcast.audio_decode import HIGH_PASS_HZ, HIGH_PASS_Q
from demo.demo import Demo
from demo.skew import CardRecording, Instants, Samples, Skew, instants_of, skew


def skew_at_horns(demo: Demo, uploaded: Path, keep: Path | None) -> Skew:
    """Skew of the upload at the horns, from the recordings of the virtual cards and the path delays."""
    return skew(instants_at_horns(demo, uploaded, keep))


def instants_at_horns(demo: Demo, uploaded: Path, keep: Path | None) -> list[Instants]:
    """When each piece of the upload left each horn, in the order of the demo's sites.

    keep: a folder for copies of the recordings and the upload.
    """
    wav = reference_of(uploaded)
    reference = samples_of(wav)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(wav, keep / wav.name)
        for site in demo.sites:
            (keep / site.receiver_id).mkdir(exist_ok=True)
            for name in ("audio.raw", "segments.csv"):
                shutil.copy(demo.recording(site.receiver_id) / name, keep / site.receiver_id / name)
    return [
        instants_of(reference, CardRecording(demo.recording(site.receiver_id))) + site.path_delay_ms / 1000
        for site in demo.sites
    ]


def reference_of(uploaded: Path) -> Path:
    """An upload as a mono WAV file at 48 kHz beside it, without the low end that Loa removes from uploads.

    With the low end, noise would not be recognised in a recording.
    """
    wav = uploaded.with_suffix(".wav")
    high_pass = ",".join(f"highpass=f={HIGH_PASS_HZ}:t=q:w={quality}" for quality in HIGH_PASS_Q)
    command = ["ffmpeg", "-loglevel", "error", "-y", "-i", str(uploaded), "-ac", "1", "-ar", "48000"]
    subprocess.run([*command, "-af", high_pass, str(wav)], check=True)
    return wav


def samples_of(wav: Path) -> Samples:
    """Of a mono 16-bit WAV file with the plain header that ffmpeg writes."""
    samples: Samples = (np.frombuffer(wav.read_bytes()[44:], "<i2") / 32768).astype(np.float32)
    return samples
