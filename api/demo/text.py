"""The demo's sentences, in Chinese and English, for somebody at a counter."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from aggregates.vocabulary import Reason, Use
from api.demo.model import (
    Bill,
    Bind,
    Cancel,
    Family,
    File,
    Member,
    Order,
    Quote,
    Release,
    Repeat,
    Report,
    Rethink,
)
from api.demo.steps import Happened
from api.http.bilingual import REASONS
from api.http.problem_texts import TEXTS
from service.bilingual import Bilingual

WIDTH = 100
"""Columns of a terminal that every line fits."""
TITLE = "演示:十二个家庭的一天 · Demo: a day of twelve families"


PARTS, WORDS = ";;", ";;,:。 "
"""Behind which signs a line may be broken."""
REFUSALS = {
    "INSTITUTION_NOT_DESIGNATED": Bilingual("该机构的协议已停用", "the agreement is not in force"),
    "DUPLICATE_CLAIM": Bilingual("这张单已经结算过", "it is settled already"),
    "PLAN_CHANGED": Bilingual("付款方案与先前说的不同", "the plan is not what was quoted"),
    "TOO_EARLY": Bilingual("绑定还不满规定的天数", "the binding is too young"),
}
"""Why a request was refused; others as the problem is told over HTTP."""
BOUND = {
    "active": Bilingual("已生效", "in force"),
    "declined": Bilingual("对方没有同意", "declined"),
    "invited": Bilingual("对方还没有答复", "not answered yet"),
}


def heading(number: int, family: Family) -> list[str]:
    """A family's title, and what its members have."""
    zh = [f"{m.zh} {_money(m).zh}" for m in family.members]
    en = [f"{m.en} {_money(m).en}" for m in family.members]
    return [
        f"{number}. {family.zh}",
        f"   {family.en}",
        *_folded(";".join(zh), 3, PARTS),
        *_folded("; ".join(en), 3, PARTS),
    ]


def tell(happened: Happened, who: Mapping[str, Member]) -> list[str]:
    """One step in lines of at most `WIDTH` columns."""
    step = happened.step
    match step:
        case Bill() | Quote():
            return _bill(happened, who)
        case Repeat():
            return _pair(
                Bilingual(
                    "同一请求又发一次:答复相同,没有再扣",
                    "sent once more: the same answer, nothing is taken again",
                )
            )
        case Cancel():
            back = happened.answer["returned"]
            return _pair(
                Bilingual(
                    f"整单撤销:本人退回 {back['own']},共济退回 {back['aid']}",
                    f"all taken back: own account {back['own']}, sponsors {back['aid']}",
                )
            )
        case Rethink():
            return []
        case _:
            return _pair(_arranged(happened, who))


def left(balances: Iterable[tuple[Member, Mapping[str, str]]]) -> list[str]:
    """What is on the accounts at the end, in one line for both languages."""
    told = []
    for member, balance in balances:
        prior = f" + 历年 prior {balance['prior']}" if member.prior_fen else ""
        told.append(f"{member.zh} {member.en} {balance['current']}{prior}")
    return _folded("余额 left: " + "; ".join(told), 3, PARTS)


def _money(member: Member) -> Bilingual:
    if member.fen is None:
        return Bilingual("无个人账户", "no account")
    fen, prior_fen = _yuan(member.fen), _yuan(member.prior_fen)
    if member.prior_fen:
        return Bilingual(f"当年 {fen} + 历年 {prior_fen}", f"{fen} + {prior_fen} of earlier years")
    return Bilingual(fen, fen)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


# ------------------------------------------------------------ at home


def _arranged(happened: Happened, who: Mapping[str, Member]) -> Bilingual:
    step = happened.step
    match step:
        case Bind():
            return _bound(step, happened.answer["status"], who)
        case Order(patient=patient, sponsors=numbers):
            ranked = [who[number] for number in numbers]
            return Bilingual(
                f"{who[patient].zh}排顺序:{'、'.join(m.zh for m in ranked)}",
                f"{who[patient].en}'s order: {', '.join(m.en for m in ranked)}",
            )
        case Report(member=number):
            return _reported(step, happened.answer, who[number])
        case File(patient=number):
            return Bilingual(who[number].zh + step.zh, f"{who[number].en} {step.en}")
        case Release(sponsor=number):
            refused = _refused(happened.refusal)
            return Bilingual(
                f"{who[number].zh}要解绑:{refused.zh if refused else '已解绑'}",
                f"{who[number].en} wants out: {refused.en if refused else 'released'}",
            )
        case _:
            raise AssertionError(step)


def _bound(step: Bind, status: str, who: Mapping[str, Member]) -> Bilingual:
    zh, en = [], []
    if step.bill_cap_fen is not None:
        zh.append(f",每次最多 {_yuan(step.bill_cap_fen)}")
        en.append(f", {_yuan(step.bill_cap_fen)} a bill at most")
    if step.day_cap_fen is not None:
        zh.append(f",每天最多 {_yuan(step.day_cap_fen)}")
        en.append(f", {_yuan(step.day_cap_fen)} a day at most")
    if Use.CARE not in step.uses:
        zh.append(",只代缴保费")
        en.append(", for premiums only")
    if step.days_ago is not None:
        zh.append(f",{step.days_ago} 天前绑定")
        en.append(f", {step.days_ago} days ago")
    sponsor, beneficiary, result = who[step.sponsor], who[step.beneficiary], BOUND[status]
    return Bilingual(
        f"{sponsor.zh}共济给{beneficiary.zh}{''.join(zh)}:{result.zh}",
        f"{sponsor.en} shares with {beneficiary.en}{''.join(en)}: {result.en}",
    )


def _reported(step: Report, answer: Mapping[str, Any], member: Member) -> Bilingual:
    told = Bilingual(member.zh + step.zh, member.en + step.en)
    if not answer.get("recover_fen"):
        return told
    fen = _yuan(answer["recover_fen"])
    return Bilingual(
        f"{told.zh}:今天付的 {fen} 须追回", f"{told.en}: today's {fen} is to be recovered"
    )


# ------------------------------------------------------------ at the counter


def _bill(happened: Happened, who: Mapping[str, Member]) -> list[str]:
    step, answer = happened.step, happened.answer
    bill = step.bill if isinstance(step, Quote) else step
    assert isinstance(bill, Bill)
    head = _sums(bill, who[bill.patient], is_quote=isinstance(step, Quote))
    refused = _refused(happened.refusal)
    if refused is not None:
        named = answer.get("settlement_id", "")
        return [
            *_folded(f"· {head.zh}", 3),
            *_folded(f"  {head.en}", 3),
            *_folded(f"  不予结算 refused: {refused.zh} · {refused.en} {named}".rstrip(), 3),
        ]
    payers = [who[number] for number in happened.payers]
    number = "(预结算,没有扣款 a quote, nothing is taken)"
    if "settlement_id" in answer:
        number = f"结算号 no. {answer['settlement_id']}"
    zh, en = _paid(answer["payers"], payers)
    return [
        *_folded(f"· {head.zh}", 3),
        *_folded(f"  {zh}", 3, PARTS),
        *_folded(f"  {head.en}", 3),
        *_folded(f"  {en}", 3, PARTS),
        f"     现金 cash: {answer['cash']}   {number}",
    ]


def _sums(bill: Bill, patient: Member, *, is_quote: bool) -> Bilingual:
    total, personal = _yuan(bill.total_fen), _yuan(bill.total_fen - bill.fund_fen)
    zh, en = ("先问一问要付多少", "asks first") if is_quote else (bill.zh, bill.en)
    if not bill.fund_fen:
        return Bilingual(f"{patient.zh}{zh},共 {total} 元。", f"{patient.en} {en}: {total} yuan.")
    fund = _yuan(bill.fund_fen)
    return Bilingual(
        f"{patient.zh}{zh},共 {total} 元,统筹基金付 {fund},个人负担 {personal}。",
        f"{patient.en} {en}: {total} yuan, {fund} from the fund, {personal} left.",
    )


def _paid(shares: list[dict[str, Any]], payers: list[Member]) -> Bilingual:
    zh, en = [], []
    for share, member in zip(shares, payers, strict=True):
        own = share["role"] == "own"
        name = Bilingual("本人", "Own account") if own else Bilingual(member.zh, member.en)
        if share["reason"] is None:
            zh.append(f"{name.zh}付 {share['amount']}")
            en.append(f"{name.en}: {share['amount']}")
        else:
            why = REASONS[Reason(share["reason"])]
            zh.append(f"{name.zh}不付({why.zh})")
            en.append(f"{name.en}: nothing ({why.en})")
    return Bilingual(";".join(zh) + "。", "; ".join(en) + ".")


def _refused(code: str | None) -> Bilingual | None:
    if code is None:
        return None
    return REFUSALS.get(code) or Bilingual(TEXTS[code].zh, TEXTS[code].en)


# ------------------------------------------------------------ on the terminal


def _pair(said: Bilingual) -> list[str]:
    """Both languages on one line where they fit."""
    line = f"· {said.zh} · {said.en}"
    if _width(line) + 3 <= WIDTH:
        return [f"   {line}"]
    return [*_folded(f"· {said.zh}", 3), *_folded(f"  {said.en}", 3)]


def _folded(text: str, indent: int, after: str = WORDS) -> list[str]:
    """A text broken behind these signs, so that each line fits."""
    lines = [" " * indent]
    for piece in re.split(f"(?<=[{after}])", text):
        if _width(lines[-1] + piece.rstrip()) > WIDTH:
            lines.append(" " * (indent + 4) + piece.lstrip())
        else:
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
