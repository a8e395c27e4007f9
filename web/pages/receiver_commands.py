"""Commands to receivers, by hand: identify, test tone, volume now, restart, self-test."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from devices.presence_states import PresenceState
from people.rights import Action
from runtime.refusal import N_
from usecases.receiver_commands import (
    command_receiver,
    self_test_everywhere,
    self_test_receiver,
    tone_everywhere,
)
from web.flash import Flash
from web.labels.receivers import SENT
from web.request_context import In, back_to, changes, tell
from web.typed_fields import Whole

router = APIRouter(include_in_schema=False)


@router.post("/receivers/{receiver_id}/do/{action}", dependencies=[changes(Action.RECEIVERS)])
def command(frame: In, receiver_id: str, action: str, volume: Annotated[Whole, Form()] = 50) -> Response:
    """action: as `usecases.receiver_commands` names it."""
    command_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id, action, volume_percent=volume)
    connected = frame.deps.presence.receiver_status(receiver_id, frame.deps.clock.now()).state is PresenceState.ONLINE
    return tell(frame, f"/receivers/{receiver_id}", SENT[action if connected else "away"], well=connected)


@router.post("/receivers/test-tone/all", dependencies=[changes(Action.RECEIVERS)])
def test_tone_for_all(frame: In) -> Response:
    tone_everywhere(frame.deps.services, frame.actor, frame.commune_id)
    return back_to(frame.request, "/receivers", Flash(N_("The clicks begin in three seconds.")))


@router.post("/receivers/{receiver_id}/self-test", dependencies=[changes(Action.RECEIVERS)])
def test_one(frame: In, receiver_id: str) -> Response:
    self_test_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id)
    return tell(frame, f"/receivers/{receiver_id}", SENT["self-test"])


@router.post("/receivers/self-test/all", dependencies=[changes(Action.RECEIVERS)])
def test_all(frame: In) -> Response:
    self_test_everywhere(frame.deps.services, frame.actor, frame.commune_id)
    return back_to(
        frame.request, "/receivers", Flash(N_("The silent test has started. Each receiver shows its result here."))
    )
