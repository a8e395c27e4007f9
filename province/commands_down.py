"""Commands of the province: what Loa has of them is done, what it has not is refused with a code and words."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from broadcast.on_air import on_air_now
from devices.downlink import Downlink
from devices.receivers import receivers
from province.bulletin_checks import unknown_code
from province.codes import CommandCode, Playback, RefusalCode, Unacceptable
from province.links import ProvinceLink
from province.messages import ProvinceCommand
from province.targets import targets_of
from runtime.refusal import N_
from usecases.actors import PROVINCE
from usecases.broadcasts import stop_in
from usecases.receivers import ReceiverSettings, change_receiver_in
from wire.commands import Reboot

_CANNOT = {
    Playback.NEXT: N_("Loa cannot skip to the next item: receivers hold the whole plan and sound it in step."),
    Playback.PAUSE: N_("Loa cannot pause: receivers sound by the clock, in step. Stop it instead."),
    Playback.RESUME: N_("Loa cannot resume what was stopped. Put it on air again."),
}


def obey(
    session: Session,
    link: ProvinceLink,
    message: ProvinceCommand,
    downlink: Downlink,
    configure: Callable[[set[str]], None],
    now: datetime,
) -> list[Callable[[], None]]:
    """Do it. Gives what is to be sent after the commit. configure: sends receivers what they are set to.

    Raises Unacceptable, Refusal.
    """
    code, value = message.DieuKhienThietBi.MaLenh, message.DieuKhienThietBi.ThamSo
    targets = targets_of(session, link, message.DanhSachDiaBanNhan, message.DanhSachThietBi)
    commune_receivers = receivers(session, link.commune_id)
    named = commune_receivers if targets.all else [r for r in commune_receivers if r.id in targets.receivers]
    if targets.zones:
        raise Unacceptable(
            RefusalCode.NOT_POSSIBLE, N_("A command is for the whole commune or for named receivers, not for a zone.")
        )
    if not named:
        raise Unacceptable(RefusalCode.NOT_HERE, N_("There is no receiver in this commune yet."))
    if code == CommandCode.VOLUME:
        if not 0 <= value <= 100:
            raise unknown_code("DieuKhienThietBi.ThamSo", value)
        settings = ReceiverSettings(volume_percent=value)
        for receiver in named:
            change_receiver_in(session, PROVINCE, link.commune_id, receiver.id, settings, now)
        ids = {named_receiver.id for named_receiver in named}
        return [lambda: configure(ids)]
    if code == CommandCode.REBOOT:
        to_start = [r.id for r in named]
        return [lambda: _reboot(downlink, to_start)]
    if code == CommandCode.PLAYBACK:
        return _play(session, link, value, everywhere=len(named) == len(commune_receivers), now=now)
    if code == CommandCode.AMPLIFIER:
        raise Unacceptable(
            RefusalCode.NOT_POSSIBLE,
            N_("Loa switches amplifiers by itself, on before a broadcast and off after it; they take no command."),
        )
    raise unknown_code("DieuKhienThietBi.MaLenh", code)


def _play(
    session: Session, link: ProvinceLink, value: int, *, everywhere: bool, now: datetime
) -> list[Callable[[], None]]:
    if value not in list(Playback):
        raise unknown_code("DieuKhienThietBi.ThamSo", value)
    playback = Playback(value)
    if playback in _CANNOT:
        raise Unacceptable(RefusalCode.NOT_POSSIBLE, _CANNOT[playback])
    if not everywhere:
        raise Unacceptable(
            RefusalCode.NOT_POSSIBLE, N_("A broadcast is stopped in the whole commune, not at single receivers.")
        )
    for broadcast in on_air_now(session, link.commune_id, now):
        stop_in(session, PROVINCE, link.commune_id, broadcast.id, now, cause="by_province")
    return []


def _reboot(downlink: Downlink, ids: list[str]) -> None:
    for receiver_id in ids:
        downlink.send_command(receiver_id, Reboot())
