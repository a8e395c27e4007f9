"""How reliably a microphone distinguishes the programme from other sound, and what listening costs.

    python benchmarks/listening.py

Windows of three seconds of speech (espeak-ng, through Opus), each compared with what a microphone captures of it in a
room with a 300 ms echo, and of another programme in the same voice. Prints the limit beside each figure.
"""

import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from receiver.output.speaker import Stretch
from receiver.output.virtual_speaker import VirtualSpeaker
from receiver.playout.cues import RATE, Samples
from receiver.sensing.correlation import HEARD_FROM, find
from receiver.sensing.listener import EVERY_US, LEAD_US, SPREAD_US, TAPE_S, WINDOW_S, Listener, Sounds
from receiver.sensing.proof import MicrophoneTally, PersistentFaults
from receiver.sensing.tape import TapedSpeaker
from receiver.sensing.virtual_microphone import VirtualMicrophone
from tests.sounds.rooms import BULLETIN, WEATHER, Sound, in_a_room, speech

_WINDOW, _LEAD, _SPREAD = WINDOW_S * RATE, LEAD_US * RATE // 10**6, SPREAD_US * RATE // 10**6
_STEP = RATE // 10
_MOST_SHARE = 0.05


def scores(played: Sound, captured: Sound) -> list[float]:
    """The correlation of every window, a tenth of a second apart."""
    last = min(len(played), len(captured)) - _WINDOW - _SPREAD
    offsets = [
        find(played[at : at + _WINDOW], captured[at - _LEAD : at + _WINDOW + _SPREAD], LEAD_US)
        for at in range(_LEAD, last, _STEP)
    ]
    return [match.correlation for match in offsets if match is not None]


def main() -> None:
    one, other = speech(BULLETIN), speech(WEATHER)
    chance = np.random.default_rng(5)
    print(f"heard from {HEARD_FROM} on; lowest / median / highest correlation of n windows")
    for snr_db in (20, 10, 5, 0, -5, -7):
        figures = scores(one, in_a_room(one, delay_ms=12, snr_db=snr_db))
        heard = np.mean([score >= HEARD_FROM for score in figures])
        _row(f"the programme, {snr_db:+d} dB", figures, f"heard in {heard:.1%}")
    strangers = {
        "another programme": [
            *scores(one, in_a_room(other, delay_ms=12)),
            *scores(other, in_a_room(one, delay_ms=12)),
            *scores(one, in_a_room(other, delay_ms=0, snr_db=60, echo=0)),
            *scores(one, other),
        ],
        "noise": scores(one, (0.1 * chance.standard_normal(20 * RATE)).astype(np.float32)),
    }
    for name, figures in strangers.items():
        _row(name, figures, f"heard in {np.mean([score >= HEARD_FROM for score in figures]):.1%}")
    captured, began_s = in_a_room(one, delay_ms=12), time.process_time()
    for _ in range(20):
        find(one[_LEAD : _LEAD + _WINDOW], captured[: _LEAD + _WINDOW + _SPREAD], LEAD_US)
    print(f"comparing a window: {(time.process_time() - began_s) / 20 * 1e3:.1f} ms of a core")
    plain, listening = share_of_a_core(listens=False), share_of_a_core(listens=True)
    print(f"a virtual speaker alone: {plain:.2%} of a core; with tape, microphone and comparing: {listening:.2%}")
    print(f"listening costs {listening - plain:.2%} of a core (limit {_MOST_SHARE:.0%})")


def share_of_a_core(*, listens: bool) -> float:
    """Processor time of playback for two window steps, for comparison."""
    lasts_s = 2 * (EVERY_US / 1e6 + WINDOW_S)
    sound = np.tile(speech(BULLETIN), 8)
    place = 0

    def render(stretch: Stretch) -> Samples:
        nonlocal place
        place += stretch.frames
        return sound[place - stretch.frames : place]

    with TemporaryDirectory() as folder:
        speaker = VirtualSpeaker(Path(folder) / "horn")
        taped = TapedSpeaker(speaker, kept_s=TAPE_S)
        tally = MicrophoneTally(PersistentFaults(Path(folder) / "faults.json"))
        listener = Listener(
            taped, VirtualMicrophone(Path(folder) / "horn"), tally, threading.Lock(), lambda: Sounds("b", 0.0)
        )
        began_s = time.process_time()
        (taped if listens else speaker).open(render)
        if listens:
            listener.start()
        time.sleep(lasts_s)
        if listens:
            listener.close()
        speaker.close()
        took_s = time.process_time() - began_s
        if listens:
            proof = tally.proof("b")
            print(f"heard meanwhile: {proof}")
    return took_s / lasts_s


def _row(name: str, figures: list[float], share: str) -> None:
    print(f"{name:24} {min(figures):.3f} / {np.median(figures):.3f} / {max(figures):.3f}  n={len(figures):3}  {share}")


if __name__ == "__main__":
    main()
