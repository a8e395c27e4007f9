"""A backup holds everything as of one instant, comes back elsewhere, and is refused when it is not whole."""

import errno
import gzip
import io
import json
import os
import tarfile
import threading
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl import bindings
from nacl.pwhash import argon2id
from sqlmodel import select

from broadcast.announcements import unannounced
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from broadcast.play_reports import PlayReportRow
from devices.communes import Commune, add_commune
from devices.predecessors import CommuneSuccession
from devices.provinces import Province
from devices.receivers import Receiver
from loa.cli import main
from loa.schema import MIGRATIONS
from people.operators import Operator, add_operator, appoint, operators_of
from people.rights import Role
from province.accounts import Accounts
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.migrations import upgrade
from runtime.refusal import NotFound, Refusal
from runtime.secret_files import Secrets
from tests.cast import COMMUNE, MORNING
from tests.transfer.installation import OTHER, Installation, content
from transfer.age_file import MAGIC, AgeReader
from transfer.archive import ArchiveWriter, members
from transfer.backup import back_up
from transfer.restoring import check, is_locked, restore
from web.access import WebSession

PASSPHRASE = "thiệu trung buổi sáng"


@pytest.fixture
def home(tmp_path: Path, clock: ManualClock) -> Installation:
    return Installation(tmp_path / "old", clock)


def backed_up(home: Installation, passphrase: str | None = None, **more: object) -> Path:
    target = home.folder.parent / "loa.backup"
    back_up(home.database, home.folder, target, now=home.clock.now(), passphrase=passphrase, **more)  # type: ignore[arg-type]
    return target


def restored(archive: Path, folder: Path, passphrase: str | None = None, url: str | None = None) -> Database:
    restore(archive, folder, database_url=url, scripts=MIGRATIONS, passphrase=passphrase, now=MORNING)
    return Database(url or f"sqlite:///{folder / 'loa.db'}")


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_what_comes_back_is_what_was_there(home: Installation, tmp_path: Path, passphrase: str | None) -> None:
    archive = backed_up(home, passphrase)
    again = restored(archive, tmp_path / "new", passphrase)
    assert content(again) == content(home.database)
    assert files(tmp_path / "new" / "media") == files(home.folder / "media")
    assert files(tmp_path / "new" / "originals") == files(home.folder / "originals")
    assert Secrets.load_or_create(tmp_path / "new" / "secrets") == home.secrets


def test_chimes_are_not_missed_also_after_a_merger_and_an_own_one_comes_back(
    home: Installation, tmp_path: Path
) -> None:
    wav, mp3 = home.sound(home.media, "chuông", "wav"), home.sound(home.originals, "nhạc riêng", "mp3")
    with home.database.writing() as session:
        clips = {clip.commune_id: clip for clip in session.exec(select(Clip)).all()}
        # A merger takes `builtin` from the chime that programmes keep; its original lies beside the renditions.
        former, own = clips[COMMUNE], clips[OTHER]
        former.original_sha256, former.original_extension = wav, "wav"
        own.original_sha256, own.original_extension, own.builtin = mp3, "mp3", "opening_chime"
        session.add_all([former, own])
    target = tmp_path / "loa.backup"
    made = back_up(home.database, home.folder, target, now=home.clock.now(), passphrase=None, commune_id=OTHER)
    assert made.missing == []
    restored(target, tmp_path / "other")
    assert any(mp3 in name for name in files(tmp_path / "other" / "originals"))
    target.unlink()
    assert back_up(home.database, home.folder, target, now=home.clock.now(), passphrase=None).missing == []


def test_a_backup_is_for_its_owner_alone_and_a_locked_one_shows_nothing(home: Installation) -> None:
    archive = backed_up(home, PASSPHRASE)
    assert archive.stat().st_mode & 0o777 == 0o600
    raw = archive.read_bytes()
    assert home.secrets.controller_seed.hex().encode() not in raw
    assert "Bản tin".encode() not in raw
    assert b"secrets/controller.key" not in raw


def test_restored_receivers_are_told_anew_and_newer_than_what_they_hold(home: Installation, tmp_path: Path) -> None:
    again = restored(backed_up(home), tmp_path / "new")
    with again.session() as session, home.database.session() as before:
        for receiver in session.exec(select(Receiver)):
            assert receiver.config_revision > before.get_one(Receiver, receiver.id).config_revision + 100
        ahead = {b.id for b in session.exec(select(Broadcast)) if b.ends_at > MORNING}
        assert ahead
        assert {b.id for b in unannounced(session, MORNING)} == ahead


def test_who_is_signed_in_signs_in_again(home: Installation, tmp_path: Path) -> None:
    with home.database.writing() as session:
        lan = Operator(name="lan", password_hash="x", created_at=MORNING)
        session.add(lan)
        session.flush()
        session.add(WebSession(token_hash="t", operator_id=lan.id or 0, created_at=MORNING, used_at=MORNING))
    again = restored(backed_up(home), tmp_path / "new")
    with again.session() as session:
        assert session.exec(select(Operator.name)).all() == ["lan"]
        assert session.exec(select(WebSession)).all() == []


def test_from_sqlite_to_postgresql_and_back(home: Installation, tmp_path: Path, postgres_server: str) -> None:
    empty = Database(postgres_server)
    with empty.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    there = restored(backed_up(home, PASSPHRASE), tmp_path / "pg", PASSPHRASE, postgres_server)
    assert not (tmp_path / "pg" / "loa.db").exists()
    with there.writing() as session:  # its numbers go on after those that were put in
        session.add(Operator(name="hoa", password_hash="x", created_at=MORNING))
    with pytest.raises(Refusal, match="tables in this database already"):
        restored(backed_up_at(home, tmp_path / "b2"), tmp_path / "pg2", None, postgres_server)
    assert not (tmp_path / "pg2").exists()
    back_up(there, tmp_path / "pg", tmp_path / "from-pg", now=MORNING, passphrase=None)
    again = restored(tmp_path / "from-pg", tmp_path / "sqlite")
    assert content(again) == content(there)
    for one in (empty, there, again):
        one.close()


def backed_up_at(home: Installation, target: Path) -> Path:
    back_up(home.database, home.folder, target, now=MORNING, passphrase=None)
    return target


def test_a_damaged_backup_leaves_an_empty_postgresql_empty(
    home: Installation, tmp_path: Path, postgres_server: str
) -> None:
    empty = Database(postgres_server)
    with empty.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    with backed_up(home).open("rb") as whole, (tmp_path / "torn").open("wb") as file:
        torn = ArchiveWriter(file, lambda _: None)
        for name, source in members(whole, lambda _: None):
            content = source.read(10**7)
            if name == "tables/station.jsonl.gz":  # every hash is right, and yet a row lacks what it refers to
                content = gzip.compress(gzip.decompress(content).splitlines(keepends=True)[0])
            torn.add_bytes(name, content)
        torn.close()
    with pytest.raises(Refusal, match=r"damaged at tables/"):
        restored(tmp_path / "torn", tmp_path / "new", None, postgres_server)
    assert not (tmp_path / "new").exists()
    with empty.engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").all()
    assert names == []
    empty.close()


def test_while_another_writes_the_backup_shows_one_instant(home: Installation, tmp_path: Path) -> None:
    """A clip and its programme are written together, in one transaction: never is there one without the other."""
    stop, written = threading.Event(), []

    def write() -> None:
        other = Database(home.settings.database)
        while not stop.is_set():
            n = len(written)
            with other.writing() as session:
                session.add(Commune(id=f"c-{n}", name="mới"))
                session.flush()
                session.add(
                    Receiver(
                        id=f"r-{n}",
                        commune_id=f"c-{n}",
                        station_id=1,
                        name="r",
                        public_key="",
                        broker_hash="",
                        created_at=MORNING,
                    )
                )
            written.append(n)
        other.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for k in range(5):
            before = len(written)
            archive = backed_up_at(home, tmp_path / f"{k}.backup")
            assert len(written) >= before
            again = restored(archive, tmp_path / f"new-{k}")
            with again.session() as session:
                communes = {c.id[2:] for c in session.exec(select(Commune)) if c.id.startswith("c-")}
                receivers = {r.id[2:] for r in session.exec(select(Receiver)) if r.id.startswith("r-")}
            again.close()
            assert communes == receivers
            assert len(communes) >= before
    finally:
        stop.set()
        writer.join()
    assert len(written) > 5


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_cut_short_anywhere_it_is_refused_and_nothing_is_written(
    home: Installation, tmp_path: Path, passphrase: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_locks(monkeypatch)
    whole = backed_up(home, passphrase).read_bytes()
    short = tmp_path / "short"
    for length in [0, 1, 12, 13, 100, 200, 511, 512, 513, 1024, 5000, *range(9000, len(whole) - 10_240, 150_001)]:
        short.write_bytes(whole[:length])
        with pytest.raises(Refusal) as refused:
            restored(short, tmp_path / "new", passphrase)
        assert "cut short" in str(refused.value) or "altered" in str(refused.value)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["loa.backup", "old", "short"]


def test_the_refusal_of_a_backup_cut_short_names_the_member(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home)
    whole = archive.read_bytes()
    for member in ("tables/clip.jsonl.gz", "secrets/controller.key", "manifest.json"):
        archive.write_bytes(whole[: whole.index(member.encode()) + 520])
        with pytest.raises(Refusal, match=f"cut short: it ends in or after {member}"):
            check(archive, None)


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_altered_by_one_bit_a_locked_backup_is_refused(locked: tuple[Path, bytes], at: float, bit: int) -> None:
    archive, whole = locked
    altered = bytearray(whole)
    altered[int(at * len(whole))] ^= 1 << bit
    archive.write_bytes(altered)
    with pytest.raises(Refusal):
        check(archive, PASSPHRASE)


@pytest.fixture
def locked(home: Installation, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, bytes]:
    quick_locks(monkeypatch)
    archive = backed_up(home, PASSPHRASE)
    return archive, archive.read_bytes()


def quick_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least work for a key: what is tested is not how long guessing takes."""
    monkeypatch.setattr("transfer.age_file._WORK_FACTOR", 4)


def test_anyone_with_the_passphrase_opens_a_backup_without_loa(home: Installation) -> None:
    archive = backed_up(home, PASSPHRASE)
    unlocked = pyrage.passphrase.decrypt(archive.read_bytes(), PASSPHRASE)
    with tarfile.open(fileobj=io.BytesIO(unlocked)) as tar:
        key = tar.extractfile("secrets/controller.key")
        assert key is not None
        assert key.read() == (home.folder / "secrets" / "controller.key").read_bytes()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_what_another_program_encrypted_for_age_is_read(size: int) -> None:
    content = os.urandom(size)
    source = io.BytesIO(pyrage.passphrase.encrypt(content, PASSPHRASE))
    source.seek(len(MAGIC))
    reader = AgeReader(source, PASSPHRASE)
    assert reader.read(size + 1) == content
    assert reader.read(1) == b""


def test_a_locked_backup_of_the_first_format_comes_back(home: Installation, tmp_path: Path) -> None:
    unlocked = backed_up(home).read_bytes()
    old = tmp_path / "old.backup"
    old.write_bytes(in_the_first_format(unlocked))
    assert is_locked(old)
    assert content(restored(old, tmp_path / "new", PASSPHRASE)) == content(home.database)
    with pytest.raises(Refusal, match="passphrase does not open"):
        check(old, "something else entirely")
    old.write_bytes(in_the_first_format(unlocked)[:-100])
    with pytest.raises(Refusal, match="cut short"):
        check(old, PASSPHRASE)


def in_the_first_format(unlocked: bytes) -> bytes:
    """As Loa locked backups until November 2026, with the least work for the key."""
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    salt = bytes(argon2id.SALTBYTES)
    key = argon2id.kdf(32, PASSPHRASE.encode(), salt, opslimit=1, memlimit=8192)
    start = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    header = {"salt": salt.hex(), "operations": 1, "memory_bytes": 8192, "start": start.hex()}
    chunks = [unlocked[k : k + 256 * 1024] for k in range(0, len(unlocked), 256 * 1024)]
    tags = [bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE] * (len(chunks) - 1)
    tags.append(bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL)
    pushed = [
        bindings.crypto_secretstream_xchacha20poly1305_push(state, chunk, tag=tag)
        for chunk, tag in zip(chunks, tags, strict=True)
    ]
    return b"LOA-LOCKED-1\n" + json.dumps(header).encode() + b"\n" + b"".join(pushed)


def test_altered_content_is_refused_by_the_name_of_its_member(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home)
    whole = bytearray(archive.read_bytes())
    sound = f"{OTHER} opus".encode() * 3
    whole[whole.index(sound) + 3] ^= 1
    archive.write_bytes(whole)
    opus = next(p.name for p in (home.folder / "media").rglob("*.opus") if p.read_bytes().startswith(sound))
    with pytest.raises(Refusal, match=f"altered or is damaged at media/{opus}"):
        restored(archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("member", ["about.json", "manifest.json"])
def test_deeply_nested_json_is_one_clear_sentence(home: Installation, tmp_path: Path, member: str) -> None:
    altered = io.BytesIO()
    with (
        tarfile.open(backed_up(home)) as source,
        tarfile.open(fileobj=altered, mode="w", format=tarfile.PAX_FORMAT) as to,
    ):
        for info in source:
            content = source.extractfile(info)
            assert content is not None
            raw = b"[" * 500_000 if info.name == member else content.read()
            info.size = len(raw)
            to.addfile(info, io.BytesIO(raw))
    archive = tmp_path / "deep.loa"
    archive.write_bytes(altered.getvalue())
    with pytest.raises(Refusal, match=rf"altered or is damaged at {member}"):
        check(archive, None)


def test_members_left_out_or_put_in_are_noticed(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home)
    whole = archive.read_bytes()
    at = whole.index(b"secrets/session.key")
    archive.write_bytes(whole[:at] + whole[at + 1024 :])
    with pytest.raises(Refusal, match=r"altered or is damaged"):
        check(archive, None)
    archive.write_bytes(whole[:at] + whole[at : at + 1024] * 2 + whole[at + 1024 :])
    with pytest.raises(Refusal, match=r"damaged at secrets/session\.key"):
        check(archive, None)


def test_a_member_with_a_way_out_of_the_folder_is_refused(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home)
    whole = archive.read_bytes()
    archive.write_bytes(whole.replace(b"secrets/session.key", b"../../../session.ke"))
    with pytest.raises(Refusal):
        restored(archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_wrong_passphrase_is_one_clear_sentence(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home, PASSPHRASE)
    with pytest.raises(Refusal, match="passphrase does not open"):
        restored(archive, tmp_path / "new", "something else entirely")
    with pytest.raises(Refusal, match="at least 12"):
        backed_up_short(home)


def backed_up_short(home: Installation) -> None:
    back_up(home.database, home.folder, home.folder.parent / "x", now=MORNING, passphrase="ngắn")


def test_what_is_there_is_never_written_over(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home)
    with pytest.raises(Refusal, match="there already"):
        backed_up(home)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "letter.txt").write_text("keep me")
    with pytest.raises(Refusal, match="something in"):
        restored(archive, tmp_path / "new")
    assert files(tmp_path / "new") == {"letter.txt": b"keep me"}


def test_a_backup_of_a_newer_loa_is_refused_by_its_version(home: Installation, tmp_path: Path) -> None:
    with home.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refusal, match="newer Loa"):
        restored(backed_up(home), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_of_older_tables_is_brought_along(tmp_path: Path) -> None:
    old = Database(f"sqlite:///{tmp_path / 'old' / 'loa.db'}")
    upgrade(old, MIGRATIONS, "0001")
    Secrets.load_or_create(tmp_path / "old" / "secrets")
    with old.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO fault (receiver_id, fault, detail, began_at) "
            "VALUES ('loa-1', 'media', '', '2026-01-01 00:00:00')"
        )
    back_up(old, tmp_path / "old", tmp_path / "b", now=MORNING, passphrase=None)
    again = restored(tmp_path / "b", tmp_path / "new")
    assert len(content(again)["fault"]) == 1
    assert "noiserules" in content(again)


def test_one_commune_comes_without_the_other_and_without_the_key(home: Installation, tmp_path: Path) -> None:
    archive = backed_up(home, commune_id=COMMUNE, with_secrets=False)
    again = restored(archive, tmp_path / "new")
    with again.session() as session:
        for table in (Commune, Receiver, Clip, Broadcast, PlayReportRow):
            assert len(session.exec(select(table)).all()) == 1, table.__name__
    everything = " ".join(str(row) for rows in content(again).values() for row in rows)
    assert COMMUNE in everything
    assert OTHER not in everything
    assert len(files(tmp_path / "new" / "media")) == len(files(tmp_path / "new" / "originals")) == 1
    assert home.secrets.controller_seed != Secrets.load_or_create(tmp_path / "new" / "secrets").controller_seed
    with pytest.raises(NotFound):
        back_up(home.database, home.folder, tmp_path / "c", now=MORNING, passphrase=None, commune_id="none")
    assert not (tmp_path / "c").exists()


def test_the_accounts_at_the_province_come_along_each_with_its_commune(home: Installation, tmp_path: Path) -> None:
    for commune in (COMMUNE, OTHER):
        Accounts(home.folder / "secrets").keep(commune, f"xa-{commune}", "mật khẩu của tỉnh")
    restored(backed_up(home), tmp_path / "all")
    assert Accounts(tmp_path / "all" / "secrets").of(OTHER) == Accounts(home.folder / "secrets").of(OTHER)
    back_up(home.database, home.folder, tmp_path / "one", now=MORNING, passphrase=None, commune_id=COMMUNE)
    restored(tmp_path / "one", tmp_path / "new")
    assert Accounts(tmp_path / "new" / "secrets").of(COMMUNE) is not None
    assert Accounts(tmp_path / "new" / "secrets").of(OTHER) is None


def test_with_one_commune_come_its_people_its_province_and_what_became_a_part_of_it(
    home: Installation, tmp_path: Path
) -> None:
    with home.database.writing() as session:
        add_commune(session, "moi", "Xã mới", province="Thanh Hóa")
        add_commune(session, "cu", "Xã cũ", province="Thanh Hóa")
        add_commune(session, "khac", "Xã khác", province="Nghệ An")
        session.get_one(Commune, "cu").retired_at = MORNING
        session.flush()
        session.add(CommuneSuccession(former_id="cu", successor_id="moi", at=MORNING))
        for name, commune in (("lan", "moi"), ("tam", "khac")):
            added, _ = add_operator(session, name, MORNING)
            appoint(session, added.number, commune, Role.CHAIR)
    again = restored(backed_up(home, commune_id="moi", with_secrets=False), tmp_path / "new")
    with again.session() as session:
        assert sorted(c.id for c in session.exec(select(Commune))) == ["cu", "moi"]
        assert [p.name for p in session.exec(select(Province))] == ["Thanh Hóa"]
        assert [(o.name, role) for o, role in operators_of(session, "moi")] == [("lan", Role.CHAIR)]
        assert session.exec(select(Operator.name)).all() == ["lan"]
        assert len(session.exec(select(CommuneSuccession)).all()) == 1


def test_spoilt_and_missing_audio_is_named(home: Installation, tmp_path: Path) -> None:
    first, second = sorted((home.folder / "media").rglob("*.opus"))
    first.write_bytes(b"spoilt")
    second.unlink()
    done = back_up(home.database, home.folder, tmp_path / "b", now=MORNING, passphrase=None)
    assert (done.damaged, done.missing) == ([f"media/{first.name}"], [f"media/{second.name}"])


def test_the_old_machines_settings_are_put_aside(home: Installation, tmp_path: Path) -> None:
    (home.folder / "loa.toml").write_text("http_port = 81\n")
    done = restore(
        backed_up(home), tmp_path / "new", database_url=None, scripts=MIGRATIONS, passphrase=None, now=MORNING
    )
    assert done.settings_beside == tmp_path / "new" / "loa.toml.from-backup"
    assert done.settings_beside.read_text() == "http_port = 81\n"


def test_a_disk_without_room_is_one_clear_sentence_and_leaves_nothing(
    home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refusal, match="no room"):
        backed_up(home)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_from_the_command_line_and_back(home: Installation, tmp_path: Path) -> None:
    (tmp_path / "words").write_text(PASSPHRASE + "\n")
    run, locked = CliRunner(), ["--passphrase-file", str(tmp_path / "words")]
    archive, data = str(tmp_path / "b"), str(home.folder)
    made = run.invoke(main, ["backup", archive, "--data", data, *locked])
    assert made.exit_code == 0, made.output
    assert "Bản sao lưu đã được khóa" in made.output
    assert "nguyên vẹn" in run.invoke(main, ["restore", archive, "--check", *locked]).output
    assert "Cụm từ bí mật nào?" in run.invoke(main, ["restore", archive, "--check"]).output
    back = run.invoke(main, ["restore", archive, "--data", str(tmp_path / "new"), *locked])
    assert back.exit_code == 0, back.output
    assert "loa serve" in back.output
    again = run.invoke(main, ["restore", archive, "--data", str(tmp_path / "new"), *locked])
    assert again.exit_code == 1
    assert "đã có" in again.output
    assert "Traceback" not in again.output
    english = run.invoke(main, ["restore", archive, "--check", *locked], env={"LOA_LANGUAGE": "en"})
    assert "The backup is whole" in english.output
