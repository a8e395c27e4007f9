"""Loudness and true peak of both renditions, for varied recordings, by another meter than the ingest's (loudnorm).

    benchmarks/renditions.py [RECORDINGS]

Prints a line for each recording that misses −16 ± 0.5 LUFS or −1.5 dBTP, and the distributions as JSON.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from broadcast.audio import Ffmpeg
from broadcast.audio_decode import decode
from broadcast.audio_encode import MOST_TRUE_PEAK_DBTP, TARGET_LUFS, encode
from broadcast.audio_measure import measure
from broadcast.audio_probe import probe
from broadcast.clip_warnings import warnings_of
from demo.speech import speak

SECONDS = 4
TEXTS = (
    "Kính chào bà con. Đây là đài truyền thanh xã Thiệu Trung.",
    "Bà con chú ý lịch tiêm phòng cho gia súc, gia cầm.",
    "Bão số sáu! Sơ tán ngay! Không ra khơi!",
)
#: name → a lavfi graph of one channel at about full scale. Commas in expressions are escaped.
SOUNDS = {
    "white": "anoisesrc=color=white:a=0.9:seed={seed}:r=48000:d=4",
    "pink": "anoisesrc=color=pink:a=0.9:seed={seed}:r=48000:d=4",
    "brown": "anoisesrc=color=brown:a=0.9:seed={seed}:r=48000:d=4",
    "tone": "sine=f={hertz}:r=48000:d=4,volume=18dB",
    "square": "aevalsrc='0.9*(2*gt(sin(2*PI*{hertz}*t)\\,0)-1)':d=4:s=48000",
    "chord": "aevalsrc='0.3*(sin(2*PI*{hertz}*t)+sin(2*PI*1.26*{hertz}*t)+sin(2*PI*1.5*{hertz}*t))':d=4:s=48000",
    "sweep": "aevalsrc='0.9*sin(2*PI*(200*t+500*t*t))':d=4:s=48000",
    "syllables": "aevalsrc='0.9*sin(2*PI*{hertz}*t)*lt(mod(t\\,0.33)\\,0.2)':d=4:s=48000",
    "drum": "aevalsrc='0.9*sin(2*PI*{hertz}*t)*exp(-20*mod(t\\,0.5))':d=4:s=48000",
    "clap": "anoisesrc=color=white:a=0.9:seed={seed}:r=48000:d=4,volume='exp(-30*mod(t,0.5))':eval=frame",
    "pips": "aevalsrc='0.9*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.09)':d=4:s=48000",
}
#: name → filters after the sound.
FAULTS = {
    "plain": "anull",
    "offset": "dcshift=0.03",
    "inverted": "pan=stereo|c0=c0|c1=-1*c0",
    "one side": "pan=stereo|c0=c0|c1=0*c0",
    "narrow": "aresample=8000",
    "clipped": "volume=12dB,asoftclip=type=hard",
    "six channels": "pan=5.1|c2=c0",
    "soft half": "volume='if(lt(t,2),0.1,1)':eval=frame",
    "short": "atrim=end=0.3",
}
LEVELS_DB = (6, 0, -6, -12, -20, -28, -36)
CODECS = {"wav": ["-c:a", "pcm_f32le"], "mp3": ["-b:a", "64k"], "ogg": ["-c:a", "libvorbis"], "flac": []}


class Level(NamedTuple):
    """By loudnorm."""

    lufs: float
    true_peak_dbtp: float


def recording(folder: Path, number: int, draw: random.Random) -> tuple[Path, str]:
    """A recording, and what it is."""
    spoken = number % 3 == 0
    fault, level_db = draw.choice(list(FAULTS)), draw.choice(LEVELS_DB)
    name = "speech" if spoken else draw.choice(list(SOUNDS))
    suffix = draw.choice(list(CODECS))
    if spoken:
        speech = folder / "speech.wav"
        speak(draw.choice(TEXTS), speech)
        source = ["-i", str(speech)]
    else:
        graph = SOUNDS[name].format(seed=draw.randrange(99), hertz=draw.choice((180, 440, 1000, 3000)))
        source = ["-f", "lavfi", "-i", graph]
    path = folder / f"{number}.{suffix}"
    filters = f"volume={level_db}dB,{FAULTS[fault]}"
    command = ["ffmpeg", "-loglevel", "error", "-y", *source, "-af", filters, "-t", str(SECONDS), *CODECS[suffix]]
    subprocess.run([*command, str(path)], check=True)
    return path, f"{name}, {fault}, {level_db} dB, {suffix}"


def metered(path: Path, samples: int) -> Level:
    repeat = f"aloop=loop=-1:size={samples},atrim=duration=4," if samples <= 19_200 else ""
    command = ["ffmpeg", "-hide_banner", "-i", str(path), "-af", f"{repeat}loudnorm=print_format=json"]
    said = subprocess.run([*command, "-f", "null", "-"], check=True, capture_output=True, text=True).stderr
    values = json.loads(said[said.rindex("{") : said.rindex("}") + 1])
    return Level(float(values["input_i"]), float(values["input_tp"]))


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    shares = {"least": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1.0}
    return {name: round(ordered[round(share * (len(ordered) - 1))], 2) for name, share in shares.items()}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    draw, run = random.Random(1), Ffmpeg()
    levels: dict[str, list[Level]] = {"opus": [], "mp3": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(count):
            path, words = recording(folder, number, draw)
            pcm = decode(path, probe(path), run, folder / "pcm")
            made = encode(pcm, measure(pcm, run), run, lambda suffix: folder / f"made{suffix}", trim=True)
            for codec, rendition in (("opus", made.opus), ("mp3", made.mp3)):
                level = metered(rendition, made.samples)
                levels[codec].append(level)
                if abs(level.lufs - TARGET_LUFS) > 0.5 or level.true_peak_dbtp > MOST_TRUE_PEAK_DBTP:
                    told = [f"{warning.kind} {warning.value}" for warning in warnings_of(pcm, made)]
                    print(f"{codec}: {level.lufs} LUFS, {level.true_peak_dbtp} dBTP: {words}; told: {told}")
    for codec, measured in levels.items():
        result = {
            "rendition": codec,
            "recordings": count,
            "off_by_lu": spread([level.lufs - TARGET_LUFS for level in measured]),
            "true_peak_dbtp": spread([level.true_peak_dbtp for level in measured]),
            "beyond_half_a_lu": sum(abs(level.lufs - TARGET_LUFS) > 0.5 for level in measured),
            "above_peak": sum(level.true_peak_dbtp > MOST_TRUE_PEAK_DBTP for level in measured),
        }
        print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
