"""The wheel that a release would publish, built once for the tests that look into it or install it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the command that README names."""
    folder = tmp_path_factory.mktemp("dist")
    uv = str(ROOT / ".venv" / "bin" / "uv")
    python = str(ROOT / ".venv" / "bin" / "python")
    subprocess.run(
        [uv, "build", "-q", "--wheel", "--no-python-downloads", "--python", python, "--out-dir", str(folder)],
        check=True,
        cwd=ROOT,
    )
    (built,) = folder.glob("loa-*.whl")
    return built
