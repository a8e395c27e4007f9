"""Settings: where they come from, and that they are documented."""

from pathlib import Path

import pytest

from runtime.refusal import Refusal
from runtime.settings import Settings, load_settings
from runtime.settings_document import settings_document

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*Settings.model_fields, "settings_file"):
        monkeypatch.delenv(f"LOA_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_about_settings_says_what_the_code_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_document()


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "loa.toml").write_text("http_port = 1\nbroker_port = 1\nplan_ahead_hours = 1\n")
    monkeypatch.setenv("LOA_HTTP_PORT", "2")
    monkeypatch.setenv("LOA_BROKER_PORT", "2")
    settings = load_settings(data_dir=tmp_path, http_port=3)
    assert (settings.http_port, settings.broker_port, settings.plan_ahead_hours) == (3, 2, 1)


def test_the_file_may_lie_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('log_level = "debug"\n')
    monkeypatch.setenv("LOA_SETTINGS_FILE", str(tmp_path / "other.toml"))
    assert load_settings(data_dir=tmp_path).log_level == "debug"


def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_HTTP_PORT", "eighty")
    with pytest.raises(Refusal, match=r"The setting http_port is wrong.*LOA_HTTP_PORT"):
        load_settings()


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loa.toml").write_text("htp_port = 1\n")
    with pytest.raises(Refusal, match="htp_port"):
        load_settings(data_dir=tmp_path)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loa.toml").write_text("http_port 8080")
    with pytest.raises(Refusal, match="cannot be read"):
        load_settings(data_dir=tmp_path)


def test_without_a_database_url_the_tables_lie_in_the_data_folder(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).database == f"sqlite:///{tmp_path}/loa.db"
    assert load_settings(database_url="postgresql://db/loa").database == "postgresql://db/loa"


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"http_host": "0.0.0.0", "http_port": 80}, "http://127.0.0.1:80"),  # noqa: S104
        ({"public_url": "https://loa.example.vn/"}, "https://loa.example.vn"),
    ],
)
def test_the_base_address_is_what_others_reach(given: dict[str, object], base: str) -> None:
    assert load_settings(**given).base_url == base
