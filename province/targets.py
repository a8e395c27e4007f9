"""Targets of a message from the province: the commune, some of its zones, or single receivers."""

from collections.abc import Sequence

from sqlmodel import Session

from devices.receivers import receivers
from devices.zones import zones
from province.codes import RefusalCode, Unacceptable
from province.links import ProvinceLink
from province.messages import ProvincePlace, ReceiverList
from runtime.refusal import N_
from wire.broadcasts import Targets


def targets_of(session: Session, link: ProvinceLink, places: Sequence[ProvincePlace], devices: ReceiverList) -> Targets:
    """Nothing named: the whole commune. Named receivers go before named places.

    Raises Unacceptable for a receiver that is not here, or when none of the places is.
    """
    if devices.CumLoaID:
        return Targets(receivers=sorted(set(receivers_of(session, link, devices.CumLoaID))))
    if not places:
        return Targets(all=True)
    named = {place.DichID for place in places}
    if link.own_code in named or link.commune_id in named:
        return Targets(all=True)
    zone_ids = [zone.id for zone in zones(session, link.commune_id) if zone.id in named]
    if not zone_ids:
        raise Unacceptable(
            RefusalCode.NOT_HERE,
            N_("DanhSachDiaBanNhan names no place of this commune: {places}."),
            places=", ".join(sorted(named))[:200],
        )
    return Targets(zones=zone_ids)


def receivers_of(session: Session, link: ProvinceLink, codes: Sequence[str]) -> list[str]:
    """Our short names by the province's codes. Raises Unacceptable for one that is not here."""
    ids_by_code = {link.code_of(receiver.id): receiver.id for receiver in receivers(session, link.commune_id)}
    for n, code in enumerate(codes):
        if code not in ids_by_code:
            raise Unacceptable(
                RefusalCode.NOT_HERE,
                N_("The field {field} names a receiver that is not here: {code}."),
                field=f"DanhSachThietBi.CumLoaID[{n}]",
                code=code[:80],
            )
    return [ids_by_code[code] for code in codes]
