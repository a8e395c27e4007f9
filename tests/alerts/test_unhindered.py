"""An emergency is published at once, whatever else holds the database, the disk, the threads or the connections."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from alerts.emergency_alerts import EmergencyAlert
from people.audit import AuditEntry
from runtime.clock import ManualClock
from runtime.database import MOST_CONNECTIONS, Database
from tests.alerts.watch_room import make_book_ready
from tests.web.office import Office
from tests.web.test_emergency_page import DEPUTYS, STORM, Second

#: Who waits for one of these waits 15 s and more. The measured time is some 20 ms on a machine that does nothing else.
AT_ONCE_S = 4.0
Hindrance = Callable[[Office], AbstractContextManager[object]]


@contextmanager
def another_process_writes(office: Office) -> Iterator[None]:
    """It holds SQLite's lock: whoever else writes waits up to 15 s."""
    other = sqlite3.connect(office.database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def an_import_writes(office: Office) -> Iterator[None]:
    """A long transaction of this process, another commune's: others wait for their turn to write."""
    with office.database.writing():
        yield


@contextmanager
def the_disk_is_full(office: Office) -> Iterator[None]:
    def refuse(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise OperationalError(statement, None, full)

    event.listen(office.database.engine, "before_cursor_execute", refuse)
    yield
    event.remove(office.database.engine, "before_cursor_execute", refuse)


@contextmanager
def slow_pages_hold_every_connection(office: Office) -> Iterator[None]:
    """All of the pool; and each page that is asked for holds a thread of the web server while it waits."""
    with ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            held.enter_context(office.database.engine.connect())
        yield


@pytest.mark.parametrize(
    "hindrance", [another_process_writes, an_import_writes, the_disk_is_full, slow_pages_hold_every_connection]
)
def test_a_confirmed_emergency_is_published_at_once_and_written_later(
    database: Database, clock: ManualClock, tmp_path: Path, hindrance: Hindrance
) -> None:
    office = Office(database, clock, tmp_path)
    office.add_receivers(2)
    make_book_ready(database)
    second = Second(office)
    first_cookie, second_cookie = (guest.browser.cookies["loa_session"] for guest in (office, second))
    with TestClient(office.app, follow_redirects=False) as web:
        pages = [threading.Thread(target=_ask, args=(web, first_cookie), daemon=True) for _ in range(45)]
        with hindrance(office):
            if hindrance is slow_pages_hold_every_connection:
                for page in pages:
                    page.start()
                time.sleep(0.3)  # until the pages hold their threads
            started_s = time.monotonic()
            data = {**STORM, "form_token": office.form_token}
            address = _post(web, "/emergency", first_cookie, data)
            data = {"password": DEPUTYS, "form_token": second.form_token}
            _post(web, f"{address}/confirm", second_cookie, data)
            data = {"form_token": office.form_token}
            _post(web, f"{address}/cancel", first_cookie, data)
            took_s = time.monotonic() - started_s
            assert [topic for topic, *_ in office.broker.log if "/alert/" in topic] == [
                f"loa/1/c/thieu-trung/alert/{address.rpartition('/')[2]}"
            ] * 2
        # Three requests, and each waits at most 0.3 s for the journal, after it has published.
        assert took_s < AT_ONCE_S + 3 * 0.3
        for page in pages:  # a client that is closed while some still ask may wait for ever
            if page.ident is not None:
                page.join(30)
        office.journal.close()
    with database.session() as session:
        row = session.exec(select(EmergencyAlert)).one()
        assert (row.requested_by, row.confirmed_by, row.end_kind) == ("lan", "chair", "cancel")
        deeds = [entry.action for entry in session.exec(select(AuditEntry))]
        assert deeds[-3:] == ["emergency_requested", "emergency_sent", "emergency_cancelled"]


def _ask(web: TestClient, cookie: str) -> None:
    with suppress(Exception):  # the client is closed while some still wait
        web.get("/clips", headers={"cookie": f"loa_session={cookie}"})


def _post(web: TestClient, path: str, cookie: str, data: dict[str, str]) -> str:
    answer = web.post(path, data=data, headers={"cookie": f"loa_session={cookie}"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]
