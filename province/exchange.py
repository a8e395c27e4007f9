"""Exchange with the province: starts a worker for each enabled link and the bulletin worker, and receives messages."""

import hashlib
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from broadcast.ingest import Ingest
from broadcast.transmitter import Transmitter
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from province.accounts import Account, Accounts
from province.audio_fetch import AudioFetch
from province.bulletin_worker import BulletinWorker
from province.connection import ProvinceConnection, ProvinceUnavailable
from province.incoming import Incoming, MessageResult
from province.link_worker import LinkWorker
from province.links import ProvinceLink, communes_served, enabled_links, is_ending, note_unavailable
from province.outbox import forget_old
from province.profile import Profile, profile
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import Refusal
from runtime.table_poll import TablePoll
from schedules.planner import Planner
from transport.worker import BackOff, Worker

#: How often links that were set by another process are noticed, and bulletins looked for.
LOOK_EVERY_S = 1.0


class ProvinceExchange:
    """Everything between this controller and the province."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        data_dir: Path,
        *,
        downlink: Downlink,
        presence: PresenceWatch,
        ingest: Ingest,
        transmitter: Transmitter,
        planner: Planner,
        say: Callable[[Refusal], str] = str,
    ) -> None:
        """data_dir: the controller's; own profiles are in its folder province/, accounts in its secrets/.

        say: translates a refusal for the province.
        """
        self._database = database
        self._clock = clock
        self.say = say
        self._presence = presence
        self.profiles = data_dir / "province"
        self.accounts = Accounts(data_dir / "secrets")
        self._me = hashlib.sha256(f"{socket.gethostname()}:{data_dir.absolute()}".encode()).hexdigest()[:16]
        self.incoming = Incoming(database, clock, downlink, self._changed, say)
        self._transmitter = transmitter
        self._planner = planner
        self.desk = BulletinWorker(
            database,
            clock,
            AudioFetch(ingest, database),
            transmitter,
            planner.plan_now,
            me=self._me,
            profiles=self.profiles,
            say=say,
        )
        self._workers: dict[str, LinkWorker] = {}
        self._poll = TablePoll(database, clock, self.look)
        self._worker = Worker(self._step, "province", back_off=BackOff(LOOK_EVERY_S, 60.0))

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        """Stop; unsent messages are sent after the next start."""
        self._worker.close(30)
        for worker in self._workers.values():
            worker.close()
        self.desk.close()

    @property
    def working(self) -> list[str]:
        """The communes whose links this controller holds."""
        return sorted(self._workers)

    def wake(self) -> None:
        """A link or a bulletin changed: take the next step at once. Call it after the commit."""
        self._poll.reset()
        self._worker.wake()

    def take(self, link: ProvinceLink, kind: str, content: Any, message_id: str = "") -> MessageResult:
        """A message that the province posted to us. Raises Refusal when the link's profile cannot be used."""
        met = self.incoming.take(link, self.profile_of(link), kind, content, own_id=message_id)
        self.wake()
        return met

    def profile_of(self, link: ProvinceLink) -> Profile:
        """How its province speaks. Raises Refusal."""
        return profile(link.profile, self.profiles)

    def try_sign_in(self, link: ProvinceLink, account: Account | None) -> Refusal | None:
        """Try the sign-in. Returns None, or why it failed. Takes up to the profile's timeout."""
        connection = ProvinceConnection(self.profile_of(link), link.base_url, lambda: account)
        try:
            connection.sign_in()
        except ProvinceUnavailable as away:
            return away
        finally:
            connection.close()
        return None

    def look(self) -> datetime | None:
        """Bring the workers in line with the links, and start what is due for bulletins.

        Returns when to look again although nothing is committed: at once while there is any link or bulletin.
        """
        now = self._clock.now()
        with self._database.session() as session:
            wanted = {link.commune_id: link for link in enabled_links(session)}
            ending = {commune_id for commune_id in wanted if is_ending(session, commune_id)}
        for commune_id, worker in list(self._workers.items()):
            link = wanted.get(commune_id)
            same = link is not None and link.revision == worker.link.revision
            if not same or (commune_id in ending) != worker.is_ending:
                worker.close()
                del self._workers[commune_id]
        for commune_id, link in wanted.items():
            if commune_id not in self._workers:
                self._begin(link, is_ending=commune_id in ending)
        is_waiting = self.desk.look()
        return now if wanted or self._workers or is_waiting else None

    def tidy(self) -> None:
        """Delete messages that were sent long ago."""
        with self._database.writing() as session:
            forget_old(session, self._clock.now())

    def account_of(self, commune_id: str) -> Account | None:
        """The account set for a commune, else that of the commune from which it took over the link. Raises Refusal."""
        with self._database.session() as session:
            names = communes_served(session, commune_id)
        return next((account for name in names if (account := self.accounts.of(name)) is not None), None)

    def _begin(self, link: ProvinceLink, *, is_ending: bool) -> None:
        try:
            speaks = self.profile_of(link)
        except Refusal as refusal:
            with self._database.writing() as session:
                note_unavailable(session, link.commune_id, refusal, self._clock.now())
            return
        connection = ProvinceConnection(speaks, link.base_url, lambda: self.account_of(link.commune_id))

        def take(_commune_id: str, raw: Any) -> None:
            self.incoming.receive_envelope(link, speaks, raw)

        with self._database.session() as session:
            formers = communes_served(session, link.commune_id)[1:]
        worker = LinkWorker(
            link, speaks, connection, self._database, self._clock, self._presence, take, self._me, formers, is_ending
        )
        self._workers[link.commune_id] = worker
        worker.start()

    def _changed(self) -> None:
        """A message of the province was carried out: schedules or broadcasts may have changed."""
        self._planner.plan_now()
        self._transmitter.wake()
        self.wake()

    def _step(self) -> float:
        self._poll.run()
        return LOOK_EVERY_S
