"""The ledger's events about itself: an operator declared that its history forks here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkAccepted:
    """The log continues from here under a new signing key, although another history was signed.

    `text` is the operator's reason, `difference` how the log differs from the checkpoint that was
    signed over `signed_size` rows with the root `signed_root` (hex); 0 and "" if it is unreadable.
    """

    text: str
    difference: str
    signed_size: int
    signed_root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A fork that was declared."""

    text: str


def evolve(fork: Fork | None, event: ForkAccepted) -> Fork:
    """A fork is declared once and has no later event."""
    del fork
    return Fork(text=event.text)
