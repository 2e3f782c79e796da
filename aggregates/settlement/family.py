"""A patient's family, and the payers that it makes for one bill.

The beneficiary's edition rules the order and the own money; each sponsor's edition rules what the
sponsor's purse may give (policy.md §3).
"""

from typing import NamedTuple

from aggregates.account.reserved import as_spent
from aggregates.account.state import Account, SponsorLink
from aggregates.binding.binding import Binding
from aggregates.binding.deduction_order import in_order
from aggregates.policy.choices import AuthoriserCode
from aggregates.policy.edition import Edition
from aggregates.pool.pool import Pool, as_payer, pays_from_pool, pooled_edition
from aggregates.settlement.cascade import Payers
from aggregates.settlement.place_of_care import PlaceOfCare, own_reason
from aggregates.settlement.purse import Purse, aid_limit, closed, own_purse, sponsor_purse
from aggregates.vocabulary import BindingStatus, Instant, Reason, StreamId


class Sponsor(NamedTuple):
    """One sponsor as read for a settlement; `pool` is the family pool, where there is one."""

    link: SponsorLink
    account: Account
    binding: Binding
    edition: Edition
    pool: Pool | None = None


class Family(NamedTuple):
    """A patient, the sponsors by account id, and the invitations not answered yet."""

    account_id: StreamId
    account: Account
    edition: Edition
    sponsors: dict[StreamId, Sponsor]
    invitations: tuple[tuple[StreamId, Binding], ...]


def editions_of(family: Family) -> dict[str, str]:
    """The ids of the editions that take part: the beneficiary's, and each sponsor's by binding."""
    editions = {"beneficiary": family.edition.id}
    for sponsor in family.sponsors.values():
        editions[sponsor.link.binding] = sponsor.edition.id
    return editions


def year_days_of(family: Family) -> set[str]:
    """The days MM-DD on which the insurance years of the patient and the sponsors begin."""
    editions = [family.edition, *(sponsor.edition for sponsor in family.sponsors.values())]
    return {edition.money.insurance_year_from for edition in editions}


def payers_of(family: Family, place: PlaceOfCare, now: Instant, code: str | None = None) -> Payers:
    """Everybody considered for a bill, in paying order; `code` is a sponsor's that was shown."""
    patient = as_spent(family.account, now)
    own = own_purse(
        family.account_id, patient, family.edition.money, own_reason(place, family.edition)
    )
    paying: dict[StreamId, Account] = {}
    purses: dict[StreamId, Purse] = {}
    for sponsor_id, s in family.sponsors.items():
        paying[sponsor_id] = payer = as_payer(s.account, s.pool, s.edition, now)
        purse = _purse_of(sponsor_id, s, payer, place, now)
        if s.edition.order.authoriser_code is AuthoriserCode.REQUIRED:
            purse = _opened_by(code, purse, s.account, now)
        purses[sponsor_id] = purse
    live: list[SponsorLink] = []
    lapsed: list[SponsorLink] = []
    for link in family.account.sponsors:
        binding = family.sponsors[link.sponsor].binding
        (live if binding.status_at(now) is BindingStatus.ACTIVE else lapsed).append(link)
    links = in_order(
        family.account,
        tuple(live),
        family.edition.order,
        lambda sponsor_id: family.sponsors[sponsor_id].account.region,
        lambda sponsor_id: paying[sponsor_id].balance_fen,
    )
    reason = None if links is not None else Reason.ORDER_NOT_SET
    if family.account.status not in family.edition.binding.beneficiary_status_ok:
        reason = Reason.BENEFICIARY_STATUS
    ordered = [purses[link.sponsor] for link in (*(live if links is None else links), *lapsed)]
    return Payers(
        own,
        (*ordered, *_invited(family, now)),
        reason,
        aid_limit(patient, family.edition.money, now),
    )


def _purse_of(
    sponsor_id: StreamId, sponsor: Sponsor, paying: Account, place: PlaceOfCare, now: Instant
) -> Purse:
    link = (sponsor.link.binding, sponsor.binding)
    if not pays_from_pool(sponsor.edition):
        return sponsor_purse(sponsor_id, paying, link, sponsor.edition, place, now)
    purse = sponsor_purse(sponsor_id, paying, link, pooled_edition(sponsor.edition), place, now)
    return purse._replace(from_pool=sponsor.account.pool)


def _opened_by(code: str | None, purse: Purse, sponsor: Account, now: Instant) -> Purse:
    """A sponsor's purse, closed unless his newest code was shown in time (regions.md §4 row 18)."""
    shown = sponsor.shown_code
    is_shown = shown is not None and shown.code == code and now.at < shown.expires_at
    if is_shown or purse.reason is not None:
        return purse
    return closed(purse.account, purse.binding, Reason.CODE_REQUIRED)


def _invited(family: Family, now: Instant) -> tuple[Purse, ...]:
    """The sponsors of open invitations: considered, and not active (S17)."""
    return tuple(
        [
            closed(binding.sponsor, binding_id, Reason.NOT_ACTIVE)
            for binding_id, binding in family.invitations
            if binding.status_at(now) is BindingStatus.INVITED
        ]
    )
