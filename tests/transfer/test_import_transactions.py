"""An import keeps no other writer waiting: not while it is tried, and only for some rows while it is taken."""

from pathlib import Path

import pytest
from sqlalchemy import event

from people import passwords
from people.operators import operators_of
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, LAN, MORNING
from tests.transfer.test_imports import PEOPLE, Office, counts
from transfer.columns import ImportKind
from transfer.imports import ROWS_AT_ONCE
from usecases.operators import Appointment, add_operator, renew_password
from usecases.services import Services


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


@pytest.fixture
def only_outside_a_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether nobody wrote, at each hash of a password."""
    hash_password, free = passwords.hash_password, list[bool]()

    def noted(password: str) -> str:
        free.append(database._writers._free == 1)
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", noted)
    return free


def receivers_table(count: int) -> str:
    return "Tên cụm loa;Loại thiết bị\n" + "".join(f"Cụm {number};IP\n" for number in range(count))


def test_a_rehearsal_needs_no_turn_to_write(office: Office) -> None:
    upload = office.receive(receivers_table(3))
    with office.database.session() as session:
        preview = office.imports.preview(session, upload)
    with office.database.writing():
        assert counts(office.imports.rehearse(upload, preview, MORNING, LAN)) == (3, 0, 0, 0)
    with office.database.session() as session:
        assert len(office.imports.rehearse(upload, preview, MORNING, LAN).outcomes) == 3


def test_rows_are_taken_some_at_a_time(office: Office) -> None:
    upload = office.receive(receivers_table(2 * ROWS_AT_ONCE + 1))
    commits: list[int] = []
    event.listen(office.database.engine, "commit", lambda _: commits.append(1))
    assert counts(office.taken(upload)) == (2 * ROWS_AT_ONCE + 1, 0, 0, 0)
    assert len(commits) == 4, "three for the rows, one for the file"
    again = office.receive(receivers_table(2 * ROWS_AT_ONCE + 1))
    assert counts(office.tried(again)) == (0, 0, 2 * ROWS_AT_ONCE + 1, 0)


def test_the_same_row_far_below_is_still_refused(office: Office) -> None:
    upload = office.receive(receivers_table(2 * ROWS_AT_ONCE) + "Cụm 0;IP\n")
    [wrong] = office.tried(upload).wrong
    assert (wrong.line, "line 2 already" in str(wrong.problem)) == (2 * ROWS_AT_ONCE + 2, True)


def test_passwords_are_hashed_before_the_transaction(
    office: Office, clock: ManualClock, only_outside_a_transaction: list[bool]
) -> None:
    assert len(office.done(PEOPLE, ImportKind.OPERATORS).passwords) == 2
    services = Services(office.database, clock)
    roles = {}
    with office.database.session() as session:
        roles = {COMMUNE: operators_of(session, COMMUNE)[0][1]}
    added, _ = add_operator(services, LAN, "hoa", Appointment(roles))
    renew_password(services, LAN, added.number)
    assert only_outside_a_transaction == [True] * 4
