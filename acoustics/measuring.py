"""Measures from a recording how much later one of two receivers is heard, or refuses it with a reason."""

from typing import NamedTuple

from acoustics.arrivals import Offset, Samples, SweepTrain, find_offset
from acoustics.delay_measurements import INTERVAL, ROUNDS
from runtime.refusal import N_, Refusal

TRAIN = SweepTrain(ROUNDS, INTERVAL.total_seconds())
#: Fewer agreeing rounds are chance.
LEAST_AGREEING = 4
#: Of a longer recording only this much is analysed.
MOST_S = 180


class MeasuredOffset(NamedTuple):
    """At the position of the recorder. offset_us: how much later the other receiver is heard."""

    offset_us: int
    error_us: int
    agreeing: int
    clipped: bool


def measure_offset(recording: Samples, one: str, other: str) -> MeasuredOffset:
    """recording: mono, 48 kHz. one, other: names of the receivers, for refusals.

    Raises Refusal: too short, too quiet, one or both receivers not heard, overdriven, rounds that disagree.
    """
    if len(recording) < 48_000 * TRAIN.period_s * LEAST_AGREEING:
        raise Refusal(
            N_("The recording is too short. Start before the first sound and stop after the last one ({n} seconds)."),
            n=round(TRAIN.length_s + 0.5),
        )
    offset = find_offset(recording, TRAIN)
    _check(offset, one, other)
    return MeasuredOffset(round(offset.offset_s * 1e6), round(offset.error_s * 1e6), offset.agreeing, offset.clipped)


def _check(offset: Offset, one: str, other: str) -> None:
    rising, falling = offset.rising.heard, offset.falling.heard
    if offset.too_quiet:
        raise Refusal(N_("The recording is silent. Check the phone's microphone, or move closer to the horns."))
    if offset.clipped and offset.agreeing < LEAST_AGREEING:
        raise Refusal(N_("The recording is overdriven. Move farther from the horns, or turn down their volume."))
    if rising != falling:
        raise Refusal(
            N_("Only one receiver can be heard; {receiver} cannot. Move closer to it, or turn up its volume."),
            receiver=other if rising else one,
        )
    if not rising:
        raise Refusal(
            N_("Neither receiver can be heard. Start recording before they play, and hold the phone closer to them.")
        )
    if offset.agreeing < LEAST_AGREEING:
        raise Refusal(N_("There is too much noise. Hold the phone still, move closer, or measure at a quieter time."))
