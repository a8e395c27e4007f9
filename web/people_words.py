"""Words for roles, rights and deeds, marked for translation."""

from people.audit import Deed
from people.rights import Action, Role
from runtime.refusal import N_

ROLES = {
    Role.VIEWER: N_("Village head: looks"),
    Role.OPERATOR: N_("Culture officer: recordings, programmes, timetable, on air"),
    Role.TECHNICIAN: N_("Technician: receivers, faults, allowed hours"),
    Role.CHAIR: N_("Chair or vice-chair: everything in the commune, emergencies too"),
    Role.PROVINCE: N_("Province: everything in its communes"),
}
#: What is said to who may not: what, and who may.
NOT_ALLOWED = {
    Action.LOOK: N_("You may not see this. Ask the chair of your commune."),
    Action.CLIPS: N_("Recordings are for the culture officer and the chair. Ask one of them."),
    Action.PROGRAMMES: N_("Programmes are for the culture officer and the chair. Ask one of them."),
    Action.TIMETABLE: N_("The timetable is for the culture officer and the chair. Ask one of them."),
    Action.ON_AIR: N_("Going on air is for the culture officer and the chair. Ask one of them."),
    Action.EMERGENCY: N_("An emergency is for the chair or vice-chair alone. Call them."),
    Action.FAULTS: N_("Faults are for the technician, the culture officer and the chair. Call one of them."),
    Action.RECEIVERS: N_("The receivers are for the technician and the chair. Ask one of them."),
    Action.ALLOWED_HOURS: N_("Allowed hours are for the chair and the technician. Ask one of them."),
    Action.OPERATORS: N_("Who may do what is for the chair to say, or the province. Ask them."),
    Action.COMMUNES: N_("Communes are added by the province or the administrator of Loa. Ask them."),
    Action.MERGERS: N_("Communes are merged by the province or the administrator of Loa. Ask them."),
}
DEEDS = {
    Deed.CLIP_UPLOADED: N_("Uploaded a recording"),
    Deed.CLIP_CHANGED: N_("Changed a recording"),
    Deed.CLIP_RETIRED: N_("Took a recording out"),
    Deed.CLIP_RESTORED: N_("Brought a recording back"),
    Deed.BACKUP_CHOSEN: N_("Chose the recording for when another cannot be played"),
    Deed.BACKUP_DROPPED: N_("Chose no recording for when another cannot be played"),
    Deed.PROGRAMME_ADDED: N_("Made a programme"),
    Deed.PROGRAMME_CHANGED: N_("Changed a programme"),
    Deed.PROGRAMME_RETIRED: N_("Took a programme out"),
    Deed.PROGRAMME_RESTORED: N_("Brought a programme back"),
    Deed.SCHEDULE_ADDED: N_("Put on the timetable"),
    Deed.SCHEDULE_CHANGED: N_("Changed on the timetable"),
    Deed.SCHEDULE_PAUSED: N_("Paused on the timetable"),
    Deed.SCHEDULE_RESUMED: N_("Resumed on the timetable"),
    Deed.SCHEDULE_RETIRED: N_("Took off the timetable"),
    Deed.SCHEDULE_RESTORED: N_("Put back on the timetable"),
    Deed.DAYS_COPIED: N_("Copied days of the timetable"),
    Deed.CALENDAR_READ: N_("Read a calendar file"),
    Deed.PUT_ON_AIR: N_("Put on air"),
    Deed.STOPPED: N_("Stopped a broadcast"),
    Deed.RECEIVER_ADDED: N_("Added a receiver"),
    Deed.RECEIVER_CHANGED: N_("Changed a receiver's settings"),
    Deed.RECEIVER_COMMANDED: N_("Sent a command to a receiver"),
    Deed.RECEIVER_TESTED: N_("Tested receivers"),
    Deed.CREDENTIALS_RENEWED: N_("Gave a receiver new credentials"),
    Deed.RECEIVER_RETIRED: N_("Took a receiver out of service"),
    Deed.ZONE_ADDED: N_("Added a zone"),
    Deed.FAULT_ACKNOWLEDGED: N_("Acknowledged a fault"),
    Deed.FAULT_RESET: N_("Reset a fault"),
    Deed.ALLOWED_HOURS_SET: N_("Set the allowed hours"),
    Deed.COMMUNE_ADDED: N_("Added a commune"),
    Deed.OPERATOR_ADDED: N_("Added an operator"),
    Deed.OPERATOR_CHANGED: N_("Changed what an operator may do"),
    Deed.PASSWORD_RENEWED: N_("Gave an operator a new password"),
    Deed.OPERATOR_RETIRED: N_("Took an operator out"),
    Deed.OPERATOR_RESTORED: N_("Brought an operator back"),
    Deed.MERGED: N_("Merged or split communes"),
    Deed.MERGER_UNDONE: N_("Undid a merger"),
}
