"""The sentences of entries and bills in both languages, and masked names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.vocabulary import InstitutionKind, Relation, SettlementStatus, StreamId
from projections.account.statement_entries import NOTHING, EntryKind, StatementEntry
from service.account.statement_text import (
    CLASSES,
    DID,
    KINDS,
    SPONSOR_IS,
    STATUSES,
    BurdenSums,
    EntrySource,
    InstitutionLabel,
    SponsorPayment,
    StatementBill,
    bill_text,
    entry_text,
)
from service.bilingual import Language
from service.person.masking import COMPOUND, STARS_MAX, masked
from tests.projections.recorded_families import BEGAN_US, an_id

ACCOUNT, SETTLEMENT, BINDING = an_id("acc", 1), an_id("stl", 1), an_id("bnd", 1)
TICKET = "tkt_1"
HOSPITAL = InstitutionLabel(InstitutionKind.HOSPITAL, "第一人民医院")
PHARMACY = InstitutionLabel(InstitutionKind.PHARMACY, "康民药店")
KEPT = InstitutionLabel(InstitutionKind.HOSPITAL, None)
OWN, LENT = None, BINDING


def an_entry(
    kind: EntryKind,
    parts: tuple[int, int, int] = (0, 0, 0),
    binding: StreamId | None = None,
    reference: str | None = None,
) -> StatementEntry:
    """An entry of 2026-03-02; `parts` are current, prior and kept aside, in fen."""
    named = (SETTLEMENT, binding, reference)
    return StatementEntry(ACCOUNT, 1, BEGAN_US, kind, *parts, *named, NOTHING)


@pytest.mark.parametrize(
    ("entry", "seen", "zh", "en"),
    [
        (
            an_entry(EntryKind.CREDITED, (30000, 0, 0)),
            EntrySource(),
            "当年账户划入 300.00 元",
            "300.00 yuan paid in as this year's money",
        ),
        (
            an_entry(EntryKind.CREDITED, (0, 5, 0)),
            EntrySource(),
            "历年账户划入 0.05 元",
            "0.05 yuan paid in as earlier years' money",
        ),
        (
            an_entry(EntryKind.DEBITED, (-1500, -500, 0), OWN),
            EntrySource(HOSPITAL),
            "在第一人民医院就诊,本人账户支付 20.00 元",
            "treated at 第一人民医院, 20.00 yuan paid from your account",
        ),
        (
            an_entry(EntryKind.DEBITED, (-2000, 0, 0), OWN),
            EntrySource(PHARMACY),
            "在康民药店购药,本人账户支付 20.00 元",
            "medicine bought at 康民药店, 20.00 yuan paid from your account",
        ),
        (
            an_entry(EntryKind.DEBITED, (-4425, 0, 0), LENT),
            EntrySource(KEPT, "张*"),
            "为被共济人张*支付 44.25 元(医疗机构)",
            "44.25 yuan paid for 张* (a medical institution)",
        ),
        (
            an_entry(EntryKind.DEBITED, (-4425, 0, 0), LENT),
            EntrySource(HOSPITAL, "欧阳**"),
            "为被共济人欧阳**支付 44.25 元(第一人民医院)",
            "44.25 yuan paid for 欧阳** (第一人民医院)",
        ),
        (
            an_entry(EntryKind.DEBITED, (-4425, 0, 0), LENT),
            EntrySource(InstitutionLabel(InstitutionKind.CHECKUP, None), None),
            "为被共济人某人支付 44.25 元(体检机构)",
            "44.25 yuan paid for somebody (a check-up centre)",
        ),
        (
            an_entry(EntryKind.RETURNED, (2000, 0, 0), OWN),
            EntrySource(HOSPITAL),
            "第一人民医院退回本人账户 20.00 元",
            "20.00 yuan returned to your account by 第一人民医院",
        ),
        (
            an_entry(EntryKind.RETURNED, (4425, 0, 0), LENT),
            EntrySource(KEPT, "张*"),
            "退回为被共济人张*支付的 44.25 元(医疗机构)",
            "44.25 yuan paid for 张* returned (a medical institution)",
        ),
        (
            an_entry(EntryKind.RETURNED, (4425, 0, 0), OWN),
            EntrySource(),
            "原账户的退款 44.25 元转入本账户",
            "44.25 yuan returned to your former account moved to this one",
        ),
        (
            an_entry(EntryKind.YEAR_CLOSED, (-7000, 7000, 0), reference="2025"),
            EntrySource(),
            "2025 年度结转:当年账户余额 70.00 元转入历年账户",
            "year 2025 closed, 70.00 yuan carried over to earlier years' money",
        ),
        (
            an_entry(EntryKind.CORRECTED, (0, -1200, 0), reference="cor_1"),
            EntrySource(),
            "经办机构更正历年账户余额 -12.00 元",
            "earlier years' money corrected by the agency by -12.00 yuan",
        ),
        (
            an_entry(EntryKind.PREMIUM_DEBITED, (-30000, -10000, 0), LENT, "prm_1"),
            EntrySource(None, "李*"),
            "为被共济人李*缴纳医保费 400.00 元",
            "400.00 yuan paid for 李*'s premium",
        ),
        (
            an_entry(EntryKind.PREMIUM_RETURNED, (30000, 10000, 0), LENT, "prm_1"),
            EntrySource(None, "李*"),
            "退回为被共济人李*缴纳的医保费 400.00 元",
            "400.00 yuan of 李*'s premium returned",
        ),
        (
            an_entry(EntryKind.SET_ASIDE, (0, 0, 6000), LENT, TICKET),
            EntrySource(KEPT, "张*"),
            "退回的 60.00 元暂不能记入账户,已另行保管(凭单 tkt_1)",
            "60.00 yuan returned cannot be credited for now and are kept aside (ticket tkt_1)",
        ),
        (
            an_entry(EntryKind.PAID_OUT, (0, 0, -6000), reference=TICKET),
            EntrySource(),
            "另行保管的 60.00 元已由经办机构付出(凭单 tkt_1)",
            "60.00 yuan kept aside were paid out by the agency (ticket tkt_1)",
        ),
        (
            an_entry(EntryKind.MOVED_TO_POOL, (-20000, -30000, 0), reference="fpl_1"),
            EntrySource(),
            "转入家庭共济账户 500.00 元",
            "500.00 yuan moved to the family pool",
        ),
        (
            an_entry(EntryKind.MOVED_FROM_POOL, (0, 4500, 0), reference="fpl_1"),
            EntrySource(),
            "从家庭共济账户转回 45.00 元",
            "45.00 yuan moved back from the family pool",
        ),
    ],
)
def test_an_entry_is_a_sentence(entry: StatementEntry, seen: EntrySource, zh: str, en: str) -> None:
    """The day, what happened, for whom and where, as far as the reader may see."""
    said = entry_text(entry, seen)

    assert f"2026-03-02 {zh}" == said.to(Language.CHINESE)
    assert f"2026-03-02: {en}" == said.to(Language.ENGLISH)


PAID = StatementBill(
    day="2026-03-02",
    place=HOSPITAL,
    status=SettlementStatus.SETTLED,
    total_fen=12850,
    fund_pay_fen=6425,
    paid=BurdenSums(2000, 4425, 0),
    returned=BurdenSums(0, 0, 0),
    sponsors=(SponsorPayment("王*", Relation.SPOUSE, 4425, 0),),
)
TWO = (SponsorPayment("王*", Relation.PARENT, 4000, 0), SponsorPayment(None, None, 425, 0))
WITHOUT_OWN = PAID._replace(sponsors=TWO, paid=BurdenSums(0, 4425, 2000))
NOTHING_PAID = PAID._replace(total_fen=0, fund_pay_fen=0, paid=BurdenSums(0, 0, 0), sponsors=())
ALL_BACK = PAID.paid
PAID_ZH = "共 128.50 元:医保基金支付 64.25 元,本人账户支付 20.00 元,配偶王*为您支付 44.25 元。"
PAID_EN = (
    "128.50 yuan: the fund paid 64.25, your account paid 20.00, your spouse 王* paid for you 44.25."
)


@pytest.mark.parametrize(
    ("bill", "zh", "en"),
    [
        (PAID, PAID_ZH, PAID_EN),
        (
            WITHOUT_OWN,
            (
                "共 128.50 元:医保基金支付 64.25 元,子女王*为您支付 40.00 元,"
                "共济人某人为您支付 4.25 元,现金支付 20.00 元。"
            ),
            (
                "128.50 yuan: the fund paid 64.25, your child 王* paid for you 40.00,"
                " your sponsor somebody paid for you 4.25, cash 20.00."
            ),
        ),
        (NOTHING_PAID, "共 0.00 元。", "0.00 yuan."),
        (
            PAID._replace(status=SettlementStatus.PART_REFUNDED, returned=BurdenSums(0, 1425, 0)),
            f"{PAID_ZH}已退回 14.25 元:共济账户 14.25 元。",
            f"{PAID_EN} 14.25 yuan returned: sponsors' accounts 14.25.",
        ),
        (
            PAID._replace(status=SettlementStatus.CANCELLED, returned=ALL_BACK),
            f"{PAID_ZH}整单已撤销,所付款项已全部退回。",
            f"{PAID_EN} The bill was cancelled, everything paid was returned.",
        ),
        (
            PAID._replace(status=SettlementStatus.REVERSED, returned=ALL_BACK),
            f"{PAID_ZH}整单已冲正,所付款项已全部退回。",
            f"{PAID_EN} The bill was reversed, everything paid was returned.",
        ),
    ],
)
def test_a_bill_says_who_paid_what(bill: StatementBill, zh: str, en: str) -> None:
    """Payers of 0 are left out; returns are included."""
    said = bill_text(bill)

    assert f"2026-03-02 在第一人民医院就诊,{zh}" == said.zh
    assert f"2026-03-02: treated at 第一人民医院, {en}" == said.en


def test_every_word_has_a_sentence() -> None:
    """Every kind, status, class and relation has words in both languages."""
    for words, told in (
        (EntryKind, KINDS),
        (SettlementStatus, STATUSES),
        (InstitutionKind, CLASSES),
        (InstitutionKind, DID),
        ((*Relation, None), SPONSOR_IS),
    ):
        assert set(words) == set(told)
        for said in told.values():
            assert said.en.isascii()
            assert said.zh
            assert not any(sign.isascii() for sign in said.zh)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("张敏", "张*"),
        ("王小明", "王**"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳锋", "欧阳*"),
        ("欧阳", "欧*"),
        (" 李华 ", "李*"),
        ("阿卜杜拉·买买提", "阿***"),
        ("扎西次仁", "扎***"),
        ("Li Hua", "L***"),
        ("张", "*"),
        ("", "*"),
        ("  ", "*"),
        ("=cmd()", "***"),
        ("+86", "***"),
        ("11010519491231002X", "***"),
        ("\t=1", "**"),
    ],
)
def test_a_name_is_masked(name: str, expected: str) -> None:
    """The surname and stars: no given name, number or formula."""
    assert expected == masked(name)


@given(st.text())
def test_a_mask_hides_the_rest(name: str) -> None:
    """At most the surname is shown, at least one star, and never an empty text."""
    shown = masked(name).rstrip("*")
    stars = len(masked(name)) - len(shown)

    assert 1 <= stars <= STARS_MAX
    assert len(shown) <= 1 or shown in COMPOUND
    assert name.strip().startswith(shown)
    assert not shown or len(name.strip()) > len(shown)
