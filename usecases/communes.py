"""Communes: add the first one, or one more."""

from broadcast.chimes import ensure_chimes
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
    """Its chimes are made at once. province: that of an actor who acts for one takes precedence.

    Raises NotAllowed, Refusal.
    """
    actor.need(Action.COMMUNES, "")
    with services.database.writing() as session:
        if actor.standing is not None and actor.standing.province_id is not None:
            province = province_name(session, actor.standing.province_id)
        commune = communes.add_commune(session, commune_id.strip(), name, province=province)
        actor.note(session, services.clock.now(), commune.id, Deed.COMMUNE_ADDED, commune.name)
    ensure_chimes(services.database, media, commune.id, services.clock.now())
    return commune
