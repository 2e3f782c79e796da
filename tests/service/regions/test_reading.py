"""An edition read key by key: where each value comes from, and how areas differ."""

from datetime import date
from pathlib import Path

import pytest

from service.regions.policy_files import ReadFolder, read_folder
from service.regions.reading import NoRulesError, differences, readable

REGIONS = Path(__file__).parents[3] / "service" / "regions"
ON = date(2026, 12, 1)


@pytest.fixture(scope="module")
def read() -> ReadFolder:
    """The shipped files."""
    return read_folder(REGIONS)


def test_each_key_names_its_layer_and_citation(read: ReadFolder) -> None:
    """Wuhan states the number of relatives, Hubei the order, the base the rest."""
    wuhan = readable(read, "420106", ON)
    lines = {line.key: line for line in wuhan.keys}

    assert ("420100", "武汉市") == (wuhan.area, wuhan.name)
    assert wuhan.edition.startswith("wuhan/2025-01 over hubei/2026-12 over national/")
    for key, value, layer, grade in (
        ("binding.max_beneficiaries_per_sponsor", "6", "wuhan/2025-01", "B"),
        ("order.order_strategy", "BIND_TIME_DESC", "hubei/2026-12", "C"),
        ("items.item_category_rule.drug", "OWN_AND_AID", "national/2025-01", "A"),
        ("money.reserve_fen", "0", "national/2025-01", "own:"),
    ):
        line = lines[key]
        assert (value, layer, grade) == (line.value, line.layer, line.citation.partition(" ")[0])
    assert set(wuhan.sources()) <= set(read.sources)


def test_a_covered_area_reads_its_province(read: ReadFolder) -> None:
    """An area without a file has its province's edition in its own name."""
    xiaogan = readable(read, "420900", ON)

    assert ("420900", "孝感市") == (xiaogan.area, xiaogan.name)
    assert [] == list(differences(xiaogan, readable(read, "420000", ON)))


def test_two_areas_differ_in_the_keys_that_one_states(read: ReadFolder) -> None:
    """Xiangyang differs from Hubei in one key."""
    (six,) = differences(readable(read, "420000", ON), readable(read, "420600", ON))

    assert six.one is not None
    assert six.other is not None
    assert ("none", "6") == (six.one.value, six.other.value)


def test_an_area_that_no_file_covers_names_the_nearest(read: ReadFolder) -> None:
    """Nobody is covered silently."""
    with pytest.raises(NoRulesError, match="nearest file is that of 990000"):
        readable(read, "990100", ON)
    with pytest.raises(NoRulesError, match="region 810000"):
        readable(read, "810000", ON)
    with pytest.raises(NoRulesError, match="region 420100"):
        readable(read, "420100", date(2024, 1, 1))
