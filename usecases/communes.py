"""Communes: add the first one, or one more; rename and describe one."""

from sqlmodel import Session

from broadcast.chimes import ensure_chimes
from broadcast.live_rules import LiveRules
from broadcast.media import Media
from devices import communes
from devices.communes import Commune
from devices.provinces import province_name
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.services import Services


def add_commune(
    services: Services, actor: Actor, media: Media, commune_id: str, name: str, *, province: str = ""
) -> Commune:
    """commune_id: "" for one made from the name. Its chimes are made at once.

    province: that of an actor who acts for one takes precedence. Raises NotAllowed, Refusal.
    """
    actor.need(Action.COMMUNES, "")
    with services.database.writing() as session:
        province = _province(session, actor, province)
        commune = communes.add_commune(session, commune_id.strip(), name, province=province)
        actor.note(session, services.clock.now(), commune.id, Deed.COMMUNE_ADDED, commune.name, about=commune)
    ensure_chimes(services.database, media, commune.id, services.clock.now())
    return commune


def change_commune(
    services: Services,
    actor: Actor,
    commune_id: str,
    *,
    name: str,
    province: str,
    description: str,
    storage_gb: int | None,
) -> None:
    """province: its name, "" for none. storage_gb: None for the usual one. Raises NotAllowed, NotFound, Refusal."""
    with services.database.writing() as session:
        actor.need(Action.COMMUNES, commune_id)
        commune = communes.commune(session, commune_id)
        actor.check_shown(session, commune)
        before, stored_before = commune.name, commune.storage_gb
        communes.change_commune(
            session,
            commune_id,
            name=name,
            province=_province(session, actor, province),
            description=description,
            storage_gb=storage_gb,
        )
        detail = commune.name if before == commune.name else f"{before} → {commune.name}"
        if stored_before != storage_gb:
            detail += f" ({stored_before or '–'} → {storage_gb or '–'} GB)"
        actor.note(session, services.clock.now(), commune_id, Deed.COMMUNE_CHANGED, detail, about=commune)


def set_live_rules(services: Services, actor: Actor, commune_id: str, rules: LiveRules) -> None:
    """Of live broadcasts that begin from now on. Raises NotAllowed, Refusal."""
    rules.check()
    with services.database.writing() as session:
        actor.need(Action.ALLOWED_HOURS, commune_id)
        commune = communes.commune(session, commune_id)
        actor.check_shown(session, commune)
        commune.live_lead_ms, commune.live_silence_s, commune.live_longest_min = rules
        session.add(commune)
        detail = f"{rules.lead_ms} ms, {rules.silence_s} s, {rules.longest_min} min"
        actor.note(session, services.clock.now(), commune_id, Deed.LIVE_RULES_SET, detail, about=commune)


def _province(session: Session, actor: Actor, typed: str) -> str:
    standing = actor.standing
    if standing is not None and standing.province_id is not None:
        return province_name(session, standing.province_id)
    return typed
