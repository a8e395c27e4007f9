"""One broadcast with relays: its stations are played in their slots and sent as one live stream on its time line."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from broadcast.live import LiveSender
from relay.player import PIECE_US, PlayerState, RelayPlayer
from relay.source_choice import stopped
from runtime.clock import Clock
from runtime.refusal import Refusal
from wire.live import RATE

log = logging.getLogger(__name__)

#: A station is connected so long before its slot, to be there at the first sample.
CONNECT_AHEAD_US = 20_000_000
#: A piece that the station does not have is awaited until so long before it sounds; then the fallback takes its place.
LATEST_SEND_US = 1_500_000
#: What would be sent later than this before it sounds is left out: after a standstill the rest is in time again.
_LEAST_AHEAD_US = 100_000
_STEP_S = 0.02
_ENOUGH_EVENTS = 1000


@dataclass(frozen=True)
class RelaySlot:
    """starts_at_us, ends_at_us: controller time. source: the number of its station."""

    position: int
    source: int
    starts_at_us: int
    ends_at_us: int
    buffer_us: int


class RelayEvent(NamedTuple):
    """The fallback took the place of a station, or the station sounds (no reason): at its beginning too, which ends an
    outage that another controller began. at_us: controller time at which it sounds."""

    slot: RelaySlot
    at_us: int
    reason: Refusal | None


class BroadcastRelay:
    """Runs in a thread from `start` until the last slot has ended, or `close`."""

    def __init__(
        self,
        slots: list[RelaySlot],
        starts_at_us: int,
        new_player: Callable[[RelaySlot], RelayPlayer],
        new_sender: Callable[[int, int], LiveSender],
        clock: Clock,
    ) -> None:
        """starts_at_us: of the broadcast, controller time. new_sender: opens a stream whose sample 0 plays at the first
        argument, sent ahead by the second, µs."""
        self._slots, self._starts_at_us = slots, starts_at_us
        self._new_player, self._new_sender, self._clock = new_player, new_sender, clock
        self._ending = threading.Event()
        #: It ends by itself then, controller time. Moved on with each renewal of the lease.
        self.runs_until_us: int | None = None
        self._is_taken_over = False
        #: All slots are sent, up to `buffer_us` before they have sounded.
        self.is_complete = False
        self._players: dict[int, RelayPlayer] = {}
        self._sender: LiveSender | None = None
        #: For another thread to take.
        self.events: deque[RelayEvent] = deque(maxlen=_ENOUGH_EVENTS)
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def states(self) -> Mapping[int, PlayerState]:
        """Of the stations that are connected, by the position of their item."""
        return {position: player.state for position, player in list(self._players.items())}

    def repeat_start(self) -> None:
        """A receiver joined: what is not yet due is sent again."""
        if self._sender is not None:
            self._sender.again()

    def end(self) -> None:
        self._ending.set()

    def hand_over(self) -> None:
        """End, while another controller may go on: an outage goes on with it."""
        self._is_taken_over = True
        self._ending.set()

    def close(self) -> None:
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(10.0)

    def _run(self) -> None:
        try:
            for slot in self._slots:
                if not self._is_ended() and self._clock.now_us() < slot.ends_at_us:
                    self._play(slot)
            self.is_complete = not self._ending.is_set()
        except Exception:
            log.exception("relay: a broadcast could not be sent on")
        finally:
            for player in list(self._players.values()):
                player.close()
            self._players.clear()

    def _play(self, slot: RelaySlot) -> None:
        """Send the whole slot. The next station is connected meanwhile."""
        if self._wait_for(slot):
            return
        player, sender = self._player(slot), self._sender_at(slot)
        on_station: bool | None = None
        while not self._is_ended():
            next_us = sender.starts_at_us + sender.samples * 1_000_000 // RATE
            if next_us >= slot.ends_at_us:
                break
            ahead_us = next_us - self._clock.now_us()
            if ahead_us < _LEAST_AHEAD_US:
                log.warning("relay: %.1f s late, sound is left out", max(0, -ahead_us) / 1e6)
                skip_to_us = next_us - ahead_us + LATEST_SEND_US - sender.starts_at_us
                sender.skip_to(skip_to_us * RATE // 1_000_000)
                player.note_left_out()
                continue
            self._prepare()
            piece = player.step(is_due=ahead_us <= slot.buffer_us, is_late=ahead_us <= LATEST_SEND_US)
            if piece is None:
                self._ending.wait(_STEP_S)
                continue
            sender.send(piece)
            if player.state.on_station is not on_station:
                on_station = player.state.on_station
                reason = None if on_station else player.state.reason or stopped()
                self.events.append(RelayEvent(slot, next_us, reason))
        del self._players[slot.position]
        player.close()
        if on_station is False and not self._is_taken_over:
            ended_us = self._clock.now_us() if self._ending.is_set() else slot.ends_at_us
            self.events.append(RelayEvent(slot, ended_us, None))
        self._send_rest(sender)

    def _is_ended(self) -> bool:
        if self.runs_until_us is not None and self._clock.now_us() >= self.runs_until_us:
            self.hand_over()
        return self._ending.is_set()

    def _wait_for(self, slot: RelaySlot) -> bool:
        """Until the first piece may be sent; True when the relay is ended."""
        while not self._is_ended() and self._clock.now_us() < slot.starts_at_us - slot.buffer_us - PIECE_US:
            self._prepare()
            self._ending.wait(_STEP_S)
        return self._ending.is_set()

    def _prepare(self) -> None:
        """Connect the stations whose slots begin soon, and let those wait that do not sound yet."""
        now_us = self._clock.now_us()
        for slot in self._slots:
            if slot.starts_at_us - CONNECT_AHEAD_US <= now_us < slot.starts_at_us - slot.buffer_us:
                self._player(slot).step(is_due=False, is_late=False)

    def _player(self, slot: RelaySlot) -> RelayPlayer:
        if slot.position not in self._players:
            self._players[slot.position] = self._new_player(slot)
        return self._players[slot.position]

    def _sender_at(self, slot: RelaySlot) -> LiveSender:
        """One stream for the whole broadcast: a second one would cut off what is buffered of the first."""
        if self._sender is None:
            # After a restart the stream begins later than the one before it, or receivers refuse it as old.
            self._sender = self._new_sender(max(self._starts_at_us, self._clock.now_us()), slot.buffer_us)
        self._sender.skip_to(max(0, slot.starts_at_us - self._sender.starts_at_us) * RATE // 1_000_000)
        return self._sender

    def _send_rest(self, sender: LiveSender) -> None:
        """The last packet of a message, and the encoder's look-ahead, belong to this slot."""
        if not self._ending.is_set():
            sender.finish()
