"""The refusals of the rules. A refusal names what the caller can change, never whose funds lack.

RefusalError            a rule forbids the request, and the caller can act on it
├─ InputRefusedError    the request itself is invalid: its key stays free
├─ NotPermittedError    the caller may see the thing, not do this: the key stays free
├─ UnknownError         it does not exist, or is not the caller's: the key stays free
└─ RuleRefusedError     decided on stored state: final for its key
"""

import re


class RefusalError(Exception):
    """A rule forbids it. `fields` are facts for the caller, without personal data."""

    def __init__(self, **fields: object) -> None:
        super().__init__(type(self).code())
        self.fields = fields

    @classmethod
    def code(cls) -> str:
        """The stable machine reason, UPPER_SNAKE: `SelfBindingError` is `SELF_BINDING`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Error")).upper()


class InputRefusedError(RefusalError):
    """The request itself is invalid."""


class OwnFirstMandatoryError(InputRefusedError):
    """A deduction order tried to place the patient's own account (policy.md R115, S11)."""


class SelfBindingError(InputRefusedError):
    """Sponsor and beneficiary are the same person (S21)."""


class SponsorInvalidError(InputRefusedError):
    """A deduction order names a person twice, or one who is no sponsor (S44)."""


class RelationNotAllowedError(InputRefusedError):
    """The region allows no binding for this relation (S22)."""


class SponsorExcludedError(InputRefusedError):
    """The region excludes a person of this kind (S35)."""


class DateInvalidError(InputRefusedError):
    """The rules do not allow this date."""


class AmountMismatchError(InputRefusedError):
    """The parts of the bill do not add up (S09)."""


class AmountOutOfRangeError(InputRefusedError):
    """An amount is below zero or above the maximum."""


class LinesMismatchError(InputRefusedError):
    """The fee lines do not sum to the personal part."""


class MedTypeUnknownError(InputRefusedError):
    """The kind of care is no code of the national table (regions.md §2); `allowed` has them."""


class CredentialMismatchError(InputRefusedError):
    """The credential shown is not the patient's (S101)."""


class CredentialUnknownError(InputRefusedError):
    """Nobody confirms the credential that was shown (regions.md §3).

    `shown` is its type and value, so that a verifier can be asked; no answer contains them.
    """

    shown: tuple[str, str] | None = None


class CredentialRequiredError(InputRefusedError):
    """The region requires a credential of the patient, and none was shown."""


class NoEditionError(InputRefusedError):
    """The region has no edition in force on this day."""


class FieldRequiredError(InputRefusedError):
    """The stored state requires a member that is missing; `errors` names it."""


class NotPermittedError(RefusalError):
    """The caller may see the thing, but not do this to it."""


class EvidenceInvalidError(InputRefusedError):
    """The evidence is incomplete, or its kind is not accepted."""


class RankNotTakenError(InputRefusedError):
    """The region takes no rank from the form of a binding."""


class KinshipImpossibleError(InputRefusedError):
    """Ages or sexes by ID number do not fit the relation (regions.md §3)."""


class ConsentUnknownError(InputRefusedError):
    """There is no consent text of this version (policy.md §6.1, PIPL art. 29)."""


class CodeExpiredError(InputRefusedError):
    """The shown code is no longer valid (policy.md §5)."""


class UnknownError(RefusalError):
    """It does not exist, or it is not the caller's; the answer is the same.

    `shown` is a token that names nobody here, as in CredentialUnknownError.
    """

    shown: tuple[str, str] | None = None


class RuleRefusedError(RefusalError):
    """A rule's refusal on stored state: final for its key."""


class CredentialTakenError(RuleRefusedError):
    """A person's record already holds this credential."""


class AccountExistsError(RuleRefusedError):
    """The person already has an account."""


class AccountEndedError(RuleRefusedError):
    """The account was closed, transferred, or its owner died."""


class FrozenError(RuleRefusedError):
    """The account of the payer is frozen."""


class NoFundsError(RuleRefusedError):
    """A resident's account holds no funds."""


class StatusUnchangedError(RuleRefusedError):
    """The account already has that status."""


class VersionStaleError(RuleRefusedError):
    """The caller's version is stale; `version` is the current one."""


class DualRoleForbiddenError(RuleRefusedError):
    """The region forbids being sponsor and beneficiary at once (S20)."""


class RelationMaxError(RuleRefusedError):
    """The region's limit for this relation is reached (S23)."""


class SponsorLimitError(RuleRefusedError):
    """The beneficiary's region allows no further sponsor (S26)."""


class BeneficiaryLimitError(RuleRefusedError):
    """The sponsor's region allows no further beneficiary."""


class AlreadyBoundError(RuleRefusedError):
    """The two are bound, or an invitation between them is open."""


class KinshipUnprovenError(RuleRefusedError):
    """No evidence that the region accepts proves the kinship."""


class KinshipContradictedError(RuleRefusedError):
    """The kinship register has the two in another relation (regions.md §3)."""


class LifetimeLimitError(RuleRefusedError):
    """The region's lifetime limit of different beneficiaries is reached."""


class RebindLockedError(RuleRefusedError):
    """The binding ended too recently to be renewed."""


class ChangeLimitError(RuleRefusedError):
    """The region's limit of releases a year is reached."""


class OrderNotSetError(RuleRefusedError):
    """The region requires a deduction order before a second sponsor is bound."""


class LinkLimitError(RuleRefusedError):
    """The guardian has the maximum of credential links (policy.md §5)."""


class AlreadyLinkedError(RuleRefusedError):
    """The guardian already has an open link to this member: `link_id`."""


class LinkClosedError(RuleRefusedError):
    """The credential link is closed."""


class NotInReviewError(RuleRefusedError):
    """The binding, credential link or filing does not wait for a review."""


class DiseaseFiledError(RuleRefusedError):
    """A filing of this disease is under review or in force."""


class FilingLimitError(RuleRefusedError):
    """Too many filings of this person are under review."""


class NotInvitedError(RuleRefusedError):
    """There is no open invitation to answer."""


class InvitationExpiredError(RuleRefusedError):
    """The invitation was not answered in time."""


class NotActiveError(RuleRefusedError):
    """The binding or credential link is not active."""


class TooEarlyError(RuleRefusedError):
    """The region's minimum time of a binding has not passed (S32)."""


class PartyStatusError(RuleRefusedError):
    """The status of one side's insurance or account does not allow a binding."""


class CredentialInactiveError(RuleRefusedError):
    """The region requires that both sides' e-credentials are active; `side` has none."""


class ScopeError(RuleRefusedError):
    """The sponsor's region does not allow bindings with the other side's region."""


class DuplicateClaimError(RuleRefusedError):
    """This visit and batch is already settled (S55), by `settlement_id`."""


class InstitutionNotDesignatedError(RuleRefusedError):
    """The institution's agreement is not in force (S103)."""


class PlanChangedError(RuleRefusedError):
    """The split differs from the quoted one; `plan` is the new one (S45–S49)."""


class ClaimChangedError(RuleRefusedError):
    """The claim differs from the quoted one (S52)."""


class QuoteExpiredError(RuleRefusedError):
    """The quote is older than the region allows (S50)."""


class AlreadyCancelledError(RuleRefusedError):
    """The settlement is already cancelled."""


class CancelClosedError(RuleRefusedError):
    """The region's cancellation period is over."""


class AlreadyReversedError(RuleRefusedError):
    """The settlement is already reversed."""


class PartialRefundNotAllowedError(RuleRefusedError):
    """The region allows no partial refund: cancel and settle anew (policy.md §3.4 rule 2)."""


class ReplacementNotAllowedError(RuleRefusedError):
    """The region refunds parts instead of settling a bill anew."""


class SecondSwipeClosedError(RuleRefusedError):
    """The minutes are over in which the rest in cash may still be paid with aid."""


class RefundExceedsError(RuleRefusedError):
    """The refund exceeds what remains of the settlement (S69)."""


class RefundClosedError(RuleRefusedError):
    """The region's refund period is over."""


class UseRefundError(RuleRefusedError):
    """The day is cleared: a payment can be refunded, not reversed (S62)."""


class ReversedBeforeArrivalError(RuleRefusedError):
    """The command was reversed before it arrived, and has no effect (S60)."""


class HoldVoidError(RuleRefusedError):
    """The hold is released or expired, or a payer's account ended."""


class CaptureExceedsError(RuleRefusedError):
    """The amount exceeds the hold."""


class ClearingBackwardError(RuleRefusedError):
    """The institution is already paid up to `cleared_through`."""


class DualControlError(RuleRefusedError):
    """The proposer of a correction cannot decide it."""


class FourEyesError(RuleRefusedError):
    """A credit of this size needs a second person: propose a correction."""


class CorrectionDecidedError(RuleRefusedError):
    """The correction is already approved or rejected."""


class CorrectionExceedsError(RuleRefusedError):
    """The correction exceeds what is free in the bucket; holds stay."""
