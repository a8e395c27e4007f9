"""Sources of alerts: who may send alerts to a commune, how they come, and which of them sound without being asked."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, select

from cap.messages import Certainty, Info, Severity, Urgency
from cap.signatures import check_certificate
from parsing.names import NameIndex
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field
from runtime.rows import NumberedRow, existing

MOST_SOURCES = 30
LONGEST_ADDRESS = 500
_MOST_CODES = 500


class SourceKind(StrEnum):
    """How alerts come."""

    POST = "post"
    FEED = "feed"


class CapSource(NumberedRow, table=True):
    """A source of alerts of one commune. address: of a feed. token_hash: of what a sender shows, "" for none yet.

    certificate: PEM; the sender must sign with it. "" for one that need not sign.
    codes: lines "code" (the whole commune) or "code = zone id"; a code may name its scheme: "scheme:code".
    languages: tags in the order in which they are spoken, separated by blanks.
    least_severity, least_urgency, least_certainty: what starts without being asked; "" in all three for nothing.
    drills: whether Exercise and Test may sound, as drills.
    read_at: when its feed was last read. error, error_at: of the last try, as `runtime.refusal.as_text`; "" when it
    succeeded.
    """

    __tablename__ = "cap_source"

    commune_id: str = Field(foreign_key="commune.id", index=True)
    name: str
    kind: str
    address: str = ""
    token_hash: str = Field(default="", index=True)
    certificate: str = Field(default="", sa_column=Column(Text, nullable=False))
    codes: str = Field(default="", sa_column=Column(Text, nullable=False))
    languages: str = "vi"
    least_severity: str = ""
    least_urgency: str = ""
    least_certainty: str = ""
    drills: bool = False
    read_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    error: str = Field(default="", sa_column=Column(Text, nullable=False))
    error_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def starts_alerts(self) -> bool:
        return bool(self.least_severity)

    @property
    def zone_by_code(self) -> dict[str, str]:
        """Zone id by code; "" for the whole commune."""
        return {
            code.strip(): zone.strip() for code, _, zone in (line.partition("=") for line in self.codes.splitlines())
        }

    @property
    def language_list(self) -> list[str]:
        return self.languages.split()

    def starts(self, info: Info) -> bool:
        """Whether an alert as grave, as urgent and as certain as this starts without being asked."""
        return (
            self.starts_alerts
            and _at_least(Severity, info.severity, self.least_severity)
            and _at_least(Urgency, info.urgency, self.least_urgency)
            and _at_least(Certainty, info.certainty, self.least_certainty)
        )


@dataclass(frozen=True)
class SourceSettings:
    """What people set of a source; see `CapSource`."""

    name: str
    kind: str
    address: str = ""
    certificate: str = ""
    codes: str = ""
    languages: str = "vi"
    least_severity: str = ""
    least_urgency: str = ""
    least_certainty: str = ""
    drills: bool = False


def cap_source(session: Session, number: int) -> CapSource:
    return existing(session, CapSource, number, N_("This source of alerts no longer exists."))


def cap_sources(session: Session, commune_id: str) -> list[CapSource]:
    """Those of a commune that are in use, by name."""
    query = select(CapSource).where(CapSource.commune_id == commune_id, col(CapSource.retired_at).is_(None))
    return list(session.exec(query.order_by(CapSource.name)))


def feed_sources(session: Session) -> list[CapSource]:
    """All feeds in use, of every commune."""
    query = select(CapSource).where(CapSource.kind == SourceKind.FEED.value, col(CapSource.retired_at).is_(None))
    return list(session.exec(query.order_by(col(CapSource.id))))


def source_with_token(session: Session, token: str) -> CapSource:
    """Raises NotFound when no source in use has this token."""
    query = select(CapSource).where(CapSource.token_hash == _hashed(token), col(CapSource.retired_at).is_(None))
    found = session.exec(query).first() if token else None
    if found is None or found.kind != SourceKind.POST:
        raise NotFound(N_("This token is not allowed to send alerts here."))
    return found


def add_cap_source(session: Session, commune_id: str, settings: SourceSettings, zone_ids: Sequence[str]) -> CapSource:
    """zone_ids: of the commune. Raises Refusal."""
    if len(cap_sources(session, commune_id)) >= MOST_SOURCES:
        raise Refusal(N_("There are {most} sources of alerts, which is the most. Remove one first."), most=MOST_SOURCES)
    return _set(session, CapSource(commune_id=commune_id, name="", kind=""), settings, zone_ids)


def change_cap_source(
    session: Session, source: CapSource, settings: SourceSettings, zone_ids: Sequence[str]
) -> CapSource:
    """Raises Refusal."""
    return _set(session, source, settings, zone_ids)


def retire_cap_source(session: Session, source: CapSource, now: datetime) -> None:
    source.retired_at = source.retired_at or now
    session.add(source)


def restore_cap_source(session: Session, source: CapSource) -> None:
    """Raises Refusal when another has its name now."""
    _check_name_free(session, source, source.name)
    source.retired_at = None
    session.add(source)


def new_source_token(session: Session, source: CapSource) -> str:
    """A new token, shown this once; the old one ends."""
    token = secrets.token_urlsafe(32)
    source.token_hash = _hashed(token)
    session.add(source)
    return token


def note_read(session: Session, source: CapSource, now: datetime, error: str) -> None:
    """What became of the last try to read a feed. error: as `runtime.refusal.as_text`, "" when it was read."""
    source.error, source.error_at = error, now if error else None
    source.read_at = source.read_at if error else now
    session.add(source)


def _set(session: Session, source: CapSource, settings: SourceSettings, zone_ids: Sequence[str]) -> CapSource:
    with at_field("name"):
        name = parse_title(settings.name)
        if not name:
            raise Refusal(N_("A source of alerts needs a name, for example: Đài Khí tượng Thủy văn tỉnh."))
        _check_name_free(session, source, name)
    if settings.kind not in list(SourceKind):
        raise Refusal(N_("Choose how alerts of this source come.")).at("kind")
    source.name, source.kind = name, settings.kind
    source.address = _address(settings.address) if settings.kind == SourceKind.FEED else ""
    with at_field("certificate"):
        source.certificate = check_certificate(settings.certificate)
    source.codes, source.languages = _codes(settings.codes, zone_ids), _languages(settings.languages)
    chosen = (settings.least_severity, settings.least_urgency, settings.least_certainty)
    known = zip(chosen, (Severity, Urgency, Certainty), strict=True)
    if any(chosen) and not all(value in list(words) for value, words in known):
        raise Refusal(
            N_("Choose all three, severity, urgency and certainty, or none for alerts that a person confirms.")
        ).at("least_severity")
    source.least_severity, source.least_urgency, source.least_certainty = chosen
    source.drills = settings.drills
    session.add(source)
    session.flush()
    return source


def _address(text: str) -> str:
    """Its form alone: where a name leads is looked up at each connection, since it can change."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    is_visible = text.isascii() and text.isprintable() and " " not in text
    if not host or parts.scheme not in ("http", "https") or len(text) > LONGEST_ADDRESS or not is_visible:
        raise Refusal(N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=text[:150]).at(
            "address"
        )
    return text


def _codes(text: str, zone_ids: Sequence[str]) -> str:
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    for line in lines:
        code, is_zone, zone = (part.strip() for part in line.partition("="))
        if not code or len(code) > 60 or len(lines) > _MOST_CODES:
            raise Refusal(N_("Write one area code a line, for example 14803 or 14803 = thon-1.")).at("codes")
        if is_zone and zone not in zone_ids:
            raise Refusal(N_("{zone} is not a zone of this commune."), zone=zone[:80] or "…").at("codes")
    return "\n".join(lines)


def _languages(text: str) -> str:
    tags = list(dict.fromkeys(text.replace(",", " ").lower().split())) or ["vi"]
    if len(tags) > 5 or not all(re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}", tag) for tag in tags):
        raise Refusal(N_("Write languages as short names in the order in which they are read: vi, en.")).at("languages")
    return " ".join(tags)


def _at_least(words: type[StrEnum], value: str, least: str) -> bool:
    order = list(words)
    return order.index(words(value)) <= order.index(words(least))


def _check_name_free(session: Session, source: CapSource, name: str) -> None:
    others = [s for s in cap_sources(session, source.commune_id) if s.id != source.id or source.id is None]
    if NameIndex((other.name, other.number) for other in others).exact(name):
        raise Refusal(N_("There is a source of alerts “{name}” already. Choose another name."), name=name)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
