"""Manifests and configs for tests, sealed by a controller of theirs."""

import msgspec

from wire.broadcasts import BroadcastClass, ClipItem, Manifest, Rendition, Targets
from wire.commands import Config
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
KEYS = {KEY.kid: PublicKey(KEY.public)}
NOW_US = 1_795_000_000_000_000
SECOND_US = 1_000_000


def rendition(content: str = "a", size: int = 10) -> Rendition:
    sha256 = (content * 64)[:64]
    return Rendition(sha256=sha256, bytes=size, codec="opus", path=f"{sha256}.opus")


def manifest(
    broadcast: str = "b1", start_s: float = 10, length_s: float = 20, *, class_: str = "normal", **more: object
) -> Manifest:
    start_us, length_us = NOW_US + round(start_s * SECOND_US), round(length_s * SECOND_US)
    made = Manifest(
        to="c/tt",
        revision=1,
        issued_at_us=NOW_US,
        expires_at_us=start_us + length_us + 86_400 * SECOND_US,
        broadcast=broadcast,
        class_=BroadcastClass(class_),
        targets=Targets(all=True),
        starts_at_us=start_us,
        ends_at_us=start_us + length_us,
        items=[ClipItem(offset_us=0, duration_us=length_us, clip="c", renditions=[rendition()])],
    )
    return msgspec.structs.replace(made, **more)


def config(**more: object) -> Config:
    made = Config(
        to="r/loa-1",
        revision=5,
        issued_at_us=NOW_US,
        expires_at_us=NOW_US + 10**15,
        commune="tt",
        zones=["thon-1"],
        media_bases=["http://127.0.0.1:1/media/"],
    )
    return msgspec.structs.replace(made, **more)
