"""Commands to receivers: identify, test tone, volume now, restart, self-test. A command is audited, then sent."""

from devices.receivers import receivers
from people.audit import Deed
from people.rights import Action
from runtime.clock_steps import check_clock
from runtime.refusal import N_, NotFound
from usecases.actors import Actor
from usecases.receivers import receiver_of
from usecases.services import Services
from wire.commands import Action as Command
from wire.commands import Identify, Reboot, SetVolume, TestTone

#: A test tone starts this long after it is asked for: the time in which every receiver has the command.
TONE_LEAD_US = 3_000_000


def command_receiver(
    services: Services, actor: Actor, commune_id: str, receiver_id: str, name: str, *, volume_percent: int = 50
) -> None:
    """name: identify, test-tone, volume or reboot. Raises NotAllowed, NotFound."""
    commands: dict[str, Command] = {
        "identify": Identify(),
        "test-tone": TestTone(starts_at_us=services.clock.now_us() + TONE_LEAD_US),
        "volume": SetVolume(volume_percent=min(100, max(0, volume_percent))),
        "reboot": Reboot(),
    }
    if name not in commands:
        raise NotFound(N_("This page does not exist. Go back to the home page."))
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        check_clock(session)
        receiver = receiver_of(session, commune_id, receiver_id)
        now = services.clock.now()
        actor.note(session, now, commune_id, Deed.RECEIVER_COMMANDED, f"{receiver.name}: {name}")
    services.command(receiver_id, commands[name])


def tone_everywhere(services: Services, actor: Actor, commune_id: str) -> None:
    """Clicks from every receiver of the commune at the same instant, to be measured by ear or microphone."""
    starts_at_us = services.clock.now_us() + TONE_LEAD_US
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        check_clock(session)
        receiver_ids = [receiver.id for receiver in receivers(session, commune_id)]
        now = services.clock.now()
        actor.note(session, now, commune_id, Deed.RECEIVER_COMMANDED, f"test-tone: {len(receiver_ids)}")
    for receiver_id in receiver_ids:
        services.command(receiver_id, TestTone(starts_at_us=starts_at_us))


def self_test_receiver(services: Services, actor: Actor, commune_id: str, receiver_id: str) -> None:
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        actor.note(session, services.clock.now(), commune_id, Deed.RECEIVER_TESTED, receiver.name)
    services.self_test(commune_id, [receiver_id])


def self_test_everywhere(services: Services, actor: Actor, commune_id: str) -> None:
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        receiver_ids = [receiver.id for receiver in receivers(session, commune_id)]
        actor.note(session, services.clock.now(), commune_id, Deed.RECEIVER_TESTED, str(len(receiver_ids)))
    if receiver_ids:
        services.self_test(commune_id, receiver_ids)
