"""The amplifier switched by the ladder: by the main loop several times a second, and at once when an alert arrives."""

import threading
from collections.abc import Callable

from receiver.commands import CommandHandler
from receiver.current_ladder import CurrentLadder
from receiver.output.amplifier import Amplifier, AmplifierTimes, TargetZones
from receiver.store.plan import Plan


class AmplifierSwitch:
    """Any thread."""

    def __init__(
        self,
        receiver: str,
        plan: Plan,
        amplifier: Amplifier,
        commands: CommandHandler,
        current_ladder: CurrentLadder,
        path_us: Callable[[], int],
    ) -> None:
        """path_us: from the card's output to the horn."""
        self._receiver, self._plan, self._amplifier = receiver, plan, amplifier
        self._commands, self._current_ladder, self._path_us = commands, current_ladder, path_us
        self._times = AmplifierTimes(amplifier)
        self._lock = threading.Lock()

    def step(self, now_us: int | None, now_local_us: int) -> None:
        """now_us: controller time; None when it is not known, then nothing can sound."""
        with self._lock:
            if now_us is None:
                self._times.nothing_can_sound()
            else:
                at_us = now_us
                self._times.step(
                    lambda w: self._next_within(at_us, w), self._set_lead_ms, self._path_us(), now_local_us
                )

    def lead_us(self) -> int:
        """From a sample at the card to the horn when the amplifier is off."""
        return max(self._set_lead_ms, self._amplifier.lead_ms) * 1000 + self._path_us()

    @property
    def _set_lead_ms(self) -> int:
        return self._plan.config.amplifier_lead_ms if self._plan.config else 5000

    def _next_within(self, now_us: int, within_us: int) -> TargetZones | None:
        if self._commands.sounds(now_us, within_us):
            return TargetZones()  # a test tone is heard in all zones
        manifest = self._current_ladder.ladder.next_manifest(now_us, within_us)
        return TargetZones.of(manifest.targets, self._receiver) if manifest is not None else None
