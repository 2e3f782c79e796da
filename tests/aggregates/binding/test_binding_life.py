"""When a binding pays, and how it changes and ends (policy.md §3.2, §8.2)."""

from dataclasses import asdict, fields, replace
from datetime import date
from typing import Any, cast

import pytest

from aggregates.binding.binding import CapsChange, change_grant, evolve, release
from aggregates.binding.eligibility import Side
from aggregates.binding.events import Caps, GrantChanged
from aggregates.policy.choices import UnbindBy, UnbindEffective
from aggregates.refusals import (
    DateInvalidError,
    NotActiveError,
    NotPermittedError,
    RefusalError,
    TooEarlyError,
)
from aggregates.vocabulary import BindingStatus, StreamId, Use, instant
from tests.aggregates.binding.grants import (
    CHILD,
    DAY,
    DECLINED,
    NOW,
    RELEASED,
    SPONSOR,
    TODAY,
    a_side,
    an_account,
    confirmed,
    sent,
)
from tests.given_when_then import given

CAP_NAMES = tuple(member.name for member in fields(Caps))


@pytest.mark.parametrize(
    ("events", "days", "status", "pays"),
    [
        ((sent(),), 0, BindingStatus.INVITED, False),
        ((sent(),), 3, BindingStatus.INVITED, False),
        ((sent(),), 4, BindingStatus.EXPIRED, False),
        ((sent(), DECLINED), 0, BindingStatus.DECLINED, False),
        ((sent(), confirmed()), 0, BindingStatus.ACTIVE, True),
        ((sent(), confirmed(TODAY + DAY)), 0, BindingStatus.ACTIVE, False),
        ((sent(), confirmed(TODAY + DAY)), 1, BindingStatus.ACTIVE, True),
        ((sent(valid_until=TODAY), confirmed()), 0, BindingStatus.ACTIVE, True),
        ((sent(valid_until=TODAY), confirmed()), 1, BindingStatus.EXPIRED, False),
        ((sent(), confirmed(), RELEASED), 0, BindingStatus.RELEASED, False),
        ((sent(), confirmed(), replace(RELEASED, last_on=TODAY)), 0, BindingStatus.ACTIVE, True),
        ((sent(), confirmed(), replace(RELEASED, last_on=TODAY)), 1, BindingStatus.RELEASED, False),
        (
            (sent(), confirmed(), replace(RELEASED, status=BindingStatus.ENDED)),
            0,
            BindingStatus.ENDED,
            False,
        ),
    ],
)
def test_a_binding_pays_on_the_days_it_is_active(
    events: tuple[object, ...], days: int, status: BindingStatus, *, pays: bool
) -> None:
    """Invitations and grants expire without an event; a release may take effect the next day."""
    binding = given(evolve, *events).state
    then = instant(NOW.at + days * DAY)

    assert (status, pays) == (binding.status_at(then), binding.pays_at(then))


def test_a_sponsor_changes_what_he_grants() -> None:
    """Uses, caps and end can change; a past end and an inactive grant are refused."""
    caps = CapsChange(per_day_fen=100)
    new = GrantChanged(uses=(Use.PREMIUM,), caps=Caps(per_day_fen=100), valid_until=TODAY)
    story = given(evolve, sent(), confirmed())

    story.when(lambda b: change_grant(b, NOW, (Use.PREMIUM,), caps, TODAY)).then(new)
    story.when(lambda b: change_grant(b, NOW, b.uses, caps, TODAY - DAY)).then_refused(
        DateInvalidError
    )
    given(evolve, sent()).when(lambda b: change_grant(b, NOW, b.uses, caps, None)).then_refused(
        NotActiveError
    )
    after = given(evolve, sent(), confirmed(), new).state
    assert ((Use.PREMIUM,), new.caps, TODAY) == (after.uses, after.caps, after.valid_until)


@pytest.mark.parametrize("name", CAP_NAMES)
@pytest.mark.parametrize("cap_fen", [None, 0, 700])
def test_a_change_of_one_cap_leaves_the_others(name: str, cap_fen: int | None) -> None:
    """A cap can be set or removed; the other three stay unchanged."""
    all_four = Caps(**{each: 100 + at for at, each in enumerate(CAP_NAMES)})
    binding = given(evolve, replace(sent(), caps=all_four), confirmed()).state

    change = cast("CapsChange", {name: cap_fen})
    event = change_grant(binding, NOW, binding.uses, change, binding.valid_until)

    assert asdict(all_four) | {name: cap_fen} == asdict(event.caps)


def test_a_change_of_no_cap_leaves_all() -> None:
    """A change of uses alone keeps the caps."""
    caps = Caps(per_settlement_fen=100, per_year_fen=900)
    binding = given(evolve, replace(sent(), caps=caps), confirmed()).state

    assert caps == change_grant(binding, NOW, (Use.CARE,), {}, None).caps


def terms(**changes: Any) -> Side:  # noqa: ANN401 -- any term
    return a_side(SPONSOR, an_account(), **changes)


@pytest.mark.parametrize(
    ("effective", "bound_days_ago", "last_on"),
    [
        (UnbindEffective.IMMEDIATE, 0, None),
        (UnbindEffective.NEXT_DAY, 0, TODAY),
        (UnbindEffective.NEXT_DAY, 400, TODAY),
        (UnbindEffective.NEXT_DAY_IF_BOUND_TODAY, 0, TODAY),
        (UnbindEffective.NEXT_DAY_IF_BOUND_TODAY, 1, None),
    ],
)
def test_a_release_takes_effect_when_the_region_says(
    effective: UnbindEffective, bound_days_ago: int, last_on: date | None
) -> None:
    """A release takes effect at once, or at the end of the day."""
    region = terms(unbind_effective=effective)
    story = given(evolve, sent(), confirmed(at=NOW.at - bound_days_ago * DAY))
    story.when(lambda b: release(b, region, by=CHILD, reason="told", now=NOW)).then(
        replace(RELEASED, last_on=last_on)
    )


@pytest.mark.parametrize(
    ("after", "by", "region", "error"),
    [
        ((), CHILD, terms(), NotActiveError),
        ((DECLINED,), SPONSOR, terms(), NotActiveError),
        ((confirmed(), RELEASED), SPONSOR, terms(), NotActiveError),
        ((confirmed(), replace(RELEASED, last_on=TODAY)), SPONSOR, terms(), NotActiveError),
        ((confirmed(),), CHILD, terms(unbind_by=UnbindBy.SPONSOR), NotPermittedError),
        ((confirmed(),), SPONSOR, terms(min_bind_days=1), TooEarlyError),
    ],
)
def test_a_release_is_refused(
    after: tuple[object, ...], by: StreamId, region: Side, error: type[RefusalError]
) -> None:
    """A release is refused without a grant, by the wrong side, or too early (S32)."""
    story = given(evolve, sent(), *after)
    story.when(lambda b: release(b, region, by=by, reason="told", now=NOW)).then_refused(error)


def test_a_sponsor_takes_an_open_invitation_back() -> None:
    """An open invitation is released at once."""
    region = terms(min_bind_days=90, unbind_effective=UnbindEffective.NEXT_DAY)
    given(evolve, sent()).when(
        lambda b: release(b, region, by=SPONSOR, reason="told", now=NOW)
    ).then(RELEASED)
