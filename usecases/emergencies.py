"""Emergencies: prepared, confirmed by a second person and sent; called back or cleared. Drills apart from them.

An alert is published before it is written (`alerts.journal`): right, rules, send, write with audit.
"""

import secrets
from dataclasses import dataclass, replace

import msgspec
from sqlmodel import Session, select

from alerts import texts
from alerts.alert_settings import alert_settings
from alerts.alert_sounds import wanted_sounds, zone_numbers
from alerts.desk import EmergencyDesk, SentAlert
from alerts.emergency_alerts import AlertState, EmergencyAlert
from alerts.hazards import LEVELS
from alerts.journal import Write
from alerts.templates import MOST_PLACES, REPEATS, SILENT_DRILL, AlertMessage, EndKind
from alerts.texts import VIETNAMESE
from alerts.timelines import timeline
from broadcast.planning import check_reached
from devices.receivers import reached_by, receivers
from devices.zones import zones
from parsing.titles import parse_title
from people.audit import Deed
from people.operators import Operator, canonical_name
from people.passwords import verify
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.emergency_records import record_end, record_start
from wire.alerts import alert_id
from wire.broadcasts import Targets

LEAST_REASON, LONGEST_REASON = 10, 300
LONGEST_FREE_TEXT = 2000
_SOUNDLESS = N_(
    "The sounds of this message are still being prepared ({n} are missing). Try again in a minute, or speak live."
)


@dataclass(frozen=True)
class EmergencyOrder:
    """What a person chooses. hour: "before this hour", None for none. until_ended: repeated without a limit.

    is_silent: of a drill: only its arrival is reported. by_sms: of a drill: also by SMS to those who do not confirm it.
    free_text, free_english: of a free message, in Vietnamese and in English; or free_clip_id: a recording of it,
    or free_job_id: one that is being made of an upload.
    request_key: of the form; sent twice it is one alert. source: who asked where no person did.
    alert: its id, where it was drawn before; "" for a new one.
    """

    message: AlertMessage
    targets: Targets
    hour: int | None = None
    until_ended: bool = False
    is_drill: bool = False
    is_silent: bool = False
    by_sms: bool = False
    free_text: str = ""
    free_english: str = ""
    free_clip_id: str = ""
    free_job_id: str = ""
    request_key: str = ""
    source: str = ""
    alert: str = ""


def request_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, order: EmergencyOrder) -> EmergencyAlert:
    """Prepare an emergency for the confirmation of a second person. A drill is sent at once.

    Raises NotAllowed, Refusal.
    """
    with desk.deciding:
        if order.request_key and (known := desk.by_key(commune_id, order.request_key)) is not None:
            return known
        return request_prepared(desk, actor, prepare_emergency(desk, actor, commune_id, order))


def prepare_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, order: EmergencyOrder) -> EmergencyAlert:
    """A row that could be sent, with its ends; nothing is kept yet. Raises NotAllowed, Refusal."""
    actor.need(Action.EMERGENCY, commune_id)
    return _prepared(desk, actor, commune_id, order)


def request_prepared(desk: EmergencyDesk, actor: Actor, row: EmergencyAlert) -> EmergencyAlert:
    """Let it wait for a second person; send it when it is a drill."""
    with desk.deciding:
        if row.is_drill:
            return _send(desk, actor, row, Deed.DRILL_SENT).alert
        with desk.database.session() as session:
            row.confirm_by_at = desk.clock.now() + alert_settings(session, row.commune_id).confirm_within
        desk.journal.put(row, _noted(desk, actor, row, Deed.EMERGENCY_REQUESTED))
        return row


def start_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, order: EmergencyOrder) -> SentAlert:
    """Send at once, by a rule that the commune has set for a source outside: nobody is asked.

    actor: a part of Loa, not a person. Raises NotAllowed, Refusal.
    """
    actor.need(Action.EMERGENCY, commune_id)
    order = replace(order, source=order.source or actor.name)
    return start_prepared(desk, actor, prepare_emergency(desk, actor, commune_id, order))


def start_prepared(desk: EmergencyDesk, actor: Actor, row: EmergencyAlert) -> SentAlert:
    """The second half of `start_emergency`. Raises Refusal."""
    if actor.standing is not None:
        raise Refusal(N_("A person's emergency needs the confirmation of a second person."))
    with desk.deciding:
        return _send(desk, actor, row, Deed.DRILL_SENT if row.is_drill else Deed.EMERGENCY_SENT)


def confirm_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, alert: str, password: str) -> SentAlert:
    """Send what another person has prepared. password: the confirming person's own. Raises NotAllowed, Refusal."""
    actor.need(Action.EMERGENCY, commune_id)
    row = desk.alert(commune_id, alert)
    _check_waiting(desk, row)
    if canonical_name(actor.name) == canonical_name(row.requested_by):
        raise Refusal(N_("You prepared this message yourself. Another person must confirm it, with their own account."))
    _check_password(desk, actor, password)
    with desk.deciding:
        row = desk.alert(commune_id, alert)
        _check_waiting(desk, row)
        row.confirmed_by, row.confirmed_at = actor.name, desk.clock.now()
        return _send(desk, actor, row, Deed.EMERGENCY_SENT)


def break_glass(
    desk: EmergencyDesk, actor: Actor, commune_id: str, alert: str, reason: str, password: str
) -> SentAlert:
    """Send without a second person. The reason is logged and shown to all operators of the commune.

    Raises NotAllowed, Refusal.
    """
    actor.need(Action.EMERGENCY, commune_id)
    row, reason = desk.alert(commune_id, alert), parse_title(reason)
    if not LEAST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal(
            N_("Write why no second person can confirm, in {least} to {most} characters."),
            least=LEAST_REASON,
            most=LONGEST_REASON,
        ).at("reason")
    _check_waiting(desk, row)
    _check_password(desk, actor, password)
    with desk.deciding:
        row = desk.alert(commune_id, alert)
        _check_waiting(desk, row)
        row.confirmed_by, row.confirmed_at, row.break_glass_reason = actor.name, desk.clock.now(), reason
        return _send(desk, actor, row, Deed.EMERGENCY_SENT_ALONE)


def refuse_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, alert: str) -> EmergencyAlert:
    """Withdraw what waits for confirmation. Refusing it twice changes nothing. Raises NotAllowed, Refusal."""
    actor.need(Action.EMERGENCY, commune_id)
    with desk.deciding:
        row = desk.alert(commune_id, alert)
        if row.refused_at is not None:
            return row
        if row.issued_at is not None:
            raise Refusal(N_("This message has been sent already. Call it back instead."))
        row.refused_at, row.refused_by = desk.clock.now(), actor.name
        desk.journal.put(row, _noted(desk, actor, row, Deed.EMERGENCY_REFUSED))
        return row


def end_emergency(desk: EmergencyDesk, actor: Actor, commune_id: str, alert: str, kind: EndKind) -> EmergencyAlert:
    """Call it back, or give the all-clear. What is over already stays as it is. Raises NotAllowed, Refusal."""
    actor.need(Action.CLEAR_EMERGENCY, commune_id)
    with desk.deciding:
        row = desk.alert(commune_id, alert)
        state = row.state(desk.clock.now())
        if state in (AlertState.WAITING, AlertState.LAPSED, AlertState.REFUSED):
            raise Refusal(N_("This message was never sent, so there is nothing to end."))
        if state is not AlertState.SENT:
            return row
        deed = Deed.EMERGENCY_CLEARED if kind is EndKind.ALL_CLEAR else Deed.EMERGENCY_CANCELLED
        deed = Deed.DRILL_ENDED if row.is_drill else deed

        def write(session: Session) -> None:
            record_end(session, row, actor.name)
            actor.note(session, row.ended_at or desk.clock.now(), commune_id, deed, row.text)

        return desk.end(row, kind, actor.name, write).alert


def _prepared(desk: EmergencyDesk, actor: Actor, commune_id: str, order: EmergencyOrder) -> EmergencyAlert:
    """A row that could be sent, with both its ends. Raises Refusal."""
    now = desk.clock.now()
    message, targets = order.message, order.targets
    if message.hazard is not None and message.level not in (0, *LEVELS[message.hazard]):
        raise Refusal(N_("This type of disaster does not have this risk level. Choose another one.")).at("level")
    free_text, free_english = order.free_text.strip(), order.free_english.strip()
    words = free_text or free_english or order.free_clip_id or order.free_job_id
    if message.hazard is None and not words:
        raise Refusal(N_("Type the message, or choose a recording.")).at("free_text")
    if max(len(free_text), len(free_english)) > LONGEST_FREE_TEXT:
        raise Refusal(N_("This text is too long: at most {n} characters."), n=LONGEST_FREE_TEXT).at("free_text")
    if not desk.clock.trusted:
        raise Refusal(N_("The server's clock is wrong, so receivers would refuse the message. Call your technician."))
    is_silent = order.is_drill and order.is_silent
    with desk.database.session() as session:
        check_reached(reached_by(session, commune_id, targets))
        numbers, places = zone_numbers(session, commune_id), zones(session, commune_id)
        everybody = Targets(zones=[z.id for z in places], receivers=[r.id for r in receivers(session, commune_id)])
        slots = () if message.hazard is None else _slots(targets, numbers, order.hour)
        planned = timeline(session, commune_id, message, slots, is_drill=order.is_drill)
        by_sms = order.by_sms if order.is_drill else alert_settings(session, commune_id).sms_is_automatic
        missing = [] if is_silent else planned.missing + _ends_missing(session, commune_id)
    if missing:
        raise Refusal(_SOUNDLESS, n=len(missing))
    repeats = 0 if order.until_ended else 1 if message.hazard is None else REPEATS
    row = EmergencyAlert(
        id=order.alert or alert_id(targets, everybody, secrets.token_bytes),
        commune_id=commune_id,
        request_key=order.request_key[:64],
        template=SILENT_DRILL if is_silent else message.template(is_drill=order.is_drill),
        slots=msgspec.json.encode(() if is_silent else slots).decode(),
        level=message.level,
        repeats=repeats,
        title=message.title,
        text="\n".join(filter(None, (free_text, free_english))) or planned.text,
        targets=msgspec.json.encode(targets),
        is_drill=order.is_drill,
        by_sms=by_sms,
        source=order.source[:200],
        requested_by=actor.name,
        requested_at=now,
        lasts_us=0 if is_silent else planned.lasts_us(repeats),
        free_text=free_text,
        free_english=free_english,
        free_clip_id=order.free_clip_id[:64],
        free_job_id=order.free_job_id[:64],
    )
    desk.check_fits(row)
    return row


def _slots(targets: Targets, numbers: dict[str, int], hour: int | None) -> tuple[int, ...]:
    """The hour, then what leads to the places, then the places; as `alerts.templates` reads them."""
    before = 0 if hour is None else texts.hour_sound(hour)
    named = [numbers[zone] for zone in targets.zones if zone in numbers]
    if targets.all:
        return (before, texts.WHOLE_COMMUNE)
    if not named or targets.receivers or len(named) > MOST_PLACES:
        return (before,) if before else ()
    return (before, texts.PLACES, *named)


def _ends_missing(session: Session, commune_id: str) -> list[int]:
    needed = (texts.CANCEL, texts.ALL_CLEAR, texts.DRILL_END, texts.WITHDRAWN)
    return [
        sound.number
        for sound in wanted_sounds(session, commune_id)
        if sound.number in needed and sound.language == VIETNAMESE and not sound.is_made
    ]


def _send(desk: EmergencyDesk, actor: Actor, row: EmergencyAlert, deed: Deed) -> SentAlert:
    # The items for the play log are read before: nothing may stand between sealing and publishing.
    record = record_start(desk, row)
    detail = f"{row.text} ({row.break_glass_reason})" if row.break_glass_reason else row.text

    def write(session: Session) -> None:
        record(session)
        actor.note(session, row.issued_at or row.requested_at, row.commune_id, deed, detail)

    return desk.send(row, write)


def _noted(desk: EmergencyDesk, actor: Actor, row: EmergencyAlert, deed: Deed) -> Write:
    now = desk.clock.now()
    return lambda session: actor.note(session, now, row.commune_id, deed, row.text)


def _check_waiting(desk: EmergencyDesk, row: EmergencyAlert) -> None:
    state = row.state(desk.clock.now())
    if state is AlertState.WAITING:
        return
    if state is AlertState.LAPSED:
        raise Refusal(N_("Nobody confirmed this message in time, so it was dropped. Prepare it again."))
    if state is AlertState.REFUSED:
        raise Refusal(N_("{who} refused this message. Prepare it again if it is needed."), who=row.refused_by)
    raise Refusal(N_("{who} has sent this message already."), who=row.confirmed_by)


def _check_password(desk: EmergencyDesk, actor: Actor, password: str) -> None:
    """The person's own, again: a browser that was left open must not be enough. Raises Refusal."""
    with desk.database.session() as session:
        person = session.exec(select(Operator).where(Operator.name == canonical_name(actor.name))).first()
    number, stored = (person.number, person.password_hash) if person is not None else (0, None)
    with desk.password_limit.own_password(number) as attempt:
        if not verify(stored, password, is_urgent=True):
            raise Refusal(N_("This is not your password. Type the one with which you sign in.")).at("password")
        attempt.succeeded = True
