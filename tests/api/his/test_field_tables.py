"""The field tables are those that a province publishes, but for the deviations in one list."""

import hashlib
import json
from collections.abc import Iterable

from api.his.wire.field_tables import TRANSACTIONS
from tests.api.his.published import declared, found

WRITING = (
    *("2102", "2103", "2201", "2202", "2203", "2204", "2205", "2207", "2208"),
    *("2301", "2302", "2304", "2305", "2401", "2402", "2403", "2404", "2405"),
    *("2601", "3203", "3204"),
)
"""What writes, and is answered as before if it comes again with the same input."""
INPUTS = "9a40de7ed6011a8653aa2da19f89277eb939640dca41b9d296ca5b6eb3a5408f"
"""The fields of their inputs, as every release so far has read them."""


LATER = {
    ("4101",): "3dc6f48b41f485cd104bd940954b931dfb30ad3c092f1c69ba7e497a501ea468",
    ("2503", "2504"): "1ad9039a9c7b84ee52ef430d3d9bffe1a2aab10963bcdec236499e5a29cbfd67",
}
"""The same of what writes since a later release."""


def test_every_deviation_is_declared_and_every_declared_one_exists() -> None:
    """`api/his/deviations.toml` says of each what differs, why, and where that is from."""
    told, is_so = {one for one in declared() if one.what != "empty"}, found()

    assert [] == sorted(is_so - told), f"{len(is_so - told)} deviations are not declared"
    assert [] == sorted(told - is_so), f"{len(told - is_so)} declared deviations are none"


def test_every_declared_deviation_has_a_reason() -> None:
    """And a source."""
    assert all(len(reason) > len(" ()") for reason in declared().values())


def test_a_message_that_comes_again_after_an_upgrade_is_the_same() -> None:
    """Its digest covers the names and kinds of its input's fields: no release changes them."""
    assert INPUTS == fields_of(WRITING)
    assert LATER == {infnos: fields_of(infnos) for infnos in LATER}


def fields_of(infnos: Iterable[str]) -> str:
    """A digest of the fields that transactions take."""
    inputs = [
        (infno, node.name, sorted((f.name, f.kind, f.scale) for f in node.fields))
        for infno in infnos
        for node in TRANSACTIONS[infno].takes
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
