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
        changes = HookChanges()
        if move.joined:
            self._link(session, move, changes)
            self._inbox(session, move, changes)
        return changes

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        """What went through the link stays with it; without one all goes to the heir."""
        return former(ProvinceLink) or move.sources[0]

    @staticmethod
    def _link(session: Session, move: CommuneMove, changes: HookChanges) -> None:
        links = rows_of(session, ProvinceLink, move.sources)
        if not links:
            return
        # That of `into`; else one that works goes before one that is switched off.
        order = move.in_order
        links.sort(key=lambda k: (k.commune_id != move.into, not k.enabled, order.index(k.commune_id)))
        first, *others = links
        codes = dict(first.codes)
        in_force = col(ReportedSchedule.cancelled_at).is_(None)
        for other in others:
            if (other.base_url, other.profile) == (first.base_url, first.profile):
                codes = {**{r: c for r, c in other.codes.items() if c not in codes.values()}, **codes}
                # It may take back what it sent, now from the new commune.
                sent_down = col(ReportedSchedule.from_province).is_(True)
                for row in rows_of(session, ReportedSchedule, [other.commune_id], in_force, sent_down):
                    changes.set(row, commune_id=move.into)
        changes.set(
            first,
            commune_id=move.into,
            revision=first.revision + 1,
            receiver_codes=msgspec.json.encode(codes),
            held_by="",
            held_until=None,
        )
        for row in rows_of(session, ReportedSchedule, [first.commune_id], in_force):
            changes.set(row, commune_id=move.into)
        message = N_(
            "To the province the new commune goes on with the connection of {commune}, under the code {code}. Ask the "
            "province whether it gets another."
        )
        changes.notes.append((message, {"commune": move.names[first.commune_id], "code": first.own_code}))
        for other in others:
            if other.enabled:
                message = N_(
                    "The connection of {commune} to the province stops: what is still to be told is sent, and its "
                    "schedules there are cancelled."
                )
                changes.notes.append((message, {"commune": move.names[other.commune_id]}))

    @staticmethod
    def _inbox(session: Session, move: CommuneMove, changes: HookChanges) -> None:
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
                changes.set(first, commune_id=move.into)
                waiting = []
            else:
                waiting = [b for b in others if b.state in _OPEN]
                places = [move.place(b.commune_id, b.audience) for b in (first, *waiting)]
                turn += 1
                changes.set(first, commune_id=move.into, targets=msgspec.json.encode(_all_of(places)), turn=turn)
            for other in (b for b in others if b.state in _OPEN):
                twice += 1
                changes.set(other, state=BulletinState.TAKEN.value, decided_at=move.now)
        if twice:
            message = N_("{count} bulletins of the province came to several of the communes; each is there once.")
            changes.notes.append((message, {"count": twice}))


def _all_of(places: list[Targets]) -> Targets:
    return Targets(
        all=any(p.all for p in places),
        zones=list(dict.fromkeys(z for p in places for z in p.zones)),
        receivers=list(dict.fromkeys(r for p in places for r in p.receivers)),
    )
