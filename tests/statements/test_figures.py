import pytest

from apps.statements.renderers import figures, fonts


@pytest.mark.parametrize(
    ("minor", "exponent", "machine", "people"),
    [
        (0, 2, "0.00", "0.00"),
        (-5, 2, "-0.05", "−0.05"),
        (123_456_789, 2, "1234567.89", "1,234,567.89"),
        (-123_456_789, 0, "-123456789", "−123,456,789"),
        (7, 3, "0.007", "0.007"),
        (-1_234_567, 3, "-1234.567", "−1,234.567"),
        (2**63 - 1, 2, "92233720368547758.07", "92,233,720,368,547,758.07"),
    ],
)
def test_amounts_are_written_exactly(minor, exponent, machine, people):
    assert (figures.plain(minor, exponent), figures.grouped(minor, exponent)) == (machine, people)


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(290, 10_000, "2.90 %"), (1, 3, "33.33 %"), (-5, 1000, "−0.50 %"), (5, 0, ""), (1, 30_000, "0.00 %")]
)
def test_rates_have_two_digits(part, whole, text):
    assert figures.rate(part, whole) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠"])
def test_a_text_that_would_be_a_formula_is_text(start):
    assert figures.cell(f"{start}1+1") == f"'{start}1+1"


def test_invisible_tricks_do_not_reach_the_page():
    assert figures.visible("Acme\u202e moc\u200b \x00\x07\r\nLtd\ufeff ") == "Acme moc Ltd"


def test_long_words_get_places_to_break_and_ids_do_not():
    id_ = "stmt_01k8w3t5v2fq8s9m4n7p6r1x0a"
    assert figures.breakable(id_) == id_
    assert "\u200b" in figures.breakable("x" * 90)


def test_a_character_that_no_font_has_is_replaced():
    assert fonts.printable("Ltd 株式会社 شركة Škoda 😀") == "Ltd 株式会社 شركة Škoda \ufffd"
