"""Writing CAP: an emergency that Loa airs as a message of CAP 1.2, and the Atom feed of such messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lxml import etree

from cap.feeds import ATOM, CAP_TYPE
from cap.messages import Certainty, MessageKey, MessageType, Severity, Status, Urgency
from cap.reading import ORIGIN
from cap.xml_files import CAP, Element

#: More corners say nothing that a receiver of alerts could use.
_MOST_CORNERS = 2_000


@dataclass(frozen=True)
class OutgoingAlert:
    """One message. references: of a Cancel, what it ends. outline: of the commune. origin: what the emergency airs.
    response: CAP's responseType, "" for none."""

    key: MessageKey
    type: MessageType
    event: str
    text: str
    language: str
    sender_name: str
    area: str
    expires: datetime
    status: Status = Status.ACTUAL
    category: str = "Other"
    severity: str = Severity.UNKNOWN
    urgency: str = Urgency.IMMEDIATE
    certainty: str = Certainty.UNKNOWN
    response: str = ""
    outline: str | None = None
    origin: str = ""
    references: Sequence[MessageKey] = ()


def alerts_host(public_url: str | None, key_id: str) -> str:
    """The part after the @ in the senders of what Loa publishes: of its public address, else a name from its key."""
    return urlsplit(public_url or "").hostname or f"loa-{key_id}.invalid"


def cap_file(alert: OutgoingAlert) -> bytes:
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})
    _add(root, "identifier", alert.key.identifier)
    _add(root, "sender", alert.key.sender)
    _add(root, "sent", _written(alert.key.sent))
    _add(root, "status", alert.status.value)
    _add(root, "msgType", alert.type.value)
    _add(root, "scope", "Public")
    if alert.references:
        keys = [f"{k.sender},{k.identifier},{_written(k.sent)}" for k in alert.references]
        _add(root, "references", " ".join(keys))
    info = _add(root, "info")
    _add(info, "language", alert.language)
    _add(info, "category", alert.category)
    _add(info, "event", alert.event)
    if alert.response:
        _add(info, "responseType", alert.response)
    _add(info, "urgency", alert.urgency)
    _add(info, "severity", alert.severity)
    _add(info, "certainty", alert.certainty)
    _add(info, "expires", _written(alert.expires))
    _add(info, "senderName", alert.sender_name)
    _add(info, "headline", alert.event)
    if alert.text:
        _add(info, "description", alert.text)
    if alert.origin:
        parameter = _add(info, "parameter")
        _add(parameter, "valueName", ORIGIN)
        _add(parameter, "value", alert.origin)
    area = _add(info, "area")
    _add(area, "areaDesc", alert.area)
    for polygon in _polygons(alert.outline):
        _add(area, "polygon", polygon)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


@dataclass(frozen=True)
class FeedEntry:
    alert: OutgoingAlert
    url: str


def atom_feed(entries: Sequence[FeedEntry], *, url: str, title: str, now: datetime) -> bytes:
    """entries: the newest first. url: of the feed itself."""
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _add(feed, "id", url)
    _add(feed, "title", title)
    _add(feed, "updated", _written(max((e.alert.key.sent for e in entries), default=now)))
    _add(_add(feed, "author"), "name", title)
    _link(feed, "self", url, "application/atom+xml")
    for entry in entries:
        part = _add(feed, "entry")
        _add(part, "id", entry.url)
        _add(part, "title", entry.alert.event)
        _add(part, "updated", _written(entry.alert.key.sent))
        _add(part, "summary", entry.alert.area)
        _link(part, "alternate", entry.url, CAP_TYPE)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="UTF-8"))


def _add(parent: Element, name: str, text: str = "") -> Element:
    child: Element = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    # XML has no sign for these.
    child.text = "".join(c for c in text if c in "\n\t" or c.isprintable()) or None
    return child


def _link(parent: Element, rel: str, url: str, kind: str) -> None:
    link = _add(parent, "link")
    for name, value in (("rel", rel), ("href", url), ("type", kind)):
        link.set(name, value)


def _written(instant: datetime) -> str:
    """CAP writes the zone as a number, and UTC as -00:00."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def _polygons(outline: str | None) -> list[str]:
    """The outer rings: CAP knows no holes."""
    if outline is None:
        return []
    rings = [polygon[0] for polygon in json.loads(outline)["coordinates"] if polygon]
    return [" ".join(f"{lat},{lon}" for lon, lat in _thinned(ring)) for ring in rings]


def _thinned(ring: list[list[float]]) -> list[list[float]]:
    step = -(-len(ring) // _MOST_CORNERS)
    return [*ring[:-1:step], ring[0]]
