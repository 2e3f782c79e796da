"""A day of twelve families, told on the terminal in plain words, in Chinese and English.

The families are in `demo_families.py` and `demo_provinces.py`, the steps in `demo_steps.py` and
`demo_requests.py`, the words in `demo_words.py`. Everything goes through the use cases that
HTTP calls; nothing is put in beside them.
"""

from api.demo import families_ngari_fujian as demo_families
from api.demo import families_other_regions as demo_provinces
from api.demo import text as demo_words
from api.demo.families_ngari_fujian import PLACES
from api.demo.model import Bill
from api.demo.requests import is_taken, prepare
from api.demo.steps import Day
from service.context import ServiceContext

FAMILIES = demo_families.FAMILIES + demo_provinces.FAMILIES


async def tell_a_day(house: ServiceContext) -> None:
    """Load the families into an empty ledger and settle their day; told only once.

    A day that was cut off is told again to its end: what was done before is only answered.
    """
    if await house.store.position() > _published(house) and not await _is_half_told(house):
        return
    print(f"{demo_words.TITLE}\n")
    await prepare(house, PLACES, FAMILIES)
    day = Day(house)
    who = {member.number: member for family in FAMILIES for member in family.members}
    for number, family in enumerate(FAMILIES, 1):
        lines = demo_words.heading(number, family)
        await day.meet(family)
        for step in family.steps:
            async for happened in day.take(step):
                lines += demo_words.tell(happened, who)
        lines += demo_words.left(await day.left(family))
        print("\n".join(lines) + "\n")


def _published(house: ServiceContext) -> int:
    regions = house.policies.regions()
    return sum(len(house.policies.editions(region)) for region in regions)


async def _is_half_told(house: ServiceContext) -> bool:
    """Whether a demo was begun and its end was never reached."""
    last = FAMILIES[-1].steps[-1]
    assert isinstance(last, Bill), "the day ends with a bill"
    return await is_taken(house, PLACES[0]) and not await is_taken(house, last)
