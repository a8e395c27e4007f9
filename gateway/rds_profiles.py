"""RDS profiles, as data: how the codes of clusters become messages to an encoder.

Makers agree on the protocol and not on what carries a code: a free-format group, an open data application, a text.
`docs/rds-profiles.md` describes the TOML format. The profiles in `gateway/profiles/` come with Loa.
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
_PLACEHOLDER = re.compile(r"\{(group|mask|groups|count)(?::(\d+))?\}")
#: Placeholders of a message sent for each group, and of one sent for all groups.
_PLACEHOLDERS = {"group": {"group"}, "all": {"mask", "groups", "count"}}

Byte = Annotated[int, Meta(ge=0, le=0xFF)]


class ProfileUnusable(Exception):
    """A profile that cannot work; the message names the field and what to do."""


class MessageScope(StrEnum):
    """Whether a message is sent for each group or once for all."""

    GROUP = "group"
    ALL = "all"


class RdsMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message element: MEC, DSN and PSN where set, the length of the data when `length` is set, the data.

    bytes: hexadecimal, with placeholders. text: ASCII with the placeholder {group}, padded with spaces to `pad`.
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

    about: one line of description. each: whether `on` and `off` are sent for each group, or once for all. largest: the
    largest code. repeat: how often all messages are sent: receivers miss some. pause_ms: after each frame.
    """

    about: str
    each: MessageScope = MessageScope.GROUP
    largest: Annotated[int, Meta(ge=1, le=0xFFFF)] = 0xFF
    repeat: Annotated[int, Meta(ge=1, le=20)] = 1
    pause_ms: Annotated[int, Meta(ge=0, le=2000)] = 100
    setup: list[RdsMessage] = []
    on: Annotated[list[RdsMessage], Meta(min_length=1)]
    off: Annotated[list[RdsMessage], Meta(min_length=1)]


def read_profile(name: str, beside: Path) -> RdsProfile:
    """A profile that comes with Loa, by its name, else a file relative to `beside`. Raises ProfileUnusable."""
    shipped = SHIPPED / f"{name}.toml"
    file = shipped if re.fullmatch(r"[a-z0-9-]+", name) and shipped.exists() else beside / name
    try:
        profile = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), RdsProfile)
    except OSError as failure:
        names = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
        raise ProfileUnusable(f"RDS profile {file}: {failure.strerror}; included profiles: {names}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ProfileUnusable(f"RDS profile {file} is not a TOML file: {failure}") from failure
    except msgspec.ValidationError as failure:
        raise ProfileUnusable(f"RDS profile {file}: {failure}") from failure
    try:
        check_profile(profile)
    except ProfileUnusable as failure:
        raise ProfileUnusable(f"RDS profile {file}: {failure}") from failure
    return profile


def check_profile(profile: RdsProfile) -> None:
    """Make its messages for its largest code. Raises ProfileUnusable when that fails."""
    for on in (True, False):
        frames_of(profile, [profile.largest], on)
    if frames_of(profile, [1], True) == frames_of(profile, [1], False):
        raise ProfileUnusable("'on' and 'off' make the same messages; the clusters would not switch")


def frames_of(profile: RdsProfile, groups: list[int], on: bool) -> list[bytes]:
    """The messages that open or close groups, in order, one for each frame: elements have no common length field.

    Raises ProfileUnusable.
    """
    for group in groups:
        if group > profile.largest:
            raise ProfileUnusable(f"group {group} is more than {profile.largest}, the largest of the profile")
    messages_sent = [_message(message, "setup", set(), groups) for message in profile.setup]
    field, messages = ("on", profile.on) if on else ("off", profile.off)
    for _ in range(profile.repeat):
        for codes in [[group] for group in groups] if profile.each is MessageScope.GROUP else [groups]:
            messages_sent += [_message(message, field, _PLACEHOLDERS[profile.each], codes) for message in messages]
    return messages_sent


def _message(message: RdsMessage, field: str, allowed: set[str], groups: list[int]) -> bytes:
    data = b"".join(_piece(token, field, allowed, groups) for token in message.bytes.split())
    if message.text:
        text = _PLACEHOLDER.sub(lambda match: _number(match, field, allowed, groups), message.text).ljust(message.pad)
        if not text.isascii() or (message.pad and len(text) > message.pad):
            raise ProfileUnusable(f"'{field}': the text {text!r} must be ASCII and at most {message.pad or 64} long")
        data += text.encode("ascii")
    head = [number for number in (message.mec, message.dsn, message.psn) if number is not None]
    element = bytes(head) + (bytes([min(len(data), 0xFF)]) if message.length else b"") + data
    if len(element) > MOST_MESSAGE:
        raise ProfileUnusable(f"'{field}': a message has {len(element)} bytes; a frame carries at most {MOST_MESSAGE}")
    return element


def _number(placeholder: re.Match[str], field: str, allowed: set[str], groups: list[int]) -> str:
    """A code in a text, zero-padded to the width in the placeholder."""
    if placeholder[1] != "group" or "group" not in allowed:
        raise ProfileUnusable(f"'{field}': {placeholder[0]} is not allowed in this text")
    return str(groups[0]).zfill(int(placeholder[2] or 1))


def _piece(token: str, field: str, allowed: set[str], groups: list[int]) -> bytes:
    """A byte in hexadecimal, or a placeholder: {mask}, {count}, {group} and {groups}, each number in `width` bytes."""
    if re.fullmatch(r"[0-9A-Fa-f]{2}", token):
        return bytes.fromhex(token)
    placeholder = _PLACEHOLDER.fullmatch(token)
    if placeholder is None or placeholder[1] not in allowed:
        names = ", ".join("{" + name + "}" for name in sorted(allowed)) or "none"
        raise ProfileUnusable(
            f"'{field}': {token!r} is neither two hexadecimal digits nor a placeholder allowed here ({names})"
        )
    width = int(placeholder[2] or 1)
    try:
        match placeholder[1]:
            case "mask":
                return sum({1 << (group - 1) for group in groups if group}).to_bytes(width, "big")
            case "count":
                return len(groups).to_bytes(width, "big")
            case _:
                return b"".join(group.to_bytes(width, "big") for group in groups)
    except OverflowError:
        raise ProfileUnusable(f"'{field}': {max(groups)} does not fit into {placeholder[0]}") from None
