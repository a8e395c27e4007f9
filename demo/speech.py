"""Speech synthesis for the demo's recordings."""

import shutil
import subprocess
from pathlib import Path

from runtime.refusal import N_, Refusal

_TIMEOUT_S = 120


class EspeakNg:
    """espeak-ng: robotic, small, free, and on every Debian."""

    def speak(self, text: str, into: Path) -> None:
        """Write the speech of `text` into a WAV file. Raises Refusal when it cannot."""
        program = shutil.which("espeak-ng")
        if program is None:
            raise Refusal(N_("The speech engine espeak-ng is not installed. Run: make setup"))
        try:
            subprocess.run(
                [program, "-v", "vi", "-s", "150", "-w", str(into), "--stdin"],
                input=text.encode(),
                check=True,
                capture_output=True,
                timeout=_TIMEOUT_S,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Refusal(N_("The text could not be spoken. Shorten it and try again.")) from error
