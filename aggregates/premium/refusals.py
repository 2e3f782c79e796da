"""Every way the rules can say no to a premium; the rest of the family is in `refusals.py`.

InputRefusedError
└─ InsufficientError                the sponsor cannot give the whole amount: it leaves the key free
NotPermittedError
├─ UseNotGrantedError               └─ KinLinkHasNoFundsError
RuleRefusedError
├─ PayeeNotResidentError            ├─ SponsorStatusError        ├─ PremiumNotOfferedError
├─ WindowClosedError                ├─ PremiumAlreadyPaidError   ├─ PremiumInProgressError
├─ PremiumNotPaidError              ├─ SponsorEndedError         ├─ FrozenError
└─ TaxRefusedError                  the tax side's own no: BenefitUsedError, ClearedError
"""

from aggregates.refusals import InputRefusedError, NotPermittedError, RuleRefusedError


class InsufficientError(InputRefusedError):
    """The sponsor's free money is less than the whole premium; it is never split (S108)."""


class UseNotGrantedError(NotPermittedError):
    """The grant is for care alone (共济缴费 is off, S117)."""


class KinLinkHasNoFundsError(NotPermittedError):
    """The two are linked to show a code, which lends no money (policy.md C1, S114)."""


class PayeeNotResidentError(RuleRefusedError):
    """The payee is not insured as a resident: there is no such premium of his."""


class SponsorStatusError(RuleRefusedError):
    """The sponsor's account or insurance lets nothing leave for others now."""


class FrozenError(RuleRefusedError):
    """The sponsor's account is frozen: nothing leaves it."""


class PremiumNotOfferedError(RuleRefusedError):
    """The sponsor's region lets no account pay this kind of premium."""


class WindowClosedError(RuleRefusedError):
    """Outside the region's months of enrolment; `channel` may still take it (S113)."""


class PremiumAlreadyPaidError(RuleRefusedError):
    """This person's premium of this year is paid, here or elsewhere (S105, S107)."""


class PremiumInProgressError(RuleRefusedError):
    """Its last step is not answered yet; nothing else may happen to it meanwhile (S110)."""


class PremiumNotPaidError(RuleRefusedError):
    """Nothing of this premium is paid that could come back."""


class SponsorEndedError(RuleRefusedError):
    """The sponsor's insurance here has ended (S112)."""


class TaxRefusedError(RuleRefusedError):
    """The tax side said no, for a reason of its own."""


class BenefitUsedError(TaxRefusedError):
    """The payee has drawn benefits of that year (S112)."""


class ClearedError(TaxRefusedError):
    """The payment is cleared between tax and insurance (S112)."""
