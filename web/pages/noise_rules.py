"""Allowed hours: when may the commune and its zones sound, how loud at night, how many minutes?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.zones import zones
from noise.noise_rules import NoiseRules, rules_of
from people.rights import Action
from runtime.refusal import N_, NotFound
from schedules.outlook import outside_hours
from usecases.noise_rules import set_rules
from web.noise_form import clock, hours_sentences, rows_of, sent_rules
from web.rendering import zone_labels
from web.request_context import Frame, In, Reading, back_to, changes

router = APIRouter(include_in_schema=False)
#: The commune itself, where an address needs a word.
COMMUNE = "commune"


@dataclass(frozen=True)
class Place:
    """The commune or one of its zones. key: in the address. sentences: its allowed hours in words."""

    key: str
    name: str
    rules: NoiseRules | None
    sentences: list[str]


async def _sent(request: Request) -> dict[str, list[str]]:
    form = await request.form()
    return {name: [v for v in form.getlist(name) if isinstance(v, str)] for name in form}


@router.get("/allowed-hours")
def page(frame: In, session: Reading) -> HTMLResponse:
    """The rules of the commune and of each zone."""
    return frame.page(
        "allowed_hours.html",
        clock=clock,
        places=_places(frame, session),
        outside=outside_hours(session, frame.commune_id, frame.deps.clock.now()),
    )


@router.get("/allowed-hours/{key}")
def edit(frame: In, session: Reading, key: str) -> HTMLResponse:
    """The form of one place."""
    place = _place(frame, session, key)
    zone_id = "" if key == COMMUNE else key
    rules = place.rules or NoiseRules(commune_id=frame.commune_id, zone_id=zone_id)
    return frame.page(
        "allowed_hours_form.html", clock=clock, place=place, rules=rules, rows=rows_of(rules.allowed_hours)
    )


@router.post("/allowed-hours/{key}", dependencies=[changes(Action.ALLOWED_HOURS)])
def keep(frame: In, key: str, form: Annotated[Mapping[str, list[str]], Depends(_sent)]) -> Response:
    """Keep the rules of one place; receivers are told at once, and what is planned outside is withdrawn."""
    sent = sent_rules(form)
    set_rules(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        "" if key == COMMUNE else key,
        hours=sent.hours,
        night=sent.night,
        minutes_a_day=sent.minutes_a_day,
        minutes_a_week=sent.minutes_a_week,
        refuses=sent.refuses,
    )
    return back_to(frame.request, "/allowed-hours")


def _places(frame: Frame, session: Session) -> list[Place]:
    rules_of_place = rules_of(session, frame.commune_id)
    named = [(COMMUNE, frame.commune.name), *zone_labels(zones(session, frame.commune_id)).items()]
    places = []
    for key, name in named:
        rules = rules_of_place.get("" if key == COMMUNE else key)
        sentences = hours_sentences(frame.wording, rules.allowed_hours) if rules else []
        places.append(Place(key, name, rules, sentences))
    return places


def _place(frame: Frame, session: Session, key: str) -> Place:
    for place in _places(frame, session):
        if place.key == key:
            return place
    raise NotFound(N_("Zone {id} does not exist."), id=key[:80])
