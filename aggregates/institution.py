"""A designated institution (定点医药机构), and whether its agreement is in force."""

from dataclasses import dataclass

from aggregates.refusals import InstitutionNotDesignatedError
from aggregates.settlement_events import InstitutionDesignated
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


def evolve(_: Institution | None, event: InstitutionDesignated) -> Institution:
    """The newest particulars are what holds."""
    return Institution(
        code=event.code,
        name=event.name,
        kind=event.kind,
        region=event.region,
        status=event.status,
        opened_regions=event.opened_regions,
        sensitive=event.sensitive,
    )


def check_designated(institution: Institution) -> None:
    """Refuse an institution whose agreement is not in force (S103).

    Raises:
        InstitutionNotDesignatedError: suspended or ended.
    """
    if institution.status is not InstitutionStatus.ACTIVE:
        raise InstitutionNotDesignatedError(status=institution.status)
