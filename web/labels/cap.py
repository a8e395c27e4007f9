"""Labels of alerts from outside."""

from runtime.refusal import N_

SEVERITIES = {
    "Extreme": N_("extreme"),
    "Severe": N_("severe"),
    "Moderate": N_("moderate"),
    "Minor": N_("minor"),
    "Unknown": N_("not known"),
}
URGENCIES = {
    "Immediate": N_("act now"),
    "Expected": N_("within the hour"),
    "Future": N_("in the near future"),
    "Past": N_("over"),
    "Unknown": N_("not known"),
}
CERTAINTIES = {
    "Observed": N_("observed"),
    "Likely": N_("likely"),
    "Possible": N_("possible"),
    "Unlikely": N_("unlikely"),
    "Unknown": N_("not known"),
}
#: Those that a rule may ask for.
RULES = {
    "least_severity": {k: SEVERITIES[k] for k in ("Extreme", "Severe", "Moderate", "Minor")},
    "least_urgency": {k: URGENCIES[k] for k in ("Immediate", "Expected", "Future")},
    "least_certainty": {k: CERTAINTIES[k] for k in ("Observed", "Likely", "Possible")},
}
STATUSES = {
    "Exercise": N_("Exercise"),
    "Test": N_("Test"),
    "System": N_("Between systems"),
    "Draft": N_("Draft"),
}
STATES = {
    "waiting": N_("Waiting for you"),
    "started": N_("Started"),
    "ended": N_("Ended: its time was over"),
    "stopped": N_("Stopped"),
    "dismissed": N_("Dismissed"),
    "cancelled": N_("Cancelled by its sender"),
    "replaced": N_("Replaced by its sender"),
    "expired": N_("Expired"),
    "filed": N_("Kept, does not sound"),
}
SOURCE_KINDS = {"post": N_("The sender sends them to Loa"), "feed": N_("Loa reads a feed (Atom or RSS)")}
