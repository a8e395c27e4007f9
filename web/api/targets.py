"""The targets of a broadcast, as the JSON API takes them."""

from pydantic import BaseModel

from wire.broadcasts import Targets


class TargetsIn(BaseModel):
    """Who sounds."""

    all: bool = False
    zones: list[str] = []
    receivers: list[str] = []

    def targets(self) -> Targets:
        """As the wire says it."""
        return Targets(all=self.all, zones=self.zones, receivers=self.receivers)
