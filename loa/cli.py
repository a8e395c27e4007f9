"""The command `loa` and the table of its subcommands."""

from importlib import metadata

import click

from loa.lazy_group import LazyGroup, Place

main = click.version_option(metadata.version("loa"), prog_name="loa")(
    LazyGroup(
        "loa",
        {
            "serve": Place("loa.serve_command:serve", "Run the controller: broker, timetable, web page."),
            "demo": Place("demo.command:demo", "Controller, broker and three receivers on this machine."),
            "live": Place("loa.live_command:live", "A recording, standard input or a sound card on air, live."),
            "receiver": Place("loa.cli:receiver", "Run a receiver, or add one at the controller."),
            "province-account": Place("loa.province_command:account", "Name and password at the province's system."),
            "province-sim": Place(
                "demo.province_sim_command:province_sim", "A province to try with: prints, sends down."
            ),
            "backup": Place("loa.backup_command:backup", "Everything into one file, while the controller runs."),
            "restore": Place("loa.restore_command:restore_command", "Make a data folder of a backup."),
            "operator": Place("loa.operator_command:operator", "A new one-time password for an operator."),
        },
        "Loa, a public-address radio controller for communes.",
    )
)

receiver: click.Group = LazyGroup(
    "receiver",
    {
        "run": Place("loa.receiver_command:run", "Run a receiver with its credentials."),
        "check-chain": Place("loa.receiver_command:check_chain", "Say what a chain does, or what is wrong with it."),
        "add": Place("loa.add_receiver_command:add", "At the controller: add a receiver, write its credentials."),
    },
    "A receiver: one addressable sound outlet.",
)
