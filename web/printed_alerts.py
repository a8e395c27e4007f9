"""The report of one emergency or drill on paper: what was decided, when each receiver sounded, and how it ended."""

from datetime import date, datetime, timedelta
from pathlib import Path

from broadcast.play_log import MOST_INSPECTED
from runtime.refusal import N_
from web.emergency_view import AlertView
from web.formatting import Wording
from web.labels.emergencies import ALERT_STATES, END_KINDS
from web.printed_reports import ReportPage
from web.typefaces import FONT_FOLDERS, installed_typeface


def alert_pdf(
    view: AlertView,
    commune: str,
    where: str,
    names: dict[str, str],
    w: Wording,
    today: date,
    folders: tuple[Path, ...] = FONT_FOLDERS,
) -> bytes:
    """names: of people, by sign-in name. today: the date on the paper. Raises Refusal when the font is missing."""
    page, a, t = ReportPage(*installed_typeface(folders)), view.alert, w.t
    page.letterhead(w, commune, today)
    page.heading(t("REPORT"), t("Drill") if a.is_drill else t("Emergency"))
    page.say(a.text)
    page.section(
        t("Course"),
        [t("When"), t("What"), t("Who")],
        [[_instant(w, at), t(what), names.get(who, who)] for at, what, who in alert_course(view)],
        widths=(52, 78, 40),
    )
    page.section(
        t("Total"),
        [t("What"), t("Quantity")],
        [
            [t("State"), t(ALERT_STATES[view.state])],
            [t("Where"), where],
            [t("Receivers"), w.number(len(view.rows))],
            [t("Receivers that sounded"), w.number(view.sounding)],
            [t("The slowest first sound"), "–" if view.slowest_ms is None else w.milliseconds(view.slowest_ms * 1000)],
            *([[t("Reason for sending it alone"), a.break_glass_reason]] if a.break_glass_reason else []),
        ],
        widths=(80, 90),
    )
    page.section(
        t("By receiver"),
        [t("Receiver"), t("State"), t("First sound after"), t("Bearer"), t("Heard by microphone")],
        [
            [
                row.receiver.name,
                row.word,
                "–" if row.took_ms is None else w.milliseconds(row.took_ms * 1000),
                ", ".join(filter(None, (row.bearer, row.sms))) or "–",
                "–" if row.heard is None else t("yes") if row.heard else t("no"),
            ]
            for row in view.rows[:MOST_INSPECTED]
        ],
        widths=(38, 36, 24, 48, 24),
        empty=t("It was never sent."),
    )
    page.signatures(w)
    return bytes(page.output())


def alert_course(view: AlertView) -> list[tuple[datetime, str, str]]:
    """Instants, what happened (message id), and who did it."""
    a = view.alert
    course = [(a.requested_at, N_("prepared"), a.source or a.requested_by)]
    if a.confirmed_at is not None:
        sent_alone = N_("sent alone") if a.break_glass_reason else N_("confirmed")
        course.append((a.confirmed_at, sent_alone, a.confirmed_by))
    if a.issued_at is not None:
        course.append((a.issued_at, N_("sent"), ""))
        sounded = [row.took_ms for row in view.rows if row.took_ms is not None]
        for took_ms, word in (
            (min(sounded, default=None), N_("first receiver sounds")),
            (max(sounded, default=None), N_("last receiver sounds")),
        ):
            if took_ms is not None:
                course.append((a.issued_at + timedelta(milliseconds=took_ms), word, ""))
    if a.refused_at is not None:
        course.append((a.refused_at, N_("refused"), a.refused_by))
    if a.ended_at is not None:
        course.append((a.ended_at, END_KINDS[a.end_kind], a.ended_by))
    return sorted(course, key=lambda entry: entry[0])


def _instant(w: Wording, at: datetime) -> str:
    local = at.astimezone(w.zone)
    return f"{local:%d/%m/%Y %H:%M:%S},{local.microsecond // 1000:03d}"
