"""Testing a station's addresses: each is connected for a few seconds; its level is shown, or why there is none."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from relay.audio_buffer import AudioBuffer
from relay.connection import RelayConnection
from relay.levels import LOWEST_DB
from relay.source_choice import no_sound
from runtime.refusal import N_, Refusal

#: How long each address is listened to once its sound has come, and how long that may take.
LISTEN_S, SOUND_WITHIN_S = 4.0, 12.0
MOST_AT_ONCE, _MOST_KEPT = 4, 50
_STEP_S = 0.1


@dataclass
class AddressTest:
    """What was found of one address. level_db: of the newest sound, None before any. loudest_db: of all.

    refusal: why it cannot be relayed. is_done: whether it is over.
    """

    url: str
    level_db: float | None = None
    loudest_db: float = LOWEST_DB
    refusal: Refusal | None = None
    is_done: bool = False


class StationTest:
    """Of all addresses of a station, one after the other, in a thread."""

    def __init__(
        self,
        addresses: Sequence[str],
        silence_db: float,
        trusted: Collection[str],
        monotonic_us: Callable[[], int],
        listen_s: float = LISTEN_S,
    ) -> None:
        self.addresses = [AddressTest(url) for url in addresses]
        self._silence_db, self._trusted, self._monotonic_us = silence_db, trusted, monotonic_us
        self._listen_us = round(listen_s * 1e6)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station test", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return not all(address.is_done for address in self.addresses)

    def close(self) -> None:
        self._closing.set()

    def wait(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        for address in self.addresses:
            if not self._closing.is_set():
                self._test(address)
            address.is_done = True

    def _test(self, address: AddressTest) -> None:
        audio = AudioBuffer()
        connection = RelayConnection(address.url, self._trusted, audio, self._monotonic_us)
        began_us = self._monotonic_us()
        heard_since_us: int | None = None
        try:
            while not self._closing.wait(_STEP_S):
                now_us = self._monotonic_us()
                audio.keep_newest(0)
                if connection.last_audio_us is not None:
                    heard_since_us = heard_since_us if heard_since_us is not None else now_us
                    address.level_db = connection.level_db
                    address.loudest_db = max(address.loudest_db, connection.level_db)
                elif connection.failure is None and now_us - began_us > SOUND_WITHIN_S * 1e6:
                    address.refusal = no_sound(round(SOUND_WITHIN_S))
                    return
                if connection.failure is not None:
                    address.refusal = connection.failure if heard_since_us is None else None
                    break
                if heard_since_us is not None and now_us - heard_since_us > self._listen_us:
                    break
            if heard_since_us is not None and address.loudest_db < self._silence_db:
                address.refusal = Refusal(N_("The address works, but the station is silent now."))
        finally:
            connection.close()


class StationTests:
    """The tests that run, and the last ones, by a key that a page carries."""

    def __init__(self, trusted: Collection[str], monotonic_us: Callable[[], int]) -> None:
        self._trusted, self._monotonic_us = trusted, monotonic_us
        self._lock = threading.Lock()
        self._tests: OrderedDict[str, tuple[int, StationTest]] = OrderedDict()

    def start(self, source: int, addresses: Sequence[str], silence_db: float) -> str:
        """Gives the key of the test. source: the number of the station. Raises Refusal when too many run."""
        with self._lock:
            if sum(test.is_running for _, test in self._tests.values()) >= MOST_AT_ONCE:
                raise Refusal(N_("Several stations are being tested. Wait a few seconds, then test again."))
            key = secrets.token_hex(8)
            self._tests[key] = source, StationTest(addresses, silence_db, self._trusted, self._monotonic_us)
            while len(self._tests) > _MOST_KEPT:
                self._tests.popitem(last=False)[1][1].close()
            return key

    def of(self, key: str, source: int) -> StationTest | None:
        """None for one that is forgotten, or of another station."""
        of_source, test = self._tests.get(key, (0, None))
        return test if of_source == source else None

    def close(self) -> None:
        for _, test in self._tests.values():
            test.close()
