"""The field tables are those that a province publishes, but for the deviations in one list."""

from tests.api.his.published import declared, found


def test_every_deviation_is_declared_and_every_declared_one_exists() -> None:
    """`deviations.toml` beside this file says of each what differs, why, and where that is from."""
    told, is_so = {one for one in declared() if one.what != "empty"}, found()

    assert [] == sorted(is_so - told), f"{len(is_so - told)} deviations are not declared"
    assert [] == sorted(told - is_so), f"{len(told - is_so)} declared deviations are none"


def test_every_declared_deviation_has_a_reason() -> None:
    """And a source."""
    assert all(len(reason) > len(" ()") for reason in declared().values())
