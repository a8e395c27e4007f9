"""Profiles: what one province's system writes otherwise than the others, as data. docs/province.md lists the fields.

A profile is a TOML file: paths, field names, codes, how numbers and times are written. Everything behind it sees the
messages of `province.messages` alone.
"""

import tomllib
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from province.codes import RefusalCode, Unacceptable
from runtime.refusal import N_, NotFound, Refusal

SHIPPED = Path(__file__).parent / "profiles"
DEFAULT = "chuan"

#: The fields that are instants.
TIMES = ("ThoiDiemBatDau", "ThoiGianBatDau", "ThoiGianKetThuc", "ThoiGianSanXuat")
#: Later than this is no second since 1970 but a millisecond: the year 5138.
_LATEST_S = 100_000_000_000


class Paths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Below the address of the province's system. Empty: it has no such thing, and nothing is sent there."""

    login: str = "/api/dang-nhap"
    heartbeat: str = "/api/trang-thai"
    play_log: str = "/api/nhat-ky"
    schedule_created: str = "/api/lich-phat"
    schedule_cancelled: str = "/api/huy-lich-phat"
    answer: str = "/api/tra-loi"
    waiting: str = "/api/cho-nhan"


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """How a province's system speaks.

    base_url: what the page proposes. fields, codes: ours = theirs. numbers: how it wants them. times: epoch seconds,
    milliseconds, or text in `time_format` by `time_zone`. message_ids: it is told our idempotency key, as MaGoiTin.
    dedupes: it drops a message whose key it has taken already; else each is marked before the next is sent.
    batch: so many play log entries in one message, in the list `batch_field`; 1: each alone.
    down: where bulletins and commands come from: it is asked each `poll_s`, it calls us, or both.
    heartbeat_s: of each receiver. audio_hosts: who else may have the audio. audio_most_s: for fetching one.
    """

    name: str
    base_url: str = ""
    paths: Paths = Paths()
    fields: dict[str, str] = {}
    codes: dict[str, dict[str, str | int]] = {}
    numbers: Literal["int", "text"] = "int"
    times: Literal["s", "ms", "text"] = "s"
    time_format: str = "%Y-%m-%dT%H:%M:%S"
    time_zone: str = "Asia/Ho_Chi_Minh"
    message_ids: bool = True
    dedupes: bool = True
    batch: int = 1
    batch_field: str = "DanhSachNhatKy"
    down: Literal["poll", "webhook", "both"] = "both"
    poll_s: float = 5.0
    heartbeat_s: float = 60.0
    timeout_s: float = 15.0
    allow_plain: bool = False
    audio_hosts: list[str] = []
    audio_most_mb: int = 200
    audio_most_s: float = 300.0

    @cached_property
    def _ours_of(self) -> dict[str, str]:
        return {theirs: ours for ours, theirs in self.fields.items()}

    @cached_property
    def _our_codes(self) -> dict[str, dict[str, int]]:
        return {
            field: {str(theirs): int(ours) for ours, theirs in table.items()} for field, table in self.codes.items()
        }

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def to_theirs(self, value: Any, field: str = "") -> Any:
        """A message of ours (built-in types) as this province wants it."""
        if isinstance(value, dict):
            return {self.fields.get(name, name): self.to_theirs(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.to_theirs(item, field) for item in value]
        if field in self.codes and not isinstance(value, bool) and isinstance(value, int):
            return self.codes[field].get(str(value), value)
        if field in TIMES and isinstance(value, int):
            return self._time_to_theirs(value)
        if self.numbers == "text" and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return value

    def to_ours(self, value: Any, field: str = "") -> Any:
        """What this province wrote, with our names, codes and times. Raises Unacceptable for a time that is none."""
        if isinstance(value, dict):
            return {name: self.to_ours(item, name) for name, item in self._renamed(value).items()}
        if isinstance(value, list):
            return [self.to_ours(item, field) for item in value]
        if field in self._our_codes and isinstance(value, str | int) and str(value) in self._our_codes[field]:
            return self._our_codes[field][str(value)]
        if field in TIMES and value is not None:
            return self._time_to_ours(value, field)
        return value

    def with_our_names(self, value: Any) -> Any:
        """An object with our field names on its first level; what is no object as it is."""
        return self._renamed(value) if isinstance(value, dict) else value

    def _renamed(self, value: dict[str, Any]) -> dict[str, Any]:
        return {self._ours_of.get(name, name): item for name, item in value.items()}

    def _time_to_theirs(self, at_s: int) -> int | str:
        if self.times == "text":
            return datetime.fromtimestamp(at_s, self._zone).strftime(self.time_format)
        at = at_s * 1000 if self.times == "ms" else at_s
        return str(at) if self.numbers == "text" else at

    def _time_to_ours(self, value: Any, field: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value  # the reading says what is wrong with it
        try:
            if self.times == "text" and isinstance(value, str) and not value.strip().lstrip("-").isdigit():
                at = datetime.strptime(value.strip(), self.time_format)  # noqa: DTZ007 - its zone is the profile's
                return int((at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC).timestamp())
            number = float(value)
            seconds = number / 1000 if self.times == "ms" or abs(number) > _LATEST_S else number
            datetime.fromtimestamp(seconds, UTC)
            return int(seconds)
        except (ValueError, OverflowError, OSError):
            raise Unacceptable(
                RefusalCode.WRONG_TYPE, N_("The field {field} is no time: {value}"), field=field, value=str(value)[:40]
            ) from None


def read_profile(path: Path) -> Profile:
    """One file. Raises Refusal with what is wrong in it."""
    try:
        profile = _decoded(path)
        ZoneInfo(profile.time_zone)
        datetime.now(UTC).strftime(profile.time_format)
        for table in profile.codes.values():
            for ours in table:
                int(ours)
        if not 1 <= profile.batch <= 1000 or profile.poll_s < 1 or profile.heartbeat_s < 5 or profile.timeout_s <= 0:
            raise ValueError("batch: 1–1000, poll_s: from 1, heartbeat_s: from 5, timeout_s: above 0")
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError, KeyError) as error:
        raise Refusal(
            N_("The profile {path} cannot be used: {why}. docs/province.md says what may stand in it."),
            path=path.name,
            why=str(error)[:200],
        ) from error
    return profile


def _decoded(path: Path) -> Profile:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Profile)


def profile(name: str, own: Path | None = None) -> Profile:
    """One by its file's name without .toml; those of the folder `own` go before ours. Raises NotFound, Refusal."""
    for folder in (own, SHIPPED):
        if folder is not None and (profile_file := profile_files(folder).get(name)):
            return read_profile(profile_file)
    raise NotFound(N_("There is no profile {name}. Choose another one, or put {name}.toml into the folder."), name=name)


def profile_names(own: Path | None = None) -> dict[str, str]:
    """Those there are: file name and the name for people. One that cannot be used is there by its file's name."""
    files = profile_files(SHIPPED) | (profile_files(own) if own is not None else {})
    names = {}
    for name, path in sorted(files.items()):
        try:
            names[name] = read_profile(path).name
        except Refusal:
            names[name] = name
    return names


def profile_files(folder: Path) -> dict[str, Path]:
    """The files of a folder, by their names without .toml."""
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder.is_dir() else {}
