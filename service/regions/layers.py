"""Layers of policy: a file states only what differs from the file that it inherits (regions.md §1).

The layers are read apart and published flat: one whole edition for each day on which a layer
changes. Its id names the editions that it is made of, `city-edition over province-edition`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

OVER = " over "
"""Joins the ids of the layers in the id of a flat edition, the uppermost first."""
ALONE = "none"
"""What an edition says under `inherits` if it states every key although its file inherits."""
OF_THE_LAYER = frozenset(
    {
        *("id", "effective_on", "effective_until", "shadow_from"),
        *("source", "evidence", "evidence_of", "inherits"),
    }
)
"""Members that describe a layer itself and are never inherited.

A date of the layer below counts where that layer's new edition makes the flat one.
"""

Stated = Mapping[str, Any]
"""An edition as its file states it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatEdition:
    """A whole edition, with the id of the layer that states each dotted key."""

    content: dict[str, Any]
    stated_by: dict[str, str]


class LayerFault(ValueError):  # noqa: N818 -- a finding of the check, not an error of the service
    """An edition cannot be laid over the file it inherits from."""

    def __init__(self, edition: str, what: str) -> None:
        super().__init__(what)
        self.edition = edition


def flatten(
    inherits: str | None, editions: Sequence[Stated], below: Sequence[FlatEdition]
) -> list[FlatEdition]:
    """The flat editions of a file over those of the file it inherits from, oldest first.

    Raises:
        LayerFault: an edition inherits, and nothing below is in force on its first day.
    """
    flat: list[FlatEdition] = []
    for number, stated in enumerate(editions):
        if inherits is None or stated.get("inherits") == ALONE:
            flat.append(_alone(stated))
            continue
        until = _first_day(editions[number + 1]) if number + 1 < len(editions) else None
        flat += _laid_over(stated, below, until)
    return flat


def _alone(stated: Stated) -> FlatEdition:
    content = {key: value for key, value in stated.items() if key != "inherits"}
    layer = str(stated.get("id", ""))
    return FlatEdition(content=content, stated_by=dict.fromkeys(_keys(content), layer))


def _laid_over(
    stated: Stated, below: Sequence[FlatEdition], until: date | None
) -> list[FlatEdition]:
    """An edition over each edition below that is in force in its time."""
    begins, name = _first_day(stated), str(stated.get("id", ""))
    begun = [flat for flat in below if _first_day(flat.content) <= begins]
    if not begun:
        raise LayerFault(name, f"inherits from a file that has no edition in force on {begins}")
    later = [flat for flat in below if begins < _first_day(flat.content)]
    during = [flat for flat in later if until is None or _first_day(flat.content) < until]
    flat = [_merged(stated, begun[-1], begins)]
    flat += [_merged(stated, each, _first_day(each.content)) for each in during]
    if "effective_until" in stated:
        flat[-1].content["effective_until"] = stated["effective_until"]
    return flat


def _merged(stated: Stated, below: FlatEdition, on: date) -> FlatEdition:
    name = str(stated.get("id", ""))
    own = {key: value for key, value in stated.items() if key not in OF_THE_LAYER}
    own_keys = tuple(_keys(own))
    again = tuple(cited_as(key) for key in own_keys)
    cited = {
        key: citation
        for key, citation in below.content.get("evidence_of", {}).items()
        if not any(f"{key}.".startswith(f"{restated}.") for restated in again)
    }
    content = _laid(below.content, own) | {
        "id": f"{name}{OVER}{below.content['id']}",
        "effective_on": on,
        "source": stated.get("source"),
        "evidence": stated.get("evidence"),
        "evidence_of": cited | dict(stated.get("evidence_of", {})),
    }
    content.pop("effective_until", None)
    dated = stated if on == _first_day(stated) else below.content
    content |= {"shadow_from": dated.get("shadow_from")}
    return FlatEdition(
        content=content,
        stated_by=below.stated_by | dict.fromkeys(own_keys, name),
    )


def cited_as(key: str) -> str:
    """A dotted key without its section, as `evidence_of` names it."""
    return key.partition(".")[2] or key


def stated_keys(stated: Stated) -> tuple[str, ...]:
    """The dotted keys that an edition of a file states itself."""
    return tuple(_keys({k: v for k, v in stated.items() if k not in OF_THE_LAYER}))


def _laid(below: Stated, above: Stated) -> dict[str, Any]:
    """Tables merge key by key; everything else is replaced."""
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            laid[key] = _laid(under, value)
        else:
            laid[key] = value
    return laid


def _keys(content: Stated, within: str = "") -> Iterator[str]:
    """The dotted keys that hold a value: of sections and of the tables within them."""
    for key, value in content.items():
        if within == "" and key in OF_THE_LAYER:
            continue
        if isinstance(value, dict) and value:
            yield from _keys(value, f"{within}{key}.")
        else:
            yield f"{within}{key}"


def _first_day(stated: Stated) -> date:
    day = stated.get("effective_on")
    return day if isinstance(day, date) else date.max
