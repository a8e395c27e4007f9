"""The command `loa` and the table of its subcommands."""

from importlib import metadata

import click

from loa.lazy_group import LazyCommand, LazyGroup

main = click.version_option(metadata.version("loa"), prog_name="loa")(
    LazyGroup(
        "loa",
        {
            "serve": LazyCommand("loa.serve_command:serve", "Run the controller: broker, timetable, web page."),
            "demo": LazyCommand("demo.command:demo", "Controller, broker and three receivers on this machine."),
            "live": LazyCommand("loa.live_command:live", "Put a recording, standard input or a sound card on air."),
            "read": LazyCommand("loa.read_command:read", "Print how a text is read aloud."),
            "receiver": LazyCommand("loa.cli:receiver", "Run a receiver, or add one at the controller."),
            "province-account": LazyCommand(
                "loa.province_command:account", "Name and password at the province's system."
            ),
            "province-sim": LazyCommand(
                "demo.province_sim_command:province_sim", "A simulated province system, for trying the exchange."
            ),
            "backup": LazyCommand(
                "loa.backup_command:backup", "Write everything into one file, while the controller runs."
            ),
            "restore": LazyCommand("loa.restore_command:restore_command", "Make a data folder from a backup."),
            "clock": LazyCommand("loa.clock_command:clock", "Say which time is right after the clock was changed."),
            "new-key": LazyCommand("loa.new_key_command:new_key", "A new key of the controller: lost or stolen."),
            "alert-sms-test": LazyCommand(
                "loa.alert_sms_command:alert_sms_test", "A test SMS, the way alerts go to receivers."
            ),
            "operator": LazyCommand("loa.operator_command:operator", "A new one-time password for an operator."),
        },
        "Loa, a public-address radio controller for communes.",
    )
)

receiver: click.Group = LazyGroup(
    "receiver",
    {
        "run": LazyCommand("loa.receiver_command:run", "Run a receiver with its credentials."),
        "alert": LazyCommand(
            "loa.receiver_alert_command:alert", "At the receiver: hand over an alert that came by SMS."
        ),
        "check-chain": LazyCommand(
            "loa.receiver_command:check_chain", "Say what a chain does, or what is wrong with it."
        ),
        "add": LazyCommand("loa.add_receiver_command:add", "At the controller: add a receiver, write its credentials."),
    },
    "A receiver: one addressable sound outlet.",
)
