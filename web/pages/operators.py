"""Operators: who works with Loa here, and what may each do?"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.communes import Commune
from devices.provinces import provinces
from people import staff
from people.audit import Deed
from people.operators import add_operator, renew_password
from people.rights import Action, Role
from people.staff import COMMUNE_ROLES, Person
from runtime.refusal import N_, Refusal
from web.access import close_sessions
from web.labels.people import ROLE_NAMES, ROLES
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of

router = APIRouter(include_in_schema=False)
#: Above the communes: nothing. A word, since an empty field of a form counts as none sent.
NOTHING = "none"


async def roles_from(request: Request) -> dict[str, Role | None]:
    """What the form says of each commune: `role <id>`, and one more in `commune` and `role`. Raises Refusal."""
    form = await request.form()
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    found = {name.removeprefix("role "): _role(word) for name, word in sent.items() if name.startswith("role ")}
    if sent.get("commune"):
        found[sent["commune"]] = _role(sent.get("role", ""))
    return found


@router.get("/operators")
def page(frame: In, session: Reading) -> HTMLResponse:
    """Those whom one may appoint."""
    frame.need(Action.OPERATORS)
    return renderer_of(frame.request).page(
        frame, "operators.html", rows=staff.staff(session, frame.standing), names=_names(frame), role_names=ROLE_NAMES
    )


@router.get("/operators/new")
def new(frame: In, session: Reading) -> HTMLResponse:
    """The form for somebody new."""
    frame.need(Action.OPERATORS)
    return _form(frame, session, None)


@router.post("/operators", dependencies=[changes(Action.OPERATORS)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    roles: Annotated[dict[str, Role | None], Depends(roles_from)],
    above: Annotated[str, Form()] = NOTHING,
) -> HTMLResponse:
    """Somebody new, with a one-time password that is shown this once."""
    if above == NOTHING and not any(roles.values()):
        raise Refusal(N_("Choose the person's role in the commune."))
    with frame.deps.database.writing() as session:
        added, password = add_operator(session, name, frame.deps.clock.now())
        person = Person(added, {}, "")
        if above != NOTHING:
            _set_above(frame, session, person, above)
        given = {c: role for c, role in roles.items() if role is not None}
        for commune_id, role in given.items():
            staff.set_role(session, frame.standing, person, commune_id, role)
        for commune_id, what in _said(frame, given, above if above != NOTHING else ""):
            frame.note(session, Deed.OPERATOR_ADDED, f"{added.name}: {what}", commune_id)
    return _password(frame, added.name, password, added.number)


@router.get("/operators/{operator_id}")
def one(frame: In, session: Reading, operator_id: int) -> HTMLResponse:
    """One: what this person may do where."""
    frame.need(Action.OPERATORS)
    return _form(frame, session, staff.member(session, frame.standing, operator_id))


@router.post("/operators/{operator_id}", dependencies=[changes(Action.OPERATORS)])
def change(
    frame: In,
    operator_id: int,
    roles: Annotated[dict[str, Role | None], Depends(roles_from)],
    above: Annotated[str | None, Form()] = None,
) -> Response:
    """Keep what this person may do where; it holds from the next page they open."""
    with frame.deps.database.writing() as session:
        person = staff.member(session, frame.standing, operator_id)
        if above is not None and above != _above(person):
            _set_above(frame, session, person, above)
            for commune_id, what in _said(frame, {}, above):
                frame.note(session, Deed.OPERATOR_CHANGED, f"{person.operator.name}: {what}", commune_id)
        changed = {c: role for c, role in roles.items() if person.roles.get(c) != role}
        for commune_id, role in changed.items():
            staff.set_role(session, frame.standing, person, commune_id, role)
        for commune_id, what in _said(frame, changed, ""):
            frame.note(session, Deed.OPERATOR_CHANGED, f"{person.operator.name}: {what}", commune_id)
        left = {**person.roles, **roles}
        if not any(left.values()) and not person.operator.admin and person.operator.province_id is None:
            raise Refusal(N_("This would leave the person without any rights. Retire the person instead."))
    return back_to(frame.request, f"/operators/{operator_id}")


@router.post("/operators/{operator_id}/password", dependencies=[changes(Action.OPERATORS)])
def new_password(frame: In, operator_id: int) -> HTMLResponse:
    """A new one-time password, shown this once; wherever this person is signed in, that ends."""
    with frame.deps.database.writing() as session:
        person = staff.member(session, frame.standing, operator_id)
        staff.check_new_password(session, frame.standing, person)
        password = renew_password(session, person.operator)
        close_sessions(session, person.operator.number)
        _note(frame, session, Deed.PASSWORD_RENEWED, person)
    return _password(frame, person.operator.name, password, operator_id)


@router.post("/operators/{operator_id}/retire", dependencies=[changes(Action.OPERATORS)])
def do_retire(frame: In, operator_id: int) -> Response:
    """No more signing in."""
    with frame.deps.database.writing() as session:
        person = staff.member(session, frame.standing, operator_id)
        staff.retire_operator(session, frame.standing, person, frame.deps.clock.now())
        close_sessions(session, person.operator.number)
        _note(frame, session, Deed.OPERATOR_RETIRED, person)
    return back_to(frame.request, "/operators")


@router.post("/operators/{operator_id}/restore", dependencies=[changes(Action.OPERATORS)])
def do_restore(frame: In, operator_id: int) -> Response:
    """May sign in again."""
    with frame.deps.database.writing() as session:
        person = staff.member(session, frame.standing, operator_id)
        staff.restore_operator(session, frame.standing, person)
        _note(frame, session, Deed.OPERATOR_RESTORED, person)
    return back_to(frame.request, f"/operators/{operator_id}")


def _role(word: str) -> Role | None:
    if not word:
        return None
    if word not in list(COMMUNE_ROLES):
        raise Refusal(N_("Choose the person's role in the commune."))
    return Role(word)


def _above(person: Person) -> str:
    """What the form calls what somebody is above the communes: "admin", a province's id, or NOTHING."""
    return "admin" if person.operator.admin else str(person.operator.province_id or NOTHING)


def _set_above(frame: Frame, session: Session, person: Person, above: str) -> None:
    known = {str(p.number): p.number for p in provinces(session)}
    if above not in (NOTHING, "admin", *known):
        raise Refusal(N_("Choose a province from the list."))
    staff.set_above(session, frame.standing, person, admin=above == "admin", province_id=known.get(above))


def _led(frame: Frame, session: Session) -> list[Commune]:
    led = staff.led_by(session, frame.standing)
    return [c for c in frame.communes if c.id in led]


def _names(frame: Frame) -> dict[str, str]:
    return {c.id: c.name for c in frame.communes}


def _said(frame: Frame, roles: Mapping[str, Role | None], above: str) -> list[tuple[str, str]]:
    """For the log: in which commune somebody became what. What is above the communes stands under none."""
    said = [(c, frame.t(ROLE_NAMES[role]) if role else "-") for c, role in roles.items()]
    return [*said, *([("", frame.t(N_("Loa administrator")) if above == "admin" else above)] if above else [])]


def _note(frame: Frame, session: Session, deed: Deed, person: Person) -> None:
    for commune_id in person.roles or [""]:
        frame.note(session, deed, person.operator.name, commune_id)


def _form(frame: Frame, session: Session, person: Person | None) -> HTMLResponse:
    led, standing = _led(frame, session), frame.standing
    offered = [p for p in provinces(session) if standing.admin or p.id == standing.province_id]
    held = person.roles if person else {}
    return renderer_of(frame.request).page(
        frame,
        "operator.html",
        person=person,
        led=[c for c in led if c.id in held],
        free=[c for c in led if c.id not in held],
        elsewhere=len(set(held) - {c.id for c in led}),
        roles={role.value: ROLES[role] for role in COMMUNE_ROLES},
        role_names=ROLE_NAMES,
        provinces=offered,
        above=_above(person) if person else NOTHING,
        in_hand=person is None or staff.in_hand(session, standing, person),
        oneself=person is not None and person.operator.id == standing.operator_id,
    )


def _password(frame: Frame, name: str, password: str, operator_id: int) -> HTMLResponse:
    page = renderer_of(frame.request).page(
        frame, "one_time_password.html", name=name, password=password, operator_id=operator_id
    )
    page.headers["Cache-Control"] = "no-store"
    return page
