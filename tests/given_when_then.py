"""Rules told as stories: given these events, when this is decided, then this happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from aggregates.refusals import RefusalError

S = TypeVar("S")


@dataclass(frozen=True)
class When(Generic[S]):
    """A decision about to be made on a state."""

    state: S
    decision: Callable[[S], object]

    def then(self, expected: object) -> None:
        """The decision is this event."""
        assert expected == self.decision(self.state)

    def then_refused(self, error: type[RefusalError], **fields: object) -> None:
        """The decision is this refusal and no kind of it, with at least these fields."""
        with pytest.raises(RefusalError) as refusal:
            self.decision(self.state)
        assert error is type(refusal.value)
        assert fields == {name: refusal.value.fields[name] for name in fields}


@dataclass(frozen=True)
class Given(Generic[S]):
    """A state that events led to."""

    state: S

    def when(self, decision: Callable[[S], object]) -> When[S]:
        """Decide something on it."""
        return When(self.state, decision)


def fold(evolve: Callable[[Any, Any], S], *events: object) -> S:
    """The state that these events lead to."""
    assert events, "a state begins with an event"
    state: Any = None
    for event in events:
        state = evolve(state, event)
    folded: S = state
    return folded


def given(evolve: Callable[[Any, Any], S], *events: object) -> Given[S]:
    """Begin a story with what happened before."""
    return Given(fold(evolve, *events))
