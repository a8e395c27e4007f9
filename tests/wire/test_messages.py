"""Messages: what is written is read, what is newer is met politely, what is out of bounds is not taken."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_protocol_documents import all_messages
from wire import commands
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, ClipItem, LiveItem, Manifest, Rendition, Targets
from wire.commands import Config, Identify, SetVolume
from wire.messages import Message, Sealed, decode, encode, for_commune, for_receiver
from wire.reports import ClockState, Heartbeat, PlayReport, Presence

RENDITION = Rendition(sha256="0" * 64, bytes=10, codec="opus", path="x.opus")
MANIFEST = Manifest(
    to="c/thieu-trung",
    revision=1,
    issued_at_us=1,
    expires_at_us=9_000_000,
    broadcast="b1",
    class_=BroadcastClass.NORMAL,
    targets=Targets(all=True),
    starts_at_us=1_000_000,
    ends_at_us=5_000_000,
    items=[
        ClipItem(offset_us=0, duration_us=1_000_000, clip="c1", renditions=[RENDITION]),
        LiveItem(offset_us=1_000_000, duration_us=3_000_000, buffer_us=400_000),
    ],
)
HEARTBEAT = Heartbeat(session=3, sequence=0, clock=ClockState(locked=False))


@pytest.mark.parametrize("message", [MANIFEST, HEARTBEAT, Presence(session=1, online=True)])
def test_what_is_written_is_read(message: Message) -> None:
    assert decode(encode(message), type(message)) == message


def test_the_names_on_the_wire() -> None:
    written = json.loads(encode(MANIFEST))
    assert written["type"] == "manifest"
    assert written["class"] == "normal"
    assert [item["kind"] for item in written["items"]] == ["clip", "live"]
    assert "stopped_at_us" not in written, "what has its default is left out"


@pytest.mark.parametrize("message", [MANIFEST, HEARTBEAT, Presence(session=1, online=True)])
def test_fields_unknown_are_passed_over_at_every_depth(message: Message) -> None:
    assert decode(json.dumps(_with_news(json.loads(encode(message)))).encode(), type(message)) == message


def _with_news(value: Any) -> Any:
    if isinstance(value, dict):
        return {"news": {"of": [1, None]}} | {key: _with_news(each) for key, each in value.items()}
    return [_with_news(each) for each in value] if isinstance(value, list) else value


def test_of_every_message_only_what_has_a_default_may_be_left_out() -> None:
    for kind in all_messages():
        if issubclass(kind, Message) and kind is not Sealed:
            info = msgspec.inspect.type_info(kind)
            assert isinstance(info, msgspec.inspect.StructType)
            if any(field.required for field in info.fields):
                with pytest.raises(msgspec.ValidationError, match="missing required field"):
                    msgspec.json.decode(json.dumps({info.tag_field or "x": info.tag}).encode(), type=kind)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Rendition, {"sha256": "A" * 64, "bytes": 1, "codec": "opus", "path": "x"}),
        (Rendition, {"sha256": "a" * 63, "bytes": 1, "codec": "opus", "path": "x"}),
        (Rendition, {"sha256": "a" * 64, "bytes": 0, "codec": "opus", "path": "x"}),
        (ClipItem, {"kind": "clip", "offset_us": 0, "duration_us": 1, "clip": "c", "renditions": []}),
        (LiveItem, {"kind": "live", "offset_us": -1, "duration_us": 1, "buffer_us": 1}),
        (AllowedHours, {"weekdays": [7], "from_minute": 0, "until_minute": 1}),
        (AllowedHours, {"weekdays": [0], "from_minute": 1440, "until_minute": 1440}),
        (AllowedHours, {"weekdays": [0], "from_minute": 0, "until_minute": 1441}),
        (AllowedHours, {"weekdays": [0], "from_minute": 0, "until_minute": 1, "season_first": "13-01"}),
        (AllowedHours, {"weekdays": [0], "from_minute": 0, "until_minute": 1, "days_off": "never"}),
        (Identify, {"kind": "identify", "seconds": 61}),
        (commands.TestTone, {"kind": "test_tone", "starts_at_us": 0, "period_us": 1}),
        (SetVolume, {"kind": "set_volume", "volume_percent": 101}),
        (SetVolume, {"kind": "set_volume", "volume_percent": 50.5}),
        (Presence, {"session": 0, "online": True}),
        (Presence, {"session": 1, "online": 1}),
    ],
)
def test_out_of_bounds_is_not_taken(kind: type[Message], wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(wrong).encode(), kind)


def test_the_edges_are_taken() -> None:
    hours = {"weekdays": [0, 6], "from_minute": 0, "until_minute": 1440}
    assert decode(json.dumps(hours).encode(), AllowedHours).until_minute == 1440
    assert decode(b'{"kind":"set_volume","volume_percent":0}', SetVolume).volume_percent == 0
    assert decode(b'{"kind":"set_volume","volume_percent":100}', SetVolume).volume_percent == 100


@given(st.binary(max_size=200))
def test_noise_is_a_decode_error_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(payload, Heartbeat)


def test_what_is_nested_without_end_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(b'{"session":1,"online":true,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Presence)


@pytest.mark.parametrize(
    ("targets", "zones", "meant"),
    [
        (Targets(), ["z1"], False),
        (Targets(all=True), [], True),
        (Targets(receivers=["thon-1"]), [], True),
        (Targets(receivers=["thon-2"]), [], False),
        (Targets(zones=["z1"]), ["z2", "z1"], True),
        (Targets(zones=["z1"]), ["z2"], False),
        (Targets(zones=["z1"]), [], False),
        (Targets(zones=["z1"], receivers=["thon-1"]), ["z2"], True),
    ],
)
def test_who_is_meant(targets: Targets, zones: list[str], meant: bool) -> None:
    assert targets.include("thon-1", zones) is meant


@pytest.mark.parametrize(
    ("stopped_at_us", "until_us"), [(None, 5_000_000), (3_000_000, 3_000_000), (6_000_000, 5_000_000)]
)
def test_a_broadcast_sounds_until_its_end_or_the_stop_before_it(stopped_at_us: int | None, until_us: int) -> None:
    assert msgspec.structs.replace(MANIFEST, stopped_at_us=stopped_at_us).sounds_until_us == until_us


def test_addressees() -> None:
    assert (for_commune("x"), for_receiver("x")) == ("c/x", "r/x")


def test_every_sealed_message_has_a_type_of_its_own() -> None:
    infos = [msgspec.inspect.type_info(k) for k in all_messages() if issubclass(k, Sealed) and k is not Sealed]
    tags = [(i.tag_field, i.tag) for i in infos if isinstance(i, msgspec.inspect.StructType)]
    assert len(set(tags)) == len(tags) == 10
    assert {field for field, _ in tags} == {"type"}
    assert Config.__struct_config__.tag == "config"
    assert PlayReport.__struct_config__.tag == "play_report"
