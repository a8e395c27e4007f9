"""Short names made from names: always fit for a topic, always free."""

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.short_names import short_name
from wire.topics import is_id


def test_a_short_name_is_the_name_in_plain_letters() -> None:
    assert short_name("Thôn 3, nhà văn hóa", lambda _: False) == "thon-3-nha-van-hoa"
    assert short_name("Đài Xã", lambda _: False) == "dai-xa"
    assert short_name("!?", lambda _: False, otherwise="xa") == "xa"


def test_a_taken_one_gets_the_commune_and_then_a_number() -> None:
    taken = {"thon-1"}
    for expected in ("thieu-trung-thon-1", "thieu-trung-thon-1-2", "thieu-trung-thon-1-3"):
        assert short_name("Thôn 1", taken.__contains__, within="thieu-trung") == expected
        taken.add(expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=90), max_size=6), st.sampled_from(["", "thieu-trung", "x" * 63]))
def test_it_can_always_stand_in_a_topic_and_is_never_taken(names: list[str], within: str) -> None:
    taken: set[str] = set()
    for name in names * 2:
        made = short_name(name, taken.__contains__, within=within)
        assert is_id(made)
        assert made not in taken
        taken.add(made)
