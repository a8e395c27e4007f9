"""The standing cast: one commune, as the tests and the demo know it."""

from datetime import datetime, timedelta, timezone

from people.rights import Action
from usecases.actors import Actor

VIETNAM = timezone(timedelta(hours=7))

#: A Tuesday, five in the morning: when it must work.
MORNING = datetime(2026, 11, 24, 5, 0, tzinfo=VIETNAM)

COMMUNE = "thieu-trung"
COMMUNE_NAME = "Xã Thiệu Trung"
OPERATOR = "lan"
#: Lan as use cases know her: she has every right.
LAN = Actor(OPERATOR, allowed=frozenset(Action))
