"""Backups from the pages: the right, the audit, and the start."""

from collections.abc import Callable

from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.services import Services


def start_backup(services: Services, actor: Actor, start: Callable[[], None]) -> None:
    """start: begins it, or raises Refusal; then nothing is audited."""
    actor.need(Action.BACKUP, "")
    start()
    with services.database.writing() as session:
        actor.note(session, services.clock.now(), "", Deed.BACKED_UP)
