"""A settlement's story in words, in Chinese and English, for somebody who does not program."""

from collections.abc import Callable
from typing import Any, NamedTuple

from api.http.bilingual import REASONS
from service.bilingual import Bilingual
from service.serializers import yuan

EventJson = dict[str, Any]


class StoryStep(NamedTuple):
    """What an event is in a settlement's life, and how it is told."""

    name: str
    said: Callable[[EventJson], Bilingual]


def _fen(event: EventJson) -> str:
    return yuan(event["current_fen"] + event["prior_fen"])


def _sums(event: EventJson) -> Bilingual:
    own, aid, cash = (yuan(event[name]) for name in ("own_fen", "aid_fen", "cash_fen"))
    return Bilingual(
        f"本人账户 {own} 元,共济 {aid} 元,现金 {cash} 元",
        f"own {own}, aid {aid}, cash {cash}",
    )


def _split(zh: str, en: str) -> Callable[[EventJson], Bilingual]:
    def said(event: EventJson) -> Bilingual:
        sums = _sums(event)
        payers = [_payer(rank, share) for rank, share in enumerate(event["payers"])]
        rules = event["editions"]["beneficiary"]
        return Bilingual(
            f"{zh}(政策 {rules}):{sums.zh}。" + ";".join(p.zh for p in payers),
            f"{en} (by {rules}): {sums.en}. " + "; ".join(p.en for p in payers),
        )

    return said


def _payer(rank: int, share: EventJson) -> Bilingual:
    who = (
        Bilingual(f"第 {rank} 位共济人", f"sponsor {rank}")
        if rank
        else Bilingual("本人", "own account")
    )
    if share["reason"] is None:
        bound = "" if share["limit"] is None else f" ≤ {yuan(share['limit_fen'])} {share['limit']}"
        paid, had = _fen(share), yuan(share["available_fen"])
        return Bilingual(
            f"{who.zh}付 {paid} 元(可用 {had}{bound})", f"{who.en} {paid} (of {had}{bound})"
        )
    why = REASONS[share["reason"]]
    return Bilingual(f"{who.zh}不付:{why.zh}", f"{who.en} nothing: {why.en}")


def _plain(zh: str, en: str) -> Callable[[EventJson], Bilingual]:
    def said(event: EventJson) -> Bilingual:
        return Bilingual(zh.format(**event), en.format(**event))

    return said


def _moved(zh: str, en: str) -> Callable[[EventJson], Bilingual]:
    def said(event: EventJson) -> Bilingual:
        is_own = event.get("binding") is None
        whose = Bilingual("本人账户", "the patient's own account")
        if not is_own:
            whose = Bilingual("共济人账户", "a sponsor's account")
        return Bilingual(f"{whose.zh}{zh} {_fen(event)} 元", f"{whose.en} {en} {_fen(event)}")

    return said


def _amount(zh: str, en: str) -> Callable[[EventJson], Bilingual]:
    def said(event: EventJson) -> Bilingual:
        fen = yuan(event["amount_fen"])
        return Bilingual(f"{zh} {fen} 元", f"{en} {fen}")

    return said


def _back(event: EventJson) -> Bilingual:
    sums, fen = _sums(event), yuan(event["amount_fen"])
    return Bilingual(f"部分退费 {fen} 元:{sums.zh}", f"refunded {fen} in part: {sums.en}")


def _set_aside(event: EventJson) -> Bilingual:
    fen = yuan(event["current_fen"] + event["prior_fen"])
    return Bilingual(f"冻结备付 {fen} 元", f"{fen} set aside")


STEPS = {
    "policy.edition-published/1": StoryStep(
        "policy", _plain("发布政策版本 {edition}", "the rules {edition} were published")
    ),
    "ledger.fork-accepted/1": StoryStep(
        "fork",
        _plain("账本分叉:{text}({difference})", "the ledger forks: {text} ({difference})"),
    ),
    "institution.designated/1": StoryStep(
        "institution",
        _plain("定点机构 {name}:{status}", "the institution {name} is {status}"),
    ),
    "institution.cleared/1": StoryStep(
        "clearing", _plain("已与机构清算至 {through}", "the institution was paid through {through}")
    ),
    "institution.clearing-requested/1": StoryStep(
        "clearing",
        _plain("机构申请清算 {month}({kind})", "the institution applied for {month} ({kind})"),
    ),
    "institution.clearing-withdrawn/1": StoryStep(
        "clearing",
        _plain("机构撤回清算申请 {month}({kind})", "it took back its application for {month}"),
    ),
    "binding.invitation-sent/1": StoryStep(
        "invitation", _plain("共济人发出邀请({relation})", "a sponsor invited ({relation})")
    ),
    "binding.stranger-invited/1": StoryStep(
        "invitation",
        _plain("共济人邀请其无权查知的人({relation})", "a sponsor invited a stranger ({relation})"),
    ),
    "binding.confirmed/1": StoryStep(
        "confirmation", _plain("双方确认绑定", "both sides agreed to the binding")
    ),
    "binding.invitation-declined/1": StoryStep(
        "invitation", _plain("邀请被拒绝", "the invitation was declined")
    ),
    "binding.grant-changed/1": StoryStep(
        "grant", _plain("共济人改了授权", "the grant was changed")
    ),
    "binding.released/1": StoryStep("release", _plain("绑定解除:{reason}", "released: {reason}")),
    "account.order-changed/1": StoryStep(
        "order", _plain("设定扣款顺序", "the deduction order was set")
    ),
    "account.year-closed/1": StoryStep(
        "year", _plain("{year} 年结转", "the year {year} was closed")
    ),
    "account.held/1": StoryStep("hold", _set_aside),
    "account.hold-released/1": StoryStep("hold", _plain("备付解除", "what was set aside is free")),
    "hold.placed/1": StoryStep("hold", _split("预留", "held")),
    "hold.captured/1": StoryStep("hold", _plain("预留转为结算", "the hold was settled")),
    "hold.ended/1": StoryStep("hold", _plain("预留结束:{why}", "the hold ended: {why}")),
    "account.debited/1": StoryStep("settlement", _moved("支付", "paid")),
    "account.aid-received/1": StoryStep("settlement", _amount("计入共济", "aid counted:")),
    "settlement.settled/1": StoryStep("settlement", _split("结算", "settled")),
    "settlement.refused/1": StoryStep("refusal", _plain("未予结算:{code}", "refused: {code}")),
    "account.debit-returned/1": StoryStep("return", _moved("收到退回", "got back")),
    "account.aid-returned/1": StoryStep("return", _amount("冲减共济", "aid taken back:")),
    "account.return-suspended/1": StoryStep("return", _amount("退款另行保管", "kept aside:")),
    "account.suspense-paid-out/1": StoryStep("return", _amount("保管款付出", "paid out:")),
    "settlement.part-refunded/1": StoryStep("refund", _back),
    "settlement.cancelled/1": StoryStep(
        "cancellation", _plain("全部撤销:{reason}", "cancelled: {reason}")
    ),
    "settlement.reversed/1": StoryStep("reversal", _plain("已冲正", "reversed")),
    "settlement.recovery-due/1": StoryStep("recovery", _amount("应追回", "to be recovered:")),
}
"""What every event of a story is called; one that is not here is told by its topic."""
SAME = Bilingual("重新判定一致", "decided again: the same")
OTHER = Bilingual("重新判定不一致!", "decided again: NOT the same!")


def with_texts(story: dict[str, Any], *, in_english: bool) -> dict[str, Any]:
    """A story with a step and a sentence to each event, in a reader's language."""
    for event in story["events"]:
        step = STEPS.get(event["topic"])
        said = (
            Bilingual(event["topic"], event["topic"]) if step is None else step.said(event["event"])
        )
        event["step"] = event["topic"].partition(".")[0] if step is None else step.name
        event["text"] = said.en if in_english else said.zh
    return story


def told(story: dict[str, Any]) -> list[str]:
    """A story as lines for a terminal, each event in both languages."""
    lines = [f"{story['settlement_id']}  {story['status']}"]
    for event in story["events"]:
        step = STEPS.get(event["topic"])
        said = (
            Bilingual(event["topic"], event["topic"]) if step is None else step.said(event["event"])
        )
        who = f"{event['actor']} · {event['channel']}"
        lines += ["", f"{event['position']:>6}  {event['recorded_at']}  {who}"]
        lines += [f"        {said.zh}", f"        {said.en}"]
        lines += [f"        {line}" for line in _decided(event["decided_again"])]
    return lines


def _decided(again: dict[str, Any] | None) -> list[str]:
    if again is None:
        return []
    said = SAME if again["same"] else OTHER
    found = [f"{d['in']}: {d['told']} | {d['made']}" for d in again["differences"]]
    return [f"✓ {said.zh} · {said.en}" if again["same"] else f"✗ {said.zh} · {said.en}", *found]
