"""Two receivers with one set of credentials do not end each other's connection each second."""

import pytest

from receiver.link.reconnect_pauses import LONGEST_S, STEADY_S, ReconnectPauses


def test_pauses_grow_while_connections_are_closed_early() -> None:
    pauses = ReconnectPauses()
    waited_s = [pauses.pause_s(1.0, silent=False) for _ in range(12)]
    for number, pause_s in enumerate(waited_s):
        assert 0.75 * min(LONGEST_S, 2.0**number) <= pause_s <= 1.25 * min(LONGEST_S, 2.0**number)


def test_two_that_take_each_other_over_connect_a_few_times_a_minute_at_most() -> None:
    pauses = [ReconnectPauses(), ReconnectPauses()]
    connections, elapsed_s, held_s = 0, 0.0, 1.0
    while elapsed_s < 600:
        held_s = pauses[connections % 2].pause_s(held_s, silent=False)  # the other one holds while this one waits
        elapsed_s += held_s
        connections += 1
    assert connections < 40


@pytest.mark.parametrize(("held_s", "silent"), [(STEADY_S, False), (2.0, True)])
def test_a_connection_that_held_or_a_network_that_was_lost_starts_over(held_s: float, silent: bool) -> None:
    pauses = ReconnectPauses()
    for _ in range(8):
        pauses.pause_s(1.0, silent=False)
    assert pauses.pause_s(held_s, silent=silent) <= 1.25


def test_the_longest_pause_is_under_a_minute_so_that_the_true_one_is_soon_back() -> None:
    assert LONGEST_S * 1.25 < 60
    assert LONGEST_S * 1.25 < STEADY_S
