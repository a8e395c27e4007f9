"""Credentials as the controller writes them; and what is said of those that cannot be used."""

from pathlib import Path

import pytest

from devices.enrolment import Issuer, write_credentials
from receiver.link.identity import CredentialsUnusable, Identity, SessionNumber
from tests.receiver.plans import KEY
from wire.sealing import PublicKey, SealingKey

ISSUED = Issuer(broker_url="mqtt://127.0.0.1:1883", controller=PublicKey(KEY.public)).issue(
    "loa-1", "tt", SealingKey(b"r" * 32), "geheim"
)


def test_what_the_controller_writes_the_receiver_reads(tmp_path: Path) -> None:
    path = tmp_path / "loa-1.json"
    write_credentials(ISSUED, path)
    read = Identity.read(path)
    assert (read.receiver, read.commune, read.broker_secret) == ("loa-1", "tt", "geheim")
    assert read.controller_keys[KEY.kid].raw == KEY.public
    with pytest.raises(FileExistsError):
        write_credentials(ISSUED, path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "damaged"),
        ("{}", "damaged"),
        (ISSUED.text().replace('"version": 1', '"version": 2'), "too old"),
        (ISSUED.text().replace('"loa-1"', '"../x"'), "topic"),
        (ISSUED.text().replace('"receiver_seed": "', '"receiver_seed": "zz'), "key"),
    ],
)
def test_unusable_credentials_are_one_clear_sentence(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(CredentialsUnusable, match=word):
        Identity.read(path)


def test_session_numbers_are_counted_over_restarts_and_never_taken_from_a_clock(tmp_path: Path) -> None:
    first = SessionNumber(tmp_path / "session")
    numbers = [first.next(), first.next(), SessionNumber(tmp_path / "session").next()]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


@pytest.mark.parametrize("text", ["rubbish", "", "-5", str(2**63 - 1), str(2**70)])
def test_a_damaged_session_number_gives_one_that_was_not_used_and_leaves_room(tmp_path: Path, text: str) -> None:
    (tmp_path / "session").write_text(text)
    started = {SessionNumber(tmp_path / "session").next() for _ in range(3)}
    assert all(1 <= number < 2**53 for number in started)
    (tmp_path / "session").unlink()
    assert SessionNumber(tmp_path / "session").next() not in started
