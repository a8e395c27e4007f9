"""Which recordings are accepted: not too long, not truncated, not silent."""

from broadcast.audio import RATE
from broadcast.audio_measure import Measured
from broadcast.audio_probe import Probe, no_recording, truncated
from runtime.refusal import N_, Refusal

#: Anything shorter is not audible as a recording.
SHORTEST_US = 100_000
#: How much shorter than its header says a recording may be: 2 s or 3 %, whichever is larger.
_TRUNCATED_US, _TRUNCATED_SHARE = 2_000_000, 0.03


def check_length(duration_us: int, most_hours: float) -> None:
    """Raises Refusal when the recording is too long."""
    if duration_us > most_hours * 3_600_000_000:
        raise Refusal(
            N_("This recording is longer than {most} hours. Cut it into parts and choose them one by one."),
            most=f"{most_hours:g}",
        )


def check_measured(header: Probe, measured: Measured, most_hours: float) -> None:
    """Raises Refusal when the decoded sound is too long, too short, truncated or silent. header: what the file says."""
    length_us = measured.samples * 1_000_000 // RATE
    check_length(length_us, most_hours)
    if length_us < SHORTEST_US:
        raise truncated() if header.duration_us > 1_000_000 else no_recording()
    if header.exact and header.duration_us - length_us > max(_TRUNCATED_US, header.duration_us * _TRUNCATED_SHARE):
        raise truncated()
    if measured.loudness_lufs is None and not any(measured.peaks):
        raise Refusal(N_("This recording is silent from beginning to end. Check the microphone and record it again."))
