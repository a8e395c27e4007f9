"""Import: what did the old system know, and what will Loa make of it?"""

import io
import secrets
import threading
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.file_names import clean_name
from devices.receivers import receivers
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal, at_field
from transfer import recordings
from transfer.columns import COLUMNS, ImportKind
from transfer.import_results import Preview, Result
from transfer.imports import MOST_BYTES, ImportFile, Imports, import_file, recent
from transfer.rows import RowChange
from transfer.texts import Encoding
from web.import_templates import import_template
from web.labels.receivers import KINDS
from web.request_context import Frame, In, Reading, back_to, changes
from web.spreadsheets import XLSX
from wire.credentials import Credentials

router = APIRouter(include_in_schema=False)
ACTIONS = {
    ImportKind.RECEIVERS: Action.RECEIVERS,
    ImportKind.SCHEDULES: Action.TIMETABLE,
    ImportKind.OPERATORS: Action.OPERATORS,
}
TITLES = {
    ImportKind.RECEIVERS: N_("Receivers"),
    ImportKind.SCHEDULES: N_("Timetable"),
    ImportKind.OPERATORS: N_("People"),
}
_TEMPLATE_NAMES = {
    ImportKind.RECEIVERS: "mau-cum-loa",
    ImportKind.SCHEDULES: "mau-lich-phat",
    ImportKind.OPERATORS: "mau-nguoi-dung",
}
ENCODINGS = {
    Encoding.UTF_8: "Unicode (UTF-8)",
    Encoding.UTF_16: "Unicode (UTF-16)",
    Encoding.WINDOWS_1258: "Windows-1258",
    Encoding.VNI: "VNI",
    Encoding.TCVN3: "TCVN3 (ABC)",
}
CHANGES = {
    RowChange.NEW: N_("New"),
    RowChange.CHANGED: N_("Changed"),
    RowChange.SAME: N_("As before"),
    RowChange.WRONG: N_("Cannot be imported"),
}
#: How many wrong rows are shown; who has more mends these first.
MOST_SHOWN = 200
_CREDENTIALS_WAIT = timedelta(hours=1)


class Once:
    """Credentials that wait to be fetched, each once, in memory alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[datetime, list[Credentials]]] = {}

    def put(self, credentials: list[Credentials], now: datetime) -> str:
        """Keep them for an hour. Gives the word by which they are fetched."""
        word = secrets.token_urlsafe(16)
        with self._lock:
            self._waiting = {k: v for k, v in self._waiting.items() if now - v[0] < _CREDENTIALS_WAIT}
            self._waiting[word] = (now, credentials)
        return word

    def take(self, word: str) -> list[Credentials]:
        """Give them away. Raises NotFound when they were, or it was too long ago."""
        with self._lock:
            credentials = self._waiting.pop(word, None)
        if credentials is None:
            raise NotFound(
                N_("These credentials have already been downloaded. Create new ones on the receiver's page.")
            )
        return credentials[1]


ONCE = Once()


async def _sent(request: Request) -> Mapping[str, list[str]]:
    form = await request.form()
    return {name: [v for v in form.getlist(name) if isinstance(v, str)] for name in form}


def imports_of(frame: Frame) -> Imports:
    """The files on their way in."""
    deps = frame.deps
    return Imports(deps.database, deps.settings.data_dir / "imports", deps.issuer)


@router.get("/import")
def page(frame: In, session: Reading) -> HTMLResponse:
    """What can be imported, and what was lately."""
    mine = {kind: title for kind, title in TITLES.items() if frame.may(ACTIONS[kind])}
    ready = _ready(frame)
    return frame.page(
        "import_start.html",
        kinds=mine,
        titles=TITLES,
        columns=COLUMNS,
        changes=CHANGES,
        lately=[file for file in recent(session, frame.commune_id) if file.of_kind in mine],
        recordings=frame.may(Action.CLIPS),
        folders=recordings.folders(ready),
        ready=ready,
        most_mb=MOST_BYTES // 1_000_000,
    )


@router.post("/import/recordings", dependencies=[changes(Action.CLIPS)])
def take_recordings(
    frame: In, file: Annotated[UploadFile | None, File()] = None, folder: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """A zip, or a folder that lies ready on the server, into the library."""
    with at_field("folder" if folder else "file"):
        if folder:
            files = recordings.in_folder(_ready(frame), folder)
        elif file is not None and file.filename:
            files = recordings.in_zip(file.file, source=frame.commune_id)
        else:
            raise Refusal(N_("Choose a file first."))
    handed = recordings.hand_over(frame.deps.services, frame.actor, frame.deps.ingest, frame.commune_id, files)
    return frame.page("import_recordings.html", handed=handed)


@router.post("/import/receivers/credentials", dependencies=[changes(Action.RECEIVERS)])
def fetch_credentials(frame: In, word: Annotated[str, Form()]) -> Response:
    """The credentials of new receivers, as a zip, this once."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for credentials in ONCE.take(word):
            file.writestr(f"{credentials.receiver}.json", credentials.text())
    return Response(
        packed.getvalue(),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="cum-loa.zip"', "Cache-Control": "no-store"},
    )


def _routes(kind: ImportKind) -> None:
    """The pages of one kind: each names the right that it asks for."""
    may = [changes(ACTIONS[kind])]

    @router.post(f"/import/{kind.value}", dependencies=may)
    def receive(frame: In, file: Annotated[UploadFile, File()]) -> Response:
        content = file.file.read(MOST_BYTES + 1)
        with at_field("file"):
            if not file.filename:
                raise Refusal(N_("Choose a file first."))
            made = imports_of(frame).receive(
                frame.commune_id,
                kind,
                clean_name(file.filename),
                content,
                now=frame.deps.clock.now(),
                by=frame.operator.name,
            )
        return back_to(frame.request, f"/import/{kind.value}/{made}")

    @router.get(f"/import/{kind.value}/template.xlsx")
    def template(frame: In, session: Reading) -> Response:
        frame.need(ACTIONS[kind])
        content = import_template(frame, session, kind, frame.t(TITLES[kind]))
        name = f"{_TEMPLATE_NAMES[kind]}-{frame.commune_id}.xlsx"
        return Response(content, media_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    @router.get(f"/import/{kind.value}/{{import_id}}")
    def look(frame: In, session: Reading, import_id: str) -> HTMLResponse:
        frame.need(ACTIONS[kind])
        return _look(frame, import_file(session, frame.commune_id, import_id), session)

    @router.post(f"/import/{kind.value}/{{import_id}}", dependencies=may)
    def choose(
        frame: In, session: Reading, import_id: str, sent: Annotated[Mapping[str, list[str]], Depends(_sent)]
    ) -> Response:
        upload = import_file(session, frame.commune_id, import_id)
        imports_of(frame).choose(
            upload,
            encoding=_one(sent, "encoding"),
            columns=sent.get("column", []),
            default_kind=_one(sent, "default_kind"),
            sheet_number=_number(sent, "sheet_number"),
            from_sheet=_number(sent, "from_sheet"),
        )
        return back_to(frame.request, f"/import/{kind.value}/{import_id}")

    @router.post(f"/import/{kind.value}/{{import_id}}/do", dependencies=may)
    def do(frame: In, session: Reading, import_id: str, good_rows_only: Annotated[str, Form()] = "") -> HTMLResponse:
        upload = import_file(session, frame.commune_id, import_id)
        preview = imports_of(frame).preview(session, upload)
        session.rollback()  # our own reading must not hold the writer up
        result = imports_of(frame).do(
            upload, preview, frame.deps.clock.now(), frame.actor, good_rows_only=bool(good_rows_only)
        )
        return _done(frame, upload, preview, result)


for _kind in ImportKind:
    _routes(_kind)


def _look(frame: Frame, upload: ImportFile, session: Session) -> HTMLResponse:
    """The file as it was read, what its columns mean, and what would become of its rows."""
    imports, preview, result, problem = imports_of(frame), None, None, None
    if upload.done_at is None:
        try:
            preview = imports.preview(session, upload)
            session.rollback()
            result = imports.rehearse(upload, preview, frame.deps.clock.now(), frame.actor)
        except NotFound:
            raise
        except Refusal as refusal:
            problem = refusal
    return _page(frame, "import_preview.html", upload, preview, result, problem=problem)


def _done(frame: Frame, upload: ImportFile, preview: Preview, result: Result) -> HTMLResponse:
    """Notify receivers, accounts and planner, and show the result of each row."""
    word = ""
    if result.credentials:
        frame.deps.accounts_changed()
        word = ONCE.put(result.credentials, frame.deps.clock.now())
    if result.touched:
        touched = set(result.touched)
        with frame.deps.database.session() as session:
            touched_receivers = [r for r in receivers(session, frame.commune_id) if r.id in touched]
            frame.deps.downlink.configure_all(session, touched_receivers)
    if upload.of_kind is ImportKind.SCHEDULES:
        frame.deps.services.plan(frame.commune_id)
    return _page(frame, "import_result.html", upload, preview, result, word=word)


def _page(
    frame: Frame, template: str, upload: ImportFile, preview: Preview | None, result: Result | None, **more: Any
) -> HTMLResponse:
    titles = {column.key: column.title for column in COLUMNS[upload.of_kind]}
    return frame.page(
        template,
        found=upload,
        preview=preview,
        result=result,
        titles=titles,
        title=TITLES[upload.of_kind],
        columns=COLUMNS[upload.of_kind],
        encodings=ENCODINGS,
        changes=CHANGES,
        kinds=KINDS,
        most_shown=MOST_SHOWN,
        headings=_headings(preview),
        **more,
    )


def _headings(preview: Preview | None) -> dict[str, str]:
    """What a meaning's column is called in the file."""
    if preview is None:
        return {}
    return {key: heading for key, heading in zip(preview.columns, preview.headings, strict=True) if key}


def _ready(frame: Frame) -> Path:
    return frame.deps.settings.data_dir / "recordings-to-import"


def _number(sent: Mapping[str, list[str]], name: str) -> int | None:
    text = _one(sent, name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else None


def _one(sent: Mapping[str, list[str]], name: str) -> str:
    return sent.get(name, [""])[0]
