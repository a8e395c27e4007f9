"""The parts that take alerts from outside and make emergencies of them, wired together."""

from contextlib import ExitStack

from cap.writing import alerts_host
from loa import periods
from runtime.alarms import Alarms
from runtime.settings import Settings
from usecases.cap_alerts import work_alerts
from usecases.cap_emergencies import CapEmergencies
from usecases.cap_feeds import CapFeeds
from usecases.services import Services


def start_alerts(
    settings: Settings, key_id: str, services: Services, alarms: Alarms, closing: ExitStack
) -> CapEmergencies:
    """key_id: of the controller's key. closing: ends the feeds before the parts that were started earlier."""
    if services.desk is None:
        raise ValueError("alerts from outside need the emergency desk")
    emergencies = CapEmergencies(services.desk)
    alarms.every_if_due(periods.OUTSIDE_ALERTS_EVERY_S, "outside alerts", lambda: work_alerts(services, emergencies))
    trusted = frozenset(settings.cap_hosts.lower().split())
    feeds = CapFeeds(services, emergencies, trusted, own_host=alerts_host(settings.public_url, key_id))
    feeds.start()
    closing.callback(feeds.close)
    return emergencies
