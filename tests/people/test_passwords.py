"""Passwords are hashed at the cost that the standard recommends, whatever the tests themselves hash with."""

import pytest
from argon2.exceptions import VerifyMismatchError

from people import passwords
from tests.conftest import PASSWORD_HASHER


def test_the_controller_hashes_as_rfc_9106_recommends_for_little_memory() -> None:
    assert PASSWORD_HASHER.hash("mot mat khau dai").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_hash_made_at_full_cost_is_verified() -> None:
    made = PASSWORD_HASHER.hash("mot mat khau dai")
    assert passwords.verify(made, "mot mat khau dai")
    assert not passwords.verify(made, "mot mat khau khac")
    assert not passwords.verify(None, "mot mat khau dai")


def test_in_an_emergency_a_password_that_was_right_is_verified_without_the_full_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored, other = (PASSWORD_HASHER.hash("mot mat khau dai") for _ in range(2))
    assert passwords.verify(stored, "mot mat khau dai")

    class Refusing:
        def verify(self, *_: str) -> bool:
            raise VerifyMismatchError

    monkeypatch.setattr(passwords, "_hasher", Refusing())
    assert passwords.verify(stored, "mot mat khau dai", is_urgent=True)
    assert not passwords.verify(stored, "mot mat khau dai")  # a sign-in has the full cost
    assert not passwords.verify(stored, "mot mat khau khac", is_urgent=True)
    assert not passwords.verify(other, "mot mat khau dai", is_urgent=True)  # changed since, or not used yet
