"""Reading a CAP file: schema, signature, rules of the protocol that no schema says, and what its areas reach."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec

from cap.areas import reached
from cap.messages import (
    CapMessage,
    Certainty,
    CommunePlaces,
    Info,
    MessageKey,
    MessageType,
    Reached,
    Severity,
    Status,
    Urgency,
)
from cap.signatures import verified
from cap.xml_files import (
    CAP,
    MOST_BYTES,
    Element,
    check_schema,
    pairs_of,
    parse_xml,
    text_of,
    texts_of,
    without_comments,
)
from runtime.refusal import N_, Refusal
from runtime.sandbox import Limits, ParserFailed, run_in_sandbox

#: A parameter of alerts that Loa publishes: the message that it aired.
ORIGIN = "loa:origin"
MOST_INFOS = 40
LONGEST_TEXT = 4_000
_LONGEST_NAME = 200
#: Clocks of senders are set by hand, too.
_MOST_AHEAD = timedelta(minutes=15)
_LIMITS = Limits(cpu_s=10, wall_s=20)


def read_foreign(file: bytes, places: CommunePlaces, certificate: str, now: datetime, *, source: str) -> CapMessage:
    """As `read_message`, in a child process with limits. source: whose file it is.

    Slow: keep it out of a transaction.
    """
    if len(file) > MOST_BYTES:
        raise Refusal(N_("This file is larger than {most} MB, the most that Loa reads."), most=MOST_BYTES // 1_000_000)
    encoded = msgspec.json.encode(places)
    try:
        return run_in_sandbox(
            read_in_child,
            file,
            encoded,
            certificate,
            now.isoformat(),
            result=CapMessage,
            source=source,
            limits=_LIMITS,
            urgent=True,
        )
    except ParserFailed as failure:
        raise Refusal(N_("Loa could not read this alert ({why})."), why=str(failure)[:150]) from failure


def read_in_child(file: bytes, places: bytes, certificate: str, now: str) -> CapMessage:
    return read_message(file, msgspec.json.decode(places, type=CommunePlaces), certificate, datetime.fromisoformat(now))


def read_message(file: bytes, places: CommunePlaces, certificate: str, now: datetime) -> CapMessage:
    """certificate: PEM, of a sender that must sign; "" for one that need not. Raises Refusal."""
    root = parse_xml(file)
    check_schema(root)
    if certificate:
        root = verified(root, certificate, now)
        check_schema(root)
    without_comments(root)
    key = MessageKey(_name(root, "sender"), _name(root, "identifier"), _instant(text_of(root, "sent")))
    if key.sent > now + _MOST_AHEAD:
        raise Refusal(N_("This alert was sent in the future, at {sent}. Check the sender's clock."), sent=key.sent)
    type_ = MessageType(text_of(root, "msgType"))
    blocks = root.findall(f"{{{CAP}}}info")
    if len(blocks) > MOST_INFOS:
        raise Refusal(N_("This alert has more than {most} parts (info), the most that Loa reads."), most=MOST_INFOS)
    if type_ in (MessageType.ALERT, MessageType.UPDATE) and not blocks:
        raise Refusal(N_("This alert says nothing: it has no part (info)."))
    message = CapMessage(
        key=key,
        status=Status(text_of(root, "status")),
        type=type_,
        is_public=text_of(root, "scope") == "Public",
        references=_references(root, key, type_),
        infos=tuple(_info(block, key.sent, places) for block in blocks),
        origin=_origin(blocks),
        is_signed=bool(certificate),
    )
    return msgspec.structs.replace(message, digest=_digest(message))


def _references(root: Element, key: MessageKey, type_: MessageType) -> tuple[MessageKey, ...]:
    references = tuple(_reference(text) for text in text_of(root, "references").split())
    if type_ in (MessageType.UPDATE, MessageType.CANCEL) and not references:
        raise Refusal(N_("A message of type {type} must name the alerts that it is about (references)."), type=type_)
    if any((r.sender, r.identifier) == (key.sender, key.identifier) for r in references):
        raise Refusal(N_("This message refers to itself (references)."))
    if late := next((r for r in references if r.sent > key.sent), None):
        raise Refusal(
            N_("This message refers to a later one (references): {identifier}."), identifier=late.identifier[:80]
        )
    return references


def _reference(text: str) -> MessageKey:
    parts = text.split(",")
    if len(parts) != 3 or not all(parts):
        raise Refusal(N_("A reference is written as sender,identifier,sent; this one is not: {text}"), text=text[:120])
    return MessageKey(parts[0], parts[1], _instant(parts[2]))


def _info(block: Element, sent: datetime, places: CommunePlaces) -> Info:
    expires, effective = _instant_of(block, "expires"), _instant_of(block, "effective")
    if expires is not None and expires < sent:
        raise Refusal(N_("This alert expired before it was sent. Check the time in “expires”."))
    areas = block.findall(f"{{{CAP}}}area")
    area = Reached()
    if areas:
        area = reached(
            [text for a in areas for text in texts_of(a, "polygon")],
            [text for a in areas for text in texts_of(a, "circle")],
            places,
            description="; ".join(text_of(a, "areaDesc") for a in areas)[:500],
            codes=[pair for a in areas for pair in pairs_of(a, "geocode")],
        )
    return Info(
        language=text_of(block, "language") or "en-US",
        category=text_of(block, "category"),
        event=_plain(text_of(block, "event"), _LONGEST_NAME),
        severity=Severity(text_of(block, "severity")),
        urgency=Urgency(text_of(block, "urgency")),
        certainty=Certainty(text_of(block, "certainty")),
        reached=area,
        response_types=tuple(texts_of(block, "responseType")),
        effective=effective,
        expires=expires,
        sender_name=_plain(text_of(block, "senderName"), _LONGEST_NAME),
        headline=_plain(text_of(block, "headline"), LONGEST_TEXT),
        description=_plain(text_of(block, "description"), LONGEST_TEXT),
        instruction=_plain(text_of(block, "instruction"), LONGEST_TEXT),
    )


def _origin(blocks: list[Element]) -> MessageKey | None:
    values = [value for block in blocks for name, value in pairs_of(block, "parameter") if name == ORIGIN]
    return _reference(values[0]) if values else None


def _name(root: Element, name: str) -> str:
    """Sender or identifier: without blanks, commas, < and &, as the protocol asks; else no reference could name it."""
    text = text_of(root, name)
    if not text or len(text) > _LONGEST_NAME or re.search(r"[\s,<&]", text):
        raise Refusal(
            N_("“{name}” of this alert is empty, too long, or has blanks or commas: {text}"), name=name, text=text[:80]
        )
    return text


def _instant_of(block: Element, name: str) -> datetime | None:
    text = text_of(block, name)
    return _instant(text) if text else None


def _instant(text: str) -> datetime:
    """CAP writes "-00:00" for a time without zone, and some write a comma before the zone: both are UTC."""
    try:
        instant = datetime.fromisoformat(text.replace(",00:00", "+00:00").replace("-00:00", "+00:00"))
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(N_("This is no time as CAP writes it: {text}"), text=text[:60]) from None


def _plain(text: str, most: int) -> str:
    """Without signs that nobody sees, lines joined where the file was wrapped."""
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
    return re.sub(r"[ \t]*\n[ \t]*", "\n", text).strip()[:most]


def _digest(message: CapMessage) -> str:
    """What was said, without what depends on who reads it."""
    infos = [msgspec.structs.replace(i, reached=Reached(description=i.reached.description)) for i in message.infos]
    same = msgspec.structs.replace(message, infos=tuple(infos), is_signed=False, digest="")
    return hashlib.sha256(msgspec.json.encode(same)).hexdigest()
