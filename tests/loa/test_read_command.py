"""`loa read`: lines in, what is spoken out."""

from click.testing import CliRunner

from loa.cli import main


def test_each_line_is_answered_by_one_line() -> None:
    answer = CliRunner().invoke(main, ["read", "-"], input="UBND xã họp ngày 2/9\n\nGọi 113\x0b ngay\n")
    assert answer.output.splitlines() == [
        "ủy ban nhân dân xã họp ngày mùng hai tháng chín",
        "",
        "Gọi một một ba ngay",
    ]


def test_marks_name_the_other_reading() -> None:
    answer = CliRunner().invoke(main, ["read", "--marks", "-"], input="Họp dân 5/6\n")
    assert answer.output == "Họp dân mùng năm tháng sáu\n  ? 5/6 → mùng năm tháng sáu (or: năm phần sáu)\n"


def test_what_is_not_text_is_refused_in_a_sentence() -> None:
    answer = CliRunner().invoke(main, ["read", "-"], input=b"\xff\xfe\x00")
    assert answer.exit_code == 1
    assert answer.output == "Error: This text is not UTF-8. Save it as UTF-8 and try again.\n"
    too_long = CliRunner().invoke(main, ["read"], input="a" * 100_001)
    assert too_long.exit_code == 1
    assert "100001 characters" in too_long.output
