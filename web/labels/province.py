"""Words for what goes between commune and province."""

from runtime.refusal import N_

LETTERS = {
    "play_log": N_("Play log"),
    "schedule_created": N_("A schedule of ours"),
    "schedule_cancelled": N_("A schedule of ours, cancelled"),
    "answer": N_("An answer"),
}
MESSAGES = {
    "BanTin": N_("A bulletin"),
    "LichPhat": N_("A schedule"),
    "HuyLichPhat": N_("A schedule, taken back"),
    "LenhDieuKhien": N_("A command"),
}
BULLETIN_STATES = {
    "fetching": N_("Its audio is being fetched"),
    "waiting": N_("Waits for you"),
    "put_on_air": N_("Put on air"),
    "taken": N_("Taken over"),
    "declined": N_("Declined"),
    "failed": N_("Could not be had"),
}
