"""Words of fault messages: groups and channels to choose from, and what to do about each kind of fault."""

from devices.faults import LINK, RELAY, SENT_ALONE, SHARED_CREDENTIALS
from devices.self_tests import FAULT as SELF_TEST
from notifications.channels import Channel
from notifications.deliveries import DeliveryState
from notifications.fault_groups import FaultGroup
from runtime.refusal import N_

GROUPS = {
    FaultGroup.CONNECTION: N_("Connection: receiver offline, SIM card"),
    FaultGroup.POWER: N_("Power: mains voltage, battery"),
    FaultGroup.SOUND: N_("Sound: sound card, amplifier, loudspeaker line, night test, relay station"),
    FaultGroup.DEVICE: N_("Device: storage, temperature, clock, meters"),
    FaultGroup.SECURITY: N_("Security: credentials used twice"),
}
CHANNELS = {
    Channel.EMAIL: N_("E-mail"),
    Channel.SMS: N_("SMS"),
    Channel.WEBHOOK: N_("Webhook"),
}
STATES = {
    DeliveryState.WAITING: N_("Waiting for the next try"),
    DeliveryState.DELIVERED: N_("Delivered"),
    DeliveryState.FAILED: N_("Not delivered"),
}
_AT_THE_POWER = N_("Check the power supply and the fuse at the receiver.")
_AT_THE_HORN = N_("Check the amplifier, the cable and the horns on site.")
#: By fault. One without advice of its own gets OTHER_ADVICE.
ADVICE = {
    LINK: N_("Check power and network at the receiver. It goes on playing what it holds."),
    "sim": N_("Check the SIM card and its balance."),
    "mains": _AT_THE_POWER,
    "on_battery": _AT_THE_POWER,
    "battery": N_("Restore mains power soon, or the receiver goes silent."),
    "card": N_("Restart the receiver. If the fault remains, replace the sound card."),
    "chain": _AT_THE_HORN,
    "amplifier": _AT_THE_HORN,
    "line": _AT_THE_HORN,
    "not_heard": _AT_THE_HORN,
    "alert_sounds": N_("Check the network at the receiver. It downloads the audio again by itself."),
    "media": N_("Check the network at the receiver. It downloads the audio again by itself."),
    SELF_TEST: N_("Open the receiver's page and repeat the test."),
    "store_full": N_("Call the technician: the receiver's memory card is full."),
    "temperature": N_("Air the cabinet and check its fan."),
    RELAY: N_(
        "The backup recording plays meanwhile. Test the station on the page of relay stations; add another address."
    ),
    SENT_ALONE: N_("Ask the person why, and end it on the page Emergency if it was a mistake."),
    SHARED_CREDENTIALS: N_(
        "Find out which second device uses the connection file. Create a new one if you do not know."
    ),
}
OTHER_ADVICE = N_("Open the page of faults and call the technician.")
