"""What follows by itself: the words of a message typed at that moment, once they are spoken; and drills by schedule."""

import logging
from datetime import datetime, timedelta

from sqlmodel import col, select, update

from alerts.alert_settings import AlertSettings, alert_settings
from alerts.desk import EmergencyDesk
from alerts.drill_dates import last_due
from alerts.emergency_alerts import AlertState, EmergencyAlert, may_be_current
from alerts.templates import REPEATS, message_of
from alerts.texts import DRILL, ENGLISH, VIETNAMESE, standard_texts
from broadcast.broadcasts import Broadcast
from broadcast.clips import Field
from broadcast.ingest_jobs import JobState, job
from broadcast.speech_ingest import SpeechIngest
from devices.communes import commune
from people.rights import Action
from runtime.refusal import Refusal
from speech.orders import SpeechOrder
from speech.voices import ENGLISH_VOICE
from usecases.actors import CONTROLLER, Actor
from usecases.broadcasts import put_on_air_in
from usecases.emergencies import EmergencyOrder, start_emergency
from usecases.services import Services
from wire.broadcasts import BroadcastClass, Targets

log = logging.getLogger(__name__)

#: Within its class the words come before the siren and the introduction, which they follow.
_PRECEDENCE = 1
_TITLE = "Thông báo khẩn"
#: A controller that was away at that time does not make up for a drill.
_LATE = timedelta(minutes=10)


class EmergencyFollowUp:
    """`speak_free_messages` and `start_due_drills` are called at intervals, each by one thread at a time."""

    def __init__(self, services: Services, desk: EmergencyDesk, speech: SpeechIngest) -> None:
        self._services, self._desk, self._speech = services, desk, speech
        self._jobs: dict[str, str] = {}

    def speak_free_messages(self) -> datetime | None:
        """Returns when to look again although nothing is committed."""
        now = self._services.clock.now()
        query = select(EmergencyAlert).where(
            EmergencyAlert.message_id == "",
            col(EmergencyAlert.expires_at) > now,
            (EmergencyAlert.free_text != "")
            | (EmergencyAlert.free_english != "")
            | (EmergencyAlert.free_clip_id != "")
            | (EmergencyAlert.free_job_id != ""),
        )
        with self._services.database.session() as session:
            rows = [row for row in session.exec(query) if row.state(now) is AlertState.SENT]
        for row in rows:
            try:
                self._follow(row, now)
            except Refusal as refusal:
                log.error("the words of alert %s cannot be sent: %s", row.id, refusal)
                self._keep(row, message_id="refused")
        return self._say_again(now)

    def _say_again(self, now: datetime) -> datetime | None:
        """The words of what is repeated until it is ended, when they are over. Returns when the next are."""
        query = (
            select(EmergencyAlert, Broadcast)
            .join(Broadcast, col(Broadcast.id) == EmergencyAlert.message_id)
            .where(EmergencyAlert.repeats == 0, may_be_current(now))
        )
        with self._services.database.session() as session:
            said = list(session.exec(query))
        for row, words in said:
            if words.ends_at <= now and words.clip_id:
                self._put_on_air(row, words.clip_id, now, after=words.id)
        return min((words.ends_at for _, words in said if words.ends_at > now), default=None)

    def start_due_drills(self) -> None:
        now = self._services.clock.now()
        with self._services.database.session() as session:
            scheduled = session.exec(select(AlertSettings).where(AlertSettings.drill_week > 0)).all()
            due = [(s, at) for s in scheduled if (at := last_due(s, commune(session, s.commune_id), now)) is not None]
        for settings, at in due:
            if (settings.drilled_at is None or settings.drilled_at < at) and self._claim(settings, at):
                self._drill(settings, is_late=now - at > _LATE)

    def _follow(self, row: EmergencyAlert, now: datetime) -> None:
        clip_id = row.free_clip_id or self._clip_of(row)
        if clip_id:
            self._put_on_air(row, clip_id, now)

    def _put_on_air(self, row: EmergencyAlert, clip_id: str, now: datetime, *, after: str = "") -> None:
        """after: the broadcast that has said it the last time."""
        actor = Actor(row.confirmed_by or row.requested_by, allowed=frozenset({Action.ON_AIR, Action.EMERGENCY}))
        class_ = BroadcastClass.PRIORITY if row.is_drill else BroadcastClass.EMERGENCY
        with self._services.database.writing() as session:
            kept = session.get_one(EmergencyAlert, row.id)
            if kept.message_id != after or self._desk.alert(row.commune_id, row.id).ended_at is not None:
                return  # called back while it was being spoken
            broadcast = put_on_air_in(
                session,
                actor,
                row.commune_id,
                targets=row.audience,
                class_=class_,
                now=now,
                clip_id=clip_id,
                precedence=_PRECEDENCE,
            )
            kept.message_id = broadcast.id
            session.add(kept)
        self._services.announce()

    def _clip_of(self, row: EmergencyAlert) -> str:
        """The clip of the recording or the text, "" while it is being made. Raises Refusal when it cannot be."""
        if row.id not in self._jobs and row.free_job_id:
            self._jobs[row.id] = row.free_job_id
        if row.id not in self._jobs:
            with self._services.database.session() as session:
                voice = alert_settings(session, row.commune_id).voice
            self._jobs[row.id] = self._speech.begin(
                row.commune_id,
                _TITLE,
                _words(row, voice),
                by=row.requested_by,
                field=int(Field.UNEXPECTED),
                replaces=None,
            )
        with self._services.database.session() as session:
            made = job(session, self._jobs[row.id])
        if made.state in (JobState.REFUSED, JobState.INTERRUPTED) and made.why is not None:
            raise made.why
        return made.clip_id or ""

    def _keep(self, row: EmergencyAlert, *, message_id: str) -> None:
        with self._services.database.writing() as session:
            kept = session.get_one(EmergencyAlert, row.id)
            kept.message_id = message_id
            session.add(kept)

    def _claim(self, settings: AlertSettings, at: datetime) -> bool:
        table = AlertSettings
        not_done = (col(table.drilled_at).is_(None)) | (col(table.drilled_at) < at)
        claim = update(table).where(col(table.commune_id) == settings.commune_id, not_done).values(drilled_at=at)
        with self._services.database.writing() as session:
            return session.connection().execute(claim).rowcount == 1

    def _drill(self, settings: AlertSettings, *, is_late: bool) -> None:
        if is_late:
            log.warning("the drill of %s was due while Loa was not running", settings.commune_id)
            return
        order = EmergencyOrder(
            message_of(settings.drill_template),
            Targets(all=True),
            is_drill=True,
            is_silent=settings.drill_is_silent,
            source="schedule",
        )
        try:
            start_emergency(self._desk, CONTROLLER, settings.commune_id, order)
        except Refusal as refusal:
            log.error("the drill of %s could not be started: %s", settings.commune_id, refusal)


def _words(row: EmergencyAlert, voice: str) -> SpeechOrder:
    """Of a free message; a drill says before and after each language that it is one."""
    texts = {VIETNAMESE: row.free_text, ENGLISH: row.free_english}
    if row.is_drill:
        drill = dict(zip(texts, standard_texts()[DRILL], strict=True))
        texts = {tag: f"{drill[tag]}\n{text}\n{drill[tag]}" if text else "" for tag, text in texts.items()}
    if not texts[VIETNAMESE]:
        return SpeechOrder(texts[ENGLISH], ENGLISH_VOICE.id, repeats=REPEATS)
    return SpeechOrder(texts[VIETNAMESE], voice, english=texts[ENGLISH], repeats=REPEATS)
