"""The sentences of changes that would have lowered the cash part of a bill, in both languages."""

from aggregates.settlement.remedies import FamilyChange, Lever
from aggregates.vocabulary import FilingKind
from service.bilingual import Bilingual

SPONSOR = Bilingual("共济人", "the sponsor")
RANKED = Bilingual("第{rank}位共济人", "the sponsor of rank {rank}")
CAPS = {
    "per_settlement_fen": Bilingual("单次限额", "limit for one bill"),
    "per_day_fen": Bilingual("每日限额", "daily limit"),
    "per_month_fen": Bilingual("每月限额", "monthly limit"),
    "per_year_fen": Bilingual("每年限额", "yearly limit"),
}
FILINGS = {
    FilingKind.TEMPORARY: Bilingual("临时外出就医", "temporary"),
    FilingKind.LONG_TERM: Bilingual("长期异地居住", "long-term"),
    None: Bilingual("", ""),
}
TEXTS = {
    Lever.ORDER: Bilingual(
        "在结算前设定扣款顺序,由{who}先支付", "an order in which {who} pays first"
    ),
    Lever.CAP: Bilingual("提高{who}的{cap}", "a higher {cap} of {who}"),
    Lever.CONFIRMATION: Bilingual(
        "在结算前确认{who}的共济邀请", "the invitation of {who} confirmed before the bill"
    ),
    Lever.FILING: Bilingual(
        "就医前办理到{place}的异地就医备案({kind})",
        "a {kind} filing for care in {place} before the visit",
    ),
    Lever.PLACE: Bilingual(
        "在{place}的定点医药机构就医购药", "care at a designated institution of {place}"
    ),
}
LISTED = Bilingual("在{place}的定点机构{code}就医购药", "care at institution {code} of {place}")
TO_AMOUNT = Bilingual("{text}至{amount}元", "{text}, {amount} yuan")


def text_of(change: FamilyChange, rank: int | None, amount: str | None) -> Bilingual:
    """What a change is; `rank` is its sponsor's, `amount` the cap's new value in yuan."""
    text = LISTED if change.institution else TEXTS[change.lever]
    filled = text.format(
        who=SPONSOR if rank is None else RANKED.format(rank=str(rank)),
        cap=CAPS[change.cap] if change.cap else None,
        kind=FILINGS[change.filing],
        place=change.region,
        code=change.institution,
    )
    return filled if amount is None else TO_AMOUNT.format(text=filled, amount=amount)
