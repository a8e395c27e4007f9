"""The wheel holds every file of every product package, and nothing else."""

import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_every_package_of_the_repository_is_listed_for_the_wheel() -> None:
    in_repository = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert in_repository - {"tests", "benchmarks"} == set(PACKAGES)


def test_it_holds_every_file_of_its_packages_and_nothing_else(contents: set[str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout.splitlines()
    assert contents == {name for name in listed if (ROOT / name).is_file()}


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [
        ("loa/migrations/versions", ".py"),
        ("web/templates", ".html"),
        ("web/locales", ".po"),
        ("web/static", ".js"),
        ("gateway/profiles", ".toml"),
        ("province/profiles", ".toml"),
    ],
)
def test_it_holds_what_is_read_at_run_time(contents: set[str], folder: str, suffix: str) -> None:
    assert [name for name in contents if name.startswith(f"{folder}/") and name.endswith(suffix)]


def test_its_metadata_name_the_command_and_both_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
        scripts = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    assert "Provides-Extra: controller\n" in text
    assert "Provides-Extra: receiver\n" in text
    assert "loa = loa.cli:main" in scripts
