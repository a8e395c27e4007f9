"""The plan: the manifests and the config of this receiver, verified and stored on disk.

They are stored sealed and verified again when read: a change on disk is refused like a change in transit.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from receiver.store.atomic_file import keep_whole
from wire.broadcasts import Manifest
from wire.commands import Config
from wire.messages import Sealed, for_commune, for_receiver
from wire.sealing import PublicKey, Reason, Refused, open_sealed
from wire.topics import is_id

log = logging.getLogger(__name__)

S = TypeVar("S", bound=Sealed)


class Plan:
    """What is to sound, and how. One thread writes; others read the values it gives out, which never change."""

    def __init__(self, folder: Path, receiver: str, commune: str, keys: Mapping[str, PublicKey]) -> None:
        """Reads what is there; what cannot be verified is counted and removed. commune: until a config says another."""
        self._folder = folder
        self._air = folder / "air"
        self._air.mkdir(parents=True, exist_ok=True)
        self._receiver = receiver
        self._keys = keys
        self.refused: Counter[str] = Counter()
        self.config: Config | None = None
        self.commune = commune
        self.manifests: dict[str, Manifest] = {}
        #: The broadcasts of alerts that mean this receiver (`receiver.alerts`); its inbox replaces them.
        self.alerts: tuple[Manifest, ...] = ()
        self._unkept: dict[Path, bytes] = {}  # what the disk did not take
        self._read()

    def take_config(self, payload: bytes, now_us: int | None) -> bool:
        """Take a config. False when it is refused (counted). now_us: controller time, None when not known.

        One that we hold already comes again with each connection; it is neither news nor refused.
        """
        config = self._open(payload, Config, for_receiver(self._receiver), now_us, None)
        if config is None or (self.config is not None and config.revision <= self.config.revision):
            if config is not None and self.config is not None and config.revision < self.config.revision:
                self.refused[Reason.OLD.value] += 1
            return False
        self._keep(self._folder / "config.jws", payload)
        self.config, self.commune = config, config.commune
        addresses = self._addresses()
        self._drop([broadcast for broadcast, m in self.manifests.items() if m.to not in addresses])
        return True

    def take_manifest(self, broadcast: str, payload: bytes, now_us: int | None) -> bool:
        """Take the manifest that came for `broadcast` (the topic's). False when it is refused, or no news.

        Only from the commune it belongs to; what is held of a former one stays until that one's word comes, or none.
        """
        if not payload:
            return False  # cleared at the broker, long after its end; to withdraw is a manifest of its own
        manifest = self._open(payload, Manifest, for_commune(self.commune), now_us, None)
        if manifest is None:
            return False
        if manifest.broadcast != broadcast or not is_id(broadcast):
            self.refused[Reason.NOT_FOR_US.value] += 1
            return False
        held = self.manifests.get(broadcast)
        if held is not None and manifest.revision <= held.revision:
            if manifest.revision < held.revision:
                self.refused[Reason.OLD.value] += 1
            return False
        replaced = self.manifests.get(manifest.replaces)
        if replaced is not None and now_us is not None and replaced.starts_at_us <= now_us:
            return False  # what has begun sounds to its end under the name it began with
        self._keep(self._air / f"{broadcast}.jws", payload)
        self.manifests = {**self.manifests, broadcast: manifest}
        if replaced is not None:
            self._drop([manifest.replaces])
        return True

    def drop_expired(self, now_us: int) -> list[str]:
        """Forget what has expired. now_us: controller time. Gives the broadcasts that went."""
        gone = [broadcast for broadcast, manifest in self.manifests.items() if manifest.expires_at_us <= now_us]
        self._drop(gone)
        return gone

    def for_us(self) -> list[Manifest]:
        """All that means this receiver, at its own times; also the withdrawn ones, and alerts."""
        return [*self.announced(), *self.alerts]

    def announced(self) -> list[Manifest]:
        """The manifests that mean this receiver, at its own times; also the withdrawn ones."""
        zones = {for_commune(commune): zones for commune, zones in self._communes().items()}
        return [
            m.for_receiver(self._receiver)
            for m in self.manifests.values()
            if m.targets.include(self._receiver, zones.get(m.to, []))
        ]

    def former(self, now_us: int | None) -> dict[str, bool]:
        """The communes that we were in before, and whether live sound of them may still come.

        now_us: controller time, None when not known.
        """
        former = self.config.formerly if self.config else []
        return {f.commune: f.live_until_us > (now_us or 0) for f in former if f.commune != self.commune}

    def keep_again(self) -> None:
        """Write down what the disk did not take, now that there is room."""
        for path, payload in list(self._unkept.items()):
            self._keep(path, payload)

    def _communes(self) -> dict[str, list[str]]:
        """The communes whose manifests may be held, each with the zones that count for them."""
        if self.config is None:
            return {self.commune: []}
        return {f.commune: f.zones for f in self.config.formerly} | {self.config.commune: self.config.zones}

    def _addresses(self) -> set[str]:
        return {for_commune(commune) for commune in self._communes()}

    def _keep(self, path: Path, payload: bytes) -> None:
        """What cannot be written is obeyed all the same, and written when there is room.

        An older manifest goes: what was withdrawn would sound after a restart. An older config is better than none.
        """
        self._unkept.pop(path, None)
        if keep_whole(path, payload):
            return
        self._unkept[path] = payload
        if path.parent == self._air:
            path.unlink(missing_ok=True)

    def _drop(self, broadcasts: list[str]) -> None:
        if broadcasts:
            self.manifests = {b: m for b, m in self.manifests.items() if b not in broadcasts}
            for broadcast in broadcasts:
                self._unkept.pop(self._air / f"{broadcast}.jws", None)
                (self._air / f"{broadcast}.jws").unlink(missing_ok=True)

    def _read(self) -> None:
        for left in self._air.glob("*.new"):
            left.unlink()
        file = self._folder / "config.jws"
        if file.exists():
            self.config = self._open(file.read_bytes(), Config, for_receiver(self._receiver), None, file)
            if self.config is not None:
                self.commune = self.config.commune
        manifests = {}
        for path in self._air.glob("*.jws"):
            manifest = self._open(path.read_bytes(), Manifest, self._addresses(), None, path)
            if manifest is not None and manifest.broadcast == path.stem:
                manifests[manifest.broadcast] = manifest
        self.manifests = manifests

    def _open(
        self, payload: bytes, kind: type[S], to: str | Collection[str], now_us: int | None, path: Path | None
    ) -> S | None:
        try:
            return open_sealed(payload, kind, self._keys, to=to, now_us=now_us)
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            log.warning("refused %s: %s", path.name if path else kind.__name__, refused)
            if path is not None:
                path.unlink(missing_ok=True)
            return None
