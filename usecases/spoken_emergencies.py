"""Emergencies from a text: read aloud as a recording, then put on air. A drill is a priority broadcast that says so.

Each step begins from the row, so that a restart goes on where the last one ended.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast import broadcasts
from broadcast.ingest_jobs import JobState, job
from broadcast.planning import check_reached
from broadcast.speech_ingest import SpeechIngest
from cap.emergencies import CapEmergency
from cap.spoken_emergencies import SpokenEmergency, SpokenState, spoken_under_way, spoken_with_reference
from devices.receivers import reached_by
from runtime.refusal import N_, Refusal, as_text
from speech.orders import SpeechOrder
from usecases.actors import CAP
from usecases.broadcasts import put_on_air_in, stop_in
from usecases.services import Services
from wire.broadcasts import BroadcastClass

log = logging.getLogger(__name__)

_REPEATS = 3
_DRILL = "Đây là diễn tập. Đây không phải báo động thật."


class SpokenEmergencies:
    """`cap.emergencies.EmergencyStarter` with the parts that read texts aloud and put recordings on air."""

    def __init__(self, services: Services, speech: SpeechIngest, wake: Callable[[], None] = lambda: None) -> None:
        """wake: to make `step` run soon."""
        self._services, self._speech, self._wake = services, speech, wake

    def start_in(self, session: Session, order: CapEmergency, now: datetime) -> str:
        """Raises Refusal when nobody would hear it, or no voice reads its language."""
        known = spoken_with_reference(session, order.reference)
        if known is not None:
            return known.id
        check_reached(reached_by(session, order.commune_id, order.targets))
        self._speech_order(order)
        row = SpokenEmergency(
            id=secrets.token_hex(8), reference=order.reference, order=msgspec.json.encode(order), ordered_at=now
        )
        session.add(row)
        session.flush()
        return row.id

    def stop_in(self, session: Session, emergency_id: str, now: datetime, *, by: str) -> None:
        row = session.get(SpokenEmergency, emergency_id)
        if row is None or row.state in (SpokenState.STOPPED, SpokenState.FAILED):
            return
        if row.broadcast_id:
            place = broadcasts.broadcast(session, row.broadcast_id).commune_id  # a merger may have moved it
            stop_in(session, CAP.named(by), place, row.broadcast_id, now, cause="by_alert")
        row.state = SpokenState.STOPPED.value
        session.add(row)

    def notify(self) -> None:
        self._services.announce()
        self._wake()

    def step(self) -> datetime | None:
        """Take each one under way a step on. Returns None: a commit makes the next step due."""
        with self._services.database.session() as session:
            rows = spoken_under_way(session)
        for row in rows:
            try:
                self._speak(row) if row.state == SpokenState.ORDERED else self._air(row)
            except Refusal as refusal:
                log.error("emergency %s not on air: %s", row.id, refusal)
                with self._services.database.writing() as session:
                    failed = session.get_one(SpokenEmergency, row.id)
                    if failed.state != SpokenState.STOPPED:
                        failed.state, failed.why = SpokenState.FAILED.value, as_text(refusal)
                        session.add(failed)
        return None

    def _speak(self, row: SpokenEmergency) -> None:
        order = row.content
        job_id = self._speech.begin(
            order.commune_id, order.title, self._speech_order(order), by=order.by, field=2, replaces=None
        )
        with self._services.database.writing() as session:
            current = session.get_one(SpokenEmergency, row.id)
            if current.state == SpokenState.ORDERED:
                current.state, current.job_id = SpokenState.SPEAKING.value, job_id
                session.add(current)

    def _air(self, row: SpokenEmergency) -> None:
        with self._services.database.writing() as session:
            current, spoken = session.get_one(SpokenEmergency, row.id), job(session, row.job_id)
            if current.state != SpokenState.SPEAKING or not spoken.finished:
                return
            now, order = self._services.clock.now(), current.content
            if spoken.state != JobState.READY or spoken.clip_id is None:
                raise spoken.why or Refusal(N_("The text of this alert could not be read aloud."))
            if now >= order.expires_at:
                raise Refusal(N_("This alert is over: its time ended. It does not sound any more."))
            broadcast = put_on_air_in(
                session,
                CAP.named(order.by),
                spoken.commune_id,
                targets=order.targets,
                class_=BroadcastClass.PRIORITY if order.is_drill else BroadcastClass.EMERGENCY,
                now=now,
                clip_id=spoken.clip_id,
                title=order.title,
            )
            current.state, current.broadcast_id = SpokenState.ON_AIR.value, broadcast.id
            session.add(current)
        self._services.announce()

    def _speech_order(self, order: CapEmergency) -> SpeechOrder:
        """Raises Refusal."""
        texts = [text.text for text in order.texts if text.language.lower().partition("-")[0] == "vi"]
        voice = next((voice for voice in self._speech.engines.voices().voices if voice.is_vietnamese), None)
        if voice is None or not texts:
            raise Refusal(N_("No voice is installed that reads this alert aloud. Read it out on the page Speak live."))
        once = "\n\n".join([_DRILL, *texts, _DRILL] if order.is_drill else texts)
        return SpeechOrder(text="\n\n".join([once] * _REPEATS), voice=voice.id)
