"""The emergency desk of a controller: its own connection to the broker and to the database, its journal, its books."""

from contextlib import ExitStack

from sqlmodel import Session, col, select

from alerts.alert_books import AlertBooks
from alerts.alert_sms import AlertSms
from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import EmergencyAlert, take_receipt
from alerts.journal import AlertJournal
from alerts.sound_making import SoundMaker
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from devices.presence import PresenceWatch
from devices.presence_states import PresenceState
from devices.uplink import Uplink
from loa import periods
from loa.alert_sms import alert_sms_sender_of
from loa.broker_access import connection
from runtime.alarms import Alarms
from runtime.broker import Broker
from runtime.clock import Clock
from runtime.database import Database
from runtime.secret_files import Secrets
from runtime.settings import Settings
from speech.engines import Engines
from usecases.alert_recovery import AlertRecovery
from usecases.emergency_follow_up import EmergencyFollowUp
from usecases.emergency_records import end_alone
from usecases.key_switch_alerts import keep_key_switch_alert
from usecases.services import Services
from wire.reports import AlertReport
from wire.sealing import PublicKey, SealingKey

_CLEARED_WITHIN_S = 5.0


class Emergencies:
    """`start` and `close` are mirrored."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        secrets: Secrets,
        clock: Clock,
        media: Media,
        presence: PresenceWatch,
    ) -> None:
        """Raises Refusal for settings of SMS that are not usable."""
        key = SealingKey(secrets.controller_seed)
        self._database, self._clock = database, clock
        self._own_database = Database(settings.database)
        self._broker: Broker = connection(settings, secrets.broker_password, "emergency")
        self.journal = AlertJournal(database)
        self.sms = AlertSms(
            self._own_database,
            self.journal,
            clock,
            alert_sms_sender_of(settings),
            away=lambda now: [r for r, at in presence.snapshot(now).items() if at.state is PresenceState.OFFLINE],
            most_a_minute=settings.alert_sms_a_minute,
        )
        self.desk = EmergencyDesk(self._own_database, self._broker, key, clock, self.journal, sms=self.sms)
        maker = SoundMaker(media, Engines(settings.speech_models))
        self.books = AlertBooks(database, self._broker, key, clock, media, maker)
        self._broker.on_connected(self.books.send_again)
        self.recovery = AlertRecovery(self.desk, PublicKey(key.public))

    def start(self, uplink: Uplink, closing: ExitStack) -> None:
        closing.callback(self.close)
        uplink.on_report(AlertReport, self._take_report)
        self.journal.start()
        self.sms.start()
        self.recovery.listen(self._broker)

    def add_alarms(self, alarms: Alarms, services: Services, speech: SpeechIngest) -> None:
        follow_up = EmergencyFollowUp(services, self.desk, speech)
        self.journal.after_write(services.announce)
        alarms.every_if_due(periods.FREE_MESSAGES_EVERY_S, "free messages", follow_up.speak_free_messages)
        alarms.every(periods.DRILLS_EVERY_S, "drills", follow_up.start_due_drills)
        alarms.every_if_due(periods.ALERT_BOOKS_EVERY_S, "alert books", self.books.step)
        alarms.every(periods.ALERTS_EVERY_S, "alerts", self.tidy)
        recovery = self.recovery
        alarms.every(periods.RECOVERY_EVERY_S, "alert recovery", recovery.step, is_due=recovery.is_due)

    def close(self) -> None:
        self.books.close()
        self.sms.close()
        self.journal.close()
        self._broker.close()
        self._own_database.close()

    def tidy(self) -> None:
        """Take alerts that have expired away from the broker."""
        now = self._clock.now()
        if not self._clock.trusted:
            return
        with self._database.session() as session:
            query = select(EmergencyAlert).where(
                col(EmergencyAlert.expires_at) <= now, col(EmergencyAlert.cleared_at).is_(None)
            )
            expired = list(session.exec(query.limit(50)))
        cleared = [row.id for row in expired if self.desk.clear(row).wait(_CLEARED_WITHIN_S)]
        if cleared:
            with self._database.writing() as session:
                self._note_cleared(session, cleared)

    def _take_report(self, session: Session, receiver_id: str, report: AlertReport) -> None:
        keep_key_switch_alert(session, receiver_id, report)
        take_receipt(session, receiver_id, report)
        self.sms.confirmed(report.alert, receiver_id, is_end=report.is_end)

    def _note_cleared(self, session: Session, cleared: list[str]) -> None:
        for row in session.exec(select(EmergencyAlert).where(col(EmergencyAlert.id).in_(cleared))):
            row.cleared_at = self._clock.now()
            if row.break_glass_reason and row.ended_at is None:
                end_alone(session, row, row.cleared_at)
            session.add(row)
