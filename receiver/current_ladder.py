"""The ladder in force and the files it needs: rebuilt after a change of plan, shelf or live streams."""

import threading

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.commands import CommandHandler
from receiver.live.live_gaps import LiveGaps
from receiver.live.live_input import LiveInput
from receiver.playout.ladder import Ladder
from receiver.playout.playback_failures import PlaybackFailures
from receiver.playout.playout import Playout
from receiver.self_test import SelfTester
from receiver.store.plan import Plan
from receiver.store.recheck import recheck_files
from receiver.store.shelf import Shelf
from receiver.store.wanted_files import wanted_files


class CurrentLadder:
    """`renew` and `recheck_failed` are the main thread's. `ladder` is replaced, never changed."""

    def __init__(
        self,
        receiver: str,
        plan: Plan,
        shelf: Shelf,
        playout: Playout,
        live_input: LiveInput,
        live_gaps: LiveGaps,
        failures: PlaybackFailures,
        commands: CommandHandler,
        tester: SelfTester,
        books: AlertBookStore,
    ) -> None:
        self._receiver = receiver
        self._plan = plan
        self._shelf = shelf
        self._playout = playout
        self._live_input = live_input
        self._live_gaps = live_gaps
        self._failures = failures
        self._commands = commands
        self._tester = tester
        self._books = books
        self._lock = threading.Lock()  # so that an older ladder never replaces a newer one
        self.ladder = self._build()

    def renew(self, now_us: int | None) -> None:
        """now_us: controller time, None when not known."""
        self.renew_timeline()
        config = self._plan.config
        if config is not None:
            self._shelf.limit_bytes = config.shelf_limit_bytes
            wanted = wanted_files(self._plan.announced(), config, self._failures, now_us, self._receiver)
            self._shelf.want(self._books.wanted() + wanted + self._tester.wanted(), config.media_bases)

    def renew_timeline(self) -> None:
        """What sounds from now on, without waiting for anything. Any thread."""
        with self._lock:
            self.ladder = self._build()
            self._playout.set_timeline(self._commands.over(self.ladder))

    def recheck_failed(self, now_us: int) -> bool:
        """Check again the files of cues that failed. Whether the ladder has to be renewed."""
        failed = self._playout.failed_cues()
        if not self._failures.note_failed(failed, now_us):
            return False
        recheck_files({cue.sha256 for cue in failed}, self._plan, self._shelf, self._failures)
        return True

    def _build(self) -> Ladder:
        return Ladder(
            self._plan.for_us(),
            self._plan.config,
            self._books.path_of,
            self._live_input.sound_of,
            self._failures,
            self._live_gaps.intervals,
        )
