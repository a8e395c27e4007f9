"""Passwords are hashed at the cost that the standard recommends, whatever the tests themselves hash with."""

from people import passwords
from tests.conftest import PASSWORD_HASHER


def test_the_controller_hashes_as_rfc_9106_recommends_for_little_memory() -> None:
    assert PASSWORD_HASHER.hash("mot mat khau dai").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_hash_made_at_full_cost_is_verified() -> None:
    made = PASSWORD_HASHER.hash("mot mat khau dai")
    assert passwords.verify(made, "mot mat khau dai")
    assert not passwords.verify(made, "mot mat khau khac")
    assert not passwords.verify(None, "mot mat khau dai")
