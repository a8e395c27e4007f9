"""Help: what each page is for and the first thing to do there, in two or three sentences."""

from runtime.refusal import N_

#: By the beginning of the address; the longest that fits counts. With a "/" at its end: only for the pages below.
HELP = {
    "/first-steps": N_(
        "Four steps from an empty Loa to the first broadcast. You can leave at any time; the settings lead back here."
    ),
    "/": N_(
        "This page shows what is on air now and what comes next. “Stop” ends a broadcast on all loudspeakers at once. "
        "A red sign means that something needs attention: press it to see where."
    ),
    "/clips": N_(
        "Drop an audio file here, or choose one: Loa adjusts its volume and keeps it. A ready recording can be "
        "broadcast at once or put into a programme."
    ),
    "/read-aloud": N_(
        "Type a text or open a file; Loa reads it aloud and keeps it as a recording. Look at the marked places first: "
        "they could be read in another way. A correction is remembered for the commune."
    ),
    "/programmes": N_(
        "A programme is a list of recordings in the order in which they play. Create it, add recordings, then schedule "
        "it or broadcast it now."
    ),
    "/relays": N_(
        "A relay station is a radio station of others that Loa fetches from the Internet. Add its addresses, test "
        "them, then relay it now or put it into a programme. While it fails, a recording plays in its place."
    ),
    "/cap": N_(
        "Alerts that authorities send as CAP files come here. Read one, check where it sounds, then start it as an "
        "emergency or dismiss it. Under “Sources of alerts” you set who may send and what starts by itself."
    ),
    "/timetable": N_(
        "The week shows what plays when. Press a free space to plan a broadcast, drag one to move it. The list below "
        "pauses and removes schedules."
    ),
    "/timetable/": N_(
        "Set when and where it plays. Loa says at once when that will be, what it would replace and which receivers "
        "may not play it. Nothing changes before you save."
    ),
    "/receivers/new": N_(
        "Name the receiver and choose its station. Loa then offers a connection file: copy it to the receiver, which "
        "connects with it."
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
    "/measure": N_(
        "Two loudspeakers that sound like an echo are measured here: they play test sounds in turn, a phone records "
        "both, and Loa suggests the path delay."
    ),
    "/why": N_("Choose a receiver and a time: Loa says what played there then, or why nothing did."),
    "/play-log": N_(
        "Every broadcast with how many loudspeakers were heard. Press one to see where it was not, and why. The "
        "month's report is made here too."
    ),
    "/put-on-air": N_(
        "Choose what to play and where. Before it begins, Loa says on how many receivers and what it interrupts."
    ),
    "/speak": N_(
        "Speak from this browser to the loudspeakers. Choose where first, then press the big button; the red sign says "
        "on how many receivers you are heard."
    ),
    "/stop-everything": N_(
        "One press silences the whole commune. The list shows which receivers still sound, until none does."
    ),
    "/allowed-hours": N_("Outside the allowed hours nothing sounds but emergencies. A zone can have its own hours."),
    "/settings": N_(
        "Here the communes are named, allowed hours and chimes are seen, and a backup is made. Make a backup before "
        "every larger change."
    ),
    "/removed": N_("What was removed is kept. Press “Restore” to use it again."),
    "/operators": N_("Each person signs in with their own name. The role decides what they may do in which commune."),
    "/audit": N_("Every change in Loa is listed here: who made it, when and where. Filter it by commune or person."),
    "/province": N_(
        "Here the commune is connected to its province. Loa then reports what was played and receives bulletins. "
        "While the province cannot be reached, reports are kept and sent later."
    ),
    "/province/inbox": N_(
        "Bulletins from the province wait here for your decision: broadcast one now, add it to a programme or decline "
        "it. An emergency plays without waiting."
    ),
    "/province/send": N_(
        "A recording is sent to several communes at once. Normal bulletins wait for approval in each commune; priority "
        "and emergency bulletins play by themselves."
    ),
    "/mergers": N_(
        "First a rehearsal shows everything that would change and asks what has to be decided. A merger can be undone "
        "for 30 days."
    ),
    "/import": N_(
        "Choose a table or recordings of the old system. Loa shows what it has read before anything is saved."
    ),
}
#: By the end of the address, before its beginning.
HELP_BY_END = {
    "/profile": N_(
        "How this person is reached, and which faults Loa tells them about: by e-mail, SMS or webhook, where and at "
        "what hours."
    ),
}


def help_of(path: str) -> str:
    """The text for an address, "" for none."""
    for end, text in HELP_BY_END.items():
        if path.endswith(end):
            return text
    fitting = [start for start in HELP if path == start or (start != "/" and path.startswith(f"{start.rstrip('/')}/"))]
    return HELP[max(fitting, key=len)] if fitting else ""
