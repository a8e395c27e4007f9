"""The topics of the protocol: who writes where, what is retained, at which quality of service.

`TOPICS` is the one table of them. The broker's access list, `docs/protocol.md` and the AsyncAPI file are held
equal to it by tests.
"""

import re
from enum import StrEnum
from typing import NamedTuple

PREFIX = "loa/1"

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


class Kind(StrEnum):
    """What a topic carries."""

    AIR = "air"
    LIVE = "live"
    ALERT = "alert"
    DRILL = "drill"
    ALERT_BOOK = "alert-book"
    CONFIG = "config"
    DO = "do"
    TIME_ASK = "time/ask"
    TIME_TELL = "time/tell"
    PRESENCE = "presence"
    HEARTBEAT = "heartbeat"
    REPORT = "report"


class TopicRow(NamedTuple):
    """One line of the topic table. `by` is who writes it: "controller" or "receiver"."""

    kind: Kind
    pattern: str
    by: str
    retained: bool
    qos: int
    payload: str


TOPICS = (
    TopicRow(Kind.AIR, f"{PREFIX}/c/{{commune}}/air/{{broadcast}}", "controller", True, 1, "sealed Manifest"),
    TopicRow(Kind.LIVE, f"{PREFIX}/c/{{commune}}/live/{{broadcast}}", "controller", False, 0, "signed LiveFrame"),
    TopicRow(Kind.ALERT, f"{PREFIX}/c/{{commune}}/alert/{{alert}}", "controller", True, 1, "signed Alert"),
    TopicRow(Kind.DRILL, f"{PREFIX}/c/{{commune}}/drill/{{alert}}", "controller", True, 1, "signed Alert"),
    TopicRow(Kind.ALERT_BOOK, f"{PREFIX}/c/{{commune}}/alert-book", "controller", True, 1, "sealed AlertBook"),
    TopicRow(Kind.CONFIG, f"{PREFIX}/r/{{receiver}}/config", "controller", True, 1, "sealed Config"),
    TopicRow(Kind.DO, f"{PREFIX}/r/{{receiver}}/do", "controller", False, 1, "sealed Command"),
    TopicRow(Kind.TIME_ASK, f"{PREFIX}/r/{{receiver}}/time/ask", "receiver", False, 0, "TimeAsk"),
    TopicRow(Kind.TIME_TELL, f"{PREFIX}/r/{{receiver}}/time/tell", "controller", False, 0, "sealed TimeTell"),
    TopicRow(Kind.PRESENCE, f"{PREFIX}/r/{{receiver}}/presence", "receiver", True, 1, "Presence"),
    TopicRow(Kind.HEARTBEAT, f"{PREFIX}/r/{{receiver}}/heartbeat", "receiver", False, 0, "Heartbeat"),
    TopicRow(Kind.REPORT, f"{PREFIX}/r/{{receiver}}/report", "receiver", False, 1, "Report sealed by the receiver"),
)


class Topic(NamedTuple):
    """A topic taken apart. What it does not name is empty."""

    kind: Kind
    commune: str = ""
    broadcast: str = ""
    receiver: str = ""
    alert: str = ""


def is_id(text: str) -> bool:
    """Whether `text` can stand in a topic: 1 to 63 of a–z, 0–9 and hyphen, not starting with a hyphen."""
    return _ID.match(text) is not None


def air(commune: str, broadcast: str) -> str:
    """Where the manifest of a broadcast is kept, retained, for the receivers of a commune."""
    return f"{PREFIX}/c/{commune}/air/{broadcast}"


def live(commune: str, broadcast: str) -> str:
    """Where the frames of a live broadcast go."""
    return f"{PREFIX}/c/{commune}/live/{broadcast}"


def alert(commune: str, alert_id: str, *, is_drill: bool) -> str:
    """Where an alert and then its end are kept, retained, for the receivers of a commune."""
    return f"{PREFIX}/c/{commune}/{Kind.DRILL if is_drill else Kind.ALERT}/{alert_id}"


def alert_book(commune: str) -> str:
    """Where the alert book of a commune is kept, retained."""
    return f"{PREFIX}/c/{commune}/{Kind.ALERT_BOOK}"


def of_receiver(receiver: str, kind: Kind) -> str:
    """A receiver's own topic of one kind."""
    return f"{PREFIX}/r/{receiver}/{kind.value}"


def from_all_receivers(kind: Kind) -> str:
    """The filter by which the controller hears one kind from every receiver."""
    return f"{PREFIX}/r/+/{kind.value}"


def air_of_commune(commune: str) -> str:
    """The filter by which a receiver hears every manifest of its commune."""
    return f"{PREFIX}/c/{commune}/air/+"


def alerts_of_commune(commune: str) -> tuple[str, ...]:
    """The filters by which a receiver hears every alert and drill of its commune, and its alert book."""
    return (f"{PREFIX}/c/{commune}/{Kind.ALERT}/+", f"{PREFIX}/c/{commune}/{Kind.DRILL}/+", alert_book(commune))


def alerts_of_all_communes() -> tuple[str, ...]:
    """The filters by which the controller hears which alerts and drills the broker keeps."""
    return (f"{PREFIX}/c/+/{Kind.ALERT}/+", f"{PREFIX}/c/+/{Kind.DRILL}/+")


def live_of_commune(commune: str) -> str:
    """The filter by which a receiver hears every live frame of its commune."""
    return f"{PREFIX}/c/{commune}/live/+"


def live_of_all_communes() -> str:
    """The filter by which the controller sees that the frames of live broadcasts reach the broker."""
    return f"{PREFIX}/c/+/live/+"


def parse(topic: str) -> Topic | None:
    """Take a topic apart; None when it is none of ours (another prefix, another version, a bad id)."""
    parts = topic.split("/")
    if len(parts) < 5 or "/".join(parts[:2]) != PREFIX or not is_id(parts[3]):
        return None
    side, name, rest = parts[2], parts[3], "/".join(parts[4:])
    if side == "c" and len(parts) == 6 and parts[4] in ("air", "live") and is_id(parts[5]):
        return Topic(Kind(parts[4]), commune=name, broadcast=parts[5])
    if side == "c" and len(parts) == 6 and parts[4] in ("alert", "drill") and is_id(parts[5]):
        return Topic(Kind(parts[4]), commune=name, alert=parts[5])
    if side == "c" and rest == Kind.ALERT_BOOK:
        return Topic(Kind.ALERT_BOOK, commune=name)
    if side == "r" and rest in _RECEIVER_KINDS:
        return Topic(Kind(rest), receiver=name)
    return None


_RECEIVER_KINDS = {row.kind.value for row in TOPICS if "/r/" in row.pattern}
