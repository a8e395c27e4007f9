"""Delay measurements: let two receivers sound in turn, set the path delay that was heard, undo it."""

from typing import TYPE_CHECKING

from sqlmodel import Session

from acoustics import delay_measurements
from acoustics.delay_measurements import DelayMeasurement
from broadcast.on_air import between
from devices.communes import commune
from devices.receivers import Receiver, receiver
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.services import Services

if TYPE_CHECKING:
    from acoustics.measuring import MeasuredOffset  # with numpy, 12 MB


def measurement_of(session: Session, commune_id: str, measurement_id: str) -> DelayMeasurement:
    """A measurement of this commune. Raises NotFound."""
    return own(
        delay_measurements.measurement_of(session, measurement_id), commune_id, N_("This measurement no longer exists.")
    )


def begin_measurement(
    services: Services,
    actor: Actor,
    commune_id: str,
    receiver_ids: tuple[str, str],
    *,
    distances_m: tuple[float, float],
) -> DelayMeasurement:
    with services.database.writing() as session:
        now = services.clock.now()
        # 1. Right.
        actor.need(Action.RECEIVERS, commune_id)
        # 2. and 3. Rules, write.
        measurement = delay_measurements.begin(
            session,
            commune_id,
            *receiver_ids,
            one_distance_m=distances_m[0],
            other_distance_m=distances_m[1],
            now=now,
            by=actor.name,
        )
        _check_audible(session, services, measurement)
        # 4. Audit.
        names = ", ".join(receiver(session, receiver_id).name for receiver_id in receiver_ids)
        actor.note(session, now, commune_id, Deed.RECEIVER_COMMANDED, names)
    # 5. After the commit.
    for receiver_id, tone in delay_measurements.tones(measurement):
        services.command(receiver_id, tone)
    return measurement


def keep_heard_offset(
    services: Services, actor: Actor, commune_id: str, measurement_id: str, heard: "MeasuredOffset"
) -> None:
    """heard: what a recording says."""
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        measurement_of(session, commune_id, measurement_id)
        delay_measurements.keep_offset(
            session,
            measurement_id,
            heard_offset_us=heard.offset_us,
            error_us=heard.error_us,
            agreeing=heard.agreeing,
            clipped=heard.clipped,
            now=services.clock.now(),
        )


def take_path_delay(services: Services, actor: Actor, commune_id: str, measurement_id: str) -> None:
    """Set the path delay that the measurement proposes."""
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        measurement = measurement_of(session, commune_id, measurement_id)
        proposed = delay_measurements.proposal(measurement)
        if proposed is not None:
            actor.check_shown(session, receiver(session, proposed.receiver_id))
        changed = delay_measurements.take(session, measurement_id, now=now, by=actor.name)
        _note_delay(session, services, actor, changed)
    services.configure([changed.id])


def undo_path_delay(services: Services, actor: Actor, commune_id: str, measurement_id: str) -> None:
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        measurement = measurement_of(session, commune_id, measurement_id)
        if measurement.changed_id is not None:
            actor.check_shown(session, receiver(session, measurement.changed_id))
        changed = delay_measurements.undo(session, measurement_id, now=services.clock.now())
        _note_delay(session, services, actor, changed)
    services.configure([changed.id])


def _check_audible(session: Session, services: Services, measurement: DelayMeasurement) -> None:
    """Refuse what nobody could hear: a receiver that is away, a broadcast that has precedence over a test tone."""
    for receiver_id in (measurement.one_id, measurement.other_id):
        if not services.reachable(receiver_id, measurement.asked_at):
            name = receiver(session, receiver_id).name
            raise Refusal(N_("{receiver} is offline and cannot play."), receiver=name)
    for broadcast in between(session, measurement.commune_id, measurement.asked_at, measurement.ends_at):
        sounds = broadcast.withdrawn_at is None and not broadcast.missed
        if sounds and broadcast.sounds_until > measurement.asked_at:
            zone = commune(session, measurement.commune_id).zone
            raise Refusal(
                N_("“{title}” is playing until {until}. Measure after that."),
                title=broadcast.title,
                until=f"{broadcast.ends_at.astimezone(zone):%H:%M:%S}",
            )


def _note_delay(session: Session, services: Services, actor: Actor, changed: Receiver) -> None:
    detail = f"{changed.name}: path_delay_ms {changed.path_delay_ms:g}"
    actor.note(session, services.clock.now(), changed.commune_id, Deed.RECEIVER_CHANGED, detail, about=changed)
