"""Read the persons behind account ids, and mask names for those who may not see them whole."""

from collections.abc import Iterable

from aggregates.vocabulary import StreamId
from service.caller import Caller, Role
from service.context import ServiceContext
from service.request_context import note
from service.vault import Personal

SURNAMES = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 "
    "濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 令狐 百里 呼延 东郭 南门 "
    "西门 歐陽 東方 諸葛 尉遲 鍾離 長孫 鮮于 聞人 澹臺 東郭 南宮"
)
COMPOUND = frozenset(SURNAMES.split())
"""Surnames of two characters."""
STARS_MAX = 3
"""The most stars of a mask: more would show how long a name is."""


async def persons_of(
    context: ServiceContext, accounts: Iterable[StreamId]
) -> dict[StreamId, Personal | None]:
    """Personal data by account id; None where the person was erased.

    Raises:
        KeyFileError: a sealed person does not open under this ledger's keys.
    """
    account_ids = list(dict.fromkeys(accounts))
    note(account_ids)
    stored = await context.store.read((), (), account_ids)
    return {
        account_id: context.vault.unseal(person.sealed, person.wrapped, account_id)
        for account_id, person in stored.persons.items()
    }


async def masked_names_of(
    context: ServiceContext, accounts: Iterable[StreamId]
) -> dict[StreamId, str | None]:
    """Masked names by account id; None where the person was erased. It raises as `persons_of`."""
    persons = await persons_of(context, accounts)
    return {account: person and masked(person.name) for account, person in persons.items()}


def name_for(caller: Caller, person: Personal | None) -> str | None:
    """A person's name as a caller reads it: his own whole, anybody else's masked.

    None of an erased person, and of one who is not shown.
    """
    if person is None:
        return None
    is_own = caller.role is Role.PERSON and caller.subject == person.person_no
    return person.name if is_own else masked(person.name)


def masked(name: str) -> str:
    """A name as relatives and institutions may see it (policy.md §6.2): 张*, 王**, 欧阳**.

    The surname is shown, and up to `STARS_MAX` stars stand for the characters behind it. A name
    of one character, and one that does not begin with a letter, is all stars.
    """
    bare = name.strip()
    shown = 2 if len(bare) > 2 and bare[:2] in COMPOUND else 1  # noqa: PLR2004 -- 欧阳锋, not 欧阳
    if len(bare) == 1 or not bare[:shown].isalpha():
        shown = 0
    return bare[:shown] + "*" * max(1, min(len(bare) - shown, STARS_MAX))
