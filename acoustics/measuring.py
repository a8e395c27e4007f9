"""Looking through a recording of two receivers for how much later one is heard: `arrivals` on a file, in sentences."""

from typing import NamedTuple

from acoustics.arrivals import Offset, Samples, SweepTrain, find_offset
from acoustics.delay_measurements import INTERVAL, ROUNDS
from runtime.refusal import N_, Refusal

TRAIN = SweepTrain(ROUNDS, INTERVAL.total_seconds())
#: Fewer rounds that say the same are chance.
LEAST_AGREEING = 4
#: A recording may be longer than what sounds; beyond it is not looked at.
MOST_S = 180


class MeasuredOffset(NamedTuple):
    """What a recording says, at the place of the recorder. offset_us: how much later the other is heard."""

    offset_us: int
    error_us: int
    agreeing: int
    clipped: bool


def measure_offset(recording: Samples, one: str, other: str) -> MeasuredOffset:
    """Find the offset. one, other: the names of the receivers, for what is said.

    Raises Refusal: too short, too quiet, one or both not heard, overdriven, rounds that disagree.
    """
    if len(recording) < 48_000 * TRAIN.period_s * LEAST_AGREEING:
        raise Refusal(
            N_("The recording is too short. Begin before the first sound, and stop only after the last ({n} seconds)."),
            n=round(TRAIN.length_s + 0.5),
        )
    found = find_offset(recording, TRAIN)
    _check(found, one, other)
    return MeasuredOffset(round(found.offset_s * 1e6), round(found.error_s * 1e6), found.agreeing, found.clipped)


def _check(found: Offset, one: str, other: str) -> None:
    rising, falling = found.rising.heard, found.falling.heard
    if found.too_quiet:
        raise Refusal(N_("The recording is silent. Does the phone's microphone hear anything? Go nearer to the horns."))
    if found.clipped and found.agreeing < LEAST_AGREEING:
        raise Refusal(N_("The recording is overdriven. Go farther from the horns, or turn their volume down."))
    if rising != falling:
        raise Refusal(
            N_("Only one of the two is heard: {receiver} is not. Go nearer to it, or turn its volume up."),
            receiver=other if rising else one,
        )
    if not rising:
        raise Refusal(
            N_("Neither of the two is heard. Begin to record before they sound, and hold the phone nearer to them.")
        )
    if found.agreeing < LEAST_AGREEING:
        raise Refusal(
            N_("There is too much noise to be sure. Hold the phone still, go nearer, or measure at a quieter hour.")
        )
