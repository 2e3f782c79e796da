"""Every scenario that the rules alone can play (policy.md §8 and the keys of §3.2)."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import get_args, get_type_hints

import pytest

from aggregates.policy.choices import CapScope, OrderStrategy
from aggregates.policy.edition import Edition
from aggregates.vocabulary import Reason, Relation
from tests.cases.reading import Case, read_cases
from tests.cases.rules_driver import RulesDriver
from tests.cases.world import P0, editions_of, play

CASES = {case.id: case for case in read_cases().values() if case.level == "rules"}


@pytest.mark.parametrize("case", CASES.values(), ids=lambda c: c.id)
async def test_the_rules_decide_as_the_scenarios_say(case: Case) -> None:
    """What is given and what happens lead to what the scenario says."""
    await play(case, RulesDriver())


UNPUBLISHABLE: set[tuple[str, StrEnum]] = {
    ("order_fallback", OrderStrategy.BENEFICIARY_SET),
    ("order_fallback", OrderStrategy.SPONSOR_SET),
    ("order_then", OrderStrategy.BENEFICIARY_SET),
    ("order_then", OrderStrategy.SPONSOR_SET),
    ("order_then", OrderStrategy.SAME_REGION_FIRST),
    ("relations_allowed", Relation.GRANDPARENT),
    ("sponsor_cap_scope", CapScope.PER_BENEFICIARY),
    ("relations_allowed", Relation.GRANDCHILD),
}
"""Words that no region can say, or need not: a line unsaid is not a region's word."""
SECTIONS = ("order", "money", "binding", "refund", "quote")


def words_of(edition: Edition) -> Iterator[tuple[str, StrEnum]]:
    """Every word of an edition's sections, with its key."""
    for section in SECTIONS:
        terms = getattr(edition, section)
        for field in fields(terms):
            value = getattr(terms, field.name)
            words = tuple(value.values()) if isinstance(value, Mapping) else value
            for word in words if isinstance(words, tuple) else (words,):
                if isinstance(word, StrEnum):
                    yield field.name, word


def closed_sets() -> Mapping[str, type[StrEnum]]:
    """The keys of these sections that take a word, and their words."""
    found: dict[str, type[StrEnum]] = {}
    for section in SECTIONS:
        for key, hint in get_type_hints(type(getattr(P0, section))).items():
            for kind in (hint, *get_args(hint)):
                if isinstance(kind, type) and issubclass(kind, StrEnum):
                    found[key] = kind
    return found


def every_edition() -> list[Edition]:
    return [edition for case in read_cases().values() for edition in editions_of(case.given)]


def test_every_word_of_every_key_is_told() -> None:
    """Each value of each key of order, money and bindings stands in some scenario."""
    told = {pair for edition in every_edition() for pair in words_of(edition)}
    words = {(key, word) for key, kind in closed_sets().items() for word in kind}

    assert set() == words - told - UNPUBLISHABLE


def test_every_reason_is_told() -> None:
    """Each reason a payer can have stands in some scenario."""
    told = {
        word
        for case in CASES.values()
        for then in (case.then, *(step.then for step in case.when))
        for share in (then.own or "", *(then.aid or ()))
        for word in share.split()
    }

    assert set() == set(Reason) - told
