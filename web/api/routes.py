"""Routes of the API, in one list for the application."""

from web.api import broadcasts, cap, clips, live, places, programmes, province, receivers, relays, schedules

API_ROUTERS = tuple(
    noun.router for noun in (broadcasts, cap, clips, live, places, programmes, province, receivers, relays, schedules)
)
