"""Every way a visit's rules can say no, beside `refusals.py`."""

from aggregates.refusals import InputRefusedError, RuleRefusedError


class FeesMismatchError(InputRefusedError):
    """The bill's total is not the sum of its uploaded fee lines; `uploaded` is, in fen."""


class VisitClosedError(RuleRefusedError):
    """The visit was withdrawn, or the patient was discharged."""


class VisitNotClosedError(RuleRefusedError):
    """Nobody was discharged, so there is nothing to take back."""


class BatchSettledError(RuleRefusedError):
    """The batch has a live bill; its fee lines stand."""


class FeeRepeatedError(RuleRefusedError):
    """A fee line's number was used before in this visit."""


class FeesMissingError(RuleRefusedError):
    """There are no such fee lines."""
