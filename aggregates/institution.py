"""A designated institution (定点医药机构), and whether its agreement is in force."""

from dataclasses import dataclass, replace
from datetime import date

from aggregates.refusals import InstitutionNotDesignatedError
from aggregates.settlement_events import AccountsCleared, InstitutionDesignated
from aggregates.vocabulary import InstitutionKind, InstitutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """An institution as its events left it."""

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool
    cleared_through: date | None = None


InstitutionEvent = InstitutionDesignated | AccountsCleared


def evolve(institution: Institution | None, event: InstitutionEvent) -> Institution:
    """The newest particulars are what holds; what was cleared stays so."""
    if isinstance(event, AccountsCleared):
        assert institution is not None, "an institution begins with InstitutionDesignated"
        return replace(institution, cleared_through=event.through)
    return Institution(
        code=event.code,
        name=event.name,
        kind=event.kind,
        region=event.region,
        status=event.status,
        opened_regions=event.opened_regions,
        sensitive=event.sensitive,
        cleared_through=institution.cleared_through if institution else None,
    )


def check_designated(institution: Institution) -> None:
    """Refuse an institution whose agreement is not in force (S103).

    Raises:
        InstitutionNotDesignatedError: suspended or ended.
    """
    if institution.status is not InstitutionStatus.ACTIVE:
        raise InstitutionNotDesignatedError(status=institution.status)
