"""Loa as a player of the sync rig: what its server and its source are, by subcommand (`loa_client`: its clients).

    loa_rig.py stored WORK COUNT REF SECONDS   the first SECONDS of REF made a clip, then a new controller with COUNT
                                               receivers, whose credentials it writes into WORK
    loa_rig.py play WORK                       the clip on air; writes WORK/feed.json
    loa_rig.py live WORK COUNT AFTER_S [OPTION …]   as stored, with `loa live` on WORK/fifo for a clip, begun AFTER_S
                                               later: a live broadcast without frames is stopped after 30 s

The rig calls them by the files beside this one; nothing here knows anything of networks or crystals.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

from broadcast.ingest import Ingest
from broadcast.ingest_jobs import job
from broadcast.media import Media
from broadcast.planning import LEAD, put_on_air
from devices.communes import add_commune
from devices.enrolment import enrol, write_credentials
from devices.stations import StationKind, add_station
from loa.broker_access import connection, issuer, public_broker_url
from loa.schema import open_database
from runtime.clock import ControllerClock, to_us
from runtime.refusal import Refusal
from runtime.secret_files import Secrets
from runtime.settings import Settings, load_settings
from wire.broadcasts import BroadcastClass, Targets
from wire.credentials import Credentials
from wire.sealing import SealingKey

COMMUNE = "do-dong-bo"
IP, BROKER_PORT, HTTP_PORT = "10.77.0.10", 18_830, 18_080
LOA = (sys.executable, "-m", "loa")
#: The reference signal is S16_LE, 48 kHz, two channels.
FRAME_BYTES, RATE = 4, 48_000
_PR_SET_PDEATHSIG = 1
CLIP, FIFO = "clip.txt", "fifo"


def settings_of(work: Path) -> Settings:
    """The server's settings; also put into the environment, for the commands started from here."""
    settings: dict[str, object] = {
        "data_dir": work / "controller",
        "http_host": IP,
        "http_port": HTTP_PORT,
        "broker_host": IP,
        "broker_port": BROKER_PORT,
        "broker_allow_plain": True,
        "heartbeat_s": os.environ.get("LOA_HEARTBEAT_S", 20),
    }
    os.environ.update({f"LOA_{name.upper()}": str(value) for name, value in settings.items()})
    return load_settings(**settings)


def enrol_receivers(work: Path, count: int) -> dict[str, Credentials]:
    """Make a commune with receivers at full volume. Gives their credentials."""
    settings = settings_of(work)
    database, now = open_database(settings), ControllerClock().now()
    key = SealingKey(Secrets.load_or_create(settings.data_dir / "secrets").controller_seed)
    with database.writing() as session:
        add_commune(session, COMMUNE, "Đo đồng bộ")
        station = add_station(session, COMMUNE, StationKind.IP, "Đo")
        giving = issuer(settings, key, public_broker_url(settings))
        made = {}
        for name in (f"c{number}" for number in range(1, count + 1)):
            receiver, made[name] = enrol(
                session, giving, receiver_id=name, commune_id=COMMUNE, station_id=station.number, name=name, now=now
            )
            receiver.volume_percent = 100
            session.add(receiver)
    database.close()
    return made


def hand_out(work: Path, made: dict[str, Credentials]) -> None:
    """Write the credentials that the clients wait for."""
    for name, credentials in made.items():
        write_credentials(credentials, work / f"{name}.new")
        (work / f"{name}.new").rename(work / f"{name}.json")


def ingest(work: Path, reference: Path, seconds: float) -> None:
    """Make a clip of the reference's beginning."""
    settings = settings_of(work)
    database, clock = open_database(settings), ControllerClock()
    media, originals = Media(settings.data_dir / "media"), Media(settings.data_dir / "originals")
    recording = work / "reference.wav"
    with reference.open("rb") as raw, wave.open(str(recording), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(raw.read(int(seconds * RATE) * FRAME_BYTES))
    making = Ingest(database, media, originals, clock, most_bytes=settings.max_upload_bytes, most_hours=1)
    upload = making.open_upload(COMMUNE, "reference.wav", by="rig", title="Reference", trim_silence=False)
    upload.write(recording.read_bytes())
    upload.finish()
    making.work_one(upload.job_id)
    recording.unlink()
    with database.session() as session:
        made = job(session, upload.job_id)
        if made.clip_id is None:
            raise made.why or Refusal("The reference could not be ingested.")
        write_whole(work / CLIP, made.clip_id)
    database.close()


def play(work: Path) -> None:
    """Put the clip on air, and say when sample 0 leaves by CLOCK_MONOTONIC."""
    while not (work / CLIP).exists():
        time.sleep(0.05)
    database, clock = open_database(settings_of(work)), ControllerClock()
    with database.writing() as session:
        planned = put_on_air(
            session,
            COMMUNE,
            targets=Targets(all=True),
            class_=BroadcastClass.NORMAL,
            now=clock.now(),
            by="rig",
            clip_id=(work / CLIP).read_text(),
            lead=LEAD,
        )
        starts_at_us = to_us(planned.starts_at)
    database.close()
    t0_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + (starts_at_us - clock.now_us()) * 1000
    write_whole(work / "feed.json", json.dumps({"t0_ns": t0_ns}))


def live(work: Path, after_s: float, options: list[str]) -> None:
    """Become `loa live` on the FIFO that the rig's source writes to; it is on air before the source begins."""
    time.sleep(after_s)
    settings_of(work)
    # Open for both, so that opening does not wait for the source.
    os.dup2(os.open(work / FIFO, os.O_RDWR), 0)
    os.execv(sys.executable, [*LOA, "live", "-", "--raw", *options])  # noqa: S606


def watch(work: Path) -> None:
    """Write down every heartbeat, so that what receivers say of themselves can be held against what was measured."""
    settings = settings_of(work)
    password = Secrets.load_or_create(settings.data_dir / "secrets").broker_password
    broker = connection(settings, password, "watch")
    with (work / "beats.jsonl").open("wb", buffering=0) as beats:

        def hear(topic: str, payload: bytes, _retained: bool) -> None:
            at_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            heartbeat = {"receiver": topic.split("/")[3], "at_ns": at_ns, "beat": json.loads(payload)}
            beats.write(json.dumps(heartbeat).encode() + b"\n")

        broker.subscribe("loa/1/r/+/heartbeat", hear, qos=0)
        signal.pause()


def beside(*arguments: str) -> None:
    """Run one of our own subcommands beside the controller, and end with it."""
    subprocess.Popen([sys.executable, __file__, *arguments])


def end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the controller ends, however it ends (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def write_whole(path: Path, text: str) -> None:
    """So that nobody reads half of it."""
    made = path.with_name(path.name + ".new")
    made.write_text(text)
    made.rename(path)


def main() -> None:
    what, work, rest = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    if what in ("watch", "send"):
        end_with_parent()
    match what:
        case "stored" | "live":
            made = enrol_receivers(work, int(rest[0]))
            if what == "stored":
                ingest(work, Path(rest[1]), float(rest[2]))
            else:
                os.mkfifo(work / FIFO)
                beside("send", str(work), *rest[1:])
            hand_out(work, made)
            beside("watch", str(work))
            os.execv(sys.executable, [*LOA, "serve"])  # noqa: S606 - the rig's own child shall be the controller
        case "play":
            play(work)
        case "watch":
            watch(work)
        case "send":
            live(work, float(rest[0]), rest[1:])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
