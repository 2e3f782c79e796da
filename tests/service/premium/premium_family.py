"""Two sponsors of one resident in the enrolment period, and invariants of their money."""

from datetime import UTC, datetime

from aggregates.account.events import PremiumDebited, PremiumReturned
from aggregates.account.state import Account
from aggregates.binding.binding import Offer
from aggregates.binding.events import Caps
from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import Premium
from aggregates.vocabulary import Bucket, Insurance, PremiumStatus, Relation, Use
from service.account import accounts
from service.binding import register_confirmed as register
from service.binding.parties import Invite
from service.caller import person
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.command import Reply
from service.policy import publish
from service.premium.premiums import PayPremium, pay
from service.vault import Personal
from tests.service.settlement.settled_family import AGENCY, REGION, asked

AT = datetime(2026, 10, 5, 2, tzinfo=UTC)
PAYEE, SPONSORS = "P1", ("S1", "S2")
EACH_FEN, STANDARD_FEN = 100_000, 40_000


async def settle_in(context: ServiceContext) -> None:
    """Publish the rules, and open the payee's and the sponsors' accounts, bound for premiums."""
    await publish(context)
    for number in (PAYEE, *SPONSORS):
        opening = accounts.OpenAccount(
            personal=Personal(number, "test", f"ID-{number}"),
            insurance=Insurance.RESIDENT if number == PAYEE else Insurance.EMPLOYEE,
            region=REGION,
            status="NORMAL",
            flags=(),
        )
        await accounts.open_account(context, asked(), opening)
    for sponsor in SPONSORS:
        money = accounts.CreditAccount(
            person_no=sponsor, amount_fen=EACH_FEN, bucket=Bucket.CURRENT, reference=None
        )
        await accounts.credit(context, asked(), money)
        offer = Offer(
            relation=Relation.CHILD,
            uses=(Use.CARE, Use.PREMIUM),
            caps=Caps(),
            valid_from=None,
            valid_until=None,
        )
        bound = register.Register(
            invite=Invite(sponsor=sponsor, beneficiary=PAYEE, offer=offer),
            confirmed_at=datetime(2025, 1, 1, tzinfo=UTC),
        )
        await register.register(context, asked(AGENCY), bound)


async def paid(context: ServiceContext, sponsor: str, key: str | None = None) -> Reply:
    """A sponsor pays the payee's premium of the coming year."""
    command = PayPremium(sponsor=None, payee=PAYEE, insurance=PremiumType.RESIDENT_BASIC, year=2027)
    return await pay(context, asked(person(context.vault, sponsor), key), command)


async def check_money(context: ServiceContext, booked: int) -> list[Premium]:
    """The debits equal what the tax authority booked, and no hold outlives its premium."""
    log = await context.store.page(0, 100_000)
    streams = {recorded.stream for recorded in log}
    heads = (await context.store.read([s for s in streams if s[:3] in {"acc", "prm"}], ())).heads
    premiums = {s: h.state for s, h in heads.items() if isinstance(h.state, Premium)}
    moved_fen = sum(_moved_fen(recorded) for recorded in log)
    sponsors = [head.state for head in heads.values() if isinstance(head.state, Account)]
    left_fen = sum(account.balance_fen for account in sponsors)
    open_holds = {hold.hold for account in sponsors for hold in account.holds}
    confirmed = [p for p in premiums.values() if p.status is PremiumStatus.CONFIRMED]

    assert booked == len(confirmed)
    assert booked * STANDARD_FEN == -moved_fen == len(SPONSORS) * EACH_FEN - left_fen
    assert {s for s, p in premiums.items() if _holds(p)} == open_holds
    assert len(confirmed) <= 1
    return list(premiums.values())


def _holds(premium: Premium) -> bool:
    waits = (PremiumStatus.HELD, PremiumStatus.SENT_TO_TAX, PremiumStatus.UNKNOWN)
    return premium.status in waits


def _moved_fen(recorded: Recorded) -> int:
    match recorded.event:
        case PremiumDebited(current_fen=current_fen, prior_fen=prior_fen):
            return -current_fen - prior_fen
        case PremiumReturned(current_fen=current_fen, prior_fen=prior_fen):
            return current_fen + prior_fen
        case _:
            return 0
