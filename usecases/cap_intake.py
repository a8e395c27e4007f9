"""Alerts from outside come in: read, kept once, aimed at the commune's places, and set against what came before.

What is decided is committed first, then `usecases.cap_alerts.work_alerts` sends or ends the emergency; both under
`CapEmergencies.deciding`, so that a Cancel finds an alert that has not started, or one whose emergency it ends.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlmodel import Session

from alerts.templates import EndKind
from cap.alerts import (
    CapAlert,
    CapAlertState,
    alert_of_origin,
    alert_with_key,
    end,
    ended_state,
    key_text,
    may_end,
    referring,
)
from cap.messages import (
    CapMessage,
    CommunePlaces,
    Info,
    MessageKey,
    MessageType,
    ReceiverPosition,
    SpokenText,
    Status,
)
from cap.reading import read_foreign
from cap.sources import CapSource, cap_source
from cap.targets import Aim, Aimed, aimed, in_languages, joined
from devices.communes import commune
from devices.receivers import receivers, zones_by_receiver
from runtime.refusal import N_, Refusal, as_text
from usecases.cap_alerts import end_by_message, work_alerts
from usecases.cap_emergencies import CapEmergencies
from usecases.services import Services
from wire.broadcasts import Targets

log = logging.getLogger(__name__)

#: An alert that names no end is over after this.
USUALLY_HOLDS = timedelta(hours=24)
LONGEST_SPOKEN = 1500
_ALL_CLEAR = "AllClear"


class Taken(StrEnum):
    """What became of a message at its door."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Met:
    """alert: its row, None where none is kept for it. unsigned: the emergency of an unsigned one that it supersedes."""

    taken: Taken
    alert: CapAlert | None = None
    unsigned: str = ""


def receive(services: Services, emergencies: CapEmergencies, source_id: int, file: bytes, *, own_host: str = "") -> Met:
    """Read an alert of a source and take it in. own_host: of what Loa publishes itself. Raises Refusal, NotFound."""
    with services.database.session() as session:
        source = cap_source(session, source_id)
        places = _places(session, source.commune_id)
    now = services.clock.now()
    message = read_foreign(file, places, source.certificate, now, source=f"alerts {source.commune_id}")
    return take_message(services, emergencies, source_id, message, own_host=own_host)


def take_message(
    services: Services, emergencies: CapEmergencies, source_id: int, message: CapMessage, *, own_host: str
) -> Met:
    """One that was read. Raises Refusal, NotFound."""
    with emergencies.deciding:
        with services.database.writing() as session:
            met = _take_in(session, cap_source(session, source_id), message, services.clock.now(), own_host)
        if met.taken is Taken.KEPT:
            log.info("alert %s of %s: %s", message.key.identifier, message.key.sender, met.alert and met.alert.state)
            if met.unsigned:
                emergencies.end(met.unsigned, message.key.sender, EndKind.OVER)
            work_alerts(services, emergencies)
    return met


def _take_in(session: Session, source: CapSource, message: CapMessage, now: datetime, own_host: str) -> Met:
    """Raises Refusal."""
    if message.type in (MessageType.ACK, MessageType.ERROR) or _is_own(message, own_host):
        return Met(Taken.IGNORED)
    known = alert_with_key(session, source.commune_id, message.key)
    copy = alert_of_origin(session, source.commune_id, message.key)
    if message.origin is not None:
        copy = copy or alert_with_key(session, source.commune_id, message.origin)
    if known is None and copy is not None:
        return Met(Taken.DUPLICATE, copy)
    if known is not None:
        if known.digest == message.digest:
            known.is_signed = known.is_signed or message.is_signed
            session.add(known)
            return Met(Taken.DUPLICATE, known)
        if known.is_signed or not message.is_signed:
            raise Refusal(
                N_("There is another alert with the same sender, identifier and time of sending. Nothing was changed.")
            )
        # The signed one is the true one.
    unsigned = known.emergency_id if known is not None else ""
    row = known or _new_row(source, message.key, now)
    _fill(session, row, source, message, now)
    session.add(row)
    session.flush()
    _overtaken(session, row, now)
    if message.status in (Status.ACTUAL, Status.EXERCISE, Status.TEST):
        for reference in message.references:
            _act_on(session, row, reference, now)
    return Met(Taken.KEPT, row, unsigned)


def _act_on(session: Session, row: CapAlert, reference: MessageKey, now: datetime) -> None:
    """An Update or a Cancel ends the alert that it refers to; one that is on goes on until its Update starts."""
    other = alert_with_key(session, row.commune_id, reference)
    if other is None or not may_end(row, other):
        return
    goes_on = other.state == CapAlertState.STARTED and row.state == CapAlertState.WAITING
    if other.state in (CapAlertState.WAITING, CapAlertState.STARTED) and not goes_on:
        end_by_message(session, row, other, now)


def _overtaken(session: Session, row: CapAlert, now: datetime) -> None:
    """The Update or Cancel of an alert can come before the alert."""
    for later in referring(session, row.commune_id, row.key):
        if row.state == CapAlertState.WAITING and may_end(later, row):
            end(session, row, ended_state(later), now, later.sender)


def _fill(session: Session, row: CapAlert, source: CapSource, message: CapMessage, now: datetime) -> None:
    """All that a message says, and the state in which it begins."""
    here, aim = _here(session, source, message)
    infos, own_language = in_languages(here, source.language_list)
    row.source_id, row.status, row.type = source.number, message.status.value, message.type.value
    row.references = "\n".join(key_text(reference) for reference in message.references)
    row.origin = key_text(message.origin) if message.origin else ""
    row.is_signed, row.digest, row.received_at = message.is_signed, message.digest, now
    row.emergency_id, row.why, row.decided_at, row.decided_by = "", "", None, ""
    row.expires_at = max((i.expires for i in infos if i.expires), default=message.key.sent + USUALLY_HOLDS)
    row.aim, row.in_own_language = aim.aim.value, own_language
    row.targets = msgspec.json.encode(aim.targets)
    if infos:
        first = infos[0]
        row.category, row.event, row.sender_name = first.category, first.event, first.sender_name
        row.severity, row.urgency, row.certainty = first.severity.value, first.urgency.value, first.certainty.value
        row.area, row.effective_at = first.reached.description, first.effective
        row.texts = msgspec.json.encode([SpokenText(i.language, _spoken(i)) for i in infos])
    row.state, row.why = _first_state(row, source, message, now)
    first_is_over = any(_ALL_CLEAR in i.response_types or i.urgency.value == "Past" for i in infos)
    row.automatic = (
        row.state == CapAlertState.WAITING
        and own_language
        and aim.aim is Aim.HERE
        and source.starts(infos[0])
        and not first_is_over
        and (not row.is_drill or source.drills)
    )


def _first_state(row: CapAlert, source: CapSource, message: CapMessage, now: datetime) -> tuple[str, str]:
    why: Refusal | None = None
    if message.type is MessageType.CANCEL:
        return CapAlertState.FILED.value, ""
    if message.status in (Status.SYSTEM, Status.DRAFT):
        why = Refusal(N_("A draft or a message between systems never sounds."))
    elif not message.is_public:
        why = Refusal(N_("Its sender has not addressed it to the public."))
    elif row.aim == Aim.ELSEWHERE:
        why = Refusal(N_("Its area is not in this commune."))
    if why is not None:
        return CapAlertState.FILED.value, as_text(why)
    return (CapAlertState.EXPIRED if now >= row.expires_at else CapAlertState.WAITING).value, ""


def _here(session: Session, source: CapSource, message: CapMessage) -> tuple[list[Info], Aimed]:
    """The blocks that mean this commune, else those of which it is not clear, and where they mean."""
    own = commune(session, source.commune_id)
    zones, placed = zones_by_receiver(session, own.id), [r.id for r in _placed(session, own.id)]
    found: dict[Aim, list[tuple[Info, Targets]]] = {aim: [] for aim in Aim}
    for info in message.infos:
        result = aimed(info.reached, source.zone_by_code, zones, has_outline=own.outline is not None, placed=placed)
        found[result.aim].append((info, result.targets))
    aim = next((aim for aim in Aim if found[aim]), Aim.UNCLEAR)
    infos = found[aim]
    return [info for info, _ in infos], Aimed(aim, joined([targets for _, targets in infos]))


def _spoken(info: Info) -> str:
    """Headline, description and instruction; the event without any of them."""
    parts = [part for part in (info.headline or info.event, info.description, info.instruction) if part]
    text = "\n".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in dict.fromkeys(parts))
    if len(text) <= LONGEST_SPOKEN:
        return text
    cut = max(text.rfind(end, 0, LONGEST_SPOKEN) for end in (". ", ".\n", "! ", "? ", " "))
    return text[: cut + 1 if cut > 0 else LONGEST_SPOKEN].strip()


def _places(session: Session, commune_id: str) -> CommunePlaces:
    return CommunePlaces(outline=commune(session, commune_id).outline, receivers=tuple(_placed(session, commune_id)))


def _placed(session: Session, commune_id: str) -> list[ReceiverPosition]:
    return [
        ReceiverPosition(r.id, r.latitude_deg, r.longitude_deg)
        for r in receivers(session, commune_id)
        if r.latitude_deg is not None and r.longitude_deg is not None
    ]


def _is_own(message: CapMessage, own_host: str) -> bool:
    senders = [message.key.sender, message.origin.sender if message.origin else ""]
    return bool(own_host) and any(sender.rpartition("@")[2] == own_host for sender in senders)


def _new_row(source: CapSource, key: MessageKey, now: datetime) -> CapAlert:
    return CapAlert(
        commune_id=source.commune_id,
        source_id=source.number,
        sender=key.sender,
        identifier=key.identifier,
        sent=key.sent,
        status="",
        type="",
        digest="",
        state="",
        expires_at=now,
        received_at=now,
    )
