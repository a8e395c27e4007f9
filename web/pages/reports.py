"""The play log as files, and the month on paper: what a commune hands on to its province."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlmodel import Session

from broadcast.monthly_report import monthly_report
from broadcast.play_log import MOST_INSPECTED
from broadcast.play_proof import MOST_NAMED
from broadcast.play_reports import worst_p99_us
from runtime.refusal import N_, Refusal
from web.labels.broadcasts import BROADCAST_STATES, CLASSES, FIELDS
from web.labels.causes import cause
from web.labels.proof import unproved
from web.play_log_view import YEARS, LogQuery, LogRow, log_view
from web.request_context import Frame, In, Reading
from web.spreadsheets import XLSX, Cell, csv_file, xlsx_file

router = APIRouter(include_in_schema=False)


@router.get("/play-log.csv")
def as_csv(frame: In, session: Reading, query: Annotated[LogQuery, Depends()]) -> Response:
    """What is filtered, as CSV."""
    rows = log_view(session, frame, query, limit=MOST_INSPECTED)
    return _file(csv_file(_header(frame), _cells(frame, session, rows)), "text/csv; charset=utf-8", _name(frame, "csv"))


@router.get("/play-log.xlsx")
def as_xlsx(frame: In, session: Reading, query: Annotated[LogQuery, Depends()]) -> Response:
    rows = log_view(session, frame, query, limit=MOST_INSPECTED)
    return _file(
        xlsx_file(frame.t("Play log"), _header(frame), _cells(frame, session, rows)), XLSX, _name(frame, "xlsx")
    )


@router.get("/play-log.pdf")
def month(frame: In, session: Reading, month: str = "") -> Response:
    """The monthly report. month: as 2026-11."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        first = None
    if first is None or first.year not in YEARS:
        raise Refusal(N_("Choose a month."))
    now = frame.deps.clock.now()
    report = monthly_report(session, frame.commune, first, now)
    name = f"bao-cao-{frame.commune_id}-{first:%Y-%m}.pdf"
    from web.printed_reports import monthly_pdf  # noqa: PLC0415 - 25 MB, for a page that is asked for once a month

    return _file(monthly_pdf(report, frame.wording, now.astimezone(frame.commune.zone).date()), "application/pdf", name)


def _header(frame: Frame) -> list[str]:
    t = frame.t
    return [
        t("Starts"),
        t("Ends"),
        t("Minutes"),
        t("Title"),
        t("Class"),
        t("Field"),
        t("Where"),
        t("Heard at"),
        t("Intended"),
        t("Confirmed by microphone"),
        t("Amplifier current detected"),
        t("Played but not heard"),
        t("Largest sync error (ms)"),
        t("State"),
        t("Why"),
    ]


def _cells(frame: Frame, session: Session, rows: Sequence[LogRow]) -> list[list[Cell]]:
    t, zone = frame.t, frame.commune.zone
    worst = worst_p99_us(session, [row.broadcast.id for row in rows])
    return [
        [
            row.broadcast.starts_at.astimezone(zone).replace(tzinfo=None),
            row.broadcast.sounds_until.astimezone(zone).replace(tzinfo=None),
            round(row.aired.total_seconds() / 60, 2),
            row.broadcast.title,
            t(CLASSES[row.broadcast.class_]),
            ", ".join(t(FIELDS[n]) for n in row.fields),
            _places(row),
            row.heard.heard,
            row.heard.meant,
            row.proof.by_microphone,
            row.proof.by_current,
            "; ".join(unproved(frame, row.proof, MOST_NAMED)),
            worst[row.broadcast.id] / 1000 if row.broadcast.id in worst else None,
            t(BROADCAST_STATES[row.state]),
            cause(t, row.broadcast.cause) if row.broadcast.cause else "",
        ]
        for row in rows
    ]


def _places(row: LogRow) -> str:
    """Each by its name: a table is read without the pages beside it."""
    targets, names = row.audience.targets, row.audience.names
    return (
        row.where
        if targets.all
        else ", ".join(names.get(place_id, place_id) for place_id in [*targets.zones, *targets.receivers])
    )


def _name(frame: Frame, suffix: str) -> str:
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    return f"nhat-ky-phat-{frame.commune_id}-{today}.{suffix}"


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
