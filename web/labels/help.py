"""Help: what each page is for and the first thing to do there, in two or three sentences."""

from runtime.refusal import N_

#: By the beginning of the address; the longest that fits counts.
HELP = {
    "/": N_(
        "This page shows what is on air now and what comes next. “Stop” ends a broadcast on all loudspeakers at once. "
        "A red sign means that something needs attention: press it to see where."
    ),
    "/clips": N_(
        "Drop an audio file here, or choose one: Loa adjusts its volume and keeps it. A ready recording can be "
        "broadcast at once or put into a programme."
    ),
    "/programmes": N_(
        "A programme is a list of recordings in the order in which they play. Create it, add recordings, then schedule "
        "it or broadcast it now."
    ),
    "/timetable": N_(
        "The week shows what plays when. Press a free space to plan a broadcast, drag one to move it. The list below "
        "pauses and removes schedules."
    ),
    "/receivers": N_(
        "Each loudspeaker cluster is a receiver; those with a fault stand first. Open one to set its volume, let it "
        "identify itself or play a test tone."
    ),
    "/volumes": N_(
        "Find the receivers with the search or the filters, take out the ticks you do not want, type the volume and "
        "set it for all of them."
    ),
    "/zones": N_(
        "A zone is a set of receivers, for example a village. Broadcasts and allowed hours can be set for a zone "
        "alone. A receiver can be in several zones."
    ),
    "/stations": N_(
        "A station is one system that the commune has: wired lines, an FM transmitter or IP clusters. Every receiver "
        "belongs to one."
    ),
    "/map": N_("The map shows where each receiver stands and how it is. Drag a receiver to its place."),
    "/faults": N_(
        "What has failed and is not settled yet. Confirm that you have seen a fault; reset it when it is mended."
    ),
    "/play-log": N_(
        "Every broadcast with how many loudspeakers were heard. Press one to see where it was not, and why. The "
        "month's report is made here too."
    ),
    "/put-on-air": N_(
        "Choose what to play and where. Before it begins, Loa says on how many receivers and what it interrupts."
    ),
    "/allowed-hours": N_("Outside the allowed hours nothing sounds but emergencies. A zone can have its own hours."),
    "/settings": N_(
        "Here the communes are named, allowed hours and chimes are seen, and a backup is made. Make a backup before "
        "every larger change."
    ),
    "/removed": N_("What was removed is kept. Press “Restore” to use it again."),
    "/operators": N_("Each person signs in with an own name. The role decides what they may do in which commune."),
    "/mergers": N_(
        "First a rehearsal shows everything that would change and asks what has to be decided. A merger can be undone "
        "for 30 days."
    ),
    "/import": N_(
        "Choose a table or recordings of the old system. Loa shows what it has read before anything is saved."
    ),
}


def help_of(path: str) -> str:
    """The text for an address, "" for none."""
    fitting = [start for start in HELP if path == start or (start != "/" and path.startswith(f"{start}/"))]
    return HELP[max(fitting, key=len)] if fitting else ""
