"""Which patients this process identified lately."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregates.vocabulary import Instant
from service.caller import Caller

REMEMBERED = timedelta(minutes=30)
"""How long an institution that identified a patient need not send the credential again (own)."""
REMEMBERED_MAX = 100_000


@dataclass(slots=True)
class Identified:
    """Which patients an institution identified in the last minutes (1101, then 2201 or 2207).

    In memory of one process: after a restart the credential is sent again. A visit's own proof is
    in the log. The patient who was identified longest ago is dropped first.
    """

    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def note(self, caller: Caller, person_no: str, now: Instant) -> None:
        """Remember that the institution identified the patient by a credential."""
        key = (caller.subject, person_no)
        self._until.pop(key, None)
        self._until[key] = now.at + REMEMBERED
        if len(self._until) > REMEMBERED_MAX:
            del self._until[next(iter(self._until))]

    def is_noted(self, caller: Caller, person_no: str, now: Instant) -> bool:
        """Whether the institution identified the patient lately."""
        until = self._until.get((caller.subject, person_no))
        return until is not None and now.at <= until
