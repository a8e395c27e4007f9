"""RDS profiles: how the codes of clusters become messages to an encoder, as data.

Makers agree on the protocol and not on what carries a code: a free-format group, an open data application, a text. A
profile says it in TOML; `docs/rds-profiles.md` says how to write one. Those in `gateway/profiles/` come with Loa.
"""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.uecp import MOST_MESSAGE

SHIPPED = Path(__file__).parent / "profiles"
_HOLE = re.compile(r"\{(group|mask|groups|count)(?::(\d+))?\}")
#: What may stand in a message that is sent for each group, and in one for all of them.
_HOLES = {"group": {"group"}, "all": {"mask", "groups", "count"}}

Byte = Annotated[int, Meta(ge=0, le=0xFF)]


class ProfileUnusable(Exception):
    """A profile that cannot work: the message names the field, and what to do."""


class Each(StrEnum):
    """What a message is sent for."""

    GROUP = "group"
    ALL = "all"


class RdsMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message element: MEC, then DSN and PSN where given, then the length of what follows where wanted, then that.

    bytes: hexadecimal, with holes. text: ASCII, with the hole {group}, filled with spaces up to `pad` characters.
    """

    mec: Annotated[int, Meta(ge=1, le=0xFD)]
    dsn: Byte | None = None
    psn: Byte | None = None
    length: bool = False
    bytes: str = ""
    text: str = ""
    pad: Annotated[int, Meta(ge=0, le=64)] = 0


class RdsProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How groups are opened (`on`) and closed (`off`); `setup` goes before each.

    about: one line for people. each: whether `on` and `off` are sent for each group, or once for all. largest: the
    largest code. repeat: how often the whole is sent: receivers miss some. pause_ms: after each frame.
    """

    about: str
    each: Each = Each.GROUP
    largest: Annotated[int, Meta(ge=1, le=0xFFFF)] = 0xFF
    repeat: Annotated[int, Meta(ge=1, le=20)] = 1
    pause_ms: Annotated[int, Meta(ge=0, le=2000)] = 100
    setup: list[RdsMessage] = []
    on: Annotated[list[RdsMessage], Meta(min_length=1)]
    off: Annotated[list[RdsMessage], Meta(min_length=1)]


def read_profile(name: str, beside: Path) -> RdsProfile:
    """One that comes with Loa by its name, else a file, its path seen from `beside`. Raises ProfileUnusable."""
    shipped = SHIPPED / f"{name}.toml"
    file = shipped if re.fullmatch(r"[a-z0-9-]+", name) and shipped.exists() else beside / name
    try:
        profile = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), RdsProfile)
    except OSError as failure:
        known = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
        raise ProfileUnusable(f"RDS profile {file}: {failure.strerror}; those that come with Loa: {known}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ProfileUnusable(f"RDS profile {file} is no TOML file: {failure}") from failure
    except msgspec.ValidationError as failure:
        raise ProfileUnusable(f"RDS profile {file}: {failure}") from failure
    try:
        check_profile(profile)
    except ProfileUnusable as failure:
        raise ProfileUnusable(f"RDS profile {file}: {failure}") from failure
    return profile


def check_profile(profile: RdsProfile) -> None:
    """Whether its messages can be made for its largest code. Raises ProfileUnusable."""
    for on in (True, False):
        frames_of(profile, [profile.largest], on)
    if frames_of(profile, [1], True) == frames_of(profile, [1], False):
        raise ProfileUnusable("'on' and 'off' say the same; the clusters would stay as they are")


def frames_of(profile: RdsProfile, groups: list[int], on: bool) -> list[bytes]:
    """The messages that open or close groups, in order, one a frame (elements have no common length to part them by).

    Raises ProfileUnusable.
    """
    for group in groups:
        if group > profile.largest:
            raise ProfileUnusable(f"group {group} is more than {profile.largest}, the largest of the profile")
    said = [_message(message, "setup", set(), groups) for message in profile.setup]
    field, messages = ("on", profile.on) if on else ("off", profile.off)
    for _ in range(profile.repeat):
        for some in [[group] for group in groups] if profile.each is Each.GROUP else [groups]:
            said += [_message(message, field, _HOLES[profile.each], some) for message in messages]
    return said


def _message(message: RdsMessage, field: str, allowed: set[str], groups: list[int]) -> bytes:
    data = b"".join(_piece(token, field, allowed, groups) for token in message.bytes.split())
    if message.text:
        text = _HOLE.sub(lambda hole: _number(hole, field, allowed, groups), message.text).ljust(message.pad)
        if not text.isascii() or (message.pad and len(text) > message.pad):
            raise ProfileUnusable(f"'{field}': the text {text!r} must be ASCII and at most {message.pad or 64} long")
        data += text.encode("ascii")
    head = [number for number in (message.mec, message.dsn, message.psn) if number is not None]
    made = bytes(head) + (bytes([min(len(data), 0xFF)]) if message.length else b"") + data
    if len(made) > MOST_MESSAGE:
        raise ProfileUnusable(f"'{field}': a message has {len(made)} bytes; a frame carries at most {MOST_MESSAGE}")
    return made


def _number(hole: re.Match[str], field: str, allowed: set[str], groups: list[int]) -> str:
    """A code within a text, with zeros in front up to the width in the hole."""
    if hole[1] != "group" or "group" not in allowed:
        raise ProfileUnusable(f"'{field}': {hole[0]} cannot stand in this text")
    return str(groups[0]).zfill(int(hole[2] or 1))


def _piece(token: str, field: str, allowed: set[str], groups: list[int]) -> bytes:
    """A pair of hexadecimal digits, or a hole: {group} in so many bytes, {mask}, {groups} each in so many, {count}."""
    if re.fullmatch(r"[0-9A-Fa-f]{2}", token):
        return bytes.fromhex(token)
    hole = _HOLE.fullmatch(token)
    if hole is None or hole[1] not in allowed:
        may = ", ".join("{" + name + "}" for name in sorted(allowed)) or "no hole"
        raise ProfileUnusable(f"'{field}': {token!r} is neither two hexadecimal digits nor a hole for here ({may})")
    width = int(hole[2] or 1)
    try:
        match hole[1]:
            case "mask":
                return sum({1 << (group - 1) for group in groups if group}).to_bytes(width, "big")
            case "count":
                return len(groups).to_bytes(width, "big")
            case _:
                return b"".join(group.to_bytes(width, "big") for group in groups)
    except OverflowError:
        raise ProfileUnusable(f"'{field}': {max(groups)} does not fit into {hole[0]}") from None
