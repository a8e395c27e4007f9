"""Self-tests by hand: of one receiver, of all."""

from fastapi import APIRouter
from fastapi.responses import Response

from devices.receivers import receivers
from people.audit import Deed
from people.rights import Action
from web.labels.states import SENT
from web.pages.receivers import own_receiver
from web.request_context import In, back_to, changes, tell

router = APIRouter(include_in_schema=False)


@router.post("/receivers/{receiver_id}/self-test", dependencies=[changes(Action.RECEIVERS)])
def test_one(frame: In, receiver_id: str) -> Response:
    """Test one now."""
    with frame.deps.database.writing() as session:
        frame.note(session, Deed.RECEIVER_TESTED, own_receiver(frame, session, receiver_id).name)
    frame.deps.nightly_test.test_now(frame.commune_id, [receiver_id])
    return tell(frame, f"/receivers/{receiver_id}", SENT["self-test"])


@router.post("/receivers/self-test/all", dependencies=[changes(Action.RECEIVERS)])
def test_all(frame: In) -> Response:
    """Test all now."""
    with frame.deps.database.writing() as session:
        known = [r.id for r in receivers(session, frame.commune_id)]
        frame.note(session, Deed.RECEIVER_TESTED, str(len(known)))
    if known:
        frame.deps.nightly_test.test_now(frame.commune_id, known)
    return back_to(frame.request, "/receivers")
