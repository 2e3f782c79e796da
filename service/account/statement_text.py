"""The texts of a statement's entries and of a patient's bills, in Chinese and English.

They are written for the account's owner. The caller masks names and hides institutions
(`aggregates.institution.names_institution`); an erased person is "somebody".
"""

from typing import NamedTuple

from aggregates.vocabulary import Bucket, InstitutionKind, Relation, SettlementStatus
from projections.account.statement_entries import EntryKind, StatementEntry
from service.bilingual import Bilingual
from service.clock import rfc3339
from service.serializers import signed_yuan, yuan


class InstitutionLabel(NamedTuple):
    """An institution as a reader may see it: its kind, and its name unless it is hidden."""

    kind: InstitutionKind
    name: str | None


class EntrySource(NamedTuple):
    """What a reader may see of an entry's origin.

    `beneficiary` is a masked name, None for nobody or an erased person. Without a place the bill
    was another account's: its refund came to this account as the successor.
    """

    place: InstitutionLabel | None = None
    beneficiary: str | None = None


class SponsorPayment(NamedTuple):
    """What one sponsor paid of a bill and got back, in fen; `name` is None for an erased person."""

    name: str | None
    relation: Relation | None
    paid_fen: int
    returned_fen: int


class BurdenSums(NamedTuple):
    """Parts of a bill's personal burden, in fen."""

    own_fen: int
    aid_fen: int
    cash_fen: int


class StatementBill(NamedTuple):
    """A patient's bill: its business day, sums in fen as settled, and what was returned."""

    day: str
    place: InstitutionLabel
    status: SettlementStatus
    total_fen: int
    fund_pay_fen: int
    paid: BurdenSums
    returned: BurdenSums
    sponsors: tuple[SponsorPayment, ...]


SOMEBODY = Bilingual("某人", "somebody")
KINDS = {
    EntryKind.CREDITED: Bilingual("划入", "paid in"),
    EntryKind.DEBITED: Bilingual("支付", "paid"),
    EntryKind.RETURNED: Bilingual("退回", "returned"),
    EntryKind.YEAR_CLOSED: Bilingual("年度结转", "year closed"),
    EntryKind.CORRECTED: Bilingual("更正", "corrected"),
    EntryKind.PREMIUM_DEBITED: Bilingual("缴纳保费", "premium paid"),
    EntryKind.PREMIUM_RETURNED: Bilingual("退回保费", "premium returned"),
    EntryKind.SET_ASIDE: Bilingual("另行保管", "kept aside"),
    EntryKind.PAID_OUT: Bilingual("保管款付出", "paid out"),
    EntryKind.MOVED_TO_POOL: Bilingual("转入家庭共济账户", "moved to the family pool"),
    EntryKind.MOVED_FROM_POOL: Bilingual("家庭共济账户转回", "moved back from the family pool"),
}
STATUSES = {
    SettlementStatus.SETTLED: Bilingual("已结算", "settled"),
    SettlementStatus.PART_REFUNDED: Bilingual("部分退费", "refunded in part"),
    SettlementStatus.CANCELLED: Bilingual("已撤销", "cancelled"),
    SettlementStatus.REVERSED: Bilingual("已冲正", "reversed"),
    SettlementStatus.REFUSED: Bilingual("未结算", "refused"),
}
CLASSES = {
    InstitutionKind.HOSPITAL: Bilingual("医疗机构", "a medical institution"),
    InstitutionKind.PHARMACY: Bilingual("零售药店", "a pharmacy"),
    InstitutionKind.CHECKUP: Bilingual("体检机构", "a check-up centre"),
}
"""What replaces the name of an institution that is hidden from a reader (S120)."""
DID = {
    InstitutionKind.HOSPITAL: Bilingual("就诊", "treated"),
    InstitutionKind.PHARMACY: Bilingual("购药", "medicine bought"),
    InstitutionKind.CHECKUP: Bilingual("体检", "checked up"),
}
GRANDCHILD, GRANDPARENT = (
    Bilingual("孙辈", "your grandchild"),
    Bilingual("祖辈", "your grandparent"),
)
SPONSOR_IS = {
    Relation.SPOUSE: Bilingual("配偶", "your spouse"),
    Relation.PARENT: Bilingual("子女", "your child"),
    Relation.CHILD: Bilingual("父母", "your parent"),
    Relation.SIBLING: Bilingual("兄弟姐妹", "your sibling"),
    Relation.GRANDPARENT: GRANDCHILD,
    Relation.GRANDPARENT_PATERNAL: GRANDCHILD,
    Relation.GRANDPARENT_MATERNAL: GRANDCHILD,
    Relation.GRANDCHILD: GRANDPARENT,
    Relation.GRANDCHILD_PATERNAL: GRANDPARENT,
    Relation.GRANDCHILD_MATERNAL: GRANDPARENT,
    Relation.PARENT_IN_LAW: Bilingual("子女的配偶", "your child's spouse"),
    None: Bilingual("共济人", "your sponsor"),
}
"""The sponsor's relation to the patient; a binding stores the patient's to the sponsor."""
BUCKETS = {
    Bucket.CURRENT: Bilingual("当年账户", "this year's money"),
    Bucket.PRIOR: Bilingual("历年账户", "earlier years' money"),
}


NOTHING = Bilingual("", "")
DATED = Bilingual("{day} {text}", "{day}: {text}")
ENTRIES = {
    EntryKind.CREDITED: Bilingual("{bucket}划入 {amount} 元", "{amount} yuan paid in as {bucket}"),
    EntryKind.DEBITED: Bilingual(
        "为被共济人{who}支付 {amount} 元({place})", "{amount} yuan paid for {who} ({place})"
    ),
    EntryKind.RETURNED: Bilingual(
        "退回为被共济人{who}支付的 {amount} 元({place})",
        "{amount} yuan paid for {who} returned ({place})",
    ),
    EntryKind.YEAR_CLOSED: Bilingual(
        "{reference} 年度结转:当年账户余额 {carried} 元转入历年账户",
        "year {reference} closed, {carried} yuan carried over to earlier years' money",
    ),
    EntryKind.CORRECTED: Bilingual(
        "经办机构更正{bucket}余额 {signed} 元", "{bucket} corrected by the agency by {signed} yuan"
    ),
    EntryKind.PREMIUM_DEBITED: Bilingual(
        "为被共济人{who}缴纳医保费 {amount} 元", "{amount} yuan paid for {who}'s premium"
    ),
    EntryKind.PREMIUM_RETURNED: Bilingual(
        "退回为被共济人{who}缴纳的医保费 {amount} 元", "{amount} yuan of {who}'s premium returned"
    ),
    EntryKind.SET_ASIDE: Bilingual(
        "退回的 {aside} 元暂不能记入账户,已另行保管(凭单 {reference})",
        "{aside} yuan returned cannot be credited for now and are kept aside (ticket {reference})",
    ),
    EntryKind.PAID_OUT: Bilingual(
        "另行保管的 {aside} 元已由经办机构付出(凭单 {reference})",
        "{aside} yuan kept aside were paid out by the agency (ticket {reference})",
    ),
    EntryKind.MOVED_TO_POOL: Bilingual(
        "转入家庭共济账户 {amount} 元", "{amount} yuan moved to the family pool"
    ),
    EntryKind.MOVED_FROM_POOL: Bilingual(
        "从家庭共济账户转回 {amount} 元", "{amount} yuan moved back from the family pool"
    ),
}
"""An entry by its kind; a debit or return of a bill as the sponsor's."""
OWN_ENTRIES = {
    EntryKind.DEBITED: Bilingual(
        "在{place}{did},本人账户支付 {amount} 元",
        "{did} at {place}, {amount} yuan paid from your account",
    ),
    EntryKind.RETURNED: Bilingual(
        "{place}退回本人账户 {amount} 元", "{amount} yuan returned to your account by {place}"
    ),
}
"""An entry of the owner's own bill."""
TO_SUCCESSOR = Bilingual(
    "原账户的退款 {amount} 元转入本账户",
    "{amount} yuan returned to your former account moved to this one",
)
BILL = Bilingual("{day} 在{place}{did},共 {total} 元", "{day}: {did} at {place}, {total} yuan")
PAID = Bilingual(":{parts}", ": {parts}")
RETURNED = {
    SettlementStatus.CANCELLED: Bilingual(
        "整单已撤销,所付款项已全部退回。", " The bill was cancelled, everything paid was returned."
    ),
    SettlementStatus.REVERSED: Bilingual(
        "整单已冲正,所付款项已全部退回。", " The bill was reversed, everything paid was returned."
    ),
    SettlementStatus.PART_REFUNDED: Bilingual(
        "已退回 {amount} 元:{parts}。", " {amount} yuan returned: {parts}."
    ),
}


def entry_text(entry: StatementEntry, source: EntrySource) -> Bilingual:
    """One entry of a statement as a sentence."""
    text, place = ENTRIES[entry.kind], source.place
    if entry.kind in OWN_ENTRIES and place is None:
        text = TO_SUCCESSOR
    elif entry.kind in OWN_ENTRIES and entry.binding is None:
        text = OWN_ENTRIES[entry.kind]
    return DATED.format(
        day=rfc3339(entry.recorded_at)[:10],
        text=text.format(
            amount=yuan(abs(entry.amount_fen)),
            signed=signed_yuan(entry.amount_fen),
            aside=yuan(abs(entry.aside_fen)),
            carried=yuan(abs(entry.prior_fen)),
            bucket=BUCKETS[Bucket.PRIOR if entry.prior_fen else Bucket.CURRENT],
            who=named(source.beneficiary),
            place=place_words(place) if place else NOTHING,
            did=DID[place.kind] if place else NOTHING,
            reference=entry.reference,
        ),
    )


def bill_text(bill: StatementBill) -> Bilingual:
    """A patient's bill as a sentence: who paid what, and what of it was returned."""
    place, did, total = place_words(bill.place), DID[bill.place.kind], yuan(bill.total_fen)
    text = BILL.format(day=bill.day, place=place, did=did, total=total)
    parts = _joined(
        _part("医保基金支付", "the fund paid", bill.fund_pay_fen),
        _part("本人账户支付", "your account paid", bill.paid.own_fen),
        *map(_sponsor, bill.sponsors),
        _part("现金支付", "cash", bill.paid.cash_fen),
    )
    paid = PAID.format(parts=parts) if parts.zh else NOTHING
    returned = RETURNED.get(bill.status, NOTHING).format(
        amount=yuan(sum(bill.returned)),
        parts=_joined(
            _part("本人账户", "your account", bill.returned.own_fen),
            _part("共济账户", "sponsors' accounts", bill.returned.aid_fen),
            _part("现金", "cash", bill.returned.cash_fen),
        ),
    )
    return Bilingual(f"{text.zh}{paid.zh}。{returned.zh}", f"{text.en}{paid.en}.{returned.en}")


def _sponsor(payment: SponsorPayment) -> Bilingual | None:
    relation, who = SPONSOR_IS[payment.relation], named(payment.name)
    return _part(
        f"{relation.zh}{who.zh}为您支付", f"{relation.en} {who.en} paid for you", payment.paid_fen
    )


def _part(zh: str, en: str, fen: int) -> Bilingual | None:
    """A part of a bill with its amount; None if it is 0."""
    return Bilingual(f"{zh} {yuan(fen)} 元", f"{en} {yuan(fen)}") if fen else None


def _joined(*parts: Bilingual | None) -> Bilingual:
    texts = [part for part in parts if part is not None]
    return Bilingual(",".join(text.zh for text in texts), ", ".join(text.en for text in texts))


def named(name: str | None) -> Bilingual:
    """A masked name, or "somebody" for an erased person."""
    return SOMEBODY if name is None else Bilingual(name, name)


def place_words(place: InstitutionLabel) -> Bilingual:
    """An institution's name, or its class if the reader may not see the name."""
    return CLASSES[place.kind] if place.name is None else Bilingual(place.name, place.name)
