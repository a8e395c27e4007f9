"""A new password that is guessed first is refused."""

import pytest

from people.passwords import check_new
from runtime.refusal import Refusal


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "0912 345 678",
        "24/11/2026-2026",
        "matkhau123",
        "Mật khẩu 2026",
        "Password123!",
        "qwertyuiop1",
        "1q2w3e4r5t",
        "abcabcabcabc",
        "admin12345",
        "aaaaaaaaaaaa",
    ],
)
def test_what_lists_of_frequent_passwords_hold_is_refused(password: str) -> None:
    with pytest.raises(Refusal, match="easy to guess"):
        check_new(password, password, "lan")


@pytest.mark.parametrize(
    "password", ["một mật khẩu mới", "loa-phuong-2026", "k7mf-2xqp-w9ab-hn4c", "đồng lúa chín vàng", "Bão số 9 về"]
)
def test_a_sentence_or_a_one_time_password_is_accepted(password: str) -> None:
    check_new(password, password, "lan")
