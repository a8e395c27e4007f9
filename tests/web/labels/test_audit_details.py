"""The audit speaks the language of the page, not the names of the code."""

import pytest

from people.audit import Deed
from web.labels.audit_details import audit_detail
from web.language import translators


@pytest.mark.parametrize(
    ("deed", "detail", "shown"),
    [
        (Deed.RECEIVER_COMMANDED, "Thôn 1: test-tone", "Thôn 1: tiếng gõ kiểm tra"),
        (Deed.RECEIVER_COMMANDED, "test-tone: 12", "tiếng gõ kiểm tra: 12"),
        (Deed.FAULT_RESET, "Loa link: link", "Loa link: Mất kết nối"),
        (Deed.DAYS_COPIED, "2026-11-25 → 2026-12-05", "25/11/2026 → 05/12/2026"),
        (Deed.IMPORTED, "receivers, cum-loa.csv: new 1, wrong 5", "Cụm loa, cum-loa.csv: mới: 1, sai: 5"),
        (Deed.CLIP_CHANGED, "volume", "volume"),
    ],
)
def test_details_are_in_vietnamese_and_given_names_stay(deed: Deed, detail: str, shown: str) -> None:
    assert audit_detail(translators()["vi"], deed.value, detail) == shown
