"""The volume in force: of the config or of a command, limited by the ceiling and the night level."""

from receiver.playout.ladder import Ladder
from wire.commands import Config


class VolumeSetting:
    """command_percent: what a command set, until the next config; None for none."""

    def __init__(self) -> None:
        self.command_percent: int | None = None

    def percent(self, config: Config | None, ladder: Ladder, now_us: int | None) -> int:
        """now_us: controller time, None when not known: then no night level is applied."""
        if config is None:
            return 0
        wanted = config.volume_percent if self.command_percent is None else self.command_percent
        loudest = 100 if now_us is None else ladder.loudest_percent(now_us)
        return min(wanted, config.volume_ceiling_percent, loudest)
