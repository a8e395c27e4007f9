"""A table made to cost much in any format is refused before it costs it (F10). The child process limits the rest."""

from pathlib import Path

import pytest

from runtime.refusal import Refusal
from tests.transfer.table_files import ods, ods_table, xlsb
from transfer.sheet_reading import read_sheet

COSTLY = {
    "ods: a million empty cells": ods(ods_table("x", [["<table:table-cell/>" * 600_000]])),
    "xlsb: half a million cells": xlsb([["Tên"], [1.0] * 600_000]),
    "html: a million tags": b"<table>" + b"<tr><td>" * 700_000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_table_made_to_cost_much_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bang"
    path.write_bytes(COSTLY[name])
    with pytest.raises(Refusal) as refused:
        read_sheet(path, "bảng.xls")
    assert any(part in str(refused.value) for part in ("too much time or memory", "More than", "more than 100 columns"))
