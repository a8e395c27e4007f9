"""A commune's link to the province and its inbox go along when communes are merged.

One link goes on for all, the others wind down: no more heartbeats and nothing is taken, but what is still to be told
under them is sent, and their schedules are cancelled there. Messages stay with the commune in whose name they were
written; who sends them see `province.links.communes_served`. In a split all stays where it is.
"""

from collections.abc import Callable

import msgspec
from sqlmodel import Session, SQLModel, col

from devices.merger_hooks import CommuneMove, HookChanges, rows_of
from province.bulletins import BulletinState, ProvinceBulletin
from province.incoming import ReceivedMessage
from province.links import ProvinceLink
from province.outbox import OutboxMessage
from province.schedules_up import ReportedSchedule
from runtime.refusal import N_
from wire.broadcasts import Targets

_OPEN = (BulletinState.FETCHING.value, BulletinState.WAITING.value)


class ProvinceHook:
    tables: tuple[type[SQLModel], ...] = (
        ProvinceLink,
        ProvinceBulletin,
        OutboxMessage,
        ReceivedMessage,
        ReportedSchedule,
    )

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        """The link that goes on, what the province knows of its schedules, and all inboxes."""
        found = HookChanges()
        if move.joined:
            self._link(session, move, found)
            self._inbox(session, move, found)
        return found

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        """What went through the link stays with it; without one all goes to the heir."""
        return former(ProvinceLink) or move.sources[0]

    @staticmethod
    def _link(session: Session, move: CommuneMove, found: HookChanges) -> None:
        links = rows_of(session, ProvinceLink, move.sources)
        if not links:
            return
        # That of `into`; else one that works goes before one that is switched off.
        order = move.in_order
        links.sort(key=lambda k: (k.commune_id != move.into, not k.enabled, order.index(k.commune_id)))
        first, *others = links
        codes = dict(first.codes)
        told = col(ReportedSchedule.cancelled_at).is_(None)
        for other in others:
            if (other.base_url, other.profile) == (first.base_url, first.profile):
                codes = {**{r: c for r, c in other.codes.items() if c not in codes.values()}, **codes}
                # It may take back what it sent, now from the new commune.
                sent_down = col(ReportedSchedule.from_province).is_(True)
                for row in rows_of(session, ReportedSchedule, [other.commune_id], told, sent_down):
                    found.set(row, commune_id=move.into)
        found.set(
            first,
            commune_id=move.into,
            revision=first.revision + 1,
            receiver_codes=msgspec.json.encode(codes),
            held_by="",
            held_until=None,
        )
        for row in rows_of(session, ReportedSchedule, [first.commune_id], told):
            found.set(row, commune_id=move.into)
        said = N_(
            "To the province the new commune goes on with the connection of {commune}, under the code {code}. Ask the "
            "province whether it gets another."
        )
        found.notes.append((said, {"commune": move.names[first.commune_id], "code": first.own_code}))
        for other in others:
            if other.enabled:
                said = N_(
                    "The connection of {commune} to the province stops: what is still to be told is sent, and its "
                    "schedules there are cancelled."
                )
                found.notes.append((said, {"commune": move.names[other.commune_id]}))

    @staticmethod
    def _inbox(session: Session, move: CommuneMove, found: HookChanges) -> None:
        alike: dict[tuple[str, str], list[ProvinceBulletin]] = {}
        for row in rows_of(session, ProvinceBulletin, move.sources):
            alike.setdefault((row.code, row.schedule_code), []).append(row)
        order, twice, turn = move.in_order, 0, 0
        firsts = []
        for rows in alike.values():
            rows.sort(key=lambda b: (b.commune_id != move.into, b.state not in _OPEN, order.index(b.commune_id)))
            firsts.append(rows)
        for first, *others in sorted(firsts, key=lambda rows: (rows[0].turn, rows[0].number)):
            if first.state not in _OPEN:
                found.set(first, commune_id=move.into)
                waiting = []
            else:
                waiting = [b for b in others if b.state in _OPEN]
                places = [move.place(b.commune_id, b.audience) for b in (first, *waiting)]
                turn += 1
                found.set(first, commune_id=move.into, targets=msgspec.json.encode(_all_of(places)), turn=turn)
            for other in (b for b in others if b.state in _OPEN):
                twice += 1
                found.set(other, state=BulletinState.TAKEN.value, decided_at=move.now)
        if twice:
            said = N_("{count} bulletins of the province came to several of the communes; each is there once.")
            found.notes.append((said, {"count": twice}))


def _all_of(places: list[Targets]) -> Targets:
    return Targets(
        all=any(p.all for p in places),
        zones=list(dict.fromkeys(z for p in places for z in p.zones)),
        receivers=list(dict.fromkeys(r for p in places for r in p.receivers)),
    )
