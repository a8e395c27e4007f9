"""Sources of alerts: add, change, retire, restore, new token. One that starts alerts needs the right to emergencies."""

from sqlmodel import Session

from cap import sources
from cap.sources import CapSource, SourceKind, SourceSettings
from devices.zones import zones
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.revisions import check_present
from usecases.services import Services
from wire.broadcasts import BroadcastClass


def cap_source_of(session: Session, commune_id: str, number: int) -> CapSource:
    """A source of this commune. Raises NotFound."""
    source = sources.cap_source(session, number)
    return own(source, commune_id, N_("This source of alerts no longer exists."))


def add_cap_source(services: Services, actor: Actor, commune_id: str, settings: SourceSettings) -> CapSource:
    with services.database.writing() as session:
        _need(actor, commune_id, starts_alerts=bool(settings.least_severity))
        source = sources.add_cap_source(session, commune_id, settings, _zone_ids(session, commune_id))
        actor.note(session, services.clock.now(), commune_id, Deed.CAP_SOURCE_ADDED, _described(source), about=source)
        return source


def change_cap_source(services: Services, actor: Actor, commune_id: str, number: int, settings: SourceSettings) -> None:
    with services.database.writing() as session:
        source = cap_source_of(session, commune_id, number)
        _need(actor, commune_id, starts_alerts=source.starts_alerts or bool(settings.least_severity))
        actor.check_shown(session, source)
        check_present(session, source)
        before = _described(source)
        sources.change_cap_source(session, source, settings, _zone_ids(session, commune_id))
        detail = f"{before} → {_described(source)}"
        actor.note(session, services.clock.now(), commune_id, Deed.CAP_SOURCE_CHANGED, detail, about=source)


def retire_cap_source(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Nothing comes from it any more; what came goes on."""
    with services.database.writing() as session:
        source = cap_source_of(session, commune_id, number)
        _need(actor, commune_id, starts_alerts=source.starts_alerts)
        if source.retired_at is not None:
            return
        actor.check_shown(session, source)
        now = services.clock.now()
        sources.retire_cap_source(session, source, now)
        actor.note(session, now, commune_id, Deed.CAP_SOURCE_RETIRED, source.name, about=source)


def restore_cap_source(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    with services.database.writing() as session:
        source = cap_source_of(session, commune_id, number)
        _need(actor, commune_id, starts_alerts=source.starts_alerts)
        if source.retired_at is None:
            return
        actor.check_shown(session, source)
        sources.restore_cap_source(session, source)
        actor.note(session, services.clock.now(), commune_id, Deed.CAP_SOURCE_RESTORED, source.name, about=source)


def new_source_token(services: Services, actor: Actor, commune_id: str, number: int) -> str:
    """The token that a sender shows, readable this once. Raises Refusal for a feed."""
    with services.database.writing() as session:
        source = cap_source_of(session, commune_id, number)
        _need(actor, commune_id, starts_alerts=source.starts_alerts)
        actor.check_shown(session, source)
        check_present(session, source)
        if source.kind != SourceKind.POST:
            raise Refusal(N_("A feed needs no token: Loa fetches it."))
        token = sources.new_source_token(session, source)
        session.flush()
        actor.note(session, services.clock.now(), commune_id, Deed.CAP_TOKEN_MADE, source.name, about=source)
        return token


def _need(actor: Actor, commune_id: str, *, starts_alerts: bool) -> None:
    """Raises NotAllowed."""
    actor.need(Action.EXCHANGE, commune_id, *([BroadcastClass.EMERGENCY] if starts_alerts else []))


def _zone_ids(session: Session, commune_id: str) -> list[str]:
    return [zone.id for zone in zones(session, commune_id)]


def _described(source: CapSource) -> str:
    rule = "/".join(filter(None, (source.least_severity, source.least_urgency, source.least_certainty)))
    signed = "+" if source.certificate else ""
    return " ".join(filter(None, (f"{source.name}:", source.kind + signed, source.address, rule)))
