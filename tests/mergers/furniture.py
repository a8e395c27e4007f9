"""What rooms beside keep of a commune, as a merger finds it."""

from collections.abc import Collection
from datetime import timedelta

import msgspec
from sqlmodel import Session, SQLModel

from acoustics.delay_measurements import DelayMeasurement
from cap.alerts import CapAlert
from cap.sources import CapSource, SourceSettings, add_cap_source
from devices.communes import Commune
from province.bulletins import NewBulletin, ProvinceBulletin, add_bulletin
from province.incoming import ReceivedMessage
from province.links import ProvinceLink
from province.messages import ProvinceAnswer
from province.outbox import ANSWER, OutboxMessage, put
from province.schedules_up import ReportedSchedule
from speech.pronunciations import Pronunciation
from speech.pronunciations import remember as remember_reading
from tests.cap.alert_commune import keep_alert
from tests.mergers.county import ALL, HIEN, County
from transfer.columns import ColumnMapping, ImportKind, remember
from transfer.external_ids import ExternalId, keep_id
from transfer.imports import ImportFile
from wire.broadcasts import BroadcastClass

TABLES: tuple[type[SQLModel], ...] = (
    ProvinceLink,
    ProvinceBulletin,
    OutboxMessage,
    ReceivedMessage,
    ReportedSchedule,
    ExternalId,
    ColumnMapping,
    ImportFile,
    DelayMeasurement,
    Pronunciation,
    CapSource,
    CapAlert,
)
HEADINGS = ["Mã", "Tên cụm loa"]
PIECES = (
    "border",
    "link",
    "letter",
    "bulletins",
    "message",
    "told",
    "codes",
    "columns",
    "file",
    "measurement",
    "readings",
    "alerts",
)


def square(east: float) -> str:
    """A border."""
    ring = [[east, 19.0], [east + 0.1, 19.0], [east + 0.1, 19.1], [east, 19.0]]
    return msgspec.json.encode({"type": "MultiPolygon", "coordinates": [[ring]]}).decode()


def letter(session: Session, commune_id: str, key: str, county: County) -> None:
    """One that waits."""
    said = ProvinceAnswer(TraLoiCho="m-1", TrangThaiGui=0, MaLoi=0, MoTa="")
    put(session, commune_id, ANSWER, f"{commune_id}/{key}", said, county.clock.now())


def furnish(session: Session, county: County, commune_id: str, pieces: Collection[str] = PIECES) -> None:
    """Give a commune these pieces; some are the same in each commune."""
    now, later = county.clock.now(), commune_id == HIEN
    one, other = (f"{commune_id}-loa-{n}" for n in (1, 2))
    columns = ["external_id", "name"] if later else ["name", ""]
    if "border" in pieces:
        session.get_one(Commune, commune_id).outline = square(106.0 if later else 105.0)
    if "alerts" in pieces:  # the same alert came to both
        source = add_cap_source(session, commune_id, SourceSettings(f"Nguồn {commune_id}", "post"), [])
        keep_alert(session, commune_id, source.number, now)
    if "readings" in pieces:  # one of both, one of its own
        for typed in ("TT", f"TT-{commune_id}"):
            remember_reading(session, commune_id, typed, "thị trấn" if later else "trung tâm", now, "lan")
    if "link" in pieces:
        codes = msgspec.json.encode({one: f"CL-{commune_id}"})
        session.add(
            ProvinceLink(
                commune_id=commune_id,
                base_url="https://tinh.example",
                own_code=f"code-{commune_id}",
                own_name="",
                enabled=True,
                receiver_codes=codes,
            )
        )
    if "letter" in pieces:
        letter(session, commune_id, "waits", county)
    for code in ("same", f"of-{commune_id}") if "bulletins" in pieces else ():
        add_bulletin(session, commune_id, NewBulletin(code, code, BroadcastClass.PRIORITY, ALL, url="https://a/b"), now)
    if "message" in pieces:
        session.add(ReceivedMessage(commune_id=commune_id, id="m-1", kind="BanTin", received_at=now, taken=True))
    for from_province in (False, True) if "told" in pieces else ():
        session.add(
            ReportedSchedule(
                commune_id=commune_id,
                schedule_id=county.schedules[commune_id],
                schedule_revision=1,
                told_at=now,
                code=f"{'down' if from_province else 'up'}-{commune_id}",
                from_province=from_province,
            )
        )
    if "codes" in pieces:
        keep_id(session, commune_id, "receivers", f"code:{commune_id}", one)
        keep_id(session, commune_id, "receivers", "name:thon 2", other)
    if "columns" in pieces:
        remember(session, commune_id, ImportKind.RECEIVERS, HEADINGS, columns)
    if "file" in pieces:
        session.add(
            ImportFile(
                id=f"file-{commune_id}",
                commune_id=commune_id,
                kind="receivers",
                file_name="a.csv",
                columns=msgspec.json.format(msgspec.json.encode(columns), indent=0).decode(),
                uploaded_at=now,
                done_at=now + timedelta(hours=later),
            )
        )
    if "measurement" in pieces:
        session.add(
            DelayMeasurement(
                id=commune_id,
                commune_id=commune_id,
                one_id=one,
                other_id=other,
                one_path_delay_us=0,
                other_path_delay_us=0,
                one_distance_m=0,
                other_distance_m=0,
                asked_at=now,
                asked_by="lan",
                starts_at=now,
            )
        )
    session.flush()
