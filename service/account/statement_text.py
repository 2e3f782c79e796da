"""What a statement's entries and a patient's bills say in words, in Chinese and English.

Written for the owner of the account. Names come in masked, institutions as far as he may know
them (`aggregates/sponsor_view.py`); an erased person is somebody.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aggregates.vocabulary import Bucket, InstitutionKind, Relation, SettlementStatus
from projections.account.statement_entries import EntryKind, StatementEntry
from service.bilingual import Bilingual
from service.clock import rfc3339
from service.serializers import signed_yuan, yuan


class InstitutionLabel(NamedTuple):
    """An institution as a reader may know it: its kind, and its name unless it is kept from him."""

    kind: InstitutionKind
    name: str | None


class EntrySource(NamedTuple):
    """What a reader may know of where an entry comes from.

    `beneficiary` is a masked name, None for nobody or somebody erased. Without a place the
    bill was another's: money that a former account had paid came back to this one.
    """

    place: InstitutionLabel | None = None
    beneficiary: str | None = None


class SponsorPayment(NamedTuple):
    """What one sponsor paid of a bill, in fen, and what of it went back; None if erased."""

    name: str | None
    relation: Relation | None
    paid_fen: int
    back_fen: int


class BurdenSums(NamedTuple):
    """Parts of a bill's personal burden, in fen."""

    own_fen: int
    aid_fen: int
    cash_fen: int


class StatementBill(NamedTuple):
    """A patient's bill: its business day, sums in fen as settled, and what of them went back."""

    day: str
    place: InstitutionLabel
    status: SettlementStatus
    total_fen: int
    fund_pay_fen: int
    paid: BurdenSums
    back: BurdenSums
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
"""What stands for an institution whose name is kept from a reader (S120)."""
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
"""What a sponsor is to the patient; a binding says what the patient is to the sponsor."""
BUCKETS = {
    Bucket.CURRENT: Bilingual("当年账户", "this year's money"),
    Bucket.PRIOR: Bilingual("历年账户", "earlier years' money"),
}


def entry_text(entry: StatementEntry, seen: EntrySource) -> Bilingual:
    """One entry of a statement as a sentence."""
    if entry.kind in (EntryKind.DEBITED, EntryKind.RETURNED):
        told = _of_bill(entry, seen)
    elif entry.kind in (EntryKind.PREMIUM_DEBITED, EntryKind.PREMIUM_RETURNED):
        told = _of_premium(entry, seen)
    else:
        told = _of_money(entry)
    day = rfc3339(entry.recorded_at)[:10]
    return Bilingual(f"{day} {told.zh}", f"{day}: {told.en}")


def _of_bill(entry: StatementEntry, seen: EntrySource) -> Bilingual:
    fen, is_back = yuan(abs(entry.amount_fen)), entry.kind is EntryKind.RETURNED
    if seen.place is None:
        return Bilingual(
            f"原账户的退款 {fen} 元转入本账户",
            f"{fen} yuan returned to the former account came to this one",
        )
    place = place_words(seen.place)
    if entry.binding is None:
        did = DID[seen.place.kind]
        if is_back:
            return Bilingual(
                f"{place.zh}退回本人账户 {fen} 元",
                f"{fen} yuan returned to your account by {place.en}",
            )
        return Bilingual(
            f"在{place.zh}{did.zh},本人账户支付 {fen} 元",
            f"{did.en} at {place.en}, {fen} yuan paid from your account",
        )
    who = named(seen.beneficiary)
    if is_back:
        return Bilingual(
            f"退回为被共济人{who.zh}支付的 {fen} 元({place.zh})",
            f"{fen} yuan paid for {who.en} returned ({place.en})",
        )
    return Bilingual(
        f"为被共济人{who.zh}支付 {fen} 元({place.zh})",
        f"{fen} yuan paid for {who.en} ({place.en})",
    )


def _of_premium(entry: StatementEntry, seen: EntrySource) -> Bilingual:
    fen, who = yuan(abs(entry.amount_fen)), named(seen.beneficiary)
    if entry.kind is EntryKind.PREMIUM_RETURNED:
        return Bilingual(
            f"退回为被共济人{who.zh}缴纳的医保费 {fen} 元",
            f"{fen} yuan of {who.en}'s premium returned",
        )
    return Bilingual(
        f"为被共济人{who.zh}缴纳医保费 {fen} 元", f"{fen} yuan paid for {who.en}'s premium"
    )


def _of_money(entry: StatementEntry) -> Bilingual:
    fen, aside = yuan(abs(entry.amount_fen)), yuan(abs(entry.aside_fen))
    bucket = BUCKETS[Bucket.PRIOR if entry.prior_fen else Bucket.CURRENT]
    match entry.kind:
        case EntryKind.YEAR_CLOSED:
            carried = yuan(abs(entry.prior_fen))
            return Bilingual(
                f"{entry.reference} 年度结转:当年账户余额 {carried} 元转入历年账户",
                f"the year {entry.reference} closed, {carried} yuan are earlier years' money now",
            )
        case EntryKind.CORRECTED:
            signed = signed_yuan(entry.amount_fen)
            return Bilingual(
                f"经办机构更正{bucket.zh}余额 {signed} 元",
                f"{bucket.en} corrected by the agency by {signed} yuan",
            )
        case EntryKind.SET_ASIDE:
            return Bilingual(
                f"退回的 {aside} 元暂不能记入账户,已另行保管(凭单 {entry.reference})",
                f"{aside} yuan came back, could not be credited and are kept aside"
                f" (ticket {entry.reference})",
            )
        case EntryKind.PAID_OUT:
            return Bilingual(
                f"另行保管的 {aside} 元已由经办机构付出(凭单 {entry.reference})",
                f"{aside} yuan kept aside were paid out by the agency (ticket {entry.reference})",
            )
        case _:
            return Bilingual(f"{bucket.zh}划入 {fen} 元", f"{fen} yuan paid in as {bucket.en}")


def bill_text(bill: StatementBill) -> Bilingual:
    """A patient's bill as a sentence: who paid what, and what of it went back."""
    place, did, total = place_words(bill.place), DID[bill.place.kind], yuan(bill.total_fen)
    told = [
        _amount("医保基金支付", "the fund paid", bill.fund_pay_fen),
        _amount("本人账户支付", "your account paid", bill.paid.own_fen),
        *map(_sponsor, bill.sponsors),
        _amount("现金支付", "cash", bill.paid.cash_fen),
    ]
    parts = _joined(told)
    back = _back(bill)
    return Bilingual(
        f"{bill.day} 在{place.zh}{did.zh},共 {total} 元{parts.zh and ':' + parts.zh}。{back.zh}",
        f"{bill.day}: {did.en} at {place.en}, {total} yuan"
        f"{parts.en and ': ' + parts.en}.{back.en and ' ' + back.en}",
    )


def _back(bill: StatementBill) -> Bilingual:
    match bill.status:
        case SettlementStatus.CANCELLED:
            return Bilingual(
                "整单已撤销,所付款项已全部退回。", "The bill was cancelled, all went back."
            )
        case SettlementStatus.REVERSED:
            return Bilingual(
                "整单已冲正,所付款项已全部退回。", "The bill was reversed, all went back."
            )
        case SettlementStatus.PART_REFUNDED:
            own_fen, aid_fen, cash_fen = bill.back
            parts = _joined(
                [
                    _amount("本人账户", "your account", own_fen),
                    _amount("共济账户", "sponsors' accounts", aid_fen),
                    _amount("现金", "cash", cash_fen),
                ]
            )
            fen = yuan(sum(bill.back))
            return Bilingual(f"已退回 {fen} 元:{parts.zh}。", f"{fen} yuan went back: {parts.en}.")
        case _:
            return Bilingual("", "")


def _sponsor(part: SponsorPayment) -> Bilingual | None:
    relation, who = SPONSOR_IS[part.relation], named(part.name)
    return _amount(
        f"{relation.zh}{who.zh}为您支付", f"{relation.en} {who.en} paid for you", part.paid_fen
    )


def _amount(zh: str, en: str, fen: int) -> Bilingual | None:
    """What somebody gave; nothing is not told."""
    return Bilingual(f"{zh} {yuan(fen)} 元", f"{en} {yuan(fen)}") if fen else None


def _joined(parts: Sequence[Bilingual | None]) -> Bilingual:
    told = [part for part in parts if part is not None]
    return Bilingual(",".join(part.zh for part in told), ", ".join(part.en for part in told))


def named(name: str | None) -> Bilingual:
    """A masked name, or the neutral word for who was erased."""
    return SOMEBODY if name is None else Bilingual(name, name)


def place_words(place: InstitutionLabel) -> Bilingual:
    """An institution by its name, or by its class where the name is kept from the reader."""
    return CLASSES[place.kind] if place.name is None else Bilingual(place.name, place.name)
