"""A receiver installs and runs without database and web: only with the extra [receiver]."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A fresh environment with the wheel and its extra [receiver], at the locked versions; gives its Python."""
    home = tmp_path_factory.mktemp("alone") / "venv"
    uv = str(ROOT / ".venv" / "bin" / "uv")
    quiet = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(home), "UV_PYTHON_DOWNLOADS": "never"}
    python = str(ROOT / ".venv" / "bin" / "python")
    subprocess.run(
        [uv, "sync", "-q", "--frozen", "--extra", "receiver", "--no-dev", "--no-install-project", "--python", python],
        check=True,
        cwd=ROOT,
        env=quiet,
    )
    alone = home / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--no-deps", "--python", str(alone), str(wheel)], check=True)
    return alone


def test_it_brings_no_database_and_no_web(alone: Path) -> None:
    asked = "import importlib.util as u, json; print(json.dumps([n for n in {} if u.find_spec(n)]))"
    unwanted = [
        "sqlalchemy",
        "sqlmodel",
        "fastapi",
        "uvicorn",
        "alembic",
        "cryptography",
        "apscheduler",
        "scipy",
        "pydantic",
    ]
    said = subprocess.run([alone, "-c", asked.format(unwanted)], check=True, capture_output=True, cwd="/")
    assert json.loads(said.stdout) == []


def test_its_command_runs_and_says_what_is_wrong_with_its_credentials(alone: Path, tmp_path: Path) -> None:
    loa = [alone, "-m", "loa", "receiver", "run", "--data", str(tmp_path / "data"), "--speaker", f"virtual:{tmp_path}"]
    missing = subprocess.run(
        [*loa, "--credentials", str(tmp_path / "none.json")], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert missing.returncode == 1
    assert "loa receiver add" in missing.stderr
    open_to_all = tmp_path / "open.json"
    open_to_all.write_text("{}")
    open_to_all.chmod(0o644)
    refused = subprocess.run(
        [*loa, "--credentials", str(open_to_all)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "chmod" in refused.stderr
