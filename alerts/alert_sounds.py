"""The sounds of a commune's prepared messages: texts and, once made, their files. The table and what is lacking."""

import hashlib
from dataclasses import dataclass

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, Session, col, select

from alerts import texts
from alerts.alert_settings import AlertSettings, alert_settings
from alerts.texts import ENGLISH, FIRST_ZONE, VIETNAMESE
from broadcast.clips import clip, renditions_of
from devices.receivers import Receiver
from devices.zones import Zone, zones
from parsing.titles import parse_title
from runtime.refusal import N_, Refusal
from runtime.row_sums import columns_of, row_sums
from runtime.rows import NumberedRow
from speech.pronunciations import Pronunciation
from wire.broadcasts import Rendition

LONGEST_TEXT = 400
#: Said over the notes that open a drill.
DRILL_OPENING_TEXT = "Đây là diễn tập."


class AlertSoundRow(NumberedRow, table=True):
    """One sound in one language. language: "" for sirens. text: the commune's own; "" for the standard one.

    zone_id: of a place name. clip_id: a recording that takes the place of the voice.
    made_for: digest of what its files were made for; renditions: JSON as on the wire, b"" while there are none.
    """

    __tablename__ = "alert_sound"
    __table_args__ = (UniqueConstraint("commune_id", "sound_number", "language"),)

    commune_id: str = Field(foreign_key="commune.id", index=True)
    sound_number: int
    language: str = ""
    text: str = Field(default="", sa_type=Text)
    zone_id: str | None = None
    clip_id: str | None = Field(default=None, foreign_key="clip.id")
    made_for: str = ""
    duration_us: int = Field(default=0, sa_type=BigInteger)
    renditions: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))

    @property
    def files(self) -> list[Rendition]:
        return msgspec.json.decode(self.renditions, type=list[Rendition]) if self.renditions else []

    @property
    def subject(self) -> str:
        return f"alert_sound {self.commune_id}/{self.sound_number}/{self.language}"

    @property
    def settings_shown(self) -> list[object]:
        return [self.text, self.clip_id]


@dataclass(frozen=True)
class WantedSound:
    """A sound that the book needs. row: None when the table has none yet."""

    number: int
    language: str
    text: str
    made_for: str
    zone_id: str | None
    row: AlertSoundRow | None

    @property
    def is_made(self) -> bool:
        return self.row is not None and self.row.made_for == self.made_for and bool(self.row.renditions)


def book_inputs(session: Session) -> dict[str, int]:
    """A sum of all that the book of each commune depends on (`runtime.row_sums`), of those with receivers."""
    in_service = select(Receiver.commune_id).where(col(Receiver.retired_at).is_(None))
    sums = row_sums(
        session,
        [
            columns_of(
                AlertSettings, "commune_id", "languages", "voice", "trigger_template", "trigger_ends_on_release"
            ),
            columns_of(
                AlertSoundRow, "commune_id", "sound_number", "language", "text", "zone_id", "clip_id", "made_for"
            ),
            columns_of(Zone, "commune_id", "id", "name").where(col(Zone.retired_at).is_(None)),
            columns_of(Pronunciation, "commune_id", "typed", "spoken"),
        ],
    )
    return {commune_id: sums.get(commune_id, 0) for commune_id in sorted(set(session.exec(in_service)))}


def sounds_of(session: Session, commune_id: str) -> list[AlertSoundRow]:
    return list(session.exec(select(AlertSoundRow).where(AlertSoundRow.commune_id == commune_id)))


def zone_numbers(session: Session, commune_id: str) -> dict[str, int]:
    """Sound numbers of zones that have one, by zone id."""
    query = select(AlertSoundRow.zone_id, AlertSoundRow.sound_number).where(
        AlertSoundRow.commune_id == commune_id, col(AlertSoundRow.zone_id).is_not(None)
    )
    return {zone_id: number for zone_id, number in session.exec(query) if zone_id is not None}


def wanted_sounds(session: Session, commune_id: str) -> list[WantedSound]:
    """All that the book of a commune consists of, by number; what is not made yet too."""
    settings = alert_settings(session, commune_id)
    rows = {(row.sound_number, row.language): row for row in sounds_of(session, commune_id)}
    wanted = [
        _wanted(settings, rows, texts.SIREN, "", ""),
        _wanted(settings, rows, texts.CHIME, "", ""),
        _wanted(settings, rows, texts.DRILL_OPENING, "", DRILL_OPENING_TEXT),
    ]
    for number, (vietnamese, english) in texts.standard_texts().items():
        wanted.append(_wanted(settings, rows, number, VIETNAMESE, vietnamese))
        if ENGLISH in settings.spoken:
            wanted.append(_wanted(settings, rows, number, ENGLISH, english))
    numbers = zone_numbers(session, commune_id)
    free = max(numbers.values(), default=FIRST_ZONE - 1) + 1
    for zone in zones(session, commune_id):
        number = numbers.get(zone.id, free)
        free += number == free
        wanted.append(_wanted(settings, rows, number, VIETNAMESE, f"{zone.name}.", zone.id))
    return sorted(wanted, key=lambda sound: (sound.number, sound.language != VIETNAMESE))


def _wanted(
    settings: AlertSettings,
    rows: dict[tuple[int, str], AlertSoundRow],
    number: int,
    language: str,
    standard: str,
    zone_id: str | None = None,
) -> WantedSound:
    row = rows.get((number, language))
    text = row.text if row is not None and row.text else standard
    by = row.clip_id if row is not None and row.clip_id else f"voice {settings.voice}" if standard else "computed"
    made_for = hashlib.sha256(f"{by}\n{language}\n{text}".encode()).hexdigest()[:16]
    return WantedSound(number, language, text, made_for, zone_id, row)


def keep_files(
    session: Session, commune_id: str, sound: WantedSound, duration_us: int, renditions: list[Rendition]
) -> None:
    row = sound_row(session, commune_id, sound.number, sound.language)
    row.zone_id, row.made_for, row.duration_us = sound.zone_id, sound.made_for, duration_us
    row.renditions = msgspec.json.encode(renditions)
    session.add(row)
    session.flush()


def change_sound(
    session: Session, commune_id: str, number: int, language: str, *, text: str, clip_id: str
) -> AlertSoundRow:
    """text: "" for the standard one. clip_id: a recording of the commune in place of the voice, "" for none.

    Raises Refusal, NotFound.
    """
    text = parse_title(text)
    if len(text) > LONGEST_TEXT:
        raise Refusal(N_("This text is too long: at most {n} characters."), n=LONGEST_TEXT).at("text")
    row = sound_row(session, commune_id, number, language)
    row.text = "" if text == texts.standard_texts().get(number, ("", ""))[language == ENGLISH] else text
    row.clip_id = None
    if clip_id:
        recording = clip(session, clip_id)
        files = renditions_of(session, [clip_id]).get(clip_id)
        if recording.commune_id != commune_id or recording.retired_at is not None or not files:
            raise Refusal(N_("This recording no longer exists. Choose another one.")).at("clip")
        row.clip_id = clip_id
    session.add(row)
    session.flush()
    return row


def sound_row(session: Session, commune_id: str, number: int, language: str) -> AlertSoundRow:
    query = select(AlertSoundRow).where(
        AlertSoundRow.commune_id == commune_id, AlertSoundRow.sound_number == number, AlertSoundRow.language == language
    )
    return session.exec(query).first() or AlertSoundRow(commune_id=commune_id, sound_number=number, language=language)
