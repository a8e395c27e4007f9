"""What import contracts cannot say: homes of foreign libraries, names and lengths of files."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "wire",
    "signals",
    "transport",
    "runtime",
    "parsing",
    "devices",
    "people",
    "notifications",
    "acoustics",
    "cap",
    "noise",
    "speech",
    "broadcast",
    "relay",
    "alerts",
    "schedules",
    "usecases",
    "studio",
    "mergers",
    "transfer",
    "province",
    "web",
    "receiver",
    "gateway",
    "loa",
    "demo",
)

#: foreign library → the modules that may import it (a trailing dot stands for all below).
HOMES = {
    "apscheduler": ("runtime.alarms",),
    "ffmpeg": ("broadcast.audio",),
    "pydub": ("broadcast.audio", "broadcast.chimes"),
    "paho": ("transport.mqtt_client", "runtime.broker", "receiver.link.connection"),
    "lxml": ("cap.xml_files", "cap.signatures", "cap.writing"),
    "signxml": ("cap.signatures",),
    "shapely": ("cap.areas",),
    "cryptography": ("cap.signatures", "transfer.age_file", "runtime.own_authority", "runtime.https"),
    "ifaddr": ("runtime.machine_names",),
    "segno": ("web.qr_codes",),
    "nacl": ("wire.sealing", "transfer.secretstream_file"),
    "sounddevice": ("receiver.output.speaker", "receiver.output.sound_card", "receiver.sensing.card_microphone"),
    "soundfile": ("receiver.playout.sources", "studio.live_recordings"),
    "soxr": ("receiver.playout.sources", "broadcast.live_pacing"),
    "opuslib_next": ("receiver.live.live_stream", "broadcast.live_encoder", "broadcast.live_decoder"),
    "gpiozero": ("gateway.gpio",),
    "serial": ("gateway.serial_line",),
    "pymodbus": ("gateway.modbus_board",),
    "httpx2": (
        "runtime.checked_address",
        "province.connection",
        "province.audio_fetch",
        "relay.http_fetch",
        "cap.feed_fetch",
        "notifications.http_answers",
        "notifications.webhook",
        "notifications.sms_gateway",
    ),
    "m3u8": ("relay.playlists",),
    "tenacity": ("transport.worker",),
    "dateutil": ("schedules.recurrence", "schedules.calendar_rules"),
    "holidays": ("noise.days_off",),
    "geojson_pydantic": ("devices.outlines",),
    "haversine": ("acoustics.echoes", "cap.areas"),
    "icalendar": ("schedules.calendars", "schedules.calendar_events"),
    "openpyxl": ("web.spreadsheets", "transfer.excel_sheets"),
    "xlrd": ("transfer.old_excel_sheets",),
    "python_calamine": ("transfer.calamine_sheets",),
    "bs4": ("transfer.html_tables",),
    "docx": ("transfer.word_files",),
    "fpdf": ("web.printed_reports", "web.typefaces"),
    "alembic": ("runtime.migrations", "loa.migrations."),
    "argon2": ("people.passwords",),
    "limits": ("people.rate_limit",),
    "babel": ("web.",),
    "jinja2": ("web.",),
    "uvicorn": ("loa.web_server", "loa.connection_limits"),
    "numpy": (
        "receiver.",
        "signals.",
        "broadcast.live_pacing",
        "acoustics.arrivals",
        "broadcast.audio_samples",
        "broadcast.audio_decode",
        "broadcast.audio_levels",
        "relay.levels",
        "studio.live_status",
        "studio.microphone_buffer",
        "alerts.sirens",
        "alerts.sound_making",
        "demo.",
    ),
}
REFUSED_NAMES = ("utils", "util", "helpers", "helper", "common", "core", "manager", "misc")
MOST_LINES = 300


#: room → its functions that write. Above the rooms only `usecases` calls them, so that no path skips a right, a rule,
#: the audit or a notification.
WRITES = {
    "cap.sources": (
        "add_cap_source",
        "change_cap_source",
        "retire_cap_source",
        "restore_cap_source",
        "new_source_token",
    ),
    "broadcast.relay_sources": (
        "add_relay_source",
        "change_relay_source",
        "retire_relay_source",
        "restore_relay_source",
    ),
    "broadcast.planning": ("put_on_air", "plan_broadcast"),
    "broadcast.stopping": ("stop", "withdraw"),
    "broadcast.programmes": ("add_programme", "rename", "replace_items"),
    "broadcast.retirement": ("retire", "restore"),
    "broadcast.clips": ("change_clip",),
    "broadcast.backup_clip": ("choose_backup",),
    "schedules.timetable": ("add_schedule", "change_schedule", "pause", "retire", "restore"),
    "schedules.copying": ("move", "copy_days"),
    "devices.enrolment": ("enrol", "renew_credentials", "retire_receiver"),
    "devices.receivers": ("change_receiver", "move_receivers", "remove_station"),
    "devices.positions": ("place_receiver",),
    "devices.stations": ("add_station", "change_station"),
    "devices.zones": ("add_zone",),
    "devices.outlines": ("set_outline",),
    "devices.fault_latches": ("acknowledge", "reset"),
    "noise.noise_rules": ("set_rules",),
    "acoustics.delay_measurements": ("begin", "take", "undo"),
    "notifications.rules": ("set_rule", "renew_key"),
    "people.contacts": ("set_contact",),
    "people.operators": ("add_operator", "renew_password", "appoint", "dismiss"),
    "devices.communes": ("add_commune",),
    "people.staff": ("set_role", "set_above", "retire_operator", "restore_operator"),
}
#: Packages above the rooms. `demo` furnishes its own database.
CALLERS = ("mergers", "transfer", "province", "studio", "web", "loa")


@functools.cache
def modules() -> list[tuple[str, Path]]:
    """Every module of the packages: dotted name and file."""
    return [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), path)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


@functools.cache
def imported(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def at_home(module: str, homes: tuple[str, ...]) -> bool:
    """Whether a module is one of the homes. `broadcast.audio` also covers `broadcast.audio_probe`."""
    return any(module.startswith(home) for home in homes)


@pytest.mark.parametrize("library", HOMES)
def test_a_foreign_library_is_imported_only_in_its_home(library: str) -> None:
    strangers = [name for name, path in modules() if library in imported(path) and not at_home(name, HOMES[library])]
    assert strangers == []


@pytest.mark.parametrize("library", HOMES)
def test_every_library_in_the_table_is_really_used(library: str) -> None:
    assert any(library in imported(path) for _, path in modules())


#: All that `wire` may import: no module that reads a clock, a file, a socket or the environment.
PURE = {
    "base64",
    "collections",
    "datetime",
    "enum",
    "hashlib",
    "math",
    "msgspec",
    "nacl",
    "re",
    "struct",
    "typing",
    "wire",
    "zoneinfo",
}


def test_wire_is_pure() -> None:
    imports = {name: imported(path) - PURE for name, path in modules() if name.startswith("wire.")}
    assert {name: libraries for name, libraries in imports.items() if libraries} == {}


def test_no_file_is_a_junk_drawer() -> None:
    assert [name for name, _ in modules() if name.split(".")[-1] in REFUSED_NAMES] == []


def test_no_file_has_outgrown_its_noun() -> None:
    too_long = {
        name: lines
        for name, path in modules()
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
        and not name.startswith("loa.migrations.")  # history: never edited
    }
    assert too_long == {}


def test_a_package_is_one_sentence_and_nothing_else() -> None:
    for package in PACKAGES:
        body = ast.parse((ROOT / package / "__init__.py").read_text()).body
        assert len(body) == 1, f"{package}/__init__.py holds more than its docstring"
        assert isinstance(body[0], ast.Expr)


def writes_called(path: Path) -> set[str]:
    """The functions of WRITES that a file imports, or reaches through an imported module."""
    tree, rooms, called = ast.parse(path.read_text()), dict[str, str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                rooms[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                if alias.name in WRITES.get(node.module, ()):
                    called.add(f"{node.module}.{alias.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            room = rooms.get(node.value.id, "")
            if node.attr in WRITES.get(room, ()):
                called.add(f"{room}.{node.attr}")
    return called


def test_above_the_rooms_only_use_cases_write() -> None:
    calls = {
        name: called for name, path in modules() if name.split(".")[0] in CALLERS and (called := writes_called(path))
    }
    assert calls == {}


@pytest.mark.parametrize("room", WRITES)
def test_every_write_in_the_table_is_there_and_has_its_use_case(room: str) -> None:
    tree = ast.parse((ROOT / f"{room.replace('.', '/')}.py").read_text())
    assert set(WRITES[room]) <= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    used = {name for _, path in modules() if path.parent.name == "usecases" for name in writes_called(path)}
    assert {f"{room}.{name}" for name in WRITES[room]} - used <= {"people.operators.dismiss"}


def test_only_the_application_imports_from_the_pages_and_only_their_routes() -> None:
    importing = {
        (name, alias.name)
        for name, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("web.pages")
        for alias in node.names
        if name != "web.pages.routes"
    }
    assert importing == {("web.app", "PAGE_ROUTERS")}


def test_pages_and_api_write_and_audit_through_use_cases_only() -> None:
    routes = {name: path.read_text() for name, path in modules() if name.startswith(("web.pages.", "web.api."))}
    assert {name for name, text in routes.items() if "audit.note" in text or ".note(" in text} == set()
    assert {name for name, text in routes.items() if ".writing()" in text} == set()
