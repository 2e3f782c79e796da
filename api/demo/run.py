"""A day of twelve families on the terminal, in Chinese and English.

Everything goes through the import and through what HTTP calls; nothing is put in beside them.
"""

import asyncio

from api.demo.families import ACCOUNTS, FAMILIES, STEPS, TEXTS
from api.demo.steps import DemoDay, import_people, is_sent, people
from api.demo.text import balances, tell
from service.context import ServiceContext
from service.policy import published_in_log
from service.settlement.queries import is_key_used


async def tell_a_day(context: ServiceContext) -> None:
    """Import the families into an empty ledger, take the steps of their day, and print them.

    A demo that was cut off goes on to its end: what was done before is only read again. A ledger
    with a whole demo or with other data is left alone.
    """
    if not await _is_due(context):
        return
    print(f"{TEXTS['title'].zh} · {TEXTS['title'].en}\n")
    await import_people(context)
    day = DemoDay(context, context.clock())
    for number, family in enumerate(FAMILIES, 1):
        lines = [f"{number}. {family.zh}", f"   {family.en}"]
        lines += balances("账户 accounts", {member: ACCOUNTS[member] for member in family.members})
        for step in family.steps:
            result = await day.take(step)
            if result is not None:
                lines += tell(result)
        left = await asyncio.gather(*map(day.account, family.members))
        lines += balances("余额 left", dict(zip(family.members, left, strict=True)))
        print("\n".join(lines) + "\n")


async def _is_due(context: ServiceContext) -> bool:
    """Whether the ledger holds the published rules alone, or a part of the demo."""
    if await context.store.position() <= await published_in_log(context):
        return True
    first = people(context)[0].request
    is_begun = await is_key_used(context, first.caller, first.key)
    return is_begun and not await is_sent(context, STEPS[-1].body["key"])
