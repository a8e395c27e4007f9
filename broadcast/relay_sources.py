"""Relay sources: the outside radio stations that a commune relays, each with its addresses in order of preference."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, select

from parsing.names import NameIndex
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import NumberedRow, existing

MOST_ADDRESSES, LONGEST_ADDRESS = 8, 500
#: Of a commune; each may be relayed at once.
MOST_SOURCES = 50
LEAST_SILENCE_DB, MOST_SILENCE_DB, USUAL_SILENCE_DB = -90, -20, -50
LEAST_SILENCE_S, MOST_SILENCE_S, USUAL_SILENCE_S = 5, 600, 20


class RelaySource(NumberedRow, table=True):
    """addresses: JSON list; the first that works counts. silence_db, silence_s: so long below it is a
    failure; 0 s: never.

    retired_at: since when it is no longer offered; what is planned with it is still relayed.
    """

    __tablename__ = "relay_source"

    commune_id: str = Field(foreign_key="commune.id", index=True)
    name: str
    addresses: str = Field(sa_column=Column(Text, nullable=False))
    silence_db: int = USUAL_SILENCE_DB
    silence_s: int = USUAL_SILENCE_S
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def address_list(self) -> list[str]:
        return msgspec.json.decode(self.addresses, type=list[str])


def relay_source(session: Session, number: int) -> RelaySource:
    return existing(session, RelaySource, number, N_("This relay station no longer exists."))


def relay_sources(session: Session, commune_id: str) -> list[RelaySource]:
    """Those of a commune that are in use, by name."""
    query = select(RelaySource).where(RelaySource.commune_id == commune_id, col(RelaySource.retired_at).is_(None))
    return list(session.exec(query.order_by(RelaySource.name)))


def relay_sources_by_id(session: Session, numbers: Sequence[int]) -> dict[int, RelaySource]:
    query = select(RelaySource).where(col(RelaySource.id).in_(set(numbers)))
    return {source.number: source for source in session.exec(query)} if numbers else {}


def add_relay_source(
    session: Session,
    commune_id: str,
    *,
    name: str,
    addresses: Sequence[str],
    silence_db: int = USUAL_SILENCE_DB,
    silence_s: int = USUAL_SILENCE_S,
) -> RelaySource:
    """Raises Refusal."""
    if len(relay_sources(session, commune_id)) >= MOST_SOURCES:
        raise Refusal(N_("There are {most} relay stations, which is the most. Remove one first."), most=MOST_SOURCES)
    source = RelaySource(commune_id=commune_id, name="", addresses="[]")
    return _set(session, source, name, addresses, silence_db, silence_s)


def change_relay_source(
    session: Session, number: int, *, name: str, addresses: Sequence[str], silence_db: int, silence_s: int
) -> RelaySource:
    """Raises Refusal, NotFound."""
    return _set(session, relay_source(session, number), name, addresses, silence_db, silence_s)


def retire_relay_source(session: Session, source: RelaySource, now: datetime) -> None:
    source.retired_at = source.retired_at or now
    session.add(source)


def restore_relay_source(session: Session, source: RelaySource) -> None:
    """Raises Refusal when another has its name now."""
    _check_name_free(session, source, source.name)
    source.retired_at = None
    session.add(source)


def parse_addresses(text: str) -> list[str]:
    """One address a line, in order of preference. Raises Refusal."""
    with at_field("addresses"):
        addresses = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        _check_addresses(addresses)
        return addresses


def _set(
    session: Session, source: RelaySource, name: str, addresses: Sequence[str], silence_db: int, silence_s: int
) -> RelaySource:
    with at_field("name"):
        name = parse_title(name)
        if not name:
            raise Refusal(N_("A relay station needs a name, for example: VOV1."))
        _check_name_free(session, source, name)
    with at_field("addresses"):
        _check_addresses(addresses)
    if not LEAST_SILENCE_DB <= silence_db <= MOST_SILENCE_DB:
        raise Refusal(
            N_("The silence level is between {least} and {most} dB."), least=LEAST_SILENCE_DB, most=MOST_SILENCE_DB
        ).at("silence_db")
    if silence_s and not LEAST_SILENCE_S <= silence_s <= MOST_SILENCE_S:
        raise Refusal(
            N_("Silence counts as a failure after {least} to {most} s; 0 for never."),
            least=LEAST_SILENCE_S,
            most=MOST_SILENCE_S,
        ).at("silence_s")
    source.name, source.addresses = name, msgspec.json.encode(list(addresses)).decode()
    source.silence_db, source.silence_s = silence_db, silence_s
    session.add(source)
    session.flush()
    return source


def _check_addresses(addresses: Sequence[str]) -> None:
    """Their form alone: where a name leads is looked up at each connection, since it can change."""
    if not addresses:
        raise Refusal(N_("Type at least one address of the station, for example https://example.vn/vov1.mp3."))
    if len(addresses) > MOST_ADDRESSES:
        raise Refusal(N_("A station can have at most {most} addresses."), most=MOST_ADDRESSES)
    for address in addresses:
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        is_visible = address.isascii() and address.isprintable() and " " not in address
        if not host or parts.scheme not in ("http", "https") or len(address) > LONGEST_ADDRESS or not is_visible:
            raise Refusal(N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=address[:150])


def _check_name_free(session: Session, source: RelaySource, name: str) -> None:
    others = [s for s in relay_sources(session, source.commune_id) if s.id != source.id or source.id is None]
    if NameIndex((other.name, other.number) for other in others).exact(name):
        raise Refusal(N_("There is a relay station “{name}” already. Choose another name."), name=name)
