"""What is taken as a recording: not too long, not cut off, not silent."""

from broadcast.audio import RATE
from broadcast.audio_measure import Measured
from broadcast.audio_probe import Probe, no_recording, truncated
from runtime.refusal import N_, Refusal

#: Shorter than this nobody hears as a recording.
SHORTEST_US = 100_000
#: How far the sound may end before its header says, before we call it cut off: 2 s or 3 %, what is larger.
_CUT_OFF_US, _CUT_OFF_SHARE = 2_000_000, 0.03


def check_length(duration_us: int, most_hours: float) -> None:
    """Refuse what is too long."""
    if duration_us > most_hours * 3_600_000_000:
        raise Refusal(
            N_("This recording is longer than {most} hours. Cut it into parts and choose them one by one."),
            most=f"{most_hours:g}",
        )


def check_measured(found: Probe, measured: Measured, most_hours: float) -> None:
    """Refuse what proved too long, too short, cut off or silent. found: what its header said."""
    length_us = measured.samples * 1_000_000 // RATE
    check_length(length_us, most_hours)
    if length_us < SHORTEST_US:
        raise truncated() if found.duration_us > 1_000_000 else no_recording()
    if found.exact and found.duration_us - length_us > max(_CUT_OFF_US, found.duration_us * _CUT_OFF_SHARE):
        raise truncated()
    if measured.loudness_lufs is None and not any(measured.peaks):
        raise Refusal(N_("This recording is silent from beginning to end. Check the microphone and record it again."))
