"""Steps of the controller's clock: say which time is right, dismiss the message. The controller acts in a second."""

from people.audit import Deed
from people.rights import Action
from runtime import clock_steps
from runtime.clock_steps import StepAnswer, StepState
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.services import Services


def answer_clock_step(services: Services, actor: Actor, commune_id: str, number: int, answer: StepAnswer) -> None:
    """commune_id: where the person has the right; "" at the machine. Raises NotAllowed, NotFound, Refusal."""
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        step = clock_steps.clock_step(session, number)
        actor.check_shown(session, step)
        if not step.waits:
            raise Refusal(N_("This question about the clock is already settled. Open the page On air again."))
        if step.state == StepState.DOUBTED and answer is StepAnswer.KEEP:
            raise Refusal(N_("Loa cannot know the right time by itself. Set the clock of the server."))
        step.answer, step.answered_by = answer.value, actor.name
        session.add(step)
        deed = Deed.CLOCK_FOLLOWED if answer is StepAnswer.FOLLOW else Deed.CLOCK_KEPT
        detail = f"{step.before_at.isoformat(timespec='seconds')} → {step.after_at.isoformat(timespec='seconds')}"
        actor.note(session, services.clock.now(), commune_id, deed, detail, about=step)


def dismiss_clock_step(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Dismissing a message twice changes nothing. Raises NotAllowed, NotFound."""
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        step = clock_steps.clock_step(session, number)
        if not step.waits:
            step.dismissed = True
            session.add(step)
