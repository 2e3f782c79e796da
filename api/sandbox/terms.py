"""The demo's institutions as a client under trial meets them: every way of signing, once.

SM2 is left out: it needs an extra. The secrets are printed at `/docs/fsi` and hold for the demo's
made-up families alone.
"""

from aggregates.vocabulary import SignatureStyle
from service.institution import Signing

CLOSED = Signing(SignatureStyle.NONE, None, None)


def _signed(style: SignatureStyle, code: str) -> Signing:
    return Signing(style, f"demo-{code}", f"demo-{style}")


INSTITUTIONS: dict[str, Signing | None] = {
    "H54250000001": CLOSED,
    "P54250000001": CLOSED,
    "P35000000001": CLOSED,
    "H35020000001": _signed(SignatureStyle.X_TIF, "H35020000001"),
    "H42000000001": _signed(SignatureStyle.CSB, "H42000000001"),
    "H33000000001": _signed(SignatureStyle.X_CA, "H33000000001"),
    "H14000000001": None,
}
"""Where there is no word of signing a bearer token proves who asks."""
PERSONS = tuple(f"DEMO{number:02d}" for number in range(1, 9))
