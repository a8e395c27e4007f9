"""The demo's recordings: a spoken greeting, alone or over noise, made by speech synthesis and ffmpeg."""

import subprocess
from pathlib import Path

from demo.failure import DemoFailed
from demo.speech import speak

SAMPLE_TEXT = (
    "Kính chào bà con. Đây là Đài truyền thanh xã Thiệu Trung. "
    "Từ hôm nay, loa có dây, loa FM và loa thông minh của xã cùng phát một lúc, như một đài. "
    "Chúc bà con một ngày làm việc tốt lành."
)


def make_mp3(path: Path, seconds: int = 20, seed: int = 7) -> None:
    """Write an MP3 of speech over noise. The noise never repeats, so that any piece of it can be located in time.

    seed: of the noise. Raises DemoFailed.
    """
    speech = path.with_suffix(".speech.wav")
    speak(SAMPLE_TEXT, speech)
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-y",
        "-i",
        str(speech),
        "-f",
        "lavfi",
        "-i",
        f"anoisesrc=color=pink:seed={seed}:duration={seconds}:sample_rate=44100:amplitude=0.25",
        "-filter_complex",
        f"[0:a]aresample=44100,apad[s];[s][1:a]amix=inputs=2:duration=shortest,atrim=0:{seconds}",
        "-c:a",
        "libmp3lame",
        "-b:a",
        "128k",
        str(path),
    ]
    completed = subprocess.run(command, capture_output=True, check=False)
    speech.unlink()
    if completed.returncode:
        raise DemoFailed(completed.stderr.decode(errors="replace"))
