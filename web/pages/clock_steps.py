"""What a person answers to a step of the controller's clock, shown on the first page."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from people.rights import Action
from runtime.clock_steps import StepAnswer
from usecases.clock_steps import answer_clock_step, dismiss_clock_step
from web.request_context import In, back_to, changes
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.post("/clock-steps/{number}/answer", dependencies=[changes(Action.RECEIVERS)])
def answer(frame: In, number: RowId, answer: Annotated[StepAnswer, Form()]) -> Response:
    answer_clock_step(frame.deps.services, frame.actor, frame.commune_id, number, answer)
    return back_to(frame.request, "/")


@router.post("/clock-steps/{number}/dismiss", dependencies=[changes(Action.RECEIVERS)])
def dismiss(frame: In, number: RowId) -> Response:
    dismiss_clock_step(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/")
