"""Secrets on disk."""

from pathlib import Path

import pytest

from runtime.refusal import Refusal
from runtime.secret_files import Secrets


def test_they_are_made_once_and_stay(tmp_path: Path) -> None:
    first = Secrets.load_or_create(tmp_path / "secrets")
    assert Secrets.load_or_create(tmp_path / "secrets") == first
    assert len(first.controller_seed) == len(first.session_key) == 32
    assert Secrets.load_or_create(tmp_path / "others") != first


def test_their_owner_alone_may_read_them(tmp_path: Path) -> None:
    Secrets.load_or_create(tmp_path / "secrets")
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()} == {0o600}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Secrets.load_or_create(tmp_path / "secrets")
    (tmp_path / "secrets" / "controller.key").chmod(0o640)
    with pytest.raises(Refusal, match="chmod go="):
        Secrets.load_or_create(tmp_path / "secrets")


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets").chmod(0o755)
    with pytest.raises(Refusal, match="chmod go="):
        Secrets.load_or_create(tmp_path / "secrets")


@pytest.mark.parametrize("text", ["", "no hex", "abcd"])
def test_a_damaged_secret_is_refused_and_not_made_anew(tmp_path: Path, text: str) -> None:
    Secrets.load_or_create(tmp_path / "secrets")
    (tmp_path / "secrets" / "controller.key").write_text(text)
    with pytest.raises(Refusal, match="damaged"):
        Secrets.load_or_create(tmp_path / "secrets")


def test_they_are_not_shown(tmp_path: Path) -> None:
    made = Secrets.load_or_create(tmp_path / "secrets")
    assert made.broker_password not in repr(made)
    assert "controller_seed" not in repr(made)
