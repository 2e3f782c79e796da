"""Builders of a binding's events and its two sides."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aggregates.account.state import Account
from aggregates.binding.binding import Kin, Offer
from aggregates.binding.eligibility import Side
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    InvitationDeclined,
    InvitationSent,
)
from aggregates.binding.kinship import KinshipShown
from aggregates.vocabulary import (
    BindingStatus,
    Insurance,
    InsuranceStatus,
    KinshipEvidence,
    Relation,
    StreamId,
    Use,
    instant,
)
from tests.aggregates.settlement.families import P0

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
TODAY = NOW.on
DAY = timedelta(days=1)
SPONSOR, CHILD = StreamId("acc_sponsor"), StreamId("acc_child")
BINDING, OTHER = StreamId("bnd_1"), StreamId("bnd_2")
NO_CAPS = Caps()


def an_account(**changes: Any) -> Account:  # noqa: ANN401 -- any member of an account
    account = Account(
        region="990000",
        insurance=Insurance.EMPLOYEE,
        standing=InsuranceStatus.NORMAL,
        flags=(),
        year=TODAY.year,
    )
    return account._replace(**changes)


def a_side(account_id: StreamId, account: Account, **terms: Any) -> Side:  # noqa: ANN401
    return Side(account_id, account, replace(P0, binding=replace(P0.binding, **terms)))


def an_offer(**changes: Any) -> Offer:  # noqa: ANN401 -- any member of an offer
    offer = Offer(
        relation=Relation.CHILD, uses=(Use.CARE,), caps=NO_CAPS, valid_from=None, valid_until=None
    )
    return replace(offer, **changes)


def kin(relation: Relation = Relation.CHILD) -> Kin:
    """A registered kinship."""
    return Kin(KinshipShown(None, None, relation), None)


def sent(valid_from: date = TODAY, valid_until: date | None = None) -> InvitationSent:
    return InvitationSent(
        sponsor=SPONSOR,
        beneficiary=CHILD,
        relation=Relation.CHILD,
        uses=(Use.CARE,),
        caps=NO_CAPS,
        valid_from=valid_from,
        valid_until=valid_until,
        renews_months=None,
        evidence=KinshipEvidence.DATA_CHECK,
        evidence_reference=None,
        parent=None,
        expires_at=NOW.at + timedelta(hours=72),
        edition=P0.id,
        consent=None,
    )


def confirmed(active_from: date = TODAY, at: datetime = NOW.at) -> BindingConfirmed:
    return BindingConfirmed(confirmed_at=at, active_from=active_from, edition=P0.id, consent=None)


DECLINED = InvitationDeclined()
RELEASED = BindingReleased(status=BindingStatus.RELEASED, reason="told", last_on=None)
