"""Bulletin worker: fetches the audio of bulletins and airs, schedules or files each according to its class.

An emergency is fetched in a separate thread without waiting; the others are fetched one after the other.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from broadcast.audio import Stopped
from broadcast.transmitter import Transmitter
from province.audio_fetch import AudioFetch, AudioUnavailable
from province.bulletins import (
    EMERGENCY_HOLDS,
    BulletinState,
    ProvinceBulletin,
    answer,
    fail,
    put_bulletin_on_air,
    to_fetch,
)
from province.codes import RefusalCode
from province.links import ProvinceLink, link_of
from province.priority_queue import communes_with_priority, next_due
from province.profile import profile
from province.schedules_down import add_to_timetable
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import Refusal, as_text
from usecases.actors import PROVINCE
from wire.broadcasts import BroadcastClass

log = logging.getLogger(__name__)

#: How long after a failed attempt the audio is tried again; after the last the bulletin has failed.
TRY_AGAIN_AFTER_S = (2.0, 10.0, 60.0)
#: Wait after a refusal to air a priority bulletin (allowed hours).
TURN_AGAIN_AFTER = timedelta(seconds=20)


class BulletinWorker:
    """Handles the bulletins of links that this controller holds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        fetch: AudioFetch,
        transmitter: Transmitter,
        plan_now: Callable[[str], None],
        *,
        me: str,
        profiles: Path,
        say: Callable[[Refusal], str] = str,
    ) -> None:
        """plan_now: called with the commune after its timetable changed. me: id of this controller.

        profiles: folder of custom profiles. say: translates a refusal for the province.
        """
        self._database = database
        self._clock = clock
        self._fetch = fetch
        self._transmitter = transmitter
        self._plan_now = plan_now
        self._me = me
        self._profiles = profiles
        self._say = say
        self._lock = threading.Lock()
        self._under_way: set[int] = set()
        self._again_at: dict[int, datetime] = {}
        self._turn_again_at: dict[str, datetime] = {}
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="province-audio")
        self._urgent: list[threading.Thread] = []

    def close(self) -> None:
        """Stop; unfinished downloads start again at the next start."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for thread in self._urgent:
            thread.join(20)

    def look(self) -> bool:
        """Start downloads that are due, and air the next priority bulletins. Called about once a second.

        Returns whether any bulletin waits for either.
        """
        now = self._clock.now()
        with self._database.session() as session:
            held = select(ProvinceLink).where(ProvinceLink.held_by == self._me, col(ProvinceLink.enabled).is_(True))
            links = {link.commune_id: link for link in session.exec(held)}
            wanted = [b for b in to_fetch(session) if b.commune_id in links]
        for bulletin in wanted:
            with self._lock:
                if bulletin.number in self._under_way or now < self._again_at.get(bulletin.number, now):
                    continue
                self._under_way.add(bulletin.number)
            self._begin(bulletin.number, urgent=bulletin.broadcast_class is BroadcastClass.EMERGENCY)
        with self._database.session() as session:
            commune_ids = communes_with_priority(session)
        self._air_priority(commune_ids, now)
        return bool(wanted or commune_ids)

    def work_one(self, number: int) -> None:
        """Fetch one, then air, schedule or file it."""
        try:
            with self._database.session() as session:
                bulletin = session.get(ProvinceBulletin, number)
                link = session.get(ProvinceLink, bulletin.commune_id) if bulletin is not None else None
            if bulletin is None or link is None or bulletin.state != BulletinState.FETCHING:
                return
            try:
                clip_id = self._fetch.fetch(
                    bulletin.url,
                    commune_id=bulletin.commune_id,
                    title=bulletin.title,
                    field=bulletin.field,
                    by=bulletin.sender or PROVINCE.name,
                    profile=profile(link.profile, self._profiles),
                    base_url=link.base_url,
                    stopping=self._stopping.is_set,
                )
            except Refusal as refusal:
                self._failed(number, refusal)
                return
            self._arrived(number, clip_id)
        finally:
            with self._lock:
                self._under_way.discard(number)

    def _begin(self, number: int, *, urgent: bool) -> None:
        if urgent:
            self._urgent = [t for t in self._urgent if t.is_alive()]
            self._urgent.append(threading.Thread(target=self._guarded, args=(number,), daemon=True))
            self._urgent[-1].start()
        else:
            self._pool.submit(self._guarded, number)

    def _guarded(self, number: int) -> None:
        try:
            self.work_one(number)
        except Stopped:
            return
        except Exception:
            log.exception("province bulletin %d: processing failed", number)
            self._again_at[number] = self._clock.now() + timedelta(seconds=TRY_AGAIN_AFTER_S[-1])

    def _failed(self, number: int, refusal: Refusal) -> None:
        if self._stopping.is_set():
            return
        now = self._clock.now()
        with self._database.writing() as session:
            bulletin = session.get(ProvinceBulletin, number)
            if bulletin is None or bulletin.state != BulletinState.FETCHING:
                return
            bulletin.attempts += 1
            if isinstance(refusal, AudioUnavailable) and bulletin.attempts <= len(TRY_AGAIN_AFTER_S):
                self._again_at[number] = now + timedelta(seconds=TRY_AGAIN_AFTER_S[bulletin.attempts - 1])
                bulletin.why = as_text(refusal)
                session.add(bulletin)
            else:
                fail(session, bulletin, refusal, self._say(refusal), now)
        log.warning("province bulletin %d: audio not fetched: %s", number, refusal)

    def _arrived(self, number: int, clip_id: str) -> None:
        """Its audio has arrived: schedule it, air it or leave it in the inbox, by its times and class; in one
        transaction, so that a crash cannot leave an emergency in the inbox.
        """
        now, scheduled = self._clock.now(), False
        with self._database.writing() as session:
            bulletin = session.get(ProvinceBulletin, number)
            if bulletin is None or bulletin.state != BulletinState.FETCHING:
                return  # cancelled meanwhile
            bulletin.state, bulletin.clip_id, bulletin.why = BulletinState.WAITING.value, clip_id, ""
            session.add(bulletin)
            session.flush()
            try:
                with session.begin_nested():
                    scheduled = self._place(session, bulletin, now)
            except Refusal as refusal:
                session.refresh(bulletin)
                bulletin.why = as_text(refusal)
                session.add(bulletin)
                answer(session, bulletin, RefusalCode.RULE, self._say(refusal), now)
        if scheduled:
            self._plan_now(bulletin.commune_id)
        self._transmitter.wake()

    @staticmethod
    def _place(session: Session, bulletin: ProvinceBulletin, now: datetime) -> bool:
        """Returns whether the timetable changed. Raises Refusal."""
        link = link_of(session, bulletin.commune_id)
        by_itself = bulletin.broadcast_class is not BroadcastClass.NORMAL or link.normal_schedules == "timetable"
        if bulletin.schedule and by_itself:
            return bool(add_to_timetable(session, bulletin, now, PROVINCE))
        if bulletin.schedule:
            return False
        if bulletin.broadcast_class is BroadcastClass.EMERGENCY and now - bulletin.received_at <= EMERGENCY_HOLDS:
            put_bulletin_on_air(session, bulletin, now, PROVINCE.named(bulletin.sender))
        return False

    def _air_priority(self, commune_ids: list[str], now: datetime) -> None:
        for commune_id in commune_ids:
            if now < self._turn_again_at.get(commune_id, now):
                continue
            with self._database.session() as session:
                bulletin = next_due(session, commune_id, now)
            if bulletin is None:
                continue
            try:
                with self._database.writing() as session:
                    current = next_due(session, commune_id, now)
                    if current is not None:
                        put_bulletin_on_air(session, current, now, PROVINCE.named(current.sender))
                self._transmitter.wake()
            except Refusal as refusal:
                self._turn_again_at[commune_id] = now + TURN_AGAIN_AFTER
                self._note(bulletin.number, refusal)

    def _note(self, number: int, refusal: Refusal) -> None:
        """Record why it is not aired yet, for example outside the allowed hours."""
        with self._database.writing() as session:
            bulletin = session.get(ProvinceBulletin, number)
            if bulletin is not None and bulletin.why != as_text(refusal):
                bulletin.why = as_text(refusal)
                session.add(bulletin)
