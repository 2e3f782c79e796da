"""What a process remembers: heads, and persons for as long as they may be remembered."""

from aggregates.account.state import Account, HeldCredential
from aggregates.policy.rulebook import Rulebook
from aggregates.vocabulary import CredentialType, StreamId
from service.ledger.head_cache import PERSONS_KEPT_S, HeadCache
from service.ledger.overlay import Overlay
from service.ledger.store import SealedPerson, StreamHead
from tests.projections.recorded_families import an_id
from tests.service.ledger.batches import OTHER, PURSE, Teller

SOMEBODY = SealedPerson("sealed", b"key")
OF_TEST = Teller().opening().heads


def landed(*persons: tuple[StreamId, SealedPerson]) -> Overlay:
    overlay = Overlay()
    overlay.heads.update({stream: OF_TEST[stream] for stream in (PURSE, OTHER)})
    overlay.persons.update(persons)
    return overlay


def test_a_person_goes_with_the_head_of_his_account() -> None:
    """Who was forgotten, or has no head here, is asked for again."""
    memory = HeadCache()
    memory.merge(landed((PURSE, SOMEBODY), (OTHER, SOMEBODY), (an_id("acc", 9), SOMEBODY)))
    assert {PURSE: SOMEBODY, OTHER: SOMEBODY} == memory.persons

    memory.forget([PURSE])
    assert {OTHER: SOMEBODY} == memory.persons

    memory.merge(landed((OTHER, SealedPerson("sealed", None))))
    assert {} == memory.persons


def test_a_person_goes_with_the_oldest_head() -> None:
    """There are never more persons than heads."""
    memory = HeadCache(heads_max=1)
    memory.merge(landed((PURSE, SOMEBODY), (OTHER, SOMEBODY)))
    assert set(memory.heads) == set(memory.persons)
    assert 1 == len(memory.persons)


def test_persons_are_forgotten_in_time() -> None:
    """A minute after the last time everybody was forgotten, everybody is forgotten again."""
    memory = HeadCache()
    memory.forget_persons(1000.0)
    memory.merge(landed((PURSE, SOMEBODY)))
    memory.forget_persons(1000.0 + PERSONS_KEPT_S)
    assert {PURSE: SOMEBODY} == memory.persons

    memory.forget_persons(1001.0 + PERSONS_KEPT_S)
    assert {} == memory.persons


def test_the_names_of_a_credential_s_holder_go_with_the_head() -> None:
    """Another process may withdraw a card: its name is loaded again with the account."""
    memory, held = HeadCache(), HeldCredential(CredentialType.SOCIAL_CARD, "sealed")
    overlay = landed()
    before = overlay.heads[PURSE]
    assert isinstance(before.state, Account)
    holder = before._replace(state=before.state._replace(credentials=(held,)))
    overlay.heads[PURSE] = holder
    overlay.names.update({b"card": PURSE, b"other": OTHER})
    memory.merge(overlay)
    assert {b"card": PURSE, b"other": OTHER} == memory.names

    memory.forget([PURSE, OTHER])
    assert {b"other": OTHER} == memory.names


def test_a_freed_name_is_forgotten() -> None:
    """A withdrawn card leads nowhere in the process that withdrew it."""
    memory, overlay = HeadCache(), landed()
    overlay.names[b"card"] = PURSE
    memory.merge(overlay)
    freed = landed()
    freed.names[b"card"] = None
    memory.merge(freed)

    assert {} == memory.names


def test_the_rules_outlive_every_account() -> None:
    """Rules are never evicted, nor is their name; what may be stale is forgotten and read again."""
    memory, rules = HeadCache(heads_max=1), StreamId("pol_" + "1" * 32)
    overlay = landed()
    overlay.heads[rules] = StreamHead(1, Rulebook(region="990000", editions=()))
    overlay.names.update({b"region": rules, b"one": PURSE, b"other": OTHER})
    memory.merge(overlay)
    assert rules in memory.heads
    assert 2 == len(memory.heads)
    assert rules == memory.names[b"region"]

    memory.forget([rules])
    assert rules not in memory.heads
