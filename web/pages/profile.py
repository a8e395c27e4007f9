"""A person: how to reach them, and of which faults Loa tells them. One's own page, and that of a person one leads."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from notifications import deliveries
from notifications.channels import Channel, DeliveryFailed
from notifications.fault_groups import FaultGroup
from notifications.rules import RuleForm, rule_of
from parsing.times import parse_minute_of_day
from people.contacts import parse_contact
from people.operators import standing_of
from people.staff import Person
from runtime.refusal import N_, Refusal, at_field
from usecases.notifications import (
    person_to_reach,
    renew_webhook_key,
    send_test_message,
    set_contact,
    set_notifications,
)
from web.labels.notifications import CHANNELS, GROUPS, STATES
from web.language import LANGUAGES
from web.request_context import Frame, In, back_to, own_form
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)
_SHOWN_DELIVERIES = 10
_ALL, _SOME = "all", "some"


@router.get("/operators/{operator_id}/profile")
def page(frame: In, operator_id: RowId) -> HTMLResponse:
    return _page(frame, operator_id)


@router.post("/operators/{operator_id}/contact", dependencies=[Depends(own_form)])
def change_contact(
    frame: In,
    operator_id: RowId,
    full_name: Annotated[str, Form()] = "",
    phone: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> Response:
    set_contact(frame.deps.services, frame.actor, operator_id, parse_contact(full_name, phone, email))
    return back_to(frame.request, f"/operators/{operator_id}/profile")


@router.post("/operators/{operator_id}/notifications", dependencies=[Depends(own_form)])
def change_notifications(
    frame: In,
    operator_id: RowId,
    channels: Annotated[list[Channel] | None, Form()] = None,
    webhook_url: Annotated[str, Form()] = "",
    groups: Annotated[list[FaultGroup] | None, Form()] = None,
    communes: Annotated[list[str] | None, Form()] = None,
    where: Annotated[str, Form()] = _ALL,
    severity: Annotated[str, Form()] = _ALL,
    quiet_from: Annotated[str, Form()] = "",
    quiet_until: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = "",
) -> Response:
    """Which faults, in which communes, when and how."""
    form = RuleForm(
        channels=channels or [],
        webhook_url=webhook_url,
        groups=_chosen_groups(groups or [], channels or []),
        communes=_chosen_communes(communes or [], where),
        severe_only=severity == "severe",
        quiet_from_minute=_minute(quiet_from, "quiet_from"),
        quiet_until_minute=_minute(quiet_until, "quiet_until"),
        language=language if language in LANGUAGES else frame.t.language,
    )
    set_notifications(
        frame.deps.services, frame.actor, operator_id, form, trusted_hosts=frame.deps.settings.webhook_places
    )
    return back_to(frame.request, f"/operators/{operator_id}/profile")


@router.post("/operators/{operator_id}/notifications/test", dependencies=[Depends(own_form)])
def send_test(frame: In, operator_id: RowId, channel: Annotated[Channel, Form()]) -> HTMLResponse:
    """Says delivered, or why not as the server put it."""
    try:
        send_test_message(frame.deps.services, frame.actor, operator_id, channel, frame.t.language)
    except (DeliveryFailed, Refusal) as refusal:
        return _page(frame, operator_id, refused=refusal)
    accepted = N_("Test message sent: the server has accepted it. Look whether it has arrived.")
    return _page(frame, operator_id, good=frame.t(accepted))


@router.post("/operators/{operator_id}/webhook-key", dependencies=[Depends(own_form)])
def new_webhook_key(frame: In, operator_id: RowId) -> HTMLResponse:
    """Shown this once; the old key ends."""
    rule = renew_webhook_key(frame.deps.services, frame.actor, operator_id)
    key = frame.deps.notifier.webhook_key(operator_id, rule.key_revision)
    answer = _page(frame, operator_id, key=key)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _minute(text: str, field: str) -> int | None:
    with at_field(field):
        return parse_minute_of_day(text) if text.strip() else None


def _chosen_groups(groups: list[FaultGroup], channels: list[Channel]) -> list[FaultGroup]:
    if not groups and channels:
        raise Refusal(N_("Choose at least one kind of faults.")).at("groups")
    return [] if len(groups) == len(FaultGroup) else groups


def _chosen_communes(communes: list[str], where: str) -> list[str]:
    if where == _ALL:
        return []
    if not communes:
        raise Refusal(N_("Choose at least one commune, or all of them.")).at("communes")
    return communes


def _page(
    frame: Frame,
    operator_id: int,
    *,
    refused: Refusal | None = None,
    good: str = "",
    key: str = "",
) -> HTMLResponse:
    with frame.deps.database.session() as session:
        person = person_to_reach(session, frame.actor, operator_id)
        values, rule = _values(frame, session, person), rule_of(session, operator_id)
        last = deliveries.latest(session, operator_id, _SHOWN_DELIVERIES)
    return frame.page(
        "profile.html",
        422 if refused else 200,
        person=person,
        rule=rule,
        oneself=operator_id == frame.standing.operator_id,
        v=values,
        refused=frame.t.refusal(refused) if refused else "",
        good=good,
        key=key,
        deliveries=last,
        set_up=frame.deps.notifier.channels,
        groups=GROUPS,
        channels=CHANNELS,
        states=STATES,
    )


def _values(frame: Frame, session: Session, person: Person) -> dict[str, Any]:
    """What the forms show when nothing was typed."""
    operator = person.operator
    rule = rule_of(session, operator.number)
    _, communes = standing_of(session, operator)
    return {
        "full_name": operator.full_name,
        "phone": operator.phone,
        "email": operator.email,
        "channels": rule.channels,
        "webhook_url": rule.webhook_url,
        "groups": rule.groups.split() or list(FaultGroup),
        "communes": rule.communes.split(),
        "where": _SOME if rule.communes else _ALL,
        "severity": "severe" if rule.severe_only else "all",
        "quiet_from": _clock(rule.quiet_from_minute),
        "quiet_until": _clock(rule.quiet_until_minute),
        "language": rule.language if rule.channels else frame.t.language,
        "visible": communes,
    }


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"
