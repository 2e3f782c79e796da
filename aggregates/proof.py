"""What the ledger says about itself: an operator declared that its history forks here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkAccepted:
    """The log goes on from here under a new signing key, though another history was signed.

    `text` is the operator's reason, `difference` how the log differs from the checkpoint that was
    signed over `signed_size` rows with this `signed_root` (hex); 0 and "" where none can be read.
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
    """A fork is declared once, and is never over."""
    del fork
    return Fork(text=event.text)
