"""Words for the fields of forms that people type into, for the page that gives back what was typed."""

from collections.abc import Iterable

from runtime.refusal import N_
from web.language import Translator

FIELDS = {
    "title": N_("Title"),
    "name": N_("Name"),
    "description": N_("Description (optional)"),
    "province": N_("Province"),
    "storage_gb": N_("Storage for recordings (GB, optional)"),
    "full_name": N_("Full name"),
    "phone": N_("Telephone"),
    "email": N_("E-mail"),
    "webhook_url": N_("Webhook address"),
    "place": N_("Place"),
    "latitude": N_("Latitude"),
    "longitude": N_("Longitude"),
    "addresses": N_("Addresses"),
    "address": N_("Address of the feed"),
    "certificate": N_("Certificate of the sender (PEM, optional)"),
    "codes": N_("Area codes of the commune"),
    "languages": N_("Languages, in the order in which they are read"),
    "silence_s": N_("Silence counts as a failure after (s)"),
    "silence_db": N_("Silence is softer than (dB)"),
    "maker": N_("Maker"),
    "former_commune": N_("Former commune"),
    "volume_percent": N_("Volume (%)"),
    "volume_ceiling_percent": N_("Maximum volume (%)"),
    "night_volume": N_("Maximum volume (%)"),
    "path_delay_ms": N_("Path delay (ms)"),
    "amplifier_lead_s": N_("Amplifier lead time (s)"),
    "times": N_("Time"),
    "from_day": N_("From"),
    "until_day": N_("Until (optional)"),
    "every": N_("Interval (days, weeks or months)"),
    "month_days": N_("Days of the month"),
    "extra_days": N_("Also on these days"),
    "except_days": N_("Except on these days"),
    "season_times": N_("Different times for part of the year"),
    "season_first": N_("From (day/month)"),
    "season_last": N_("To (day/month)"),
    "gap_s": N_("Pause between zones (s)"),
    "until": N_("Plays again from (optional)"),
    "to_day": N_("Day"),
    "to_time": N_("Time"),
    "from_time": N_("From (time)"),
    "until_time": N_("Until (time)"),
    "night_from": N_("From (time)"),
    "night_until": N_("Until (time)"),
    "quiet_from": N_("From (time)"),
    "quiet_until": N_("Until (time)"),
    "minutes_a_day": N_("Minutes per day"),
    "minutes_a_week": N_("Minutes per week"),
    "base_url": N_("Address of the province's system"),
    "own_code": N_("Commune code"),
    "own_name": N_("Commune name"),
    "province_code": N_("Province code"),
    "province_name": N_("Province name"),
    "live_silence_s": N_("Ends after so many seconds without a voice"),
    "live_longest_min": N_("Longest time (minutes)"),
    "confirm_within_s": N_("Seconds in which a second person must confirm"),
    "drill_time": N_("Time"),
    "receiver_codes": N_("Receiver codes"),
}


def typed_values(t: Translator, sent: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Label and value of what was typed, in the order of the form; what was chosen or is hidden is left out."""
    return [(t(FIELDS[name]), value) for name, value in sent if name in FIELDS and value.strip()]
