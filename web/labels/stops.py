"""Sentences about a stop: who stopped it and when, how much of it was played, and what sounded after the stop."""

from collections.abc import Mapping

from broadcast.broadcasts import Broadcast
from broadcast.play_reports import PlayReportRow
from web.formatting import Wording

#: Frames in a microsecond.
_FRAMES_US = 0.048


def who_stopped(broadcast: Broadcast, full_names: Mapping[str, str]) -> str:
    name = broadcast.stopped_by
    return full_names.get(name, name) if name not in ("", "loa") else "Loa"


def stopped(
    w: Wording, broadcast: Broadcast, report: PlayReportRow | None, full_names: Mapping[str, str] | None = None
) -> str:
    """ "" for a broadcast that was not cut short. report: of one receiver, None without."""
    if broadcast.stopped_at is None or not broadcast.was_cut_short:
        return ""
    t, time = w.t, w.clock_with_seconds(broadcast.stopped_at)
    who = who_stopped(broadcast, full_names or {})
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
