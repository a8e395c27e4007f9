"""How a commune handles emergencies: its settings, and the texts and recordings of its prepared messages."""

from alerts import alert_settings as settings_table
from alerts import alert_sounds
from alerts.alert_settings import AlertSettings, alert_settings
from alerts.alert_sounds import AlertSoundRow
from alerts.templates import message_of
from alerts.texts import standard_texts
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound
from speech.engines import Engines
from usecases.actors import Actor
from usecases.services import Services


def set_alert_settings(
    services: Services,
    actor: Actor,
    engines: Engines,
    commune_id: str,
    *,
    english: bool,
    voice: str,
    confirm_within_s: int,
    drill_week: int,
    drill_weekday: int,
    drill_minute: int,
    drill_is_silent: bool,
    drill_template: int,
    trigger_template: int,
    trigger_ends_on_release: bool,
    sms_after_s: int,
    sms_is_automatic: bool,
    sms_price_vnd: int,
) -> None:
    """Raises NotAllowed, Refusal, Superseded."""
    actor.need(Action.EMERGENCY, commune_id)
    engines.voice(voice)
    with services.database.writing() as session:
        actor.check_shown(session, alert_settings(session, commune_id))
        row = settings_table.set_alert_settings(
            session,
            commune_id,
            english=english,
            voice=voice,
            confirm_within_s=confirm_within_s,
            drill_week=drill_week,
            drill_weekday=drill_weekday,
            drill_minute=drill_minute,
            drill_is_silent=drill_is_silent,
            drill_template=drill_template,
        )
        settings_table.set_trigger(
            session, commune_id, template=trigger_template, ends_on_release=trigger_ends_on_release
        )
        settings_table.set_sms_settings(
            session, commune_id, after_s=sms_after_s, is_automatic=sms_is_automatic, price_vnd=sms_price_vnd
        )
        sms = f"SMS {'auto' if sms_is_automatic else '–'} {sms_after_s} s, {sms_price_vnd} đ"
        detail = f"{row.languages}, {row.voice}, {row.confirm_within_s} s, {sms}, {_trigger(row)}"
        actor.note(session, services.clock.now(), commune_id, Deed.ALERT_SETTINGS_SET, detail, about=row)


def change_alert_sound(
    services: Services, actor: Actor, commune_id: str, number: int, language: str, *, text: str, clip_id: str
) -> AlertSoundRow:
    """text: "" for the standard one. clip_id: a recording in place of the voice, "" for none.

    Raises NotAllowed, NotFound, Refusal, Superseded.
    """
    actor.need(Action.EMERGENCY, commune_id)
    if number not in standard_texts():
        raise NotFound(N_("This emergency message no longer exists."))
    with services.database.writing() as session:
        actor.check_shown(session, alert_sounds.sound_row(session, commune_id, number, language))
        row = alert_sounds.change_sound(session, commune_id, number, language, text=text, clip_id=clip_id)
        detail = row.text or standard_texts()[number][0]
        actor.note(session, services.clock.now(), commune_id, Deed.ALERT_SOUND_CHANGED, detail, about=row)
        return row


def _trigger(row: AlertSettings) -> str:
    """What a key switch starts, for the audit."""
    if not row.trigger_template:
        return "key switch: –"
    message = message_of(row.trigger_template)
    return f"key switch: {message.hazard} {message.level or ''}".rstrip()
