"""The play log as files, and the month on paper: what a commune hands on to its province."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from broadcast.monthly_report import monthly_report
from broadcast.play_log import MOST_LOOKED_AT
from runtime.refusal import N_, Refusal
from web.frame import Frame, In, Reading
from web.pages.play_log import Asked, LogRow, log_view
from web.printed_reports import monthly_pdf
from web.spreadsheets import Cell, csv_file, xlsx_file
from web.words import BROADCAST_STATES, CLASSES, FIELDS, cause

router = APIRouter(include_in_schema=False)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/play-log.csv")
def as_csv(frame: In, session: Reading, asked: Annotated[Asked, Depends()]) -> Response:
    """What is filtered, as CSV."""
    rows = log_view(session, frame, asked, limit=MOST_LOOKED_AT)
    return _file(csv_file(_header(frame), _cells(frame, rows)), "text/csv; charset=utf-8", _name(frame, "csv"))


@router.get("/play-log.xlsx")
def as_xlsx(frame: In, session: Reading, asked: Annotated[Asked, Depends()]) -> Response:
    """The same for Excel."""
    rows = log_view(session, frame, asked, limit=MOST_LOOKED_AT)
    return _file(xlsx_file(frame.t("Play log"), _header(frame), _cells(frame, rows)), XLSX, _name(frame, "xlsx"))


@router.get("/play-log.pdf")
def month(frame: In, session: Reading, month: str = "") -> Response:
    """The monthly report. month: as 2026-11."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Refusal(N_("Choose a month.")) from None
    report = monthly_report(session, frame.commune, first, frame.deps.clock.now())
    name = f"bao-cao-{frame.commune_id}-{first:%Y-%m}.pdf"
    return _file(monthly_pdf(report, frame.wording), "application/pdf", name)


def _header(frame: Frame) -> list[str]:
    t = frame.t
    return [
        t("Begins"), t("Ends"), t("Minutes"), t("Title"), t("Class"), t("Field"), t("Where"), t("Heard at"),
        t("Meant for"), t("State"), t("Why"),
    ]  # fmt: skip


def _cells(frame: Frame, rows: Sequence[LogRow]) -> list[list[Cell]]:
    t, zone = frame.t, frame.commune.zone
    return [
        [
            row.broadcast.starts_at.astimezone(zone).replace(tzinfo=None),
            row.broadcast.sounds_until.astimezone(zone).replace(tzinfo=None),
            round((row.broadcast.sounds_until - row.broadcast.starts_at).total_seconds() / 60, 2),
            row.broadcast.title, t(CLASSES[row.broadcast.class_]), ", ".join(t(FIELDS[n]) for n in row.fields),
            row.where, row.heard.heard, row.heard.meant, t(BROADCAST_STATES[row.state]),
            cause(t, row.broadcast.cause) if row.broadcast.cause else "",
        ]
        for row in rows
    ]  # fmt: skip


def _name(frame: Frame, suffix: str) -> str:
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    return f"nhat-ky-phat-{frame.commune_id}-{today}.{suffix}"


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
