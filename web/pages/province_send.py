"""For the province's own people: put a bulletin out in all or some communes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from devices.communes import Commune
from people.rights import Action, may
from province.bulletin_broadcast import send_bulletin
from runtime.refusal import N_, Refusal
from usecases.clips import clip_of
from web.clip_list import MOST_CHOICES, clip_choices
from web.labels.broadcasts import CLASSES
from web.request_context import Frame, In, Reading, changes
from web.targets import class_from
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)


@router.get("/province/send")
def page(frame: In, session: Reading, find: str = "") -> HTMLResponse:
    """Which recording, as what class, where. find: recordings to choose from."""
    frame.need(Action.SEND_DOWN)
    listed = clip_choices(session, frame.commune_id, find)
    return frame.page(
        "bulletin_form.html",
        clips=listed,
        searchable=bool(find) or len(listed) == MOST_CHOICES,
        find=find,
        chosen="",
        prefix="",
        choices=_choices(frame),
    )


@router.post("/province/send", dependencies=[changes(Action.SEND_DOWN)])
def do_send(
    frame: In,
    class_: Annotated[BroadcastClass, Depends(class_from)],
    clip: Annotated[str, Form()] = "",
    where: Annotated[str, Form()] = "all",
    communes: Annotated[list[str] | None, Form()] = None,
) -> HTMLResponse:
    """Send it, and say what became of it in each commune."""
    chosen = _choices(frame)
    if where != "all":
        named = set(communes or [])
        if named - {c.id for c in chosen}:
            raise Refusal(N_("One of these communes does not belong to your province."))
        chosen = [c for c in chosen if c.id in named]
    if not clip:
        raise Refusal(N_("Choose a recording."))
    with frame.deps.database.session() as session:
        row = clip_of(session, frame.commune_id, clip)
    sent = send_bulletin(frame.deps.services, frame.actor, clip, chosen, class_, frame.deps.exchange.wake)
    return frame.page("bulletin_result.html", sent=sent, title=row.title, class_=class_.value, classes=CLASSES)


def _choices(frame: Frame) -> list[Commune]:
    """The communes where who asks may."""
    return [c for c in frame.communes if may(frame.standing, Action.SEND_DOWN, c.id)]
