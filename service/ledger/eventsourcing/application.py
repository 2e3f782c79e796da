"""The ledger as an `Application` of the eventsourcing library that only reads."""

from typing import Any, ClassVar, NoReturn, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, Repository
from eventsourcing.persistence import InfrastructureFactory, ProgrammingError
from eventsourcing.utils import Environment
from typing_extensions import override

from aggregates.vocabulary import StreamId
from service.ledger.eventsourcing.factory import LedgerFactory
from service.ledger.eventsourcing.mapper import LedgerEvent


class LedgerApplication(Application[UUID | str]):
    """Reads the ledger that `GONGJI_DATABASE_URL` names; a login as gongji_reader is enough.

    `repository.get("acc_…", version=n)` returns what the first n events of a stream fold to: an
    Account, a Binding, a Settlement, or the state of any other kind of stream. The id may also be
    the UUID that notifications carry. The schema is never migrated from here.
    """

    name = "Gongji"
    env: ClassVar[dict[str, str]] = {LedgerFactory.CREATE_TABLE: "no"}

    def stream_of(self, originator_id: UUID) -> StreamId:
        """The id of the stream that has a UUID; the way back is `mapper.uuid_of`.

        Raises:
            AggregateNotFoundError: no stream of ours has it.
        """
        first = next(self.events.get(originator_id, limit=1), None)
        if not isinstance(first, LedgerEvent):
            raise AggregateNotFoundError(originator_id)
        return first.stream

    @override
    def save(self, *objs: Any, **kwargs: Any) -> NoReturn:
        raise ProgrammingError(
            "this application only reads: use cases (service/settlement/settle.py for a bill)"
            " decide, and service/ledger/appender.py appends what they decided"
        )

    @override
    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        return cast("InfrastructureFactory", LedgerFactory(env))

    @override
    def construct_repository(self) -> Repository[UUID | str]:
        return Repository(self.events)  # uncached: a cache asks a state for its id and version
