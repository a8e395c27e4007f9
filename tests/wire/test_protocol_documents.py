"""The documents that vendors read say what the code does: every topic, message, field, reason and word."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from devices.enrolment import acl_rows
from devices.presence_states import CAUSES, PresenceState
from receiver.link import play_reporter
from web.labels.causes import CAUSES as WORDS_FOR_PEOPLE
from wire import alert_books, alerts, broadcasts, commands, live, messages, reports, sealing, time, topics
from wire.alerts import Alert, open_alert, target_hashes
from wire.broadcasts import Targets
from wire.credentials import Credentials
from wire.live import LiveFrame, open_frame
from wire.messages import Message, Sealed
from wire.reports import Outcome
from wire.sealing import Header, PublicKey, Reason, SealingKey, open_sealed
from wire.time import TimeTell

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
ASYNCAPI = (ROOT / "docs" / "asyncapi.yaml").read_text()
GENERATOR = runpy.run_path(str(ROOT / "scripts" / "make-asyncapi"))


def all_messages() -> list[type[msgspec.Struct]]:
    """Every message type of the wire, and what is sent around them."""
    found: list[type[msgspec.Struct]] = [Sealed, Header, Credentials]
    for module in (alert_books, broadcasts, commands, messages, reports, sealing, time):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Message) and thing not in (Message, *found):
                found.append(thing)
    return found


def fields_of(kind: type[msgspec.Struct]) -> dict[str, bool]:
    """Names on the wire, and whether each must be there."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    found = {field.encode_name: field.required for field in info.fields}
    if info.tag_field:
        found[info.tag_field] = True
    if issubclass(kind, Sealed) and kind is not Sealed:
        found = {name: must for name, must in found.items() if name not in fields_of(Sealed)}
    return found


def section(heading: str) -> str:
    """What stands under a heading of the protocol, until the next of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PROTOCOL, re.M | re.S)
    assert found, f"docs/protocol.md has no heading {heading}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """The lines of its tables."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0].startswith("`"):
            yield [cell.strip("`") if n == 0 else cell for n, cell in enumerate(cells)]


def field_table(kind: type[msgspec.Struct]) -> str:
    """The table of a message's fields."""
    found = re.search(r"^\| field .*?(?=\n\n|\Z)", section(kind.__name__), re.M | re.S)
    assert found, f"{kind.__name__} has no table of fields"
    return found[0]


@pytest.mark.parametrize("kind", all_messages(), ids=lambda kind: kind.__name__)
def test_every_field_of_every_message_has_its_line_with_its_unit(kind: type[msgspec.Struct]) -> None:
    lines = {row[0]: row for row in rows(field_table(kind))}
    assert lines.keys() == fields_of(kind).keys()
    for name, (_, what, meaning) in lines.items():
        assert meaning, f"{name} has no meaning"
        if kind not in (Credentials, Header):
            assert fields_of(kind)[name] == ("default" not in what), f"{name}: {what}"
        for suffix, unit in (("_us", "µs"), ("_ms", " ms"), ("_ppm", "ppm"), ("_dbfs", "dBFS"), ("_c", "°C")):
            if name.endswith(suffix):
                assert unit in what, f"{name} without its unit"
        if name.endswith("_at_us"):
            assert "controller time" in what, f"{name} without its clock"
        if name.endswith("_local_us"):
            assert "the receiver's clock" in what, f"{name} without its clock"


def test_every_tag_stands_beside_its_message() -> None:
    for kind in all_messages():
        info = msgspec.inspect.type_info(kind)
        assert isinstance(info, msgspec.inspect.StructType)
        if info.tag_field:
            assert f"`{info.tag_field}` is `{info.tag}`" in section(kind.__name__)


def test_defaults_that_are_numbers_or_words_are_the_ones_in_the_code() -> None:
    for kind in all_messages():
        info = msgspec.inspect.type_info(kind)
        assert isinstance(info, msgspec.inspect.StructType)
        lines = {row[0]: row[1] for row in rows(field_table(kind))}
        for field in info.fields:
            if field.encode_name in lines and isinstance(field.default, int | float) and field.default:
                said = re.search(r"default (-?\d+)", lines[field.encode_name])
                if not isinstance(field.default, bool) and kind is not Credentials:
                    assert said, f"{kind.__name__}.{field.encode_name}"
                    assert int(said[1]) == field.default


def test_the_topic_table_is_the_one_in_the_code() -> None:
    written = [tuple(row) for row in rows(section("Topics"))]
    assert written == [
        (row.pattern, row.by, "yes" if row.retained else "no", str(row.qos), row.payload) for row in topics.TOPICS
    ]


def test_the_access_list_is_the_topic_table() -> None:
    expected = {
        ("write" if row.by == "receiver" else "read", re.sub(r"{(commune|broadcast|alert)}", "+", row.pattern))
        for row in topics.TOPICS
    }
    assert {(row.access, row.pattern.replace("%u", "{receiver}")) for row in acl_rows()} == expected
    assert not any("%u" not in row.pattern for row in acl_rows() if row.access == "write")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_and_stands_in_the_order_of_checks(reason: Reason) -> None:
    assert reason.value in [row[0] for row in rows(section("Values"))]
    assert f"| `{reason.value}` |" in section("Sealed")


def test_every_word_that_a_receiver_says_of_a_broadcast_is_explained() -> None:
    source = Path(play_reporter.__file__).read_text()
    said = set(re.findall(r"Outcome\.\w+, \(?(?:fault or )?\"(\w+)\"", source)) | {"card"}
    assert said >= {"cut", "late", "interrupted", "allowed_hours", "not_running", "no_audio", "volume_zero"}
    explained = [row[0] for row in rows(section("Values").partition("not completely**")[2].partition("\n\n**")[0])]
    assert sorted(explained) == sorted(said)
    assert said <= WORDS_FOR_PEOPLE.keys()


def test_every_cause_of_presence_is_explained() -> None:
    explained = [row[0] for row in rows(section("Values").partition("change of state**")[2])]
    assert explained == list(CAUSES)


def test_every_state_outcome_and_class_is_named() -> None:
    for word in [*PresenceState, *Outcome, *broadcasts.BroadcastClass]:
        assert f"`{word.value}`" in PROTOCOL


def test_the_frame_of_live_sound_is_laid_out_as_the_code_has_it() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section("Live audio").splitlines()]
    table = [cells for cells in lines if len(cells) == 4 and cells[2].startswith("`")]
    head = [(int(cells[0]), int(cells[1])) for cells in table if cells[0].isdigit() and cells[1].isdigit()]
    assert [cells[2].strip("`") for cells in table][:6] == [
        "magic",
        "stream",
        "first_index",
        "starts_at_us",
        "packet_ms",
        "count",
    ]
    at = 0
    for offset, size in head:
        assert offset == at
        at += size
    assert at == live._HEAD.size
    assert f"1 to {live.MOST_PACKETS}" in section("Live audio")
    assert f"0 to {live.MOST_PACKET_BYTES}" in section("Live audio")


def test_the_alert_is_laid_out_as_the_code_has_it() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section("Alert").splitlines()]
    table = [cells for cells in lines if len(cells) == 4 and cells[2].startswith("`")]
    fixed = [(int(cells[0]), int(cells[1])) for cells in table if cells[0].isdigit() and cells[1].isdigit()]
    assert [offset for offset, _ in fixed] == [sum(size for _, size in fixed[:n]) for n in range(len(fixed))]
    assert sum(size for _, size in fixed) == alerts._HEAD.size == int(table[len(fixed)][0])
    assert f"{alerts._HEAD.size + 64} to {alerts.MOST_BYTES} bytes" in section("Alert")
    in_code = re.findall(r"^    (\d+) +(\d+) +(\w+):", alerts.__doc__ or "", re.M)
    assert in_code == [(cells[0], cells[1], cells[2].strip("`")) for cells in table[: len(fixed)]]


def test_limits_in_the_text_are_those_of_the_code() -> None:
    assert str(sealing.MOST_BYTES) in section("Limits")
    assert str(sealing.MOST_BYTES) in section("Sealed")


def test_the_test_vectors_open() -> None:
    vectors = section("Test vectors")
    key = SealingKey(bytes(range(32)))
    assert f"`{key.public.hex()}`" in vectors
    assert f"`{key.kid}`" in vectors
    sealed, frame, alert, end = re.findall(r"```text\n(.*?)```", vectors, re.S)
    public = PublicKey(key.public)
    tell: TimeTell = open_sealed(sealed.strip().encode(), TimeTell, {key.kid: public}, to="r/thon-1", now_us=None)
    assert (tell.heard_at_us, tell.told_at_us) == (1_764_000_000_000_200, 1_764_000_000_000_300)
    opened = open_frame(bytes.fromhex("".join(frame.split())), "loa/1/c/thieu-trung/live/b1", public)
    assert opened == LiveFrame(b"12345678", 7, 1_764_000_000_000_000, (b"abc", b"", b"defg"))
    keys, at_us = {key.kid: public}, 1_764_000_000_000_000
    opened_alert = open_alert(bytes.fromhex("".join(alert.split())), keys, "thieu-trung", at_us)
    targets = target_hashes("00112233aabbccdd", Targets(zones=["thon-1"], receivers=["thon-9"]))
    assert opened_alert == Alert(
        alert="00112233aabbccdd",
        issued_at_us=at_us,
        expires_at_us=at_us + 3_600_000_000,
        speech_offset_us=6_000_000,
        template=7,
        level=3,
        repeats=3,
        targets=targets,
        slots=(101, 1203),
    )
    opened_end = open_alert(bytes.fromhex("".join(end.split())), keys, "thieu-trung", at_us)
    assert (opened_end.alert, opened_end.is_end, opened_end.template) == (opened_alert.alert, True, 0)
    assert opened_end.issued_at_us == at_us + 60_000_000


def test_links_within_the_page_lead_somewhere() -> None:
    headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", PROTOCOL, re.M)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PROTOCOL)) <= headings


def test_the_asyncapi_file_is_what_the_generator_gives() -> None:
    assert GENERATOR["text"]() == ASYNCAPI, "run scripts/make-asyncapi"


def test_the_asyncapi_file_has_every_topic_and_message_and_no_loose_end() -> None:
    document = yaml.safe_load(ASYNCAPI)
    assert [channel["address"] for channel in document["channels"].values()] == [row.pattern for row in topics.TOPICS]
    for operation, row in zip(document["operations"].values(), topics.TOPICS, strict=True):
        assert operation["action"] == ("send" if row.by == "receiver" else "receive")
        assert operation["bindings"]["mqtt"]["qos"] == row.qos
        assert operation["bindings"]["mqtt"]["retain"] == row.retained
    schemas = document["components"]["schemas"]
    for kind in all_messages():
        if kind not in (Sealed, Header, Credentials):
            assert set(schemas[kind.__name__]["properties"]) >= fields_of(kind).keys()
    for reference in _references(document):
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
