"""The demo's sentences in Chinese and English: the texts of `day.toml`, filled in and folded."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from aggregates.vocabulary import Reason
from api.demo.families import CLAIMS, MEMBERS, TEXTS
from api.demo.steps import StepResult
from api.http.fields import fen
from api.http.texts import PROBLEM_TEXTS, REASON_TEXTS
from service.bilingual import Bilingual
from service.serializers import yuan

WIDTH = 100
"""Columns of a terminal; no line is wider."""
PARTS, WORDS = ";;", ";;,:。 "
"""The characters after which a line may be broken."""


def balances(title: str, accounts: Mapping[str, dict[str, Any]]) -> list[str]:
    """What is on these accounts, by person number, both languages in one line."""
    listed = [f"{MEMBERS[n].zh} {MEMBERS[n].en} {_money(a)}" for n, a in accounts.items()]
    return _folded(f"{title}: {'; '.join(listed)}", PARTS)


def _money(account: dict[str, Any]) -> str:
    if account["insurance"] == "resident":
        return "无账户 no account"
    current, prior = account["balance"]["current"], account["balance"]["prior"]
    return current if prior == "0.00" else f"{current} + 历年 prior {prior}"


def tell(result: StepResult) -> list[str]:
    """What happened in a step."""
    step, answer = result.step, result.answer
    if step.act in ("claim", "quote"):
        return _bill(result)
    sides = [name for name in ("sponsor", "beneficiary") if name in step.body]
    sponsors = [MEMBERS[number] for number in step.body.get("sponsors", ())]
    sentence = _filled(
        Bilingual(step.zh, step.en) if step.zh else TEXTS[step.act],
        **{name: MEMBERS[step.body[name]] for name in sides},
        sponsors=_joined(sponsors, "、", ", "),
        result=_outcome(result.refusal or answer.get("status", "")),
        days_ago=step.days_ago,
        amount=step.body.get("amount", ""),
        **answer.get("returned", {}),
    )
    line = f"   · {sentence.zh} · {sentence.en}"
    if _width(line) <= WIDTH:
        return [line]
    return [*_folded(f"· {sentence.zh}"), *_folded(f"  {sentence.en}")]


def _bill(result: StepResult) -> list[str]:
    step, answer = result.step, result.answer
    claim = CLAIMS[step.body["key"]]
    total, fund = claim["total"], claim.get("fund_pay", "0.00")
    bill = _filled(
        TEXTS["total" if fund == "0.00" else "total_with_fund"],
        bill=Bilingual(step.zh, step.en),
        total=total,
        fund=fund,
        personal=yuan(fen(total) - fen(fund)),
    )
    outcome, after = _paid(result), PARTS
    if result.refusal is not None:
        outcome, after = _filled(TEXTS["refused"], reason=_outcome(result.refusal)), WORDS
    last = [f"现金 cash: {answer['cash']}"] if "cash" in answer else []
    if step.act == "quote":
        last.append("(预结算,没有扣款 a quote, nothing is deducted)")
    if "settlement_id" in answer:
        last.append(f"结算号 no. {answer['settlement_id']}")
    return [
        *_folded(f"· {bill.zh}"),
        *_folded(f"  {outcome.zh}", after),
        *_folded(f"  {bill.en}"),
        *_folded(f"  {outcome.en}", after),
        *(["     " + "   ".join(last)] if last else []),
    ]


def _paid(result: StepResult) -> Bilingual:
    """Who pays how much, or why nothing."""
    parts = []
    for share, number in zip(result.answer.get("payers", ()), result.payers, strict=True):
        payer = TEXTS["own"] if share["role"] == "own" else MEMBERS[number]
        if share["reason"] is None:
            parts.append(_filled(TEXTS["pays"], payer=payer, amount=share["amount"]))
        else:
            reason = REASON_TEXTS[Reason(share["reason"])]
            parts.append(_filled(TEXTS["pays_nothing"], payer=payer, reason=reason))
    paid = _joined(parts, ";", "; ")
    return Bilingual(f"{paid.zh}。", f"{paid.en}.")


def _outcome(word: str) -> Bilingual:
    """The text of a problem's code or of a status; empty for others."""
    problem = PROBLEM_TEXTS.get(word)
    return Bilingual(problem.zh, problem.en) if problem else TEXTS.get(word, Bilingual("", ""))


# ------------------------------------------------------------ both languages, and lines


def _filled(text: Bilingual, **values: object) -> Bilingual:
    """A text with these values; a value in both languages gives each its own."""
    zh = {name: getattr(value, "zh", value) for name, value in values.items()}
    en = {name: getattr(value, "en", value) for name, value in values.items()}
    return Bilingual(text.zh.format(**zh), text.en.format(**en))


def _joined(parts: Iterable[Bilingual], zh: str, en: str) -> Bilingual:
    parts = list(parts)
    return Bilingual(zh.join(part.zh for part in parts), en.join(part.en for part in parts))


def _folded(text: str, after: str = WORDS) -> list[str]:
    """A text in lines that fit, broken after these characters."""
    lines = ["   "]
    for piece in re.split(f"(?<=[{after}])", text):
        if _width(lines[-1] + piece.rstrip()) > WIDTH:
            lines.append(" " * 7 + piece.lstrip())
        else:
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
