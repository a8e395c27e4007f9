"""How often the controller looks for what is due, in seconds."""

#: A plan without changes compares fingerprints (`schedules.plan_inputs`). An edit plans its commune at once.
PLAN_EVERY_S = 15.0
#: How soon after its start it is fixed who a broadcast meant. Changes do not wait for it: they fix it first.
FREEZE_EVERY_S = 5.0
PRESENCE_EVERY_S = 1.0
LIVE_WATCH_EVERY_S = 2.0
#: How often communes without chimes are looked for; `loa` commands may add a commune.
CHIMES_EVERY_S = 3600.0
#: How often sounds of emergency messages that are lacking, or whose texts changed, are looked for.
ALERT_BOOKS_EVERY_S = 30.0
#: How soon the words of a message typed at that moment are looked for.
FREE_MESSAGES_EVERY_S = 1.0
DRILLS_EVERY_S = 20.0
#: How often expired alerts are taken away from the broker.
ALERTS_EVERY_S = 60.0
#: How soon alerts that the broker keeps and the database lacks are written down.
RECOVERY_EVERY_S = 1.0
TIDY_EVERY_S = 3600.0
#: How often it is looked which broadcasts with a relay begin or end.
RELAYS_EVERY_S = 1.0
#: How often it is looked which alerts from outside begin or end, and which of their texts has been read aloud.
OUTSIDE_ALERTS_EVERY_S = 1.0
#: Configs are renewed each month (`devices.receivers.renew_configs`), so receivers get the holidays ahead.
CONFIGURE_EVERY_S = 86_400
#: How often receivers that another process added are looked for.
ACCOUNTS_EVERY_S = 3.0
#: How often the nightly self-test checks whether a step is due.
SELF_TESTS_EVERY_S = 5.0
#: How often receivers that have not yet been told of a merger are looked for; another process may have merged.
MERGERS_EVERY_S = 2.0
PROVINCE_TIDY_EVERY_S = 86_400
#: How often it is looked whether the certificate for HTTPS is to be renewed or the machine has another address.
HTTPS_EVERY_S = 600.0
#: How often a step of the clock, or a person's answer to one, is looked for.
CLOCK_EVERY_S = 1.0
