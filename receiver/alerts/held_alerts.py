"""Held alerts: what arrived by any bearer, recognised when it arrives again, stored until it has expired."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from receiver.store.atomic_file import keep_whole
from wire.alert_broadcasts import KEPT_AFTER_US
from wire.alerts import Alert, open_alert
from wire.sealing import PublicKey, Refused

log = logging.getLogger(__name__)


class HeldAlert(msgspec.Struct, kw_only=True):
    """An alert or an end as it arrived first.

    payload: as received; empty when the receiver itself issued it: that one does not outlive a restart.
    arrived_at_us: controller time.
    overtaken: its end arrived before it. reported: its AlertReport that it took effect is in the outbox.
    """

    alert: Alert
    payload: bytes
    bearer: str
    arrived_at_us: int
    overtaken: bool = False
    reported: bool = False


class HeldAlerts:
    """Alerts and ends by id and kind. The caller keeps two threads apart."""

    def __init__(self, folder: Path, keys: Mapping[str, PublicKey], commune: str) -> None:
        """Reads what is there; what cannot be verified is removed."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._unkept: set[tuple[str, bool]] = set()
        self._held: dict[tuple[str, bool], HeldAlert] = {}
        for path in folder.glob("*.json"):
            held = _read(path, keys, commune)
            if held is None:
                path.unlink()
            else:
                self._held[held.alert.alert, held.alert.is_end] = held

    def __iter__(self) -> Iterator[HeldAlert]:
        return iter(list(self._held.values()))

    def alert(self, alert: str) -> HeldAlert | None:
        """The alert of an id."""
        return self._held.get((alert, False))

    def end(self, alert: str) -> HeldAlert | None:
        """The end of the alert of an id."""
        return self._held.get((alert, True))

    def is_duplicate(self, alert: Alert) -> bool:
        """Whether it is held: of the ends of one alert only one that was issued later is news."""
        held = self._held.get((alert.alert, alert.is_end))
        return held is not None and (not alert.is_end or alert.issued_at_us <= held.alert.issued_at_us)

    def add(self, held: HeldAlert) -> None:
        """Hold it; `keep` writes it down."""
        self._held[held.alert.alert, held.alert.is_end] = held
        self.changed(held)

    def changed(self, held: HeldAlert) -> None:
        """It is to be written down again."""
        if held.payload:
            self._unkept.add((held.alert.alert, held.alert.is_end))

    def keep(self) -> None:
        """Write down what is new. What the disk does not take is tried again."""
        for key in list(self._unkept):
            held = self._held.get(key)
            if held is None or keep_whole(self._path(*key), msgspec.json.encode(held)):
                self._unkept.discard(key)

    def drop_expired(self, now_us: int) -> None:
        """Forget what can neither sound nor be taken again. now_us: controller time."""
        for key, held in list(self._held.items()):
            if held.alert.expires_at_us + 2 * KEPT_AFTER_US <= now_us:
                del self._held[key]
                self._unkept.discard(key)
                self._path(*key).unlink(missing_ok=True)

    def _path(self, alert: str, is_end: bool) -> Path:
        return self._folder / f"{alert}-{'end' if is_end else 'alert'}.json"


def _read(path: Path, keys: Mapping[str, PublicKey], commune: str) -> HeldAlert | None:
    try:
        held = msgspec.json.decode(path.read_bytes(), type=HeldAlert)
        held.alert = open_alert(held.payload, keys, commune, None)
    except (msgspec.DecodeError, OSError, Refused) as error:
        log.warning("refused %s: %s", path.name, error)
        return None
    return held
