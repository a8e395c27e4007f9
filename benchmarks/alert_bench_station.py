"""What measuring alerts at real receivers needs of a controller: broker, time, configs, an alert book and media."""

import functools
import http.server
import secrets
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from demo.child_processes import ChildProcess
from demo.skew import RATE, Samples
from devices.enrolment import CONTROLLER_USER, acl_rows
from receiver.store.shelf import hash_of
from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from wire import topics
from wire.alert_books import AlertBook, AlertPart, AlertSound, AlertSpeech, AlertTemplate
from wire.broadcasts import Rendition
from wire.commands import Config
from wire.credentials import Credentials
from wire.messages import Sealed, for_commune, for_receiver
from wire.reports import AlertReport, Report
from wire.sealing import PublicKey, SealingKey, open_sealed
from wire.time import TimeAsk, TimeTell
from wire.topics import Kind

COMMUNE = "bench"
SIREN, SPEECH = 1, 2
SIREN_S, SPEECH_S = 3, 4


class BenchStation:
    """One commune with a book of two sounds. Everything is stopped by `close`."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.folder, self.host, self.key = folder, host, SealingKey.new()
        self._keys: dict[str, PublicKey] = {}
        self.reports: list[AlertReport] = []
        password = secrets.token_hex(8)
        self._accounts = {CONTROLLER_USER: hash_password(password)}
        self._child = Mosquitto(folder / "broker", host=host, port=0, controller_user=CONTROLLER_USER, acl=acl_rows())
        self._child.set_accounts(self._accounts)
        self._child.start()
        self.broker = MqttBroker(self._child.controller_url, user=CONTROLLER_USER, password=password)
        self.broker.subscribe(topics.from_all_receivers(Kind.TIME_ASK), self._asked, qos=0)
        self.broker.subscribe(topics.from_all_receivers(Kind.REPORT), self._reported, qos=1)
        self.media = folder / "media"
        self.media.mkdir()
        handler = functools.partial(_Quiet, directory=str(self.media))
        self._server = http.server.ThreadingHTTPServer((host, 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.siren, self.speech = self._noise(SIREN, SIREN_S), self._noise(SPEECH, SPEECH_S)
        self._receivers: list[ChildProcess] = []

    def receiver(self, name: str, *, lead_ms: int, path_ms: float, namespace: str = "", modem_port: str = "") -> None:
        """Start a real receiver on a virtual card, with its config retained. namespace: of its network.

        modem_port: on which its modem answers; "" for none.
        """
        secret, seed = secrets.token_hex(16), SealingKey.new()
        self._keys[name] = PublicKey(seed.public)
        self._accounts[name] = hash_password(secret)
        self._child.set_accounts(self._accounts)
        config = Config(
            **self._sealed(for_receiver(name)),
            commune=COMMUNE,
            path_delay_us=round(path_ms * 1000),
            amplifier_lead_ms=lead_ms,
            media_bases=[f"http://{self.host}:{self._server.server_port}/"],
        )
        self.broker.publish(topics.of_receiver(name, Kind.CONFIG), self.key.seal(config), qos=1, retain=True)
        file = self.folder / f"{name}.json"
        credentials = Credentials(
            version=1,
            receiver=name,
            commune=COMMUNE,
            broker_url=self._child.url,
            broker_secret=secret,
            receiver_seed=seed.seed.hex(),
            controller_keys={self.key.kid: self.key.public.hex()},
            tls_ca_pem=None,
        )
        file.write_bytes(msgspec.json.encode(credentials))
        file.chmod(0o600)
        options = ["--credentials", str(file), "--data", str(self.folder / name)]
        if modem_port:
            chain = self.folder / f"{name}.toml"
            chain.write_text(f'kind = "ip"\n[modem]\nport = "{modem_port}"\n')
            options += ["--chain", str(chain)]
        child = ChildProcess(
            name,
            ["receiver", "run", *options, "--speaker", f"virtual:{self.folder / name / 'card'}"],
            self.folder / f"{name}.log",
            ["ip", "netns", "exec", namespace] if namespace else [],
        )
        child.start()
        self._receivers.append(child)

    def publish_book(self) -> None:
        parts = [AlertPart(sound=SPEECH)]
        template = AlertTemplate(number=1, siren=SIREN, speech=[AlertSpeech(language="vi", parts=parts)])
        sounds = [self._sound(SIREN, SIREN_S), self._sound(SPEECH, SPEECH_S)]
        book = AlertBook(**self._sealed(for_commune(COMMUNE)), sounds=sounds, templates=[template])
        self.broker.publish(topics.alert_book(COMMUNE), self.key.seal(book), qos=1, retain=True)

    def ready(self, name: str) -> bool:
        """Whether a receiver knows the time and has every sound."""
        shelf = self.folder / name / "shelf"
        return shelf.exists() and len(list(shelf.glob("*.opus"))) == 2 and (self.folder / name / "time.json").exists()

    def close(self) -> None:
        for child in self._receivers:
            child.stop()
        self.broker.close()
        self._server.shutdown()
        self._server.server_close()
        self._child.stop()

    @staticmethod
    def now_us() -> int:
        return time.time_ns() // 1000

    def _sealed(self, to: str) -> dict[str, object]:
        now_us = self.now_us()
        return {"to": to, "revision": 1, "issued_at_us": now_us, "expires_at_us": now_us + 86_400_000_000}

    def _noise(self, number: int, seconds: int) -> Samples:
        """Writes band-limited noise as Ogg Opus; gives it as a receiver decodes it."""
        spectrum = np.fft.rfft(np.random.default_rng(number).standard_normal(RATE * seconds))
        spectrum[int(len(spectrum) * 0.3) :] = 0
        sound = np.fft.irfft(spectrum)
        path = self.media / f"{number}.opus"
        soundfile.write(path, sound / np.abs(sound).max() * 0.7, RATE, format="OGG", subtype="OPUS")
        decoded: Samples = soundfile.read(path, dtype="float32")[0]
        return decoded

    def _sound(self, number: int, seconds: int) -> AlertSound:
        path = self.media / f"{number}.opus"
        rendition = Rendition(sha256=hash_of(path), bytes=path.stat().st_size, codec="opus", path=path.name)
        return AlertSound(number=number, duration_us=seconds * 1_000_000, renditions=[rendition])

    def _asked(self, topic: str, payload: bytes, _retained: bool) -> None:
        heard_at_us, receiver = self.now_us(), topic.split("/")[3]
        ask = msgspec.json.decode(payload, type=TimeAsk)
        tell = TimeTell(
            to=for_receiver(receiver),
            revision=0,
            issued_at_us=heard_at_us,
            expires_at_us=heard_at_us + 30_000_000,
            nonce=ask.nonce,
            asked_local_us=ask.asked_local_us,
            heard_at_us=heard_at_us,
            told_at_us=self.now_us(),
        )
        self.broker.publish(topics.of_receiver(receiver, Kind.TIME_TELL), self.key.seal(tell), qos=0, retain=False)

    def _reported(self, topic: str, payload: bytes, _retained: bool) -> None:
        key = self._keys[topic.split("/")[3]]
        report: Sealed = open_sealed(payload, Report, {key.kid: key}, to="controller", now_us=None)
        if isinstance(report, AlertReport):
            self.reports.append(report)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
