"""`loa clock`: shows a step of the controller's clock that waits for an answer, and answers it."""

from pathlib import Path

import click

from loa.schema import open_database
from runtime.clock import ControllerClock
from runtime.clock_steps import StepAnswer, StepState, waiting_step
from runtime.refusal import Refusal
from runtime.settings import load_settings
from usecases.actors import CONTROLLER
from usecases.clock_steps import answer_clock_step
from usecases.services import Services

#: The name in the audit of a person who has the machine itself.
TYPED = CONTROLLER.named("loa clock")


@click.command(help="Show whether the controller asks which time is right, and answer: follow the new, keep the old.")
@click.argument("answer", required=False, type=click.Choice([a.value for a in StepAnswer]))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
def clock(answer: str | None, data: Path | None) -> None:
    """Changes the tables directly; a running controller acts within a second."""
    try:
        database = open_database(load_settings(**({"data_dir": data} if data else {})))
        with database.session() as session:
            step = waiting_step(session)
        if step is None:
            click.echo("The controller does not ask about its clock.")
        elif answer is None:
            what = "was changed" if step.state == StepState.ASKED else "is wrong since the start"
            click.echo(f"The clock {what}: {step.before_at} → {step.after_at}. Answer with: loa clock follow|keep")
        else:
            services = Services(database, ControllerClock())
            answer_clock_step(services, TYPED, "", step.number, StepAnswer(answer))
            click.echo(f"Answered: {answer}. The controller acts on it within a second.")
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
