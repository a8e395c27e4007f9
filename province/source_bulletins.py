"""The bulletin that a recording came from: a report about it names the province's own BanTinID."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from province.bulletins import BulletinState, ProvinceBulletin

_NEVER_SOUNDS = (BulletinState.DECLINED.value, BulletinState.FAILED.value)


def source_bulletins(
    session: Session, commune_id: str, clip_ids: Collection[str], broadcast_id: str = ""
) -> dict[str, ProvinceBulletin]:
    """The bulletin that each recording came with, for those that the province's system sent. One query.

    Where one recording came with several: the one that was put on air as `broadcast_id`, else the newest.
    """
    query = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == commune_id,
        col(ProvinceBulletin.clip_id).in_(sorted(clip_ids)),
        ProvinceBulletin.url != "",
        col(ProvinceBulletin.state).not_in(_NEVER_SOUNDS),
    )
    bulletins = sorted(
        session.exec(query), key=lambda b: (bool(broadcast_id) and b.broadcast_id == broadcast_id, b.number)
    )
    return {b.clip_id: b for b in bulletins if b.clip_id is not None}
