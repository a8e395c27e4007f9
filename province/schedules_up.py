"""Schedules reported to the province: what was reported is kept beside the timetable, and differences are reported.

The timetable knows nothing of this. The comparison is by level, not by event: a change is found whichever program made
it and whenever. The outbox messages and the record of what was reported are written in one transaction.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.programmes import Programme, RunningItem, items_of_all
from devices.communes import commune
from province.codes import URGENCY_CODES, BulletinKind
from province.links import ProvinceLink
from province.messages import AiringDay, AiringTime, CreatedBulletin, ScheduleCancelled, ScheduleCreated, clock_length
from province.outbox import SCHEDULE_CANCELLED, SCHEDULE_CREATED, put
from province.source_bulletins import source_bulletins
from runtime.database import UtcDateTime
from schedules.schedules import Schedule, due, schedules

#: A schedule without an end is reported this far ahead, and again when less than `REPORTED_AT_LEAST` of it is left.
REPORTED_AHEAD = timedelta(days=30)
REPORTED_AT_LEAST = timedelta(days=10)


class ReportedSchedule(SQLModel, table=True):
    """What the province knows of a schedule of ours, or sent us.

    code: its LichPhatID, "" when there was nothing to tell: it had passed. schedule_revision: the form that was told.
    from_province: it was sent down. cancelled_at: it was told that it is no more. told_until: instants before it were
    told, None for all there are.
    """

    __tablename__ = "provinceschedule"

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    schedule_id: int = Field(foreign_key="schedule.id", index=True)
    code: str = Field(index=True)
    schedule_revision: int
    from_province: bool = False
    told_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    told_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    cancelled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


def has_unreported_changes(session: Session, link: ProvinceLink, now: datetime) -> bool:
    """Whether `tell` would change anything: read first, so that an idle look takes no write lock."""
    reported, standing = _reported_schedules(session, link.commune_id), _standing(session, link.commune_id, now)
    return any(_outdated(reported.get(n), s, now) for n, s in standing.items()) or bool(
        reported.keys() - standing.keys()
    )


def tell(session: Session, link: ProvinceLink, now: datetime) -> int:
    """Put the messages that bring the province in line with the timetable into the outbox. Returns how many."""
    reported, standing = _reported_schedules(session, link.commune_id), _standing(session, link.commune_id, now)
    letters = 0
    for number, row in reported.items():
        if number not in standing or _outdated(row, standing[number], now):
            key, gone = f"{link.commune_id}/huy-lich/{row.id}", ScheduleCancelled(LichPhatID=row.code)
            letters += bool(row.code) and put(session, link.commune_id, SCHEDULE_CANCELLED, key, gone, now)
            row.cancelled_at = now
            session.add(row)
    new = [s for n, s in standing.items() if _outdated(reported.get(n), s, now)]
    running = items_of_all(session, sorted({s.programme_id for s in new}))
    for new_schedule in new:
        code = f"{link.own_code}-{new_schedule.number}-{new_schedule.revision}-{int(now.timestamp())}"
        row = ReportedSchedule(
            commune_id=link.commune_id,
            schedule_id=new_schedule.number,
            code=code,
            schedule_revision=new_schedule.revision,
            told_at=now,
            told_until=now + REPORTED_AHEAD if _goes_on(session, new_schedule, now) else None,
        )
        created = _created(session, link, new_schedule, code, running[new_schedule.programme_id], now)
        if not any(bulletin.DanhSachNgayPhat for bulletin in created.DanhSachBanTin):
            row.code = ""
        session.add(row)
        session.flush()
        letters += bool(row.code) and put(
            session, link.commune_id, SCHEDULE_CREATED, f"{link.commune_id}/lich/{row.id}", created, now
        )
    session.flush()
    return letters


def note_from_province(session: Session, made: Schedule, code: str, now: datetime) -> None:
    """A schedule that the province sent: it knows it, and by its own code."""
    session.add(
        ReportedSchedule(
            commune_id=made.commune_id,
            schedule_id=made.number,
            code=code,
            schedule_revision=made.revision,
            from_province=True,
            told_at=now,
        )
    )
    session.flush()


def sent_by_province(session: Session, commune_id: str, code: str) -> list[ReportedSchedule]:
    """What stands on the timetable of a schedule that the province sent."""
    query = select(ReportedSchedule).where(
        ReportedSchedule.commune_id == commune_id,
        ReportedSchedule.code == code,
        col(ReportedSchedule.from_province).is_(True),
        col(ReportedSchedule.cancelled_at).is_(None),
    )
    return list(session.exec(query))


def _reported_schedules(session: Session, commune_id: str) -> dict[int, ReportedSchedule]:
    query = select(ReportedSchedule).where(
        ReportedSchedule.commune_id == commune_id, col(ReportedSchedule.cancelled_at).is_(None)
    )
    return {row.schedule_id: row for row in session.exec(query)}


def _standing(session: Session, commune_id: str, now: datetime) -> dict[int, Schedule]:
    """What is on the timetable and is not paused now."""
    return {s.number: s for s in schedules(session, commune_id) if not s.is_paused_at(now)}


def _outdated(row: ReportedSchedule | None, schedule: Schedule, now: datetime) -> bool:
    if row is None or row.schedule_revision != schedule.revision:
        return True
    return row.told_until is not None and row.told_until - now < REPORTED_AT_LEAST


def _goes_on(session: Session, schedule: Schedule, now: datetime) -> bool:
    zone = commune(session, schedule.commune_id).zone
    return bool(due(schedule, zone, now + REPORTED_AHEAD, now + REPORTED_AHEAD + timedelta(days=366)))


def _created(
    session: Session, link: ProvinceLink, schedule: Schedule, code: str, running: list[RunningItem], now: datetime
) -> ScheduleCreated:
    """Each recording of the programme with its own instants."""
    zone = commune(session, schedule.commune_id).zone
    starts = due(schedule, zone, now, now + REPORTED_AHEAD)
    named = session.get(Programme, schedule.programme_id)
    theirs = source_bulletins(session, link.commune_id, {item.clip.id for item in running if item.clip})
    bulletins = []
    for item in running:
        if item.clip is None or item.clip.builtin:
            continue
        days: dict[str, list[AiringTime]] = {}
        for start in starts:
            at = start + timedelta(microseconds=item.offset_us)
            until = at + timedelta(microseconds=item.duration_us)
            moment = AiringTime(ThoiGianBatDau=int(at.timestamp()), ThoiGianKetThuc=int(until.timestamp()))
            days.setdefault(f"{at.astimezone(zone):%Y-%m-%d}", []).append(moment)
        bulletin = theirs.get(item.clip.id)
        bulletin_code = bulletin.code if bulletin is not None else item.clip.id
        bulletins.append(
            CreatedBulletin(
                BanTinID=bulletin_code,
                TieuDe=item.clip.title,
                LoaiBanTin=BulletinKind.AUDIO.value,
                MucDoUuTien=URGENCY_CODES[schedule.broadcast_class],
                LoaiLinhVuc=item.clip.field,
                ThoiLuong=clock_length(item.duration_us),
                DanhSachNgayPhat=[AiringDay(NgayPhat=day, ThoiDiemPhat=moments) for day, moments in days.items()],
            )
        )
    return ScheduleCreated(
        LichPhatID=code,
        TenLichPhat=schedule.title or (named.title if named else ""),
        NguonID=link.own_code,
        TenNguon=link.own_name,
        DichID=link.province_code,
        TenDich=link.province_name,
        DanhSachBanTin=bulletins,
    )
