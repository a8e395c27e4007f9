"""Imports: a file is kept, read, tried on a copy of the tables, and then taken in short transactions.

A thousand rows take seconds, and in one transaction every other commune would wait for them, an emergency included.
"""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from devices.enrolment import Issuer
from devices.stations import StationKind
from people.audit import Deed
from people.passwords import OneTimePassword, one_time_password
from runtime.database import Database, UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from transfer.columns import COLUMNS, ImportKind, guess, header_of, remember, remembered
from transfer.foreign_sheets import read_foreign_sheet
from transfer.import_results import Preview, Result
from transfer.operator_rows import OperatorTaker
from transfer.receiver_rows import ReceiverTaker
from transfer.rehearsal_copy import rehearsal_copy
from transfer.rows import RowChange, RowOutcome, Taker, take_all
from transfer.schedule_rows import ScheduleTaker
from transfer.sheets import texts
from transfer.texts import Encoding
from usecases.actors import Actor

MOST_BYTES = 30_000_000
#: What was uploaded and not taken is thrown away after this.
KEPT = timedelta(days=2)
#: Rows of one transaction: some tens of milliseconds, for which other writers wait.
ROWS_AT_ONCE = 10


class ImportFile(SQLModel, table=True):
    """A file on its way in. encoding, columns, default_kind: "" until chosen; sheet_number: index of the sheet, None
    until chosen. columns: JSON, a key for each column.

    counts: JSON, change → rows, once it is done.
    """

    __tablename__ = "import_file"

    id: str = Field(primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    kind: str
    file_name: str
    encoding: str = ""
    columns: str = ""
    default_kind: str = ""
    sheet_number: int | None = None
    uploaded_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    uploaded_by: str = ""
    done_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    counts: str = ""

    @property
    def of_kind(self) -> ImportKind:
        return ImportKind(self.kind)

    @property
    def counted(self) -> dict[str, int]:
        """What became of its rows."""
        return dict(json.loads(self.counts)) if self.counts else {}


_under_way: set[str] = set()
_under_way_lock = threading.Lock()


class Imports:
    """The files on their way in, below `folder`, and what is done with them."""

    def __init__(self, database: Database, folder: Path, issuer: Issuer) -> None:
        self._database, self._folder, self._issuer = database, folder, issuer

    def receive(
        self, commune_id: str, kind: ImportKind, file_name: str, content: bytes, *, now: datetime, by: str
    ) -> str:
        """Keep a file. Gives its id. Raises Refusal when it is no table, or too large."""
        if len(content) > MOST_BYTES:
            raise Refusal(N_("This file is larger than {most_mb} MB. Divide it."), most_mb=MOST_BYTES // 1_000_000)
        self.sweep(now)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = ImportFile(
            id=secrets.token_hex(8),
            commune_id=commune_id,
            kind=kind.value,
            file_name=file_name[-120:],
            uploaded_at=now,
            uploaded_by=by,
        )
        path = self._folder / made.id
        path.write_bytes(content)
        path.chmod(0o600)
        try:
            sheet = read_foreign_sheet(path, file_name, source=commune_id)
            if len(sheet.rows) < 2:
                raise Refusal(N_("There are no rows in this file. The first row names the columns, the others follow."))
            with self._database.writing() as session:
                session.add(made)
        except BaseException:
            path.unlink()
            raise
        return made.id

    def preview(self, session: Session, upload: ImportFile) -> Preview:
        """Read the file again, as it is set now. Raises Refusal."""
        path = self._folder / upload.id
        if not path.exists():
            raise NotFound(N_("This file is not kept any more. Choose it again."))
        encoding = Encoding(upload.encoding) if upload.encoding else None
        sheet = read_foreign_sheet(path, upload.file_name, encoding, upload.sheet_number, source=upload.commune_id)
        header = header_of(sheet.rows, upload.of_kind)
        headings = list(texts(sheet.rows[header].cells)) if sheet.rows else []
        width = max((len(row.cells) for row in sheet.rows[header:]), default=0)
        headings += [""] * (width - len(headings))
        before = remembered(session, upload.commune_id, upload.of_kind, headings)
        chosen = json.loads(upload.columns) if upload.columns else before or guess(headings, upload.of_kind)
        columns = (chosen + [""] * width)[:width]
        return Preview(sheet, header, headings, columns, before is not None)

    def choose(
        self,
        upload: ImportFile,
        *,
        encoding: str,
        columns: Sequence[str],
        default_kind: str,
        sheet_number: int | None = None,
        from_sheet: int | None = None,
    ) -> None:
        """Keep what was chosen on the page. from_sheet: the sheet that the page showed.

        Raises Refusal for a meaning that is given twice, or is none.
        """
        titles = {column.key: column.title for column in COLUMNS[upload.of_kind]}
        keys = [key for key in columns if key]
        twice = next((key for key, count in Counter(keys).items() if count > 1), None)
        if twice is not None or not set(keys) <= titles.keys():
            last = max((k for k, key in enumerate(columns) if key == twice), default=0)
            raise Refusal(N_("Two columns mean the same. Choose “not taken” for one of them.")).at(f"column#{last}")
        if (encoding and encoding not in list(Encoding)) or (default_kind and default_kind not in list(StationKind)):
            raise Refusal(N_("This choice is not there any more. Load the page again."))
        with self._database.writing() as session:
            row = session.get_one(ImportFile, upload.id)
            # Read in another way the headings are others: what was chosen for them is void.
            is_as_shown = encoding == (row.encoding or encoding) and sheet_number == from_sheet
            row.columns = json.dumps(list(columns)) if is_as_shown else ""
            row.encoding, row.default_kind, row.sheet_number = encoding, default_kind, sheet_number
            session.add(row)

    def rehearse(self, upload: ImportFile, preview: Preview, now: datetime, actor: Actor) -> Result:
        """What would become of each row. On a copy in memory: nothing is kept, and no writer waits."""
        with rehearsal_copy(self._database, upload.commune_id) as copy:
            return self._take(copy, upload, preview, now, actor, None)

    def do(
        self,
        upload: ImportFile,
        preview: Preview,
        now: datetime,
        actor: Actor,
        *,
        good_rows_only: bool,
    ) -> Result:
        """Take every row, or, when asked to, those that are right. Raises Refusal when a row is wrong, or all are.

        What is wrong is found before anything is written. A row that turns wrong while it is written, by what another
        person changes at that moment, is left out and told in the result.
        """
        with _claimed(upload.id):
            with self._database.session() as session:
                if session.get_one(ImportFile, upload.id).done_at is not None:
                    raise Refusal(N_("This file was imported already. To import it again, choose it again."))
            expected = self.rehearse(upload, preview, now, actor)
            if expected.wrong and (not good_rows_only or len(expected.wrong) == len(expected.outcomes)):
                raise Refusal(
                    N_("{n} rows cannot be taken, so nothing was imported. See below what to mend."),
                    n=len(expected.wrong),
                )
            people = expected.counts[RowChange.NEW] if upload.of_kind is ImportKind.OPERATORS else 0
            prepared = iter([one_time_password() for _ in range(people)])
            result = self._take(self._database, upload, preview, now, actor, prepared)
            with self._database.writing() as session:
                row = session.get_one(ImportFile, upload.id)
                remember(session, upload.commune_id, upload.of_kind, preview.headings, preview.columns)
                row.done_at, row.counts = now, json.dumps({c.value: n for c, n in result.counts.items()})
                session.add(row)
                counts = ", ".join(f"{change.value} {n}" for change, n in result.counts.items())
                detail = f"{upload.kind}, {upload.file_name}: {counts}"
                actor.note(session, now, upload.commune_id, Deed.IMPORTED, detail)
        (self._folder / upload.id).unlink(missing_ok=True)
        return result

    def sweep(self, now: datetime) -> None:
        """Throw away what nobody came back for."""
        with self._database.writing() as session:
            old = session.exec(
                select(ImportFile).where(col(ImportFile.uploaded_at) < now - KEPT, col(ImportFile.done_at).is_(None))
            )
            for row in old:
                (self._folder / row.id).unlink(missing_ok=True)
                session.delete(row)

    def _take(
        self,
        database: Database,
        upload: ImportFile,
        preview: Preview,
        now: datetime,
        actor: Actor,
        prepared: Iterator[OneTimePassword] | None,
    ) -> Result:
        """prepared: passwords for new people; None in a rehearsal."""
        lacking = [c.key for c in COLUMNS[upload.of_kind] if c.needed and c.key not in preview.columns]
        if lacking:
            raise Refusal(N_("Choose below which columns mean what has a star (*): each row needs it."))
        taker: Taker
        people = places = None
        with database.session() as session:
            if upload.of_kind is ImportKind.RECEIVERS:
                default = StationKind(upload.default_kind) if upload.default_kind else None
                taker = places = ReceiverTaker(session, upload.commune_id, self._issuer, now, actor, default)
            elif upload.of_kind is ImportKind.SCHEDULES:
                taker = ScheduleTaker(session, upload.commune_id, now, actor)
            else:
                taker = people = OperatorTaker(upload.commune_id, now, actor, prepared)
        rows, outcomes = preview.sheet.rows[preview.header + 1 :], list[RowOutcome]()
        for at in range(0, len(rows), ROWS_AT_ONCE):
            with database.writing() as session:
                outcomes += take_all(session, taker, rows[at : at + ROWS_AT_ONCE], preview.columns)
        return Result(
            outcomes,
            places.credentials if places else [],
            people.passwords if people else {},
            places.touched if places else [],
        )


@contextmanager
def _claimed(import_id: str) -> Iterator[None]:
    """Only one thread takes a file. Raises Refusal for another."""
    with _under_way_lock:
        if import_id in _under_way:
            raise Refusal(N_("This file is being imported at the moment. Look again in a minute."))
        _under_way.add(import_id)
    try:
        yield
    finally:
        with _under_way_lock:
            _under_way.discard(import_id)


def import_file(session: Session, commune_id: str, import_id: str) -> ImportFile:
    row = session.get(ImportFile, import_id)
    if row is None or row.commune_id != commune_id:
        raise NotFound(N_("This file is not kept any more. Choose it again."))
    return row


def recent(session: Session, commune_id: str) -> list[ImportFile]:
    """The last ones of a commune, newest first."""
    query = select(ImportFile).where(ImportFile.commune_id == commune_id)
    return list(session.exec(query.order_by(col(ImportFile.uploaded_at).desc()).limit(10)))
