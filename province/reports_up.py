"""Reports to the province: heartbeats of receivers, and the play log item by item."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlmodel import Session, col, select

from broadcast.audiences import Audiences, fields_among
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from devices.presence_states import PresenceState, ReceiverStatus
from devices.receivers import Receiver, receivers
from devices.stations import Station, stations
from devices.uplink import Uplink
from province.bulletins import ProvinceBulletin
from province.codes import URGENCY_CODES, Activity, BulletinKind, ConnectionStatus
from province.links import ProvinceLink, link_for
from province.messages import DeviceState, PlayLogEntry, ProvinceHeartbeat, ProvinceIdentity, clock_length
from province.outbox import PLAY_LOG, put
from province.source_bulletins import source_bulletins
from runtime.clock import Clock, from_us
from wire.broadcasts import ClipItem
from wire.reports import PlayReport

#: Who made a receiver whose station names no maker.
OWN_MAKER = "Loa"


class ReceiverNaming:
    """Names the receivers of a commune as the province knows them. Two queries, for any number."""

    def __init__(self, session: Session, link: ProvinceLink, commune_id: str = "") -> None:
        """commune_id: where the receivers are now, when that is not the link's."""
        self._link = link
        self._stations = {s.number: s for s in stations(session, commune_id or link.commune_id)}

    def identity(self, receiver: Receiver, name: str = "") -> dict[str, Any]:
        """name: as it was called when a broadcast started."""
        station = self._stations.get(receiver.station_id)
        maker = station.maker if station and station.maker else OWN_MAKER
        named = ProvinceIdentity(
            NguonID=self._link.own_code,
            TenNguon=self._link.own_name,
            DichID=self._link.province_code,
            TenDich=self._link.province_name,
            CumLoaID=self._link.code_of(receiver.id),
            TenThietBi=name or receiver.name,
            TenLoaiThietBi=_kind(station),
            MaNhaCungCap=maker.upper().replace(" ", "_")[:50],
            TenNhaCungCap=maker,
        )
        return msgspec.structs.asdict(named)


def heartbeats(session: Session, link: ProvinceLink, states: Mapping[str, ReceiverStatus]) -> list[ProvinceHeartbeat]:
    """Of every receiver in service, as it is now; one that was never heard is told as lost."""
    speaker, commune_receivers = ReceiverNaming(session, link), receivers(session, link.commune_id)
    playing = {s.heartbeat.broadcast for s in states.values() if s.heartbeat and s.heartbeat.broadcast}
    query = select(Broadcast).where(col(Broadcast.id).in_(sorted(playing)), Broadcast.commune_id == link.commune_id)
    on_air = {b.id: b for b in session.exec(query)}
    return [_heartbeat(speaker, receiver, states.get(receiver.id), on_air) for receiver in commune_receivers]


def _heartbeat(
    speaker: ReceiverNaming, receiver: Receiver, now: ReceiverStatus | None, on_air: Mapping[str, Broadcast]
) -> ProvinceHeartbeat:
    beat = now.heartbeat if now is not None else None
    connected = now is not None and now.state in (PresenceState.ONLINE, PresenceState.LATE)
    sounding = on_air.get(beat.broadcast) if beat is not None and connected else None
    used = 0
    if beat is not None and beat.store_limit_bytes:
        used = beat.store_used_bytes * 100 // beat.store_limit_bytes
    return ProvinceHeartbeat(
        **speaker.identity(receiver),
        AmLuong=beat.volume_percent if beat is not None else receiver.volume_percent,
        TrangThaiHoatDong=(Activity.PLAYING if sounding else Activity.STOPPED).value,
        TrangThaiKetNoi=(ConnectionStatus.CONNECTED if connected else ConnectionStatus.LOST).value,
        ViDo=receiver.latitude_deg,
        KinhDo=receiver.longitude_deg,
        ThongTinThietBi=DeviceState(NhietDo=beat.temperature_c if beat else None, DungLuongSuDung=used),
        ThoiDiemBatDau=int(sounding.starts_at.timestamp()) if sounding else 0,
        NoiDungPhat=sounding.title if sounding else "",
        PhienBanUngDung=beat.version if beat is not None else "",
    )


def register(uplink: Uplink, clock: Clock) -> None:
    """Tell the province what receivers report, from now on; in the transaction in which it is written down."""

    def take(session: Session, receiver_id: str, report: PlayReport) -> None:
        take_report(session, receiver_id, report, clock.now())

    uplink.on_report(PlayReport, take)


def take_report(session: Session, receiver_id: str, report: PlayReport, now: datetime) -> int:
    """Put a message for each item that played into the outbox, in the transaction that records the report.

    A later report of the same receiver on the same broadcast adds only items not reported yet. Returns how many.
    """
    if not report.frames_played or not report.first_frame_at_us:
        return 0
    broadcast = session.get(Broadcast, report.broadcast)
    receiver = session.get(Receiver, receiver_id)
    link = link_for(session, broadcast.commune_id) if broadcast is not None else None
    if broadcast is None or receiver is None or link is None or not link.enabled:
        return 0
    speaker, entries, items = ReceiverNaming(session, link, receiver.commune_id), 0, _items(session, broadcast)
    theirs = source_bulletins(session, broadcast.commune_id, {item.clip for _, item, _ in items if item}, broadcast.id)
    name = next((r.name for r in Audiences(session).of(broadcast).receivers if r.id == receiver_id), "")
    for position, item, clip in items:
        heard = _overlap(broadcast, item, report)
        if heard is None:
            continue
        source = theirs.get(item.clip) if item else None
        entry = _entry(speaker.identity(receiver, name), broadcast, item, clip, source, heard, report)
        key = f"{broadcast.commune_id}/nhat-ky/{broadcast.id}/{receiver_id}/{position}"
        entries += put(session, broadcast.commune_id, PLAY_LOG, key, entry, now)
    return entries


def _items(session: Session, broadcast: Broadcast) -> list[tuple[int, ClipItem | None, Clip | None]]:
    """Its recordings without our chimes, each with its place; one without any (live) is one item itself."""
    items = [(n, item) for n, item in enumerate(broadcast.playlist) if isinstance(item, ClipItem)]
    if not items:
        return [(0, None, None)]
    ids = [item.clip for _, item in items]
    clips = {c.id: c for c in session.exec(select(Clip).where(col(Clip.id).in_(ids)))}
    items_with_clips = [(n, item, clips.get(item.clip)) for n, item in items]
    return [(n, item, clip) for n, item, clip in items_with_clips if clip is None or not clip.builtin]


def _overlap(broadcast: Broadcast, item: ClipItem | None, report: PlayReport) -> tuple[datetime, datetime] | None:
    """From when to when an item sounded at the receiver; None for not."""
    first, last = from_us(report.first_frame_at_us), from_us(report.last_frame_at_us)
    if item is None:
        return first, max(first, last)
    start = broadcast.starts_at + timedelta(microseconds=item.offset_us)
    since, until = max(first, start), min(last, start + timedelta(microseconds=item.duration_us))
    return (since, until) if until > since else None


def _entry(
    identity: dict[str, Any],
    broadcast: Broadcast,
    item: ClipItem | None,
    clip: Clip | None,
    theirs: ProvinceBulletin | None,
    heard: tuple[datetime, datetime],
    report: PlayReport,
) -> PlayLogEntry:
    """theirs: the bulletin of the province that the recording came with; it is named as the province named it."""
    since, until = heard
    title = theirs.title if theirs is not None else item.title if item is not None else ""
    fields = fields_among(broadcast, {clip.id: clip.field} if clip is not None else {})
    if broadcast.clip_fields is not None:
        fields = msgspec.json.decode(broadcast.clip_fields)
    field = theirs.field if theirs is not None else fields.get(item.clip, 1) if item is not None else 1
    return PlayLogEntry(
        **identity,
        BanTinID=theirs.code if theirs is not None else item.clip if item is not None else broadcast.id,
        LoaiBanTin=(BulletinKind.AUDIO if item is not None else BulletinKind.LIVE).value,
        MucDoUuTien=URGENCY_CODES[broadcast.broadcast_class],
        TieuDe=title or broadcast.title,
        LoaiLinhVuc=field,
        ThoiGianSanXuat=int((clip.uploaded_at if clip is not None else broadcast.planned_at).timestamp()),
        ThoiLuong=clock_length((until - since) // timedelta(microseconds=1)),
        ThoiDiemBatDau=int(since.timestamp()),
        NguonTin=clip.uploaded_by if clip is not None else broadcast.planned_by,
        AmLuong=report.volume_percent,
    )


def _kind(station: Station | None) -> str:
    return {"wired": "Hữu tuyến", "fm": "FM", "ip": "IP"}.get(station.kind, "") if station is not None else ""
