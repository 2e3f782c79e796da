"""Every way the rules can say no.

RefusalError                        a rule forbids it; the caller can act on it
├─ InputRefusedError                the request itself cannot be: it leaves its key free
│  ├─ OwnFirstMandatoryError        ├─ SelfBindingError          ├─ SponsorInvalidError
│  ├─ RelationNotAllowedError       ├─ SponsorExcludedError      ├─ DateInvalidError
│  ├─ AmountMismatchError           ├─ LinesMismatchError        ├─ AmountOutOfRangeError
│  ├─ CredentialMismatchError       ├─ EvidenceInvalidError      ├─ CodeExpiredError
│  ├─ ConsentUnknownError           ├─ FieldRequiredError
│  └─ NoEditionError
├─ NotPermittedError                you may see it, not do it: it leaves the key free
├─ UnknownError                     not there, or not yours: it leaves the key free
└─ RuleRefusedError                 decided on what is stored: final for its key
   ├─ AccountExistsError            ├─ AccountEndedError         ├─ NoFundsError
   ├─ StatusUnchangedError          ├─ VersionStaleError
   ├─ DualRoleForbiddenError        ├─ RelationMaxError          ├─ SponsorLimitError
   ├─ BeneficiaryLimitError         ├─ AlreadyBoundError         ├─ NotInvitedError
   ├─ InvitationExpiredError        ├─ NotActiveError            ├─ TooEarlyError
   ├─ PartyStatusError              ├─ ScopeError               ├─ KinshipUnprovenError
   ├─ LifetimeLimitError            ├─ RebindLockedError        ├─ ChangeLimitError
   ├─ OrderNotSetError              ├─ NotInReviewError
   ├─ LinkLimitError                ├─ AlreadyLinkedError        ├─ LinkClosedError
   ├─ DuplicateClaimError           ├─ InstitutionNotDesignatedError
   ├─ PlanChangedError              ├─ ClaimChangedError         ├─ QuoteExpiredError
   ├─ AlreadyCancelledError         ├─ CancelClosedError         ├─ AlreadyReversedError
   ├─ PartialRefundNotAllowedError  ├─ RefundExceedsError        ├─ RefundClosedError
   ├─ UseRefundError                ├─ ReversedBeforeArrivalError   ├─ ReplacementNotAllowedError
   ├─ HoldVoidError                 ├─ CaptureExceedsError
   ├─ ClearingBackwardError         ├─ DualControlError          ├─ FourEyesError
   └─ CorrectionDecidedError        └─ CorrectionExceedsError

A refusal names what the caller can change, and never whose account is poor.
"""

import re


class RefusalError(Exception):
    """A rule forbids it. `fields` are facts that a caller may be told; no personal data."""

    def __init__(self, **fields: object) -> None:
        """Keep the facts of the refusal."""
        super().__init__(type(self).code())
        self.fields = fields

    @classmethod
    def code(cls) -> str:
        """The stable machine reason, UPPER_SNAKE: `SelfBindingError` is `SELF_BINDING`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Error")).upper()


class InputRefusedError(RefusalError):
    """The request itself cannot be."""


class OwnFirstMandatoryError(InputRefusedError):
    """A deduction order tried to place the patient's own account (policy.md R115, S11)."""


class SelfBindingError(InputRefusedError):
    """A sponsor invited himself (S21)."""


class SponsorInvalidError(InputRefusedError):
    """A deduction order names somebody twice, or nobody's sponsor (S44)."""


class RelationNotAllowedError(InputRefusedError):
    """The region does not share with this relation (S22)."""


class SponsorExcludedError(InputRefusedError):
    """The region excludes a person of this kind (S35)."""


class DateInvalidError(InputRefusedError):
    """A date the rule cannot accept."""


class AmountMismatchError(InputRefusedError):
    """The parts of the bill do not add up (S09)."""


class AmountOutOfRangeError(InputRefusedError):
    """An amount below zero or beyond the most that an amount may be."""


class LinesMismatchError(InputRefusedError):
    """The fee lines do not sum to the personal part."""


class CredentialMismatchError(InputRefusedError):
    """The credential shown belongs to somebody else than the patient (S101)."""


class NoEditionError(InputRefusedError):
    """The region has no edition in force on this day; rules are never guessed."""


class FieldRequiredError(InputRefusedError):
    """A member is missing that what is stored makes necessary; `errors` names it."""


class NotPermittedError(RefusalError):
    """The caller may see the thing and not do this to it."""


class EvidenceInvalidError(InputRefusedError):
    """The evidence is of a kind that is not taken, or incomplete."""


class ConsentUnknownError(InputRefusedError):
    """There is no text of consent of this version (policy.md §6.1, PIPL art. 29)."""


class CodeExpiredError(InputRefusedError):
    """The code that was shown holds no more (policy.md §5)."""


class UnknownError(RefusalError):
    """It does not exist, or it is not the caller's: the two look the same."""


class RuleRefusedError(RefusalError):
    """A rule's refusal on stored state: final for its key."""


class AccountExistsError(RuleRefusedError):
    """This person has an account already."""


class AccountEndedError(RuleRefusedError):
    """The account was closed, transferred, or its owner died."""


class NoFundsError(RuleRefusedError):
    """A resident's account holds no money."""


class StatusUnchangedError(RuleRefusedError):
    """The account is in that status already."""


class VersionStaleError(RuleRefusedError):
    """The caller changed what it had not read; `version` is today's."""


class DualRoleForbiddenError(RuleRefusedError):
    """The region lets nobody be sponsor and beneficiary at once (S20)."""


class RelationMaxError(RuleRefusedError):
    """The region's number for this relation is reached (S23)."""


class SponsorLimitError(RuleRefusedError):
    """The beneficiary has as many sponsors as his region allows (S26)."""


class BeneficiaryLimitError(RuleRefusedError):
    """The sponsor has as many beneficiaries as his region allows."""


class AlreadyBoundError(RuleRefusedError):
    """The two are bound, or an invitation is open between them."""


class KinshipUnprovenError(RuleRefusedError):
    """Nothing that the region accepts shows the kinship."""


class LifetimeLimitError(RuleRefusedError):
    """The sponsor has had as many different beneficiaries as his region allows in a life."""


class RebindLockedError(RuleRefusedError):
    """The two parted too lately to be bound again."""


class ChangeLimitError(RuleRefusedError):
    """The sponsor has released as many bindings this year as his region allows."""


class OrderNotSetError(RuleRefusedError):
    """The region asks for a deduction order before a second sponsor is bound."""


class LinkLimitError(RuleRefusedError):
    """The guardian has as many credential links as there may be (policy.md §5)."""


class AlreadyLinkedError(RuleRefusedError):
    """The guardian has a live credential link to this member; `link_id` is it."""


class LinkClosedError(RuleRefusedError):
    """The credential link is closed."""


class NotInReviewError(RuleRefusedError):
    """Nothing of the credential link waits for a review."""


class NotInvitedError(RuleRefusedError):
    """There is no open invitation to answer."""


class InvitationExpiredError(RuleRefusedError):
    """The invitation was not answered in time."""


class NotActiveError(RuleRefusedError):
    """The binding or credential link is not active."""


class TooEarlyError(RuleRefusedError):
    """The region's minimum time of a binding has not passed (S32)."""


class PartyStatusError(RuleRefusedError):
    """One side's insurance or account does not allow a binding now."""


class ScopeError(RuleRefusedError):
    """The two sides' regions are too far apart for this region's rules."""


class DuplicateClaimError(RuleRefusedError):
    """This visit and batch is settled already (S55); `settlement_id` is the live one."""


class InstitutionNotDesignatedError(RuleRefusedError):
    """The institution's agreement is not in force (S103)."""


class PlanChangedError(RuleRefusedError):
    """The split is no longer the quoted one; `plan` is the new one (S45–S49)."""


class ClaimChangedError(RuleRefusedError):
    """The claim is not the quoted one (S52)."""


class QuoteExpiredError(RuleRefusedError):
    """The quote is older than the region allows (S50)."""


class AlreadyCancelledError(RuleRefusedError):
    """The settlement was cancelled before."""


class CancelClosedError(RuleRefusedError):
    """The region's window for a cancellation is over."""


class AlreadyReversedError(RuleRefusedError):
    """The settlement was reversed before."""


class PartialRefundNotAllowedError(RuleRefusedError):
    """The region takes bills back whole and settles them anew (policy.md §3.4 rule 2)."""


class ReplacementNotAllowedError(RuleRefusedError):
    """The region takes parts back instead of settling a bill anew."""


class RefundExceedsError(RuleRefusedError):
    """More is asked back than what stays (S69)."""


class RefundClosedError(RuleRefusedError):
    """The region's window for a refund is over."""


class UseRefundError(RuleRefusedError):
    """The day is cleared: what was paid can be refunded, not reversed (S62)."""


class ReversedBeforeArrivalError(RuleRefusedError):
    """The command was reversed before it came; it does nothing (S60)."""


class HoldVoidError(RuleRefusedError):
    """The hold is released, ran out, or a payer's account ended: nothing is set aside any more."""


class CaptureExceedsError(RuleRefusedError):
    """More is asked for than what was held."""


class ClearingBackwardError(RuleRefusedError):
    """The institution was paid up to that day or a later one; `cleared_through` is that one."""


class DualControlError(RuleRefusedError):
    """Who proposed a correction cannot decide it."""


class FourEyesError(RuleRefusedError):
    """One person alone may not credit so much: it is proposed and approved as a correction."""


class CorrectionDecidedError(RuleRefusedError):
    """The correction was approved or rejected before."""


class CorrectionExceedsError(RuleRefusedError):
    """The correction takes more than is free in the bucket: what is held must stay."""
