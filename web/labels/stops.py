"""Sentences about a stop: who stopped it and when, how much of it was played, and what sounded after the stop."""

from broadcast.broadcasts import Broadcast
from broadcast.play_reports import PlayReportRow
from web.formatting import Wording

#: Frames in a microsecond.
_FRAMES_US = 0.048


def stopped(w: Wording, broadcast: Broadcast, report: PlayReportRow | None) -> str:
    """ "" for a broadcast that was not cut short. report: of one receiver, None without."""
    if broadcast.stopped_at is None or not broadcast.was_cut_short:
        return ""
    t, time = w.t, w.clock_with_seconds(broadcast.stopped_at)
    who = broadcast.stopped_by if broadcast.stopped_by not in ("", "loa") else "Loa"
    if report is None:
        return t("{who} stopped it at {time}.", who=who, time=time)
    part = w.length(int(report.frames_played / _FRAMES_US))
    return t(
        "{who} stopped it at {time}; {part} of {whole} had been played.",
        who=who,
        time=time,
        part=part,
        whole=w.length(broadcast.length_us),
    )


def overrun(w: Wording, broadcast: Broadcast, report: PlayReportRow | None) -> str:
    """ "" when the stop reached the receiver in time."""
    if report is None or not (length := report.overrun(broadcast)):
        return ""
    return w.t(
        "It could be heard for {length} after the stop, which had not reached it.",
        length=w.length(int(length.total_seconds() * 1_000_000)),
    )
