"""The people, commune and times that tests share."""

from datetime import datetime, timedelta, timezone

from people.rights import Standing
from usecases.actors import Actor

VIETNAM = timezone(timedelta(hours=7))

#: Tuesday, 05:00: the morning broadcast.
MORNING = datetime(2026, 11, 24, 5, 0, tzinfo=VIETNAM)

COMMUNE = "thieu-trung"
COMMUNE_NAME = "Xã Thiệu Trung"
OPERATOR = "lan"
#: Lan as use cases know her: she has every right.
LAN = Actor(OPERATOR, Standing(operator_id=0, name=OPERATOR, admin=True, province_id=None, roles={}))
