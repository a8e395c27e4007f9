"""The audio library with many recordings: pages, search, uploads on their way, and lists to choose from."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.clips import change_clip
from broadcast.ingest_jobs import IngestJob, JobState, update_job
from broadcast.programmes import add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal, as_text
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, OPERATOR
from tests.web.office import Office
from tests.web.page_forms import forms_of

CLIPS = 60
WHY = as_text(Refusal("This file has no sound."))
FOR_LIST = {"HX-Request": "true", "HX-Target": "clips"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    """Clips 0 to 59, the highest number newest."""
    made = Office(database, clock, tmp_path)
    with database.writing() as session:
        for k in range(CLIPS):
            add_clip(session, f"c{k}", 60, now=clock.now() - timedelta(hours=CLIPS - k))
        change_clip(session, "c0", title="Thời tiết Đông Bắc")
    return made


def listed(html: str) -> list[str]:
    return re.findall(r'data-clip="(\w+)"', html)


def test_the_library_is_shown_in_pages(office: Office) -> None:
    first, last = office.browser.get("/clips").text, office.browser.get("/clips?page=2").text
    assert listed(first) == [f"c{k}" for k in range(59, 34, -1)]
    assert "Bản ghi âm 1 đến 25 trong 60" in first
    assert listed(last) == [f"c{k}" for k in range(9, -1, -1)]
    assert 'href="?page=1&amp;"' in first
    assert 'href="?page=3' not in last
    assert listed(office.browser.get("/clips?page=99999").text) == listed(last)


def test_a_search_goes_through_all_pages_and_needs_no_diacritics(office: Office) -> None:
    answer = office.browser.get("/clips?q=thoi+tiet+dong", headers=FOR_LIST)
    assert listed(answer.text) == ["c0"]
    assert "<html" not in answer.text


def test_a_page_is_as_heavy_with_many_recordings_as_with_a_page_of_them(office: Office) -> None:
    many = len(office.browser.get("/clips").content)
    with office.database.writing() as session:
        for k in range(26, CLIPS):
            change_clip(session, f"c{k}", language="mww")
    few = len(office.browser.get("/clips?language=vi").content)
    assert abs(many - few) < 1500


def add_job(office: Office, job_id: str, **values: object) -> None:
    with office.database.writing() as session:
        job = IngestJob(
            id=job_id, commune_id=COMMUNE, file_name="a.mp3", title="Tin mới", created_at=office.clock.now()
        )
        session.add(job)
    if values:
        update_job(office.database, job_id, **values)


def poll_address(html: str) -> str:
    """Where the page looks after its uploads."""
    (address,) = re.findall(r'data-next="(/clips/uploads[^"]*)"', html)
    return address.replace("&amp;", "&")


def test_while_an_upload_is_processed_only_the_uploads_are_loaded_again(office: Office) -> None:
    add_job(office, "j1", state=JobState.ENCODING.value, progress=0.4)
    page = office.browser.get("/clips").text
    polled = office.browser.get(poll_address(page))
    assert "40 %" in polled.text
    assert "data-running" in polled.text
    assert listed(polled.text) == []
    assert len(polled.content) < 2500


def test_a_result_that_is_checked_shows_no_share_that_stands_still(office: Office) -> None:
    add_job(office, "j1", state=JobState.VERIFYING.value, progress=0.95)
    polled = office.browser.get("/clips/uploads").text
    assert "%" not in polled
    assert re.search(r"<progress[^>]*>", polled)[0].find("value=") == -1  # type: ignore[index]
    assert "Đang nghe lại bản đã nén và chỉnh thêm" in polled


def test_an_upload_on_the_page_of_a_programme_is_offered_to_it(office: Office) -> None:
    with office.database.writing() as session:
        number = add_programme(session, COMMUNE, "Bản tin sáng", [], now=office.clock.now()).number
    add_job(office, "j1", state=JobState.ENCODING.value, progress=0.4)
    page = office.browser.get(f"/programmes/{number}").text
    assert "40 %" in page
    with office.database.writing() as session:
        add_clip(session, "fresh", 60, now=office.clock.now())
    update_job(office.database, "j1", state=JobState.READY.value, clip_id="fresh", finished_at=office.clock.now())
    polled = office.browser.get(poll_address(page)).text
    (form,) = [form for form in forms_of(polled) if form.method == "post"]
    assert form.action == f"/programmes/{number}/items"
    assert office.browser.post(form.action, data=form.fields).status_code == 303
    assert "data-key" in office.browser.get(f"/programmes/{number}").text


def test_a_recording_that_becomes_ready_joins_the_list_once(office: Office) -> None:
    add_job(office, "j1", state=JobState.ENCODING.value)
    page = office.browser.get("/clips").text
    with office.database.writing() as session:
        add_clip(session, "fresh", 60, now=office.clock.now())
    update_job(office.database, "j1", state=JobState.READY.value, clip_id="fresh", finished_at=office.clock.now())
    polled = office.browser.get(poll_address(page)).text
    assert listed(polled) == ["fresh"]
    assert 'data-joins="#clip-list"' in polled
    assert "data-running" not in polled
    assert listed(office.browser.get(poll_address(polled)).text) == []


def test_a_page_with_a_search_names_what_became_ready_and_keeps_its_list(office: Office) -> None:
    add_job(office, "j1", state=JobState.ENCODING.value)
    page = office.browser.get("/clips?q=thoi").text
    with office.database.writing() as session:
        add_clip(session, "fresh", 60, now=office.clock.now())
    update_job(office.database, "j1", state=JobState.READY.value, clip_id="fresh", finished_at=office.clock.now())
    polled = office.browser.get(poll_address(page)).text
    assert listed(polled) == []
    assert 'href="/clips/fresh"' in polled
    assert 'href="/clips/fresh"' in office.browser.get(poll_address(polled)).text


def test_of_many_uploads_ten_are_shown_and_the_others_counted(office: Office) -> None:
    for k in range(13):
        add_job(office, f"j{k}")
    page = office.browser.get("/clips").text
    assert page.count("<progress") == 10
    assert "3 tệp nữa đang chờ" in page


@pytest.mark.parametrize("path", ["/put-on-air", "/programmes/1"])
def test_a_form_offers_the_newest_recordings_and_finds_the_others(office: Office, path: str) -> None:
    assert office.post("/programmes", title="Bản tin sáng") == 303
    form = office.browser.get(path).text
    assert form.count('value="clip ') == 50
    assert 'value="clip c0"' not in form
    searched = re.search(r'hx-get="(/[^"]*choices[^"]*)"', form)
    assert searched is not None
    for found in (f"{path}?find=dong+bac", searched[1] + ("&" if "?" in searched[1] else "?") + "find=dong+bac"):
        assert re.findall(r'value="clip (\w+)"', office.browser.get(found).text) == ["c0"]


def test_a_form_offers_the_recording_that_it_was_opened_for(office: Office) -> None:
    assert re.search(r'value="clip c0" selected', office.browser.get("/put-on-air?clip=c0").text)


def test_programmes_are_listed_in_pages_and_found_without_diacritics(office: Office) -> None:
    for k in range(27):
        assert office.post("/programmes", title=f"Điểm tin số {k}") == 303
    assert office.browser.get("/programmes").text.count('<h2 class="in-list">') == 25
    assert office.browser.get("/programmes?page=1").text.count('<h2 class="in-list">') == 2
    assert office.browser.get("/programmes?q=diem+tin+so+13").text.count('<h2 class="in-list">') == 1


def test_what_became_of_an_upload_is_said_to_who_began_it_until_hidden(office: Office) -> None:
    add_job(office, "mine", state=JobState.REFUSED, refusal=WHY, created_by=OPERATOR, finished_at=office.clock.now())
    add_job(office, "theirs", state=JobState.REFUSED, refusal=WHY, created_by="tho", finished_at=office.clock.now())
    page = office.browser.get("/clips").text
    assert "/clips/uploads/mine/dismiss" in page
    assert "/clips/uploads/theirs/dismiss" not in page
    assert "mine/dismiss" not in office.browser.get("/clips?q=thoi").text
    office.post("/clips/uploads/theirs/dismiss")
    data, script = {"form_token": office.form_token}, {"HX-Request": "true"}
    assert "mine" not in office.browser.post("/clips/uploads/mine/dismiss", data=data, headers=script).text
    assert "mine/dismiss" not in office.browser.get("/clips").text
    with office.database.session() as session:
        assert session.get(IngestJob, "mine") is None
        assert session.get(IngestJob, "theirs") is not None


def test_the_api_gives_the_library_in_pages(office: Office) -> None:
    def ids(**asked: int) -> list[str]:
        return [clip["clip"] for clip in office.browser.get("/api/v1/clips", params=asked).json()]

    assert len(ids()) == 50
    assert ids(limit=2) == ["c59", "c58"]
    assert ids(limit=2, offset=2) == ["c57", "c56"]
    assert ids(offset=60) == []
