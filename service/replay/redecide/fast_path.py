"""A command that only settles one bill, decided again whole: most of a log is such commands.

Of the bill's event only the inputs are decoded. What the rules make of them is written as
bytes, and so is every debit and the aid: each must be what is stored, at the version that
follows. Where anything at all is otherwise, nothing has changed, and the events are taken one
by one, which tells what it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aggregates.account.events import AidReceived, Debited
from aggregates.account.fold import evolve
from aggregates.account.state import Account
from aggregates.institution import check_designated
from aggregates.pool.events import PoolDebited
from aggregates.settlement.events import Claim, Settled
from aggregates.settlement.family import Family
from aggregates.settlement.place_of_care import PlaceOfCare
from aggregates.settlement.settlement import ClaimSplit, debits_of, settled_of, split_claim
from aggregates.vocabulary import Instant, StreamId, instant
from service.ledger.codec import parts
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.read_set import ReadSet
from service.ledger.store import StreamHead
from service.replay.decoding import Inputs, Stored, inputs_of, read_act, read_event, written
from service.replay.partition import Partition
from service.settlement.claims import family_of, place_of
from service.vault import Vault

SETTLED, DEBITED, AID = "settlement.settled/1", "account.debited/1", "account.aid-received/1"
MOVES = (DEBITED, AID)


class PlainCommand(NamedTuple):
    """What a plain command did: by which key, for which bill, and to which heads."""

    key_digest: str
    settled: Settled
    heads: dict[StreamId, StreamHead]


def plain_end(rows: Sequence[Stored], at: int) -> int:
    """Where a command ends that begins here and only settles a bill; `at` where it does not.

    A page's last command is none: nobody knows yet whether it goes on. The bill's own row has
    no state where another share decides it.
    """
    end, last = at, len(rows) - 1
    while end < last and rows[end].topic in MOVES:
        end += 1
    first = rows[at].state
    if rows[end].topic != SETTLED or rows[end].version != 1 or first is None:
        return at
    act = first[: first.find(b',"event":')]
    for row in rows[at + 1 : end + 1]:
        if not (row.topic == SETTLED if row.state is None else row.state.startswith(act)):
            return at
    for beyond in range(end + 1, last + 1):
        state = rows[beyond].state
        if state is not None:
            return at if state.startswith(act) else end + 1
    return at


def settled_again(world: Overlay, vault: Vault, rows: Sequence[Stored]) -> PlainCommand | None:
    """A plain command decided again; None where it comes out otherwise in anything.

    Raises:
        UnreadError: a state is needed that is not loaded yet.
    """
    try:
        return _settled_again(world, vault, rows)
    except UnreadError:
        raise
    except Exception:  # noqa: BLE001 -- what was tampered with may break any rule: taken one by one
        return None


def _settled_again(world: Overlay, vault: Vault, rows: Sequence[Stored]) -> PlainCommand | None:
    bill = rows[-1]
    assert bill.state is not None, "it was looked at"
    act, event = parts(bill.state)
    told = inputs_of(event)
    if told is None or bill.amount_fen is not None:
        return None
    made = _made(world, vault, told)
    if made is None or written(made) != event:
        return None
    heads = _folded(world, bill.stream, made, rows)
    if heads is None:
        return None
    return PlainCommand(read_act(act).key_digest, made, heads)


def _made(world: Overlay, vault: Vault, told: Inputs) -> Settled | None:
    """The bill as the rules settle it; None where not all was read, or not as it was."""
    now = instant(told.settled_at)
    reads = ReadSet(world, now, vault)
    claim_split = split_again(reads, vault, told.claim, now)
    head = world.head
    if not (reads.read.keys() <= told.read.keys()) or any(
        head(stream).version != version for stream, version in told.read.items()
    ):
        return None
    # The moment is written as it was stored, whatever its offset.
    at = Instant(told.settled_at, now.on)
    return settled_of(claim_split, told.read, at, is_changed=told.changed)


def _folded(
    world: Overlay, bill: StreamId, made: Settled, rows: Sequence[Stored]
) -> dict[StreamId, StreamHead] | None:
    """The accounts' new heads; None unless exactly what was decided was stored, in order."""
    moves = debits_of(bill, made)
    if len(moves) != len(rows) - 1:
        return None
    heads: dict[StreamId, StreamHead] = {}
    for (stream, event), row in zip(moves, rows, strict=False):
        version, before = heads.get(stream) or world.head(stream)
        if isinstance(event, PoolDebited):
            return None  # `plain_end` begins no such command
        fen = _moved_fen(event)
        if (
            row.stream != stream
            or row.version != version + 1
            or row.amount_fen != fen
            or parts(row.state or b"")[1] != written(event)
            or not isinstance(before, Account)
        ):
            return None
        after = evolve(before, event)
        if after.balance_fen - before.balance_fen != (fen or 0) or not is_sound(after, before):
            return None
        heads[stream] = StreamHead(row.version, after)
    return heads


def passed_on(
    world: Overlay, rows: Sequence[Stored], share: Partition
) -> dict[StreamId, StreamHead] | None:
    """The heads after the moves of a bill that another share decides; None where one is odd.

    Raises:
        UnreadError: an account is not loaded yet.
    """
    heads: dict[StreamId, StreamHead] = {}
    for row in rows:
        stream = row.stream
        try:
            event = read_event(row.topic, parts(row.state or b"")[1])
        except ValueError:
            return None
        version, before = heads.get(stream) or world.head(stream)
        if not isinstance(event, Debited | AidReceived) or share.has(event.settlement):
            return None
        fen = _moved_fen(event)
        if row.version != version + 1 or row.amount_fen != fen or not isinstance(before, Account):
            return None
        after = evolve(before, event)
        if after.balance_fen - before.balance_fen != (fen or 0) or not is_sound(after, before):
            return None
        heads[stream] = StreamHead(row.version, after)
    return heads


def _moved_fen(event: Debited | AidReceived) -> int | None:
    return -(event.current_fen + event.prior_fen) if isinstance(event, Debited) else None


def is_sound(after: Account, before: Account) -> bool:
    """Whether no bucket is below zero, and what is kept aside is as it was."""
    return after.current_fen >= 0 and after.prior_fen >= 0 and after.suspended is before.suspended


def split_again(reads: ReadSet, vault: Vault, claim: Claim, now: Instant) -> ClaimSplit:
    """A bill split again.

    Raises:
        RefusalError: it is refused today as it should have been then.
    """
    family, place = inputs_again(reads, vault, claim, now)
    return split_claim(claim, family, place, now)


def inputs_again(
    reads: ReadSet, vault: Vault, claim: Claim, now: Instant
) -> tuple[Family, PlaceOfCare]:
    """What a bill is decided on again; it raises as `split_again`."""
    institution = reads.institution(claim.institution)
    check_designated(institution)
    family = family_of(reads, vault, claim.beneficiary, now)
    return family, place_of(institution, claim, family.account, now)
