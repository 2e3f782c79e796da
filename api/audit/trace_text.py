"""A settlement's story in Chinese and English sentences, by the templates of `texts.toml`."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from api.http.texts import REASON_TEXTS
from service.bilingual import Bilingual
from service.serializers import yuan

EventJson = dict[str, Any]
TEXTS: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("texts.toml").read_text(encoding="utf-8")
)


class StoryStep(NamedTuple):
    """What an event is in a settlement's life, and the templates of its sentence."""

    name: str
    zh: str
    en: str


STEPS = {topic: StoryStep(*texts) for topic, texts in TEXTS["steps"].items()}
"""A step for each topic; an event of another topic is shown by its topic."""
OWN_ACCOUNT = Bilingual("本人账户", "the patient's own account")
SPONSOR_ACCOUNT = Bilingual("共济人账户", "a sponsor's account")
SAME = Bilingual("重新判定一致", "decided again: the same")
RESTS_ON = Bilingual("依据政策", "rules")
EVIDENCE = Bilingual("证据等级", "grade of evidence")
HEARSAY = Bilingual("仅有传闻(C)", "hearsay only (C)")
OWN_CHOICE = Bilingual("未见公开规定,自定(own)", "no public text, our own choice (own)")
DIFFERENT = Bilingual("重新判定不一致!", "decided again: NOT the same!")


def _step(topic: str) -> StoryStep:
    return STEPS.get(topic) or StoryStep(topic.partition(".")[0], topic, topic)


def _sentence(step: StoryStep, event: EventJson) -> Bilingual:
    values = event | _computed(event)
    return Bilingual(step.zh.format_map(values), step.en.format_map(values))


def _computed(event: EventJson) -> dict[str, Any]:
    """What a template may use beside the event's own members."""
    values: dict[str, Any] = {}
    if "amount_fen" in event:
        values["amount"] = yuan(event["amount_fen"])
    if "current_fen" in event:
        values["amount"] = _both_buckets(event)
        values["account"] = OWN_ACCOUNT if event.get("binding") is None else SPONSOR_ACCOUNT
    if "cash_fen" in event:
        values["sums"] = _sums(event)
    if "editions" in event and "payers" in event:
        payers = [_payer(rank, share) for rank, share in enumerate(event["payers"])]
        values["payers"] = Bilingual(
            ";".join(payer.zh for payer in payers), "; ".join(payer.en for payer in payers)
        )
        values["rules"] = event["editions"]["beneficiary"]
    return values


def _both_buckets(event: EventJson) -> str:
    return yuan(event["current_fen"] + event["prior_fen"])


def _sums(event: EventJson) -> Bilingual:
    own, aid, cash = (yuan(event[name]) for name in ("own_fen", "aid_fen", "cash_fen"))
    return Bilingual(
        f"本人账户 {own} 元,共济 {aid} 元,现金 {cash} 元",
        f"own {own}, aid {aid}, cash {cash}",
    )


def _payer(rank: int, share: EventJson) -> Bilingual:
    who = Bilingual("本人", "own account")
    if rank:
        who = Bilingual(f"第 {rank} 位共济人", f"sponsor {rank}")
    if share["reason"] is not None:
        reason = REASON_TEXTS[share["reason"]]
        return Bilingual(f"{who.zh}不付:{reason.zh}", f"{who.en} paid nothing: {reason.en}")
    limit = "" if share["limit"] is None else f" ≤ {yuan(share['limit_fen'])} {share['limit']}"
    paid, available = _both_buckets(share), yuan(share["available_fen"])
    return Bilingual(
        f"{who.zh}付 {paid} 元(可用 {available}{limit})",
        f"{who.en} paid {paid} (of {available}{limit})",
    )


def with_texts(story: dict[str, Any], *, in_english: bool) -> dict[str, Any]:
    """A story with each event's step and sentence, in one language."""
    for event in story["events"]:
        step = _step(event["topic"])
        sentence = _sentence(step, event["event"])
        event["step"] = step.name
        event["text"] = sentence.en if in_english else sentence.zh
    return story


def story_lines(story: dict[str, Any]) -> list[str]:
    """A story as lines for a terminal, each event in both languages."""
    lines = [f"{story['settlement_id']}  {story['status']}"]
    for event in story["events"]:
        sentence = _sentence(_step(event["topic"]), event["event"])
        sender = f"{event['actor']} · {event['channel']}"
        lines += ["", f"{event['position']:>6}  {event['recorded_at']}  {sender}"]
        lines += [f"        {sentence.zh}", f"        {sentence.en}"]
        lines += [f"        {line}" for line in _verdict(event["decided_again"])]
    for rules in story["rests_on"]:
        lines += ["", f"{RESTS_ON.zh} · {RESTS_ON.en}: {rules['region']} {rules['edition']}"]
        lines.append(f"        {EVIDENCE.zh} · {EVIDENCE.en}: {rules['evidence']}")
        for label, keys in ((HEARSAY, rules["hearsay"]), (OWN_CHOICE, rules["own_choice"])):
            if keys:
                lines.append(f"        {label.zh} · {label.en}: {', '.join(keys)}")
    return lines


def _verdict(decided_again: dict[str, Any] | None) -> list[str]:
    if decided_again is None:
        return []
    mark, text = ("✓", SAME) if decided_again["same"] else ("✗", DIFFERENT)
    differences = [f"{d['in']}: {d['told']} | {d['made']}" for d in decided_again["differences"]]
    return [f"{mark} {text.zh} · {text.en}", *differences]
