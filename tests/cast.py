"""The people, commune and times that tests share."""

from datetime import datetime, timedelta, timezone

from people.rights import Action
from usecases.actors import Actor

VIETNAM = timezone(timedelta(hours=7))

#: Tuesday, 05:00: the morning broadcast.
MORNING = datetime(2026, 11, 24, 5, 0, tzinfo=VIETNAM)

COMMUNE = "thieu-trung"
COMMUNE_NAME = "Xã Thiệu Trung"
OPERATOR = "lan"
#: The operator with every right.
LAN = Actor(OPERATOR, allowed=frozenset(Action))
