"""Speech of the demo's recordings: the product's espeak-ng, a whole text in one go, as it is written."""

import shutil
import tempfile
from pathlib import Path

from speech.espeak import EspeakEngine


def speak(text: str, into: Path) -> None:
    """Write the speech of `text` into a WAV file. Raises Refusal when it cannot."""
    engine = EspeakEngine()
    northern = engine.voices()[0]
    with tempfile.TemporaryDirectory(prefix="loa-speech-") as folder:
        shutil.move(engine.session(northern, 100, Path(folder)).say(text), into)
