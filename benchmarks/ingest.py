"""Ingest of a long recording, beside ffmpeg's two-pass loudnorm plus Opus, in one run.

    benchmarks/ingest.py [MINUTES]

Prints both times and their ratio, by the clock and in processor time, loudness and true peak, and the memory of this
process for a short and the long recording. The reference runs at the priority that the ingest gives to ffmpeg.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from broadcast.audio import Ffmpeg
from broadcast.audio_decode import decode
from broadcast.audio_encode import MOST_TRUE_PEAK_DBTP, TARGET_LUFS, encode
from broadcast.audio_measure import measure
from broadcast.audio_probe import probe
from demo.speech import speak

TEXT = (
    "Kính chào bà con. Đây là đài truyền thanh xã Thiệu Trung. Hôm nay trời nắng, nhiệt độ từ hai mươi đến hai mươi "
    "tám độ. Bà con chú ý lịch tiêm phòng cho gia súc, gia cầm tại nhà văn hóa thôn."
)
_PRIORITY = ("nice", "-n", "10")


def recording(folder: Path, minutes: float) -> Path:
    """Spoken Vietnamese over a little noise, as an MP3 from a phone would be."""
    speech, made = folder / "speech.wav", folder / f"{minutes:g}.mp3"
    speak(TEXT, speech)
    subprocess.run(
        [
            "ffmpeg",
            "-loglevel",
            "error",
            "-y",
            "-stream_loop",
            "-1",
            "-i",
            str(speech),
            "-f",
            "lavfi",
            "-i",
            "anoisesrc=color=pink:seed=3:amplitude=0.01",
            "-filter_complex",
            "amix=inputs=2:normalize=0",
            "-t",
            str(minutes * 60),
            "-b:a",
            "128k",
            str(made),
        ],
        check=True,
    )
    return made


def two_pass(path: Path, out: Path) -> float:
    """The reference: loudnorm measures, loudnorm applies, libopus encodes. Returns seconds."""
    began_s = time.monotonic()
    loudnorm = f"loudnorm=I={TARGET_LUFS}:TP={MOST_TRUE_PEAK_DBTP}:LRA=11"
    log = subprocess.run(
        [
            *_PRIORITY,
            "ffmpeg",
            "-hide_banner",
            "-nostats",
            "-i",
            str(path),
            "-af",
            f"{loudnorm}:print_format=json",
            "-f",
            "null",
            "-",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    m = json.loads(log[log.rindex("{") : log.rindex("}") + 1])
    loudnorm += (
        f":measured_I={m['input_i']}:measured_TP={m['input_tp']}:measured_LRA={m['input_lra']}"
        f":measured_thresh={m['input_thresh']}:offset={m['target_offset']}:linear=true"
    )
    subprocess.run(
        [
            *_PRIORITY,
            "ffmpeg",
            "-loglevel",
            "error",
            "-y",
            "-i",
            str(path),
            "-af",
            f"{loudnorm},aresample=48000,aformat=channel_layouts=mono",
            "-c:a",
            "libopus",
            "-b:a",
            "48k",
            str(out),
        ],
        check=True,
    )
    return time.monotonic() - began_s


def ours(path: Path, folder: Path) -> tuple[float, float | None, float | None]:
    """Loa's ingest with both renditions. Returns seconds, LUFS, dBTP."""
    began_s, run = time.monotonic(), Ffmpeg()
    pcm = decode(path, probe(path), run, folder / f"ours-{path.stem}.pcm")
    made = encode(pcm, measure(pcm, run), run, lambda suffix: folder / f"ours-{path.stem}{suffix}", trim=True)
    return time.monotonic() - began_s, made.opus_level.lufs, made.true_peak_dbtp


def processor_s() -> float:
    """Processor time of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mb() -> float:
    """Peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints one line of JSON."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours(recording(folder, 0.5), folder)
        short_mb, long = peak_mb(), recording(folder, minutes)
        began_s = processor_s()
        seconds, lufs, dbtp = ours(long, folder)
        ended_s = processor_s()
        reference_s = two_pass(long, folder / "reference.opus")
        ours_cpu_s, reference_cpu_s = ended_s - began_s, processor_s() - ended_s
        print(
            json.dumps(
                {
                    "minutes": minutes,
                    "ours_s": round(seconds, 2),
                    "two_pass_s": round(reference_s, 2),
                    "ratio": round(seconds / reference_s, 3),
                    "ours_processor_s": round(ours_cpu_s, 2),
                    "two_pass_processor_s": round(reference_cpu_s, 2),
                    "limit": 0.6,
                    "lufs": lufs,
                    "dbtp": dbtp,
                    "memory_mb_after_30_s": round(short_mb, 1),
                    "memory_mb_after_long": round(peak_mb(), 1),
                }
            )
        )


if __name__ == "__main__":
    main()
