"""The demo's institutions as a client under trial meets them: every way of signing, once.

The secrets are printed at `/docs/fsi` and hold for the demo's made-up families alone.
"""

from service.fsi_terms import Signature, SignStyle, Terms

CLOSED = Terms(signature=Signature(style=SignStyle.NONE))


def _signed(style: SignStyle, code: str) -> Terms:
    return Terms(signature=Signature(style=style, paasid=f"demo-{code}", secret=f"demo-{style}"))


INSTITUTIONS = {
    "H54250000001": CLOSED,
    "P54250000001": CLOSED,
    "P35000000001": CLOSED,
    "H35020000001": _signed(SignStyle.X_TIF, "H35020000001"),
    "H42000000001": _signed(SignStyle.CSB, "H42000000001"),
    "H33000000001": _signed(SignStyle.X_CA, "H33000000001"),
    "H14000000001": Terms(),
}
PERSONS = tuple(f"DEMO{number:02d}" for number in range(1, 9))
