"""Numbers from outside, bounded before they are converted.

`1e999999` has eight characters and, as an int, a million digits: converting it takes minutes.
Every text or JSON number that becomes an amount or a count is converted here.
"""

import re
from decimal import Decimal, InvalidOperation

from aggregates.vocabulary import FEN_MAX

DIGITS_MAX = 18
"""The most digits of a number, before and behind its point together."""
NEAR = Decimal("0.001")
NOISE = re.compile(r"-?[0-9](\.[0-9]{1,17})?[eE]-(0?[7-9]|[1-9][0-9])")
"""A double below a millionth of a yuan: what is left of binary sums that make 0."""
SIGNS_MAX = 64
"""The most characters of a number's text, with leading zeros, a point and an exponent."""


def decimal_of(text: str) -> Decimal:
    """A number of at most 18 digits; spaces around it are ignored.

    Raises:
        ValueError: it is no number, or has more digits.
    """
    text = text.strip()
    if len(text) > SIGNS_MAX or not text.isascii() or "_" in text:
        raise ValueError("not a number of 18 digits")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not number.is_finite():
        raise ValueError("not a finite number")
    count, last = len(number.as_tuple().digits), number.as_tuple().exponent
    if count > DIGITS_MAX or not -DIGITS_MAX <= int(last) <= DIGITS_MAX - count:
        raise ValueError("more than 18 digits")
    return number


def whole_of(number: Decimal) -> int:
    """A number of `decimal_of` as an int.

    Raises:
        ValueError: it is not whole.
    """
    whole = int(number)
    if whole != number:
        raise ValueError("not a whole number")
    return whole


def near_fen_of(text: str) -> int:
    """As `fen_of`, but a fraction of at most `NEAR` fen is rounded away, and `NOISE` is 0.

    Hospitals' systems write binary sums as they are: 200.00000000000003, or after a refund
    5.551115123125783E-17.

    Raises:
        ValueError: as `fen_of`.
    """
    if NOISE.fullmatch(text.strip()):
        return 0
    fen = decimal_of(text) * 100
    near = fen.to_integral_value()
    is_near = near and abs(fen - near) <= NEAR
    return fen_of(str(near / 100 if is_near else text))


def fen_of(text: str) -> int:
    """An amount of yuan in fen, within `FEN_MAX`.

    Raises:
        ValueError: it is no amount, has fractions of a fen, or is beyond `FEN_MAX`.
    """
    amount_fen = whole_of(decimal_of(text) * 100)
    if abs(amount_fen) > FEN_MAX:
        raise ValueError("beyond what an amount may be")
    return amount_fen
