"""The parts that take alerts from outside and make emergencies of them, wired together."""

from contextlib import ExitStack
from urllib.parse import urlsplit

from broadcast.speech_ingest import SpeechIngest
from cap.emergencies import EmergencyStarter
from loa import periods
from runtime.alarms import Alarms
from runtime.settings import Settings
from usecases.cap_alerts import work_alerts
from usecases.cap_feeds import CapFeeds
from usecases.services import Services
from usecases.spoken_emergencies import SpokenEmergencies


def start_alerts(
    settings: Settings, services: Services, speech: SpeechIngest, alarms: Alarms, closing: ExitStack
) -> EmergencyStarter:
    """closing: ends the feeds before the parts that were started earlier."""
    emergencies = SpokenEmergencies(services, speech, lambda: alarms.run_soon("alert speech"))
    alarms.every_if_due(periods.OUTSIDE_ALERTS_EVERY_S, "alert speech", emergencies.step)
    alarms.every_if_due(periods.OUTSIDE_ALERTS_EVERY_S, "outside alerts", lambda: work_alerts(services, emergencies))
    trusted = frozenset(settings.cap_hosts.lower().split())
    feeds = CapFeeds(services, emergencies, trusted, own_host=urlsplit(settings.base_url).hostname or "")
    feeds.start()
    closing.callback(feeds.close)
    return emergencies
