"""The banner on every page: what waits for a second person, what is in force, and who sent one alone."""

from datetime import timedelta

from markupsafe import Markup
from sqlmodel import col, select

from alerts.emergency_alerts import AlertState, EmergencyAlert
from people.rights import Action
from web.request_context import Frame

#: A message that one person sent alone is shown so long to all operators of the commune.
_ALONE_SHOWN = timedelta(hours=24)


def emergency_banner(frame: Frame) -> Markup:
    if not frame.commune_id:
        return Markup("")
    t, now = frame.t, frame.deps.clock.now()
    lines = []
    for row in frame.deps.desk.current(frame.commune_id, frame.deps.database):
        mine = row.requested_by == frame.operator.name
        if row.state(now) is AlertState.WAITING:
            if not frame.may(Action.EMERGENCY):
                continue
            sentence = (
                t("Your emergency message waits for a second person.")
                if mine
                else t("{who} asks you to confirm an emergency message.", who=row.requested_by)
            )
        elif row.is_drill:
            sentence = t("A drill is under way.")
        else:
            sentence = t("An emergency message is in force.")
        lines.append((row, sentence, "drill" if row.is_drill else "emergency"))
    shown = {row.id for row, _, _ in lines}
    for row in _sent_alone(frame):
        if row.id not in shown:
            sentence = t("{who} sent an emergency message without a second person.", who=row.confirmed_by)
            lines.append((row, sentence, "alone"))
    return Markup("").join(
        Markup('<a class="alarm {}" href="/emergency/alerts/{}"><strong>{}</strong> {}</a>').format(
            kind, row.id, sentence, _title(frame, row)
        )
        for row, sentence, kind in lines
    )


def _title(frame: Frame, row: EmergencyAlert) -> str:
    level = [frame.t("Level {n}", n=row.level)] if row.level else []
    return ", ".join([frame.t(row.title), *level])


def _sent_alone(frame: Frame) -> list[EmergencyAlert]:
    since = frame.deps.clock.now() - _ALONE_SHOWN
    query = select(EmergencyAlert).where(
        EmergencyAlert.commune_id == frame.commune_id,
        EmergencyAlert.break_glass_reason != "",
        col(EmergencyAlert.issued_at) > since,
    )
    with frame.deps.database.session() as session:
        return list(session.exec(query.order_by(col(EmergencyAlert.issued_at).desc()).limit(2)))
