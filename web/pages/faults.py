"""Faults: what must be mended, and has everybody seen it?"""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from devices import fault_latches
from devices.faults import FaultKey
from devices.receivers import receivers
from people.rights import Action
from runtime.refusal import N_, NotFound
from usecases.faults import acknowledge_fault, reset_fault
from web.flash import FLASH_COOKIE, KEPT_S, Flash, commune_shown, packed
from web.labels.faults import LATCHES, fault_words
from web.request_context import Frame, In, Reading, back_to, changes, set_commune_cookie
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.get("/faults")
def page(frame: In, session: Reading, commune: str = "") -> Response:
    """All that are not reset, of the commune. commune: of a fault message, which may be about another one."""
    if commune and commune != frame.commune_id:
        return _open_commune(frame, commune, "/faults")
    receiver_by_id = {r.id: r for r in receivers(session, frame.commune_id)}
    part = frame.request.headers.get("hx-target") == "faults"
    return frame.page(
        "_faults.html" if part else "faults.html",
        receivers=receiver_by_id,
        latches=fault_latches.latches(session, list(receiver_by_id), frame.commune_id),
        words=LATCHES,
        fault_words=lambda fault: fault_words(frame, fault),
    )


@router.post("/faults/{receiver_id}/{fault}/acknowledge", dependencies=[changes(Action.FAULTS)])
def acknowledge(frame: In, receiver_id: str, fault: str) -> Response:
    """A person has seen it and takes care of it."""
    return _acknowledge(frame, FaultKey(fault, receiver_id))


@router.post("/faults/{receiver_id}/{fault}/reset", dependencies=[changes(Action.FAULTS)])
def reset(frame: In, receiver_id: str, fault: str) -> Response:
    return _reset(frame, FaultKey(fault, receiver_id))


@router.post("/commune-faults/{number}/acknowledge", dependencies=[changes(Action.FAULTS)])
def acknowledge_of_commune(frame: In, number: RowId) -> Response:
    """The same for a fault of the commune itself, by the number of its newest row."""
    return _acknowledge(frame, number)


@router.post("/commune-faults/{number}/reset", dependencies=[changes(Action.FAULTS)])
def reset_of_commune(frame: In, number: RowId) -> Response:
    return _reset(frame, number)


def _acknowledge(frame: Frame, key: FaultKey | int) -> Response:
    acknowledge_fault(frame.deps.services, frame.actor, frame.commune_id, key)
    return back_to(frame.request, "/faults", Flash(N_("Fault acknowledged.")))


def _reset(frame: Frame, key: FaultKey | int) -> Response:
    reset_fault(frame.deps.services, frame.actor, frame.commune_id, key)
    return back_to(frame.request, "/faults", Flash(N_("Fault reset.")))


def _open_commune(frame: Frame, commune_id: str, path: str) -> Response:
    """Show a page of another commune from now on. Raises NotFound for one that this person may not see."""
    chosen = next((c for c in frame.communes if c.id == commune_id), None)
    if chosen is None:
        raise NotFound(N_("Commune {id} does not exist."), id=commune_id[:80])
    answer = RedirectResponse(path, status_code=303)
    set_commune_cookie(answer, chosen.id)
    cookie = packed(commune_shown(chosen.name), frame.deps.session_key)
    answer.set_cookie(FLASH_COOKIE, cookie, max_age=KEPT_S, samesite="lax", httponly=True)
    return answer
