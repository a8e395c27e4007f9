"""What old systems exported becomes ours: tried first, all or nothing, and a second time it changes nothing."""

import io
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from broadcast.programmes import Item, ItemKind, add_programme
from devices.communes import add_commune
from devices.enrolment import Issuer
from devices.positions import Position, position_of
from devices.receivers import Receiver, receiver, receivers
from devices.stations import StationKind, stations
from devices.zones import zones, zones_of
from people.operators import Operator, add_operator, appoint, operators_of
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from schedules.recurrence import Repeat
from schedules.schedules import schedules
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, LAN, MORNING
from tests.transfer.table_files import xlsx
from tests.transfer.test_texts import as_1258
from transfer import cell_values
from transfer.columns import ImportKind, guess
from transfer.external_ids import ExternalId
from transfer.import_results import Result
from transfer.imports import ImportFile, Imports, import_file
from transfer.rows import RowChange
from wire.broadcasts import BroadcastClass
from wire.sealing import PublicKey, SealingKey

ISSUER = Issuer(broker_url="mqtt://b:1883", controller=PublicKey(SealingKey(bytes(range(32))).public))
TABLE = (
    "Tên cụm loa;IMEI;Địa chỉ;Thôn;Loại thiết bị;Nhà cung cấp;Xã cũ;Vĩ độ;Kinh độ;Âm lượng\n"
    "Cụm nhà văn hóa;867500001;Nhà văn hóa;Thôn 1;IP;VTC;Thiệu Trung;19,8712;105,6834;70\n"
    "Cụm chợ;867500002;Chợ;Thôn 2;có dây;Bình Minh;Thiệu Chính;;;\n"
)


class Office:
    """A commune and its imports."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.studio = Studio(clock, database)
        self.database = database
        self.imports = Imports(database, folder / "imports", ISSUER)
        self.folder = folder / "imports"

    def receive(self, content: bytes | str, kind: ImportKind = ImportKind.RECEIVERS, name: str = "a.csv") -> ImportFile:
        raw = content.encode() if isinstance(content, str) else content
        return self.again(self.imports.receive(COMMUNE, kind, name, raw, now=MORNING, by="lan"))

    def again(self, import_id: str) -> ImportFile:
        with self.database.session() as session:
            return import_file(session, COMMUNE, import_id)

    def tried(self, found: ImportFile) -> Result:
        with self.database.session() as session:
            preview = self.imports.preview(session, found)
        return self.imports.rehearse(found, preview, MORNING, LAN)

    def taken(self, found: ImportFile, *, good_rows_only: bool = False, later: timedelta = timedelta()) -> Result:
        with self.database.session() as session:
            preview = self.imports.preview(session, found)
        return self.imports.do(found, preview, MORNING + later, LAN, good_rows_only=good_rows_only)

    def done(
        self, content: bytes | str, kind: ImportKind = ImportKind.RECEIVERS, *, good_rows_only: bool = False
    ) -> Result:
        return self.taken(self.receive(content, kind), good_rows_only=good_rows_only)

    def named(self, name: str) -> Receiver:
        with self.database.session() as session:
            return next(r for r in receivers(session, COMMUNE) if r.name == name)


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


def counts(result: Result) -> tuple[int, ...]:
    """New, changed, the same, wrong."""
    return tuple(result.counts[change] for change in RowChange)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("0912 345 678", "0912345678"), ("912345678", "0912345678"), ("84912345678", "+84912345678"), ("", "")],
)
def test_the_number_for_alerts_is_taken_as_spreadsheets_leave_it(
    database: Database, clock: ManualClock, tmp_path: Path, typed: str, number: str
) -> None:
    office = Office(database, clock, tmp_path)
    office.done(f"Tên cụm loa;Loại;Số SIM\nCụm chợ;IP;{typed}\n")
    with database.session() as session:
        assert [r.alert_phone for r in receivers(session, COMMUNE) if r.name == "Cụm chợ"] == [number]


def test_receivers_come_with_station_zone_place_and_credentials(office: Office) -> None:
    result = office.done(TABLE)
    assert counts(result) == (2, 0, 0, 0)
    house, market = office.named("Cụm nhà văn hóa"), office.named("Cụm chợ")
    assert [c.receiver for c in result.credentials] == [house.id, market.id] == result.touched
    assert (house.place, house.volume_percent, position_of(house)) == ("Nhà văn hóa", 70, Position(19.8712, 105.6834))
    with office.database.session() as session:
        known = {s.number: s for s in stations(session, COMMUNE)}
        assert known[market.station_id].kind == StationKind.WIRED.value
        assert (known[market.station_id].maker, known[market.station_id].former_commune) == ("Bình Minh", "Thiệu Chính")
        assert [z.name for z in zones(session, COMMUNE) if z.id in zones_of(session, house.id)] == ["Thôn 1"]


def test_a_rehearsal_says_the_same_and_keeps_nothing(office: Office) -> None:
    found = office.receive(TABLE)
    assert counts(office.tried(found)) == (2, 0, 0, 0)
    with office.database.session() as session:
        assert len(receivers(session, COMMUNE)) == 2  # the studio's own
        assert session.exec(select(ExternalId)).all() == []
    assert counts(office.tried(found)) == (2, 0, 0, 0)


def test_a_second_time_nothing_changes_and_a_change_is_only_that(office: Office) -> None:
    office.done(TABLE)
    before = office.named("Cụm chợ").config_revision
    result = office.done(TABLE)
    assert (counts(result), result.touched, result.credentials) == ((0, 0, 2, 0), [], [])
    changed = TABLE.replace("Cụm chợ;", "Cụm chợ mới;").replace(";70", ";65")
    assert counts(office.done(changed)) == (0, 2, 0, 0)
    assert office.named("Cụm chợ mới").config_revision == before + 1
    assert counts(office.done(changed)) == (0, 0, 2, 0)


def test_without_a_code_the_name_finds_it_also_one_that_was_made_by_hand(office: Office) -> None:
    assert counts(office.done("Tên;Địa chỉ\nloa-1;Cạnh đình\n")) == (0, 1, 0, 0)
    with office.database.session() as session:
        assert receiver(session, "loa-1").place == "Cạnh đình"


def test_one_wrong_row_stops_all_and_is_told_with_its_line_and_column(office: Office) -> None:
    table = TABLE + "Cụm đình;867500003;Đình;Thôn 3;loa kéo;;;;;\nCụm trường;;;;IP;;;91;105;\n;867500009;;;IP;;;;;\n"
    wrong = office.tried(office.receive(table)).wrong
    assert [(w.line, w.column) for w in wrong] == [(4, "kind"), (5, "latitude"), (6, "name")]
    assert "no kind of station" in str(wrong[0].problem)
    with pytest.raises(Refusal, match="3 rows cannot be taken"):
        office.done(table)
    with office.database.session() as session:
        assert len(receivers(session, COMMUNE)) == 2
    assert counts(office.done(table, good_rows_only=True)) == (2, 0, 0, 3)
    assert office.named("Cụm chợ").place == "Chợ"


def test_a_row_that_fails_late_leaves_no_receiver_no_zone_and_no_credentials(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "khac", "Xã khác")
    # The short name is refused only after station and zone were made.
    table = "Tên;Tên ngắn;Thôn;Loại;Hãng\nCụm 1;cum-1;Thôn 1;IP;VTC\nCụm lạ;Không Được;Thôn ma;FM;Hãng lạ\n"
    result = office.done(table, good_rows_only=True)
    assert (counts(result), [c.receiver for c in result.credentials]) == ((1, 0, 0, 1), ["cum-1"])
    assert [(w.line, w.column) for w in result.wrong] == [(3, "receiver_id")]
    with office.database.session() as session:
        assert "Thôn ma" not in [z.name for z in zones(session, COMMUNE)]
        assert "Hãng lạ" not in [s.maker for s in stations(session, COMMUNE)]


def test_the_same_receiver_twice_in_one_file_is_told(office: Office) -> None:
    wrong = office.tried(office.receive(TABLE + TABLE.splitlines()[1] + "\n")).wrong
    assert [(w.line, str(w.problem)) for w in wrong] == [(4, "The same receiver stands in line 2 already.")]


def test_a_receiver_that_moved_to_another_commune_is_not_pulled_back(office: Office) -> None:
    office.done(TABLE)
    with office.database.writing() as session:
        add_commune(session, "xa-moi", "Xã mới")
        session.get_one(Receiver, office.named("Cụm chợ").id).commune_id = "xa-moi"
    wrong = office.tried(office.receive(TABLE)).wrong
    assert [(w.line, "another commune" in str(w.problem)) for w in wrong] == [(3, True)]


def test_a_missing_kind_of_station_can_be_chosen_for_all(office: Office) -> None:
    found = office.receive("Tên cụm;Địa chỉ\nCụm 1;Đình\n")
    assert office.tried(found).wrong[0].column == "kind"
    office.imports.choose(found, encoding="", columns=["name", "place"], default_kind="fm")
    assert counts(office.tried(office.again(found.id))) == (1, 0, 0, 0)


def test_a_chosen_meaning_of_columns_is_remembered_for_the_next_such_file(office: Office) -> None:
    table = "Cột lạ;Ghi chú;Loại\nCụm 1;Đình;IP\n"
    found = office.receive(table)
    with office.database.session() as session:
        assert office.imports.preview(session, found).columns == ["", "", "kind"]
    with pytest.raises(Refusal, match="what has a star"):
        office.tried(found)
    office.imports.choose(found, encoding="", columns=["name", "place", "kind"], default_kind="")
    office.taken(office.again(found.id))
    found = office.receive(table.replace("Cụm 1", "Cụm 9").upper())
    with office.database.session() as session:
        next_time = office.imports.preview(session, found)
    assert (next_time.columns, next_time.was_remembered) == (["name", "place", "kind"], True)


def test_two_columns_of_one_meaning_are_refused(office: Office) -> None:
    found = office.receive("a;b\n1;2\n")
    with pytest.raises(Refusal, match="mean the same"):
        office.imports.choose(found, encoding="", columns=["name", "name"], default_kind="")
    with pytest.raises(Refusal, match="choice"):
        office.imports.choose(found, encoding="klingon", columns=["name", ""], default_kind="")


def test_letterheads_and_empty_lines_above_the_table_are_passed_over(office: Office) -> None:
    book = openpyxl.Workbook()
    title = ["DANH SÁCH CỤM LOA", None, "2026"]
    for row in (["UBND XÃ THIỆU TRUNG"], [], title, ["STT", "Tên cụm loa", "Loại"], [1, "Cụm 1", "FM"]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    found = office.receive(content.getvalue(), name="a.xlsx")
    with office.database.session() as session:
        preview = office.imports.preview(session, found)
    assert (preview.headings, preview.columns) == (["STT", "Tên cụm loa", "Loại"], ["", "name", "kind"])
    outcome = office.tried(found).outcomes[0]
    assert (outcome.line, outcome.change, outcome.what) == (5, RowChange.NEW, "Cụm 1")


def test_a_wrongly_guessed_encoding_is_chosen_anew(office: Office) -> None:
    found = office.receive(as_1258("Tên;Địa chỉ\nCụm 1;Nhà văn hóa thôn Đắc Châu\n"))
    office.imports.choose(found, encoding="tcvn3", columns=["name", "place"], default_kind="ip")
    with office.database.session() as session:
        assert "Địa chỉ" not in office.imports.preview(session, office.again(found.id)).headings
    office.imports.choose(office.again(found.id), encoding="windows-1258", columns=["", ""], default_kind="ip")
    with office.database.session() as session:
        preview = office.imports.preview(session, office.again(found.id))
    assert (preview.headings, preview.columns) == (["Tên", "Địa chỉ"], ["name", "place"])


def test_a_file_is_imported_once_and_then_thrown_away(office: Office) -> None:
    found = office.receive(TABLE)
    with office.database.session() as session:
        preview = office.imports.preview(session, found)
    office.imports.do(found, preview, MORNING, LAN, good_rows_only=False)
    assert list(office.folder.iterdir()) == []
    with pytest.raises(Refusal, match="imported already"):
        office.imports.do(found, preview, MORNING, LAN, good_rows_only=False)
    with office.database.session() as session, pytest.raises(NotFound):
        office.imports.preview(session, found)
    assert office.again(found.id).counted == {"new": 2, "changed": 0, "same": 0, "wrong": 0}


def test_what_is_no_table_leaves_nothing_behind_and_what_nobody_came_back_for_goes(office: Office) -> None:
    for content in (b"%PDF-1.7 x", b"", b"only a heading"):
        with pytest.raises(Refusal):
            office.receive(content)
    assert list(office.folder.iterdir()) == []
    office.receive(TABLE)
    office.imports.sweep(MORNING + timedelta(days=3))
    assert list(office.folder.iterdir()) == []


LINES = (
    "Tên chương trình;Giờ phát;Thứ;Từ ngày;Nơi phát;Mức độ\n"
    "bản tin sáng;05:00 và 17h;Thứ 2–Thứ 6;;Toàn xã;Thông thường\n"
    'Bản tin sáng;6h30;CN;1/12/2026;"thon-1, loa-2";Ưu tiên\n'
)


def test_schedules_by_the_title_of_their_programme(office: Office) -> None:
    assert counts(office.done(LINES, ImportKind.SCHEDULES)) == (2, 0, 0, 0)
    with office.database.session() as session:
        first, second = schedules(session, COMMUNE)
    assert (first.recurrence.times, first.recurrence.weekdays) == ([time(5), time(17)], [0, 1, 2, 3, 4])
    assert (first.recurrence.repeat, first.audience.all, first.class_) == (Repeat.WEEKLY, True, "normal")
    assert (second.recurrence.from_day, second.recurrence.weekdays) == (date(2026, 12, 1), [6])
    assert (second.audience.zones, second.audience.receivers) == (["thon-1"], ["loa-2"])
    assert second.broadcast_class is BroadcastClass.PRIORITY
    assert counts(office.done(LINES, ImportKind.SCHEDULES)) == (0, 0, 2, 0)


def test_schedules_without_a_first_day_stay_the_same_on_another_day(office: Office) -> None:
    office.done(LINES, ImportKind.SCHEDULES)
    found = office.receive(LINES, ImportKind.SCHEDULES)
    assert counts(office.taken(found, later=timedelta(days=6))) == (0, 0, 2, 0)


def test_a_schedule_with_a_code_is_changed_and_not_doubled(office: Office) -> None:
    table = "Mã lịch;Chương trình;Giờ;Thứ\nL1;Bản tin sáng;5h;hằng ngày\n"
    office.done(table, ImportKind.SCHEDULES)
    assert counts(office.done(table.replace("5h", "6h"), ImportKind.SCHEDULES)) == (0, 1, 0, 0)
    with office.database.session() as session:
        (only,) = schedules(session, COMMUNE)
    assert only.recurrence.times == [time(6)]


def test_wrong_schedules_are_told_by_column(office: Office) -> None:
    table = LINES + (
        "Không có;5h;CN;;;\nBản tin sáng;25:00;CN;;;\nBản tin sáng;5h;T9;;;\nBản tin sáng;5h;CN;31/02/2027;;\n"
        "Bản tin sáng;5h;CN;;Thôn lạ;\nBản tin sáng;5h;CN;;;gấp gáp\n"
    )
    wrong = office.tried(office.receive(table, ImportKind.SCHEDULES)).wrong
    assert [(w.line, w.column) for w in wrong] == [
        (4, "programme"),
        (5, "times"),
        (6, "weekdays"),
        (7, "from_day"),
        (8, "zones"),
        (9, "class"),
    ]


def test_two_programmes_of_one_title_are_not_guessed_between(office: Office) -> None:
    with office.database.writing() as session:
        add_programme(session, COMMUNE, "BẢN TIN SÁNG", [Item(ItemKind.CLIP, "bulletin")], now=MORNING)
    assert "Several programmes" in str(office.tried(office.receive(LINES, ImportKind.SCHEDULES)).wrong[0].problem)


PEOPLE = "Tên đăng nhập;Vai trò;Họ tên\nLan Anh;Cán bộ văn hóa;Nguyễn Lan Anh\nchutich;Chủ tịch UBND;\n"


def test_people_get_a_role_and_a_one_time_password(office: Office) -> None:
    result = office.done(PEOPLE, ImportKind.OPERATORS)
    assert counts(result) == (2, 0, 0, 0)
    assert list(result.passwords) == ["lananh", "chutich"]
    with office.database.session() as session:
        assert [(o.name, r, o.admin) for o, r in operators_of(session, COMMUNE)] == [
            ("chutich", Role.CHAIR, False),
            ("lananh", Role.OPERATOR, False),
        ]
    again = office.done(PEOPLE.replace("Chủ tịch UBND", "kỹ thuật"), ImportKind.OPERATORS)
    assert (counts(again), again.passwords) == ((0, 1, 1, 0), {})


def test_nobody_gets_rights_by_the_name_of_another_place(office: Office) -> None:
    with office.database.writing() as session:
        add_operator(session, "chutich", MORNING)
    wrong = office.tried(office.receive(PEOPLE + "sep;Quản trị;\n", ImportKind.OPERATORS)).wrong
    assert [(w.line, w.column) for w in wrong] == [(3, "name"), (4, "role")]
    with office.database.session() as session:
        assert operators_of(session, COMMUNE) == []


def test_retired_people_are_not_brought_back_by_a_table(office: Office) -> None:
    with office.database.writing() as session:
        added, _ = add_operator(session, "chutich", MORNING)
        appoint(session, added.number, COMMUNE, Role.CHAIR)
        session.get_one(Operator, added.number).retired_at = MORNING
    assert "out of service" in str(office.tried(office.receive(PEOPLE, ImportKind.OPERATORS)).wrong[0].problem)


def test_names_without_an_id_get_one_that_nobody_has(office: Office) -> None:
    office.done("Tên;Mã;Loại\nCụm 1;a;IP\nCụm-1;b;IP\n")
    assert office.named("Cụm 1").id == f"{COMMUNE}-cum-1"
    assert office.named("Cụm-1").id == f"{COMMUNE}-cum-1-2"


_NAMES = st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạ 1234567890", min_size=1, max_size=12).filter(str.strip)
_ROWS = st.lists(
    st.tuples(
        _NAMES, st.sampled_from(["", "1", "2", "3", "4"]), st.sampled_from(["IP", "FM", "có dây"]), _NAMES | st.just("")
    ),
    min_size=1,
    max_size=8,
)


@given(rows=_ROWS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_imported_twice_is_the_same(office: Office, rows: list[tuple[str, str, str, str]]) -> None:
    table = "Tên;Mã;Loại;Thôn\n" + "".join(f"{';'.join(row)}\n" for row in rows)
    columns = ["name", "external_id", "kind", "zones"]

    def once() -> Result | None:
        found = office.receive(table)
        office.imports.choose(found, encoding="utf-8", columns=columns, default_kind="")
        try:
            return office.taken(office.again(found.id), good_rows_only=True)
        except Refusal:  # every row was wrong
            return None

    if once() is None:
        return
    state = everything(office)
    second = once()
    assert second is not None
    assert (second.counts[RowChange.NEW], second.counts[RowChange.CHANGED]) == (0, 0), second.outcomes
    assert everything(office) == state


def everything(office: Office) -> list[tuple[object, ...]]:
    with office.database.session() as session:
        return sorted(
            (r.id, r.name, r.station_id, r.config_revision, *zones_of(session, r.id))
            for r in receivers(session, COMMUNE)
        )


@pytest.mark.parametrize(
    ("reader", "cell", "means"),
    [
        (cell_values.times, "05:00-05:30, 17h15", [time(5), time(17, 15)]),
        (cell_values.times, 0.25, [time(6)]),
        (cell_values.times, "5 giờ sáng và 5 giờ chiều", [time(5), time(17)]),
        (cell_values.weekdays, "Thứ 2–Thứ 6", [0, 1, 2, 3, 4]),
        (cell_values.weekdays, "T2,T4", [0, 2]),
        (cell_values.weekdays, "hằng ngày", [0, 1, 2, 3, 4, 5, 6]),
        (cell_values.weekdays, "CN", [6]),
        (cell_values.weekdays, "từ thứ Ba đến thứ Tư; chủ nhật", [1, 2, 6]),
        (cell_values.weekdays, 2, [0]),
        (cell_values.day, "5/1/2027", date(2027, 1, 5)),
        (cell_values.day, 46351.0, date(2026, 11, 25)),
        (cell_values.percent, 0.8, 80),
        (cell_values.percent, "80 %", 80),
        (cell_values.station_kind, "Truyền thanh không dây FM", StationKind.FM),
        (cell_values.station_kind, "Hữu tuyến", StationKind.WIRED),
        (cell_values.station_kind, "Cụm loa thông minh 4G", StationKind.IP),
        (cell_values.role, "Trưởng thôn 3", Role.VIEWER),
        (cell_values.broadcast_class, "1", BroadcastClass.EMERGENCY),
    ],
)
def test_cells_are_read_as_offices_write_them(reader: Callable[[object], object], cell: object, means: object) -> None:
    assert reader(cell) == means


@pytest.mark.parametrize(
    ("reader", "cell"),
    [
        (cell_values.times, "0500"),
        (cell_values.times, "24:00"),
        (cell_values.times, "sáng"),
        (cell_values.times, ", ,"),
        (cell_values.weekdays, "T9"),
        (cell_values.weekdays, "T2-"),
        (cell_values.weekdays, "mai"),
        (cell_values.day, "31/02/2027"),
        (cell_values.day, "25/11/26"),
        (cell_values.day, 7),
        (cell_values.percent, "rất to"),
        (cell_values.percent, 300),
        (cell_values.role, "admin"),
    ],
)
def test_what_means_nothing_is_refused(reader: Callable[[object], object], cell: object) -> None:
    with pytest.raises(Refusal):
        reader(cell)


def test_headings_are_known_however_they_are_written() -> None:
    assert guess(["STT", "TÊN THIẾT BỊ (*)", "Số IMEI", "Kinh độ (°)", "Ghi chú"], ImportKind.RECEIVERS) == [
        "",
        "name",
        "external_id",
        "longitude",
        "",
    ]
    assert guess(["Tên", "Tên đài"], ImportKind.RECEIVERS) == ["name", "station"]


@pytest.mark.parametrize(
    "code",
    ["8,67123E+14", "8.67123E+14", "8,9840200012E+16", "867123000000000", "89840200012345600000"],
)
def test_a_code_that_lost_its_digits_in_a_spreadsheet_is_named(office: Office, code: str) -> None:
    [row] = office.tried(office.receive(f"Tên cụm loa;IMEI;Loại\nCụm 1;{code};IP\n")).outcomes
    assert (row.change, row.column) == (RowChange.WRONG, "external_id")
    assert row.problem is not None
    assert code in str(row.problem)


@pytest.mark.parametrize("number", [89840200012345678, 8.98402000123457e16, 867123000000000])
def test_a_number_longer_than_a_spreadsheet_keeps_is_named(office: Office, number: float) -> None:
    content = xlsx([["Tên cụm loa", "IMEI", "Loại"], ["Cụm 1", number, "IP"]])
    [row] = office.tried(office.receive(content, name="a.xlsx")).outcomes
    assert (row.change, row.column) == (RowChange.WRONG, "external_id")


@pytest.mark.parametrize("code", ["867123456789012", "89840200012345678901", "1000000", "SN-1E+5", "0012", "00000001"])
def test_a_code_with_all_its_digits_is_taken(office: Office, code: str) -> None:
    [row] = office.tried(office.receive(f"Tên cụm loa;IMEI;Loại\nCụm 1;{code};IP\n")).outcomes
    assert row.change is RowChange.NEW


def test_a_name_on_two_lines_is_one_name_and_zones_on_two_lines_are_two(office: Office) -> None:
    content = xlsx([["Tên cụm loa", "Thôn", "Loại"], ["Cụm\nnhà văn hóa", "Thôn 1\nThôn  2", "IP"]])
    assert counts(office.taken(office.receive(content, name="a.xlsx"))) == (1, 0, 0, 0)
    made = office.named("Cụm nhà văn hóa")
    with office.database.session() as session:
        assert [z.name for z in zones(session, COMMUNE) if z.id in zones_of(session, made.id)] == ["Thôn 1", "Thôn 2"]


def test_another_sheet_of_a_file_can_be_chosen_and_columns_chosen_for_the_first_are_void(office: Office) -> None:
    content = xlsx([["Tên cụm loa", "Loại"], ["Cụm 1", "IP"]], [["Loại", "Tên cụm loa"], ["FM", "Cụm 2"]])
    upload = office.receive(content, name="a.xlsx")
    office.imports.choose(upload, encoding="utf-8", columns=["name", "kind"], default_kind="")
    upload = office.again(upload.id)
    office.imports.choose(
        upload, encoding="utf-8", columns=["name", "kind"], default_kind="", sheet_number=1, from_sheet=0
    )
    result = office.taken(office.again(upload.id))
    assert (counts(result), result.outcomes[0].what) == ((1, 0, 0, 0), "Cụm 2")
