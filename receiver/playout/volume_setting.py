"""The volume in force: of the config or of a command, limited by the ceiling and the night level.

An emergency has a volume of its own.
"""

from receiver.playout.ladder import Ladder
from wire.broadcasts import BroadcastClass
from wire.commands import Config


class VolumeSetting:
    """command_percent: what a command set, until the next config; None for none."""

    def __init__(self) -> None:
        self.command_percent: int | None = None

    def percent(self, config: Config | None, ladder: Ladder, now_us: int | None) -> int:
        """now_us: controller time, None when not known: then no night level is applied."""
        if config is None:
            return 0
        now = ladder.now(now_us) if now_us is not None else None
        if now is not None and now.class_ is BroadcastClass.EMERGENCY:
            return min(config.emergency_volume_percent, config.volume_ceiling_percent)
        wanted = config.volume_percent if self.command_percent is None else self.command_percent
        loudest = 100 if now_us is None else ladder.loudest_percent(now_us)
        return min(wanted, config.volume_ceiling_percent, loudest)
