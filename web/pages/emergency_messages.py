"""Prepared emergency messages: their texts, voice and recordings; and how the commune handles emergencies."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from alerts import texts
from alerts.alert_settings import (
    LEAST_CONFIRM_S,
    LEAST_SMS_AFTER_S,
    MOST_CONFIRM_S,
    MOST_SMS_AFTER_S,
    STORM,
    alert_settings,
)
from alerts.alert_sounds import LONGEST_TEXT, AlertSoundRow, WantedSound, wanted_sounds
from alerts.hazards import HAZARD_NAMES, Hazard
from alerts.templates import messages
from devices.receivers import receivers
from parsing.times import parse_minute_of_day
from people.rights import Action
from runtime.refusal import N_, at_field
from usecases.alert_settings import change_alert_sound, set_alert_settings
from web.clip_list import clip_choices
from web.flash import Flash
from web.request_context import In, Reading, back_to, changes
from web.typed_fields import Whole

router = APIRouter(include_in_schema=False)

_PAGE = "/emergency/messages"
_COMMON = {
    texts.ATTENTION: N_("Begins every message"),
    texts.DRILL: N_("Begins and ends every drill"),
    texts.FREE_INTRODUCTION: N_("Before a message typed at that moment"),
    texts.CANCEL: N_("Calls a message back"),
    texts.ALL_CLEAR: N_("All-clear"),
    texts.WITHDRAWN: N_("When an authority withdraws its alert"),
    texts.DRILL_END: N_("Ends a drill"),
}


@dataclass(frozen=True)
class MessageGroup:
    """title: message id. sounds: with the table's row, which a form's revision is made of."""

    title: str
    sounds: list[WantedSound]


@router.get(_PAGE)
def page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page(
        "emergency_messages.html",
        groups=_groups(session, frame.commune_id),
        settings=alert_settings(session, frame.commune_id),
        voices=frame.deps.speech.engines.voices().voices,
        clips=clip_choices(session, frame.commune_id, "", ""),
        least=LEAST_CONFIRM_S,
        most=MOST_CONFIRM_S,
        longest=LONGEST_TEXT,
        choices=[message for message in messages() if message.hazard is not None],
        sms_is_set_up=frame.deps.desk.sms.is_set_up,
        with_phone=sum(bool(r.alert_phone) for r in receivers(session, frame.commune_id)),
        least_sms_s=LEAST_SMS_AFTER_S,
        most_sms_s=MOST_SMS_AFTER_S,
        row_of=lambda sound: (
            sound.row or AlertSoundRow(commune_id=frame.commune_id, sound_number=sound.number, language=sound.language)
        ),
    )


@router.post("/emergency/settings", dependencies=[changes(Action.EMERGENCY)])
def change_settings(
    frame: In,
    voice: Annotated[str, Form()] = "",
    english: Annotated[str, Form()] = "",
    confirm_within_s: Annotated[Whole, Form()] = 180,
    drill_week: Annotated[Whole, Form()] = 0,
    drill_weekday: Annotated[Whole, Form()] = 0,
    drill_time: Annotated[str, Form()] = "09:00",
    drill_is_silent: Annotated[str, Form()] = "",
    drill_template: Annotated[Whole, Form()] = STORM,
    trigger_template: Annotated[Whole, Form()] = 0,
    trigger_ends_on_release: Annotated[str, Form()] = "",
    sms_after_s: Annotated[Whole, Form()] = 10,
    sms_is_automatic: Annotated[str, Form()] = "",
    sms_price_vnd: Annotated[Whole, Form()] = 0,
) -> Response:
    with at_field("drill_time"):
        minute = parse_minute_of_day(drill_time)
    set_alert_settings(
        frame.deps.services,
        frame.actor,
        frame.deps.speech.engines,
        frame.commune_id,
        english=bool(english),
        voice=voice,
        confirm_within_s=confirm_within_s,
        drill_week=drill_week,
        drill_weekday=drill_weekday,
        drill_minute=minute,
        drill_is_silent=bool(drill_is_silent),
        drill_template=drill_template,
        trigger_template=trigger_template,
        trigger_ends_on_release=bool(trigger_ends_on_release),
        sms_after_s=sms_after_s,
        sms_is_automatic=bool(sms_is_automatic),
        sms_price_vnd=sms_price_vnd,
    )
    frame.deps.alarms.run_soon("alert books")
    return back_to(frame.request, _PAGE)


@router.post("/emergency/messages/{number}/{language}", dependencies=[changes(Action.EMERGENCY)])
def change_message(
    frame: In, number: int, language: str, text: Annotated[str, Form()] = "", clip: Annotated[str, Form()] = ""
) -> Response:
    change_alert_sound(frame.deps.services, frame.actor, frame.commune_id, number, language, text=text, clip_id=clip)
    frame.deps.alarms.run_soon("alert books")
    return back_to(frame.request, _PAGE, Flash(N_("Saved. The receivers fetch the new sound in the next minutes.")))


def _groups(session: Session, commune_id: str) -> list[MessageGroup]:
    by_number: dict[int, list[WantedSound]] = {}
    for sound in wanted_sounds(session, commune_id):
        by_number.setdefault(sound.number, []).append(sound)
    common = [MessageGroup(title, by_number[number]) for number, title in _COMMON.items()]
    hazards = [
        MessageGroup(name, [*by_number[texts.danger_sound(hazard)], *by_number[texts.advice_sound(hazard)]])
        for hazard, name in ((hazard, HAZARD_NAMES[hazard]) for hazard in Hazard)
    ]
    return hazards + common
