"""Microphone signals: sound through a room, with echo, noise and a clock error. All at 48 kHz."""

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from demo.speech import speak

RATE = 48_000
Sound = NDArray[np.float32]

BULLETIN = (
    "Kính thưa bà con, hôm nay ủy ban nhân dân xã thông báo lịch tiêm phòng cho đàn gia súc, gia cầm trên địa bàn các "
    "thôn. Đề nghị bà con đưa vật nuôi đến điểm tiêm đúng giờ."
)
WEATHER = (
    "Dự báo thời tiết ngày mai: khu vực tỉnh Thanh Hóa có mưa vừa, mưa to và rải rác có dông, đề phòng lốc sét và gió "
    "giật mạnh. Bà con chú ý theo dõi các bản tin tiếp theo trên loa truyền thanh của xã."
)


@cache
def speech(text: str = BULLETIN) -> Sound:
    """Spoken, and through a real Opus encoder as on the shelf."""
    with TemporaryDirectory() as folder:
        spoken, coded = Path(folder) / "s.wav", Path(folder) / "s.opus"
        speak(text, spoken)
        command = ["ffmpeg", "-loglevel", "error", "-i", str(spoken), "-ar", str(RATE), "-c:a", "libopus", str(coded)]
        subprocess.run(command, check=True)
        sound: Sound = soundfile.read(coded, dtype="float32", always_2d=True)[0][:, 0]
    return sound


def in_a_room(
    sound: Sound,
    *,
    delay_ms: float,
    echo_ms: float = 300,
    echo: float = 0.6,
    snr_db: float = 10,
    level: float = 0.05,
    ppm: float = 0.0,
    seed: int = 1,
) -> Sound:
    """Through a room of 0.4 s with one strong echo, noise snr_db below it, captured by a crystal ppm off."""
    chance = np.random.default_rng(seed)
    decay = int(0.4 * RATE)
    room = np.zeros(decay + int(echo_ms * RATE / 1000) + 1)
    room[200 : 200 + decay] = 0.03 * chance.standard_normal(decay) * np.exp(-6.9 * np.arange(decay) / decay)
    room[0], room[int(echo_ms * RATE / 1000)] = 1.0, echo
    length = len(sound) + len(room)
    wet = np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(room, length), length)
    wet = np.concatenate([np.zeros(int(delay_ms * RATE / 1000)), wet])
    wet += chance.standard_normal(len(wet)) * np.sqrt(np.mean(wet**2) / 10 ** (snr_db / 10))
    wet = (level * wet).astype(np.float32)
    return soxr.resample(wet, RATE, RATE * (1 + ppm * 1e-6)).astype(np.float32) if ppm else wet
