"""A real Icecast: what it relays is heard, and the end of its source is noticed."""

import pytest

from tests.relay.icecast_server import IcecastServer
from tests.relay.station_server import TONE_HZ, Behaviour
from tests.relay.test_station_streams import Heard, frequency_hz


def test_a_station_of_icecast_is_heard_until_its_source_ends() -> None:
    with IcecastServer() as icecast:
        heard = Heard(icecast, "live.mp3")
        try:
            heard.pcm(0.3)
            assert frequency_hz(heard.pcm(0.5)) == pytest.approx(TONE_HZ, abs=5)
            icecast.behaviour = Behaviour.CUT
            assert heard.failure() == "The station has ended the stream."
        finally:
            heard.close()
