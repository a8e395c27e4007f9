"""Labels of the messages between commune and province."""

from runtime.refusal import N_

LETTERS = {
    "play_log": N_("Play log"),
    "schedule_created": N_("Our schedule"),
    "schedule_cancelled": N_("Our schedule, cancelled"),
    "answer": N_("Reply"),
}
MESSAGES = {
    "BanTin": N_("Bulletin"),
    "LichPhat": N_("Broadcast schedule"),
    "HuyLichPhat": N_("Schedule cancellation"),
    "LenhDieuKhien": N_("Command"),
}
BULLETIN_STATES = {
    "fetching": N_("Downloading the audio"),
    "waiting": N_("Waiting for approval"),
    "put_on_air": N_("Started a broadcast"),
    "taken": N_("Accepted"),
    "declined": N_("Declined"),
    "failed": N_("Download failed"),
}
