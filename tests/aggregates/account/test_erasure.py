"""When a person may be erased."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregates.account.erasure import (
    ErasureInputs,
    ErasureNotAllowedError,
    ErasureOrder,
    erase,
    still_open,
)
from aggregates.account.events import PersonErased
from aggregates.account.state import Account, AccountHold, Suspended
from aggregates.refusals import EvidenceInvalidError
from aggregates.vocabulary import (
    Ending,
    ErasureReason,
    Insurance,
    InsuranceStatus,
    StreamId,
    instant,
)

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
ENDED = Account(
    "990000",
    Insurance.EMPLOYEE,
    InsuranceStatus.NORMAL,
    (),
    2026,
    ending=Ending.DECEASED,
    current_fen=5,
)
ORDER = ErasureOrder(ErasureReason.RETENTION_OVER, "PIPL 47(1)(2)")
WHO = ErasureInputs(("P1001", "李华", "11010519491231002X"))


def a_hold(ends_in: timedelta | None) -> AccountHold:
    ends_at = None if ends_in is None else NOW.at + ends_in
    return AccountHold(StreamId("hld_1"), None, 100, 0, 0, date(2026, 3, 2), ends_at)


def test_who_ended_may_go() -> None:
    """An ended account with nothing open: the event has the reason, law and day."""
    erased = erase(ENDED, WHO, ORDER, NOW)

    expected = PersonErased(reason=ORDER.reason, legal_basis=ORDER.legal_basis, on=NOW.on)
    assert expected == erased


@pytest.mark.parametrize(
    ("account", "left"),
    [
        (ENDED._replace(ending=None), ["account"]),
        (ENDED._replace(holds=(a_hold(timedelta(minutes=1)),)), ["holds"]),
        (ENDED._replace(holds=(a_hold(None),)), ["premiums"]),
        (ENDED._replace(suspended=(Suspended("T1", 100),)), ["suspense"]),
        (ENDED._replace(invitations=((StreamId("bnd_1"), StreamId("acc_2")),)), ["bindings"]),
        (ENDED._replace(holds=(a_hold(-timedelta(minutes=1)),)), []),
    ],
)
def test_what_is_still_open_keeps_the_person(account: Account, left: list[str]) -> None:
    """Everything open is named and refuses the erasure; expired holds do not."""
    assert left == still_open(account, NOW)
    if left:
        with pytest.raises(ErasureNotAllowedError) as refused:
            erase(account, WHO, ORDER, NOW)
        assert {"open": left} == refused.value.fields


@pytest.mark.parametrize("identity", WHO.identities)
def test_the_legal_basis_names_nobody(identity: str) -> None:
    """The legal basis may not contain the person's name or numbers."""
    with pytest.raises(EvidenceInvalidError):
        erase(ENDED, WHO, ErasureOrder(ErasureReason.LAW, f"file {identity}"), NOW)


def test_an_open_premium_keeps_its_payee() -> None:
    """A payee is kept until the tax authority has answered."""
    with pytest.raises(ErasureNotAllowedError) as refused:
        erase(ENDED, WHO._replace(is_payee=True), ORDER, NOW)

    assert {"open": ["premiums"]} == refused.value.fields


def test_money_in_the_family_pool_keeps_its_owner() -> None:
    """The agency takes it back to the account first, once the tax authority has answered."""
    with pytest.raises(ErasureNotAllowedError) as refused:
        erase(ENDED, WHO._replace(pool_fen=1), ORDER, NOW)

    assert {"open": ["pool"]} == refused.value.fields
