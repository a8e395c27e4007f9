"""Links: each commune's connection to its province's system, its settings and state, and which controller holds it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Column, ColumnElement, LargeBinary, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from devices.communes import Commune, commune
from devices.predecessors import CommuneSuccession, lineage
from devices.provinces import province_name
from province.profile import DEFAULT, Profile
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, as_text, from_text

#: A controller that works a link says so again in time; after this long without word another takes it over.
HELD_FOR = timedelta(seconds=60)
_LOCAL = ("127.0.0.1", "localhost", "::1")


class ProvinceLink(SQLModel, table=True):
    """A commune's link. own_code, own_name: NguonID, TenNguon; province_code, province_name: DichID, TenDich.

    receiver_codes: JSON, by our short name the CumLoaID that the province knows it by; who is not in it is known by its
    short name. normal_schedules: "inbox" or "timetable", where a schedule of normal class goes. token_hash: of what the
    province shows when it calls us, "" for nobody may.
    connected_since, away_since, error: the last change of the connection; error as `runtime.refusal.as_text`.
    held_by, held_until: which controller works it.
    """

    commune_id: str = Field(primary_key=True, foreign_key="commune.id")
    profile: str = DEFAULT
    base_url: str = ""
    own_code: str
    own_name: str
    province_code: str = ""
    province_name: str = ""
    receiver_codes: bytes = Field(default=b"{}", sa_column=Column(LargeBinary, nullable=False))
    normal_schedules: str = "inbox"
    enabled: bool = False
    token_hash: str = ""
    revision: int = 1
    connected_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    away_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    error: str = ""
    held_by: str = ""
    held_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def codes(self) -> dict[str, str]:
        """CumLoaID by our short name, where it is another."""
        return msgspec.json.decode(self.receiver_codes, type=dict[str, str])

    @property
    def why(self) -> Refusal | None:
        """Why the province is not reached."""
        return from_text(self.error)

    @property
    def subject(self) -> str:
        """As forms and the audit name it (`usecases.revisions.Compared`)."""
        return f"province_link {self.commune_id}"

    @property
    def settings_shown(self) -> list[object]:
        """What people can set, for the revision of a form."""
        names = (self.own_code, self.own_name, self.province_code, self.province_name)
        return [self.profile, self.base_url, *names, self.receiver_codes, self.normal_schedules, self.enabled]

    def code_of(self, receiver_id: str) -> str:
        return self.codes.get(receiver_id, receiver_id)


@dataclass(frozen=True)
class LinkForm:
    """What people set of a link. receiver_codes: lines "short-name = CumLoaID"."""

    profile: str
    base_url: str
    own_code: str
    own_name: str
    province_code: str
    province_name: str
    receiver_codes: str
    normal_schedules: str
    enabled: bool


def link_of(session: Session, commune_id: str) -> ProvinceLink:
    """A commune's link; not kept yet when nobody set one. Raises NotFound for no commune."""
    row = session.get(ProvinceLink, commune_id)
    if row is not None:
        return row
    own = commune(session, commune_id)
    return ProvinceLink(
        commune_id=own.id, own_code=own.id, own_name=own.name, province_name=province_name(session, own.province_id)
    )


def link_for(session: Session, commune_id: str) -> ProvinceLink | None:
    """The link under which things of a commune are told: its own, or that of what it was merged into."""
    seen: set[str] = set()
    while commune_id not in seen:
        seen.add(commune_id)
        link, own = session.get(ProvinceLink, commune_id), session.get(Commune, commune_id)
        if link is not None or own is None or own.retired_at is None:
            return link
        heirs = select(CommuneSuccession.successor_id).where(
            CommuneSuccession.former_id == commune_id, col(CommuneSuccession.since).is_(None)
        )
        commune_id = session.exec(heirs).first() or commune_id
    return None


def communes_served(session: Session, commune_id: str) -> list[str]:
    """A link's commune, and those that were merged into it and have no link (any more)."""
    formers = [ancestor.commune_id for ancestor in lineage(session, commune_id) if ancestor.since is None]
    ended = select(Commune.id).where(col(Commune.id).in_(formers), col(Commune.retired_at).is_not(None))
    own = set(session.exec(select(ProvinceLink.commune_id).where(col(ProvinceLink.commune_id).in_(formers))))
    silent = set(session.exec(ended)) - own
    return [commune_id, *(c for c in formers if c in silent and c != commune_id)]


def is_ending(session: Session, commune_id: str) -> bool:
    """Whether a link's commune was merged into one that has another link: what is left is told, nothing is taken."""
    own = session.get(Commune, commune_id)
    return own is not None and own.retired_at is not None


def enabled_links(session: Session) -> list[ProvinceLink]:
    """Those that are to be worked."""
    query = select(ProvinceLink).where(col(ProvinceLink.enabled).is_(True))
    return list(session.exec(query.order_by(ProvinceLink.commune_id)))


def set_link(
    session: Session, commune_id: str, form: LinkForm, profile: Profile, receiver_ids: set[str]
) -> ProvinceLink:
    """Set a link. profile: the one it names, read. receiver_ids: of the commune. Raises Refusal."""
    row = link_of(session, commune_id)
    base_url = (form.base_url.strip() or profile.base_url).rstrip("/")
    if form.enabled or base_url:
        check_url(base_url, profile)
    if not form.own_code.strip():
        raise Refusal(N_("The province knows the commune by a code. Ask the province for it.")).at("own_code")
    if form.normal_schedules not in ("inbox", "timetable"):
        raise Refusal(N_("Choose what happens to normal schedules of the province.")).at("normal_schedules")
    row.profile, row.base_url, row.enabled = form.profile, base_url, form.enabled
    row.own_code = form.own_code.strip()[:100]
    row.own_name = form.own_name.strip()[:200] or commune(session, commune_id).name
    row.province_code, row.province_name = form.province_code.strip()[:100], form.province_name.strip()[:200]
    row.normal_schedules = form.normal_schedules
    row.receiver_codes = msgspec.json.encode(_codes(form.receiver_codes, receiver_ids))
    row.revision += 1
    session.add(row)
    session.flush()
    return row


def check_url(base_url: str, profile: Profile) -> None:
    """Refuse what is no address, or would carry the password in clear."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Refusal(
            N_("{url} is no address of a province's system. Write https://name."), url=base_url[:100] or "…"
        ).at("base_url")
    if parts.scheme == "http" and parts.hostname not in _LOCAL and not profile.allow_plain:
        raise Refusal(
            N_(
                "{url} would carry the password without encryption. Write https://, or allow_plain in the profile "
                "inside a VPN."
            ),
            url=base_url[:100],
        ).at("base_url")


def restart_link(session: Session, commune_id: str) -> None:
    """Restart a link's worker, so that it connects at once without waiting for its back-off."""
    row = link_of(session, commune_id)
    if row.enabled:
        row.revision += 1
        session.add(row)


def new_token(session: Session, commune_id: str) -> str:
    """A new token for the province to call us with, shown this once; the old one ends."""
    row = link_of(session, commune_id)
    token = secrets.token_urlsafe(32)
    row.token_hash = _hashed(token)
    session.add(row)
    session.flush()
    return token


def token_is_valid(link: ProvinceLink | None, token: str) -> bool:
    """Whether who shows this token is the province of this link. Takes as long when there is none."""
    token_hash = link.token_hash if link is not None and link.enabled else ""
    return hmac.compare_digest(token_hash or "-", _hashed(token)) and bool(token_hash)


def hold(session: Session, commune_id: str, me: str, now: datetime) -> bool:
    """Take a link to work it, or say that we still do. False while another controller does."""
    statement = (
        update(ProvinceLink)
        .where(col(ProvinceLink.commune_id) == commune_id, col(ProvinceLink.enabled).is_(True))
        .where(or_(col(ProvinceLink.held_by) == me, col(ProvinceLink.held_until).is_(None), _over(now)))
        .values(held_by=me, held_until=now + HELD_FOR)
    )
    return bool(session.connection().execute(statement).rowcount == 1)


def let_go(session: Session, commune_id: str, me: str) -> None:
    """We work it no longer; another may at once."""
    session.connection().execute(
        update(ProvinceLink)
        .where(col(ProvinceLink.commune_id) == commune_id, col(ProvinceLink.held_by) == me)
        .values(held_by="", held_until=None)
    )


def note_connected(session: Session, commune_id: str, now: datetime) -> None:
    """The province answered. Only the change is written."""
    link = session.get(ProvinceLink, commune_id)
    if link is not None and (link.connected_since is None or link.error):
        link.connected_since, link.away_since, link.error = link.connected_since or now, None, ""
        session.add(link)


def note_unavailable(session: Session, commune_id: str, why: Refusal, now: datetime) -> None:
    """The province did not answer, and why. Only the change is written."""
    link = session.get(ProvinceLink, commune_id)
    if link is not None and (link.away_since is None or link.error != as_text(why)):
        link.connected_since, link.away_since, link.error = None, link.away_since or now, as_text(why)
        session.add(link)


def _over(now: datetime) -> ColumnElement[bool]:
    return or_(col(ProvinceLink.held_until) < now, col(ProvinceLink.held_until) > now + 10 * HELD_FOR)


def _codes(text: str, receiver_ids: set[str]) -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        receiver_id, equals, code = (part.strip() for part in line.partition("="))
        if not equals or not code:
            raise Refusal(
                N_("The line “{line}” is no code of a receiver. Write: short-name = code"), line=line[:80]
            ).at("receiver_codes")
        if receiver_id not in receiver_ids:
            raise Refusal(N_("{receiver} is not a receiver of this commune."), receiver=receiver_id[:80]).at(
                "receiver_codes"
            )
        if code in codes.values():
            raise Refusal(N_("The code {code} stands at two receivers."), code=code[:80]).at("receiver_codes")
        codes[receiver_id] = code
    return codes


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
