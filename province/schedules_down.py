"""Schedules of the province: each of their bulletins is fetched, and goes onto the timetable with its own times.

Priority and emergency by themselves; normal when the commune says so, or by itself where the link says that.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlmodel import Session, col, select

from broadcast.programmes import Item, ItemKind
from devices.communes import commune
from province.bulletin_checks import check_audio
from province.bulletins import BulletinState, NewBulletin, ProvinceBulletin, add_bulletin, fail, take
from province.codes import URGENCY, RefusalCode, Unacceptable
from province.links import ProvinceLink
from province.messages import ProvinceSchedule, ScheduledBulletin
from province.schedules_up import note_from_province, sent_by_province
from province.targets import targets_of
from runtime.refusal import N_, Refusal
from schedules.recurrence import Repeat, Rule
from schedules.schedules import schedule
from usecases.actors import PROVINCE, Actor
from usecases.programmes import add_programme_in
from usecases.schedules import ScheduleSettings, add_schedule_in, retire_schedule_in

#: Three times a day for a year.
MAX_AIRINGS = 1100


class Airing(NamedTuple):
    """When a bulletin is to air. Seconds since 1970."""

    starts_s: int
    ends_s: int


def take_schedule(
    session: Session, link: ProvinceLink, message: ProvinceSchedule, message_id: str, now: datetime
) -> None:
    """Keep its bulletins for fetching. Raises Unacceptable; then none is kept."""
    if not message.LichPhatID.strip() or not message.DanhSachBanTin:
        empty = "LichPhatID" if not message.LichPhatID.strip() else "DanhSachBanTin"
        raise Unacceptable(RefusalCode.MISSING_FIELD, N_("The field {field} is empty."), field=empty)
    for n, bulletin in enumerate(message.DanhSachBanTin):
        check_audio(bulletin)
        airings = _airings(bulletin, f"DanhSachBanTin[{n}]", now)
        places, devices = bulletin.DanhSachDiaBanNhan, bulletin.DanhSachThietBi
        if not places and not devices.CumLoaID:
            places, devices = message.DanhSachDiaBanNhan, message.DanhSachThietBi
        new = NewBulletin(
            code=bulletin.BanTinID[:150],
            title=bulletin.TieuDe.strip(),
            class_=URGENCY[bulletin.MucDoUuTien],
            targets=targets_of(session, link, places, devices),
            field=bulletin.LoaiLinhVuc,
            summary=bulletin.NoiDungTomTat,
            url=bulletin.NoiDung,
            sender=bulletin.TenNguon or message.TenNguon,
            message=message_id,
            schedule_code=message.LichPhatID[:150],
            times=msgspec.json.encode(airings),
        )
        if not _known(session, link.commune_id, new):
            add_bulletin(session, link.commune_id, new, now)


def add_to_timetable(session: Session, bulletin: ProvinceBulletin, now: datetime, actor: Actor) -> int:
    """Put a fetched bulletin onto the timetable at its times that are still to come. Gives how many schedules it made.

    Raises Refusal (all have passed, allowed hours, noise budget, nobody to hear); then nothing is kept.
    """
    if bulletin.clip_id is None or bulletin.state != BulletinState.WAITING:
        raise Refusal(N_("This bulletin does not wait any more, or its audio is not here yet."))
    zone = commune(session, bulletin.commune_id).zone
    rules = rules_of(airings_of(bulletin), zone, now)
    if not rules:
        raise Refusal(N_("All times of this bulletin have passed already."))
    items = [Item(ItemKind.CLIP, bulletin.clip_id)]
    programme = add_programme_in(session, actor, bulletin.commune_id, bulletin.title, items, now)
    for rule in rules:
        settings = ScheduleSettings(programme.number, rule, bulletin.audience, bulletin.broadcast_class)
        added = add_schedule_in(session, actor, bulletin.commune_id, settings, now)
        note_from_province(session, added, bulletin.schedule_code, now)
    take(session, bulletin, now, by=actor.name)
    return len(rules)


def cancel(session: Session, link: ProvinceLink, code: str, now: datetime) -> None:
    """Take a schedule that the province sent off again. What sounds, sounds to its end. Raises Unacceptable."""
    standing = sent_by_province(session, link.commune_id, code)
    waiting = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == link.commune_id,
        ProvinceBulletin.schedule_code == code,
        col(ProvinceBulletin.state).in_([BulletinState.FETCHING.value, BulletinState.WAITING.value]),
    )
    left = list(session.exec(waiting))
    if not standing and not left:
        raise Unacceptable(
            RefusalCode.NOT_HERE, N_("There is no schedule {code} of the province here."), code=code[:80]
        )
    for row in standing:
        row.cancelled_at = now
        session.add(row)
        if schedule(session, row.schedule_id).retired_at is None:
            retire_schedule_in(session, PROVINCE, link.commune_id, row.schedule_id, now)
    for bulletin in left:
        bulletin.message = ""  # the province need not be told what it said itself
        if bulletin.state == BulletinState.WAITING:
            bulletin.state = BulletinState.FETCHING.value
            session.add(bulletin)
            session.flush()
        fail(session, bulletin, Refusal(N_("The province took this schedule back.")), "", now)


def airings_of(bulletin: ProvinceBulletin) -> list[Airing]:
    """The times that a bulletin came with."""
    return msgspec.json.decode(bulletin.schedule, type=list[Airing]) if bulletin.schedule else []


def rules_of(airings: Sequence[Airing], zone: ZoneInfo, now: datetime) -> list[Rule]:
    """The fewest rules that are due at exactly these instants, as far as they are to come: days with the same times
    share one.
    """
    days: dict[date, list[time]] = {}
    for airing in airings:
        at = datetime.fromtimestamp(airing.starts_s, UTC)
        if at > now:
            local = at.astimezone(zone)
            days.setdefault(local.date(), []).append(local.time())
    alike: dict[tuple[time, ...], list[date]] = {}
    for day, times in sorted(days.items()):
        alike.setdefault(tuple(sorted(set(times))), []).append(day)
    return [
        Rule(repeat=Repeat.ONCE, times=list(times), from_day=on[0], extra_days=on[1:]) for times, on in alike.items()
    ]


def _airings(bulletin: ScheduledBulletin, where: str, now: datetime) -> list[Airing]:
    airings = []
    for d, day in enumerate(bulletin.DanhSachNgayPhat):
        for m, moment in enumerate(day.ThoiDiemPhat):
            at = f"{where}.DanhSachNgayPhat[{d}].ThoiDiemPhat[{m}]"
            if moment.ThoiGianKetThuc <= moment.ThoiGianBatDau:
                raise Unacceptable(
                    RefusalCode.WRONG_TYPE,
                    N_("The field {field} lies before ThoiGianBatDau."),
                    field=f"{at}.ThoiGianKetThuc",
                )
            try:
                datetime.fromtimestamp(moment.ThoiGianBatDau, UTC)
            except (ValueError, OverflowError, OSError):
                raise Unacceptable(
                    RefusalCode.WRONG_TYPE,
                    N_("The field {field} is no time: {value}"),
                    field=f"{at}.ThoiGianBatDau",
                    value=moment.ThoiGianBatDau,
                ) from None
            airings.append(Airing(moment.ThoiGianBatDau, moment.ThoiGianKetThuc))
    if not airings:
        raise Unacceptable(
            RefusalCode.MISSING_FIELD, N_("The field {field} is empty."), field=f"{where}.DanhSachNgayPhat"
        )
    if len(airings) > MAX_AIRINGS:
        raise Unacceptable(
            RefusalCode.RULE, N_("A bulletin airs at most {most} times in one schedule."), most=MAX_AIRINGS
        )
    if all(airing.starts_s <= now.timestamp() for airing in airings):
        raise Unacceptable(RefusalCode.RULE, N_("All times of this bulletin have passed already."))
    latest = max(airing.starts_s for airing in airings)
    if latest > (now + timedelta(days=366 * 2)).timestamp():
        raise Unacceptable(RefusalCode.RULE, N_("A schedule of the province reaches at most two years ahead."))
    return airings


def _known(session: Session, commune_id: str, new: NewBulletin) -> bool:
    query = select(ProvinceBulletin.id).where(
        ProvinceBulletin.commune_id == commune_id,
        ProvinceBulletin.code == new.code,
        ProvinceBulletin.schedule_code == new.schedule_code,
    )
    return session.exec(query).first() is not None
