"""Amounts and texts as they are printed. Amounts are integers in minor units."""

import unicodedata

# Format characters that a script needs to be read right; all other invisible ones are dropped
# (an override of the writing direction would let one name look like another).
_JOINERS = {"\u200c", "\u200d"}
_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
_LONGEST_WORD = 34


def plain(minor: int, exponent: int) -> str:
    """-1234567 with exponent 2 as '-12345.67': for machines."""
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else sign + digits


def grouped(minor: int, exponent: int) -> str:
    """-1234567 with exponent 2 as '−12,345.67' with a true minus sign: for people."""
    whole, point, part = plain(abs(minor), exponent).partition(".")
    return f"{'−' if minor < 0 else ''}{int(whole):,}{point}{part}"


def rate(part: int, whole: int) -> str:
    """`part` of `whole` in per cent with two digits, rounded half up; '' when there is no whole."""
    if not whole:
        return ""
    hundredths = (abs(part) * 20_000 + abs(whole)) // (2 * abs(whole))
    return f"{'−' if (part < 0) != (whole < 0) and hundredths else ''}{hundredths // 100}.{hundredths % 100:02d} %"


def visible(text: str) -> str:
    """`text` on one line, without control characters and invisible tricks."""
    kept = (" " if character.isspace() else character for character in text if _prints(character))
    return " ".join("".join(kept).split())


def _prints(character: str) -> bool:
    return character.isspace() or character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn"}


def breakable(text: str) -> str:
    """`text` with places where a word too long for its column may break (zero-width spaces)."""
    return " ".join(_broken(word) for word in text.split(" "))


def _broken(word: str) -> str:
    if len(word) <= _LONGEST_WORD:
        return word
    return "\u200b".join(word[at : at + 8] for at in range(0, len(word), 8))


def shortened(text: str, length: int) -> str:
    """`text`, or its beginning and an ellipsis where it is longer than `length`."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def cell(text: str) -> str:
    """`text` as a spreadsheet takes it for text: nothing that starts a formula stands first."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
