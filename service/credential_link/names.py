"""The unique names of open links: one per slot of a guardian, and one per pair."""

from aggregates.credential_link.decisions import SLOTS, ExistingLinks
from aggregates.credential_link.link import Link
from aggregates.vocabulary import StreamId
from service.ledger.read_set import ReadSet
from service.vault import Vault


def names_of(vault: Vault, link: Link) -> tuple[bytes, bytes]:
    """The names of one open link: its slot's and its pair's."""
    pair = _pair_name(vault, link.guardian, link.member)
    return _slot_name(vault, link.guardian, link.slot), pair


def existing_links(
    reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId
) -> ExistingLinks:
    """The guardian's open links."""
    used = [slot for slot in SLOTS if reads.find(_slot_name(vault, guardian, slot)) is not None]
    return ExistingLinks(link_between(reads, vault, guardian, member), used)


def link_between(
    reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId
) -> StreamId | None:
    """The open link between two persons, also if it is only requested."""
    return reads.find(_pair_name(vault, guardian, member))


def is_linked(reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId) -> bool:
    """Whether a link relates the two; a guardian's request alone does not."""
    link_id = link_between(reads, vault, guardian, member)
    return link_id is not None and reads.link(link_id).is_known


def _slot_name(vault: Vault, guardian: StreamId, slot: int) -> bytes:
    return vault.name("link", f"{guardian}\0{slot}")


def _pair_name(vault: Vault, guardian: StreamId, member: StreamId) -> bytes:
    return vault.name("link_pair", f"{guardian}\0{member}")
