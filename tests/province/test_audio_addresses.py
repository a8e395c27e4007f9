"""The province's audio addresses reach nothing inside this machine, however the address is written."""

import pytest

from province.audio_fetch import check_address
from runtime.refusal import Refusal


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:169.254.1.1]",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "2130706433",
        "127.1",
    ],
)
def test_an_address_inside_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Refusal, match="inside this machine"):
        check_address(f"http://{host}/tin.ogg", set())
