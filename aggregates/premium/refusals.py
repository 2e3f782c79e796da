"""The refusals of premiums. `InsufficientError` leaves the key free; see `aggregates.refusals`."""

from aggregates.refusals import InputRefusedError, NotPermittedError, RuleRefusedError


class InsufficientError(InputRefusedError):
    """The sponsor's available funds are less than the premium, which is never split (S108)."""


class UseNotGrantedError(NotPermittedError):
    """The grant covers care only (共济缴费 is off, S117)."""


class KinLinkHasNoFundsError(NotPermittedError):
    """The two have a credential link only, which lends no money (policy.md C1, S114)."""


class PayeeNotResidentError(RuleRefusedError):
    """The payee is not insured as a resident, so there is no such premium."""


class SponsorStatusError(RuleRefusedError):
    """The status of the sponsor's account or insurance forbids paying for others."""


class PremiumNotOfferedError(RuleRefusedError):
    """The sponsor's region does not allow accounts to pay this kind of premium."""


class WindowClosedError(RuleRefusedError):
    """Outside the region's enrolment period; `channel` may still accept it (S113)."""


class PremiumAlreadyPaidError(RuleRefusedError):
    """The premium of this person and year is already paid, here or elsewhere (S105, S107)."""


class PremiumInProgressError(RuleRefusedError):
    """The tax authority has not answered the last step; no other step is allowed (S110)."""


class PremiumNotPaidError(RuleRefusedError):
    """The premium is not paid, so it cannot be reversed."""


class SponsorEndedError(RuleRefusedError):
    """The sponsor's insurance here has ended (S112)."""


class TaxRefusedError(RuleRefusedError):
    """The tax authority refused, for a reason of its own."""


class BenefitUsedError(TaxRefusedError):
    """The payee has used benefits of that year (S112)."""


class ClearedError(TaxRefusedError):
    """Tax authority and insurance have cleared the payment (S112)."""
