"""Which recordings are accepted: not too long, not truncated, not silent."""

from broadcast.audio import RATE
from broadcast.audio_measure import Measured
from broadcast.audio_probe import no_recording
from broadcast.missing_end import MISSING_US, truncated
from runtime.refusal import N_, Refusal

#: Anything shorter is not audible as a recording.
SHORTEST_US = 100_000
#: A longer header than sound: something was there.
_WORTH_COPYING_US = 1_000_000
_TRUNCATED_SHARE = 0.03


def check_length(duration_us: int, most_hours: float) -> None:
    """Raises Refusal when the recording is too long."""
    if duration_us > most_hours * 3_600_000_000:
        raise Refusal(
            N_("This recording is longer than {most} hours. Cut it into parts and choose them one by one."),
            most=f"{most_hours:g}",
        )


def check_measured(declared_us: int | None, measured: Measured, most_hours: float) -> None:
    """Raises Refusal when the decoded sound is too long, too short, truncated or silent.

    declared_us: the length that the file counts in its header, None when it counts none.
    """
    length_us = measured.samples * 1_000_000 // RATE
    check_length(length_us, most_hours)
    if length_us < SHORTEST_US:
        raise truncated() if (declared_us or 0) > _WORTH_COPYING_US else no_recording()
    if declared_us is not None and declared_us - length_us > max(MISSING_US, declared_us * _TRUNCATED_SHARE):
        raise truncated()
    if measured.loudness_lufs is None:
        raise Refusal(N_("This recording is silent from beginning to end. Check the microphone and record it again."))
