"""Topics: they are taken apart as they are put together, and what is none of ours is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.broker import matches
from wire import topics
from wire.topics import Kind, Topic, TopicRow, is_id, parse

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)


def put_together(row: TopicRow, commune: str, broadcast: str, receiver: str) -> str:
    return row.pattern.format(commune=commune, broadcast=broadcast, receiver=receiver, alert=broadcast)


@pytest.mark.parametrize("row", topics.TOPICS, ids=lambda row: row.kind.value)
@given(commune=IDS, broadcast=IDS, receiver=IDS)
def test_every_topic_of_the_table_is_taken_apart(row: TopicRow, commune: str, broadcast: str, receiver: str) -> None:
    found = parse(put_together(row, commune, broadcast, receiver))
    names = {"commune": commune, "broadcast": broadcast, "receiver": receiver, "alert": broadcast}
    assert found == Topic(row.kind, **{name: names[name] for name in re.findall(r"{(\w+)}", row.pattern)})


def test_the_functions_say_what_the_table_says() -> None:
    rows = {row.kind: row for row in topics.TOPICS}
    assert topics.air("x", "b") == put_together(rows[Kind.AIR], "x", "b", "")
    assert topics.live("x", "b") == put_together(rows[Kind.LIVE], "x", "b", "")
    assert topics.alert("x", "b", is_drill=False) == put_together(rows[Kind.ALERT], "x", "b", "")
    assert topics.alert("x", "b", is_drill=True) == put_together(rows[Kind.DRILL], "x", "b", "")
    assert topics.alert_book("x") == put_together(rows[Kind.ALERT_BOOK], "x", "", "")
    for kind in set(Kind) - {Kind.AIR, Kind.LIVE, Kind.ALERT, Kind.DRILL, Kind.ALERT_BOOK}:
        assert topics.of_receiver("thon-1", kind) == put_together(rows[kind], "", "", "thon-1")
        assert matches(topics.from_all_receivers(kind), topics.of_receiver("thon-1", kind))
    assert matches(topics.air_of_commune("x"), topics.air("x", "b"))
    assert not matches(topics.air_of_commune("x"), topics.air("y", "b"))
    assert matches(topics.live_of_commune("x"), topics.live("x", "b"))


def test_every_kind_stands_once_in_the_table() -> None:
    assert sorted(row.kind for row in topics.TOPICS) == sorted(Kind)


def test_what_is_retained_is_what_must_be_found_by_those_who_come_back() -> None:
    alerts = {Kind.ALERT, Kind.DRILL, Kind.ALERT_BOOK}
    assert {row.kind for row in topics.TOPICS if row.retained} == {Kind.AIR, Kind.CONFIG, Kind.PRESENCE} | alerts
    assert all(row.qos == 1 for row in topics.TOPICS if row.retained)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "loa",
        "loa/1",
        "loa/2/r/thon-1/config",
        "loa/1/r/thon-1",
        "loa/1/r/thon-1/",
        "loa/1/r//config",
        "loa/1/r/thon-1/config/more",
        "loa/1/r/thon-1/time",
        "loa/1/r/thon-1/air",
        "loa/1/r/Thon-1/config",
        "loa/1/r/-thon/config",
        "loa/1/r/thôn-1/config",
        "loa/1/r/thon-1\n/config",
        "loa/1/r/+/config",
        "loa/1/c/x/air",
        "loa/1/c/x/air/",
        "loa/1/c/x/air/b/c",
        "loa/1/c/x/config/b",
        "loa/1/c/x/alert",
        "loa/1/c/x/alert/a/b",
        "loa/1/c/x/alert-book/a",
        "loa/1/r/x/alert-book",
        "loa/1/c/x/air/..",
        "loa/1/x/thon-1/config",
        "$SYS/broker/uptime",
        "loa/1/r/" + "a" * 64 + "/config",
    ],
)
def test_what_is_none_of_ours_is_none(topic: str) -> None:
    assert parse(topic) is None


@given(st.text(max_size=80))
def test_any_text_is_taken_apart_or_is_none(topic: str) -> None:
    found = parse(topic)
    assert found is None or is_id(found.receiver or found.commune)


@given(st.text(max_size=70))
def test_an_id_is_what_the_protocol_says(text: str) -> None:
    assert is_id(text) == bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", text))


@pytest.mark.parametrize(
    ("text", "good"), [("a", True), ("a" * 63, True), ("a" * 64, False), ("", False), ("-", False), ("a\n", False)]
)
def test_the_edges_of_an_id(text: str, good: bool) -> None:
    assert is_id(text) is good
