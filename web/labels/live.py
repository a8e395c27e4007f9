"""Words for live broadcasts from a browser."""

from runtime.refusal import N_
from studio.live_limits import LiveEnd

#: What the page says when a live broadcast is over.
LIVE_ENDS = {
    LiveEnd.BY_SPEAKER: N_("You ended the broadcast."),
    LiveEnd.SILENCE: N_("The broadcast ended by itself: nothing was heard in the microphone."),
    LiveEnd.LENGTH: N_("The broadcast ended by itself: it had reached the longest time allowed."),
    LiveEnd.CONNECTION: N_("The broadcast ended: the connection of this device was lost for too long."),
    LiveEnd.ELSEWHERE: N_("The broadcast was stopped on another page."),
    LiveEnd.BAD_SOUND: N_("The broadcast ended: the sound of this browser could not be read."),
    LiveEnd.FAILED: N_("The broadcast ended: something went wrong in Loa. Call your technician."),
}
#: The warning before.
LIVE_WARNINGS = {
    LiveEnd.SILENCE: N_("Nothing is heard in the microphone. Speak, or the broadcast ends in {seconds} s."),
    LiveEnd.LENGTH: N_("The longest time is nearly over: the broadcast ends in {seconds} s."),
    LiveEnd.CONNECTION: N_("No sound arrives from this device. The broadcast ends in {seconds} s."),
}
