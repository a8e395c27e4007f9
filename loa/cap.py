"""The parts that take alerts from outside and make emergencies of them, wired together."""

from contextlib import ExitStack

from alerts.desk import EmergencyDesk
from loa import periods
from runtime.alarms import Alarms
from runtime.settings import Settings
from usecases.cap_alerts import work_alerts
from usecases.cap_emergencies import CapEmergencies
from usecases.cap_feeds import CapFeeds
from usecases.services import Services


def start_alerts(
    settings: Settings, services: Services, desk: EmergencyDesk, own_host: str, alarms: Alarms, closing: ExitStack
) -> CapEmergencies:
    """closing: ends the feeds before the parts that were started earlier."""
    emergencies = CapEmergencies(desk)
    alarms.every_if_due(periods.OUTSIDE_ALERTS_EVERY_S, "outside alerts", lambda: work_alerts(services, emergencies))
    trusted = frozenset(settings.cap_hosts.lower().split())
    feeds = CapFeeds(services, emergencies, trusted, own_host=own_host)
    feeds.start()
    closing.callback(feeds.close)
    return emergencies
