"""Labels of receivers: states, station types, and the confirmation of each command."""

from runtime.refusal import N_

STATES = {
    "on_air": N_("ON AIR"),
    "ready": N_("Ready"),
    "online": N_("Online"),
    "late": N_("Not reporting"),
    "offline": N_("Connection lost"),
    "fault": N_("Fault"),
    "new": N_("New"),
}
KINDS = {"wired": N_("Wired"), "fm": N_("FM"), "ip": N_("IP")}
#: What is said once a receiver was told to do something.
SENT = {
    "identify": N_("Sent. The receiver will identify itself in a moment."),
    "test-tone": N_("Sent. Ten clicks will play in three seconds."),
    "volume": N_("Sent. This volume applies until the next change."),
    "reboot": N_("Sent. The receiver is restarting and will be back in a minute or two."),
    "self-test": N_("Sent. The silent test is running; the result appears under “Night test”."),
    "away": N_("Sent, but the receiver is offline: it receives the command only if it reconnects soon."),
}
