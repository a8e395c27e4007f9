"""A person merges, splits and undoes: the right is asked, then the transaction, then all parts are notified."""

from devices.merger_hooks import MergerHooks
from mergers.mergers import merge, merger
from mergers.plans import Decisions, Merge, MergerResult, Plan, involved
from mergers.undoing import undo
from people.rights import Action
from runtime.refusal import N_, NotFound
from usecases.actors import Actor
from usecases.services import Services


def check_communes(actor: Actor, plan: Plan) -> None:
    """Raises NotFound for a commune of the plan that is not there for this person."""
    for commune_id in plan.sources:
        if not actor.may(Action.MERGERS, commune_id):
            raise NotFound(N_("Commune {id} does not exist."), id=commune_id[:80])


def may_undo(actor: Actor, plan: Plan) -> bool:
    """All that live of it must be theirs; which of them are retired is no matter, they are their successor's."""
    living = [plan.into] if isinstance(plan, Merge) else involved(plan)
    return all(actor.may(Action.MERGERS, commune_id) for commune_id in living)


def merge_communes(
    services: Services, actor: Actor, plan: Plan, decisions: Decisions, *, fingerprint: str, hooks: MergerHooks
) -> MergerResult:
    """fingerprint: of the rehearsal that was shown. Raises NotFound, Refusal."""
    check_communes(actor, plan)
    with services.database.writing() as session:
        now = services.clock.now()
        result = merge(session, plan, decisions, now, actor.name, fingerprint=fingerprint, hooks=hooks)
    _notify(services)
    return result


def undo_merger(
    services: Services, actor: Actor, merger_id: int, decisions: Decisions, *, hooks: MergerHooks
) -> MergerResult:
    """decisions: about each thing that was changed since. Raises NotFound, Refusal."""
    with services.database.writing() as session:
        if not may_undo(actor, merger(session, merger_id).what):
            raise NotFound(N_("This merger does not exist."))
        result = undo(session, merger_id, services.clock.now(), actor.name, hooks=hooks, decisions=decisions)
    _notify(services)
    return result


def _notify(services: Services) -> None:
    """The handover configures receivers within seconds; the plan is made again at once."""
    services.plan()
    services.announce()
    services.accounts_changed()
