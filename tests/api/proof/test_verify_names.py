"""The offline verifier and the order of names that breaks a tie."""

from tests.cases.reading import read_cases
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import play
from tests.exports import export_of, faults_in, leaves_of


async def test_another_order_of_names_is_a_fault() -> None:
    """Who pays before a sponsor whose name comes first is found."""
    driver = ServiceDriver()
    await play(read_cases()["K450"], driver)
    assert driver.context is not None
    leaves = leaves_of(driver.context.store)
    await driver.close()
    *_, last = (leaf for leaf in leaves if b'"by_name":' in leaf.state)
    before, _, names = last.state.partition(b'"by_name":[')
    listed, end, after = names.partition(b"]")
    turned = b",".join(reversed(listed.split(b",")))
    forged = last._replace(state=b'%b"by_name":[%b%b%b' % (before, turned, end, after))
    lines = export_of([forged if leaf is last else leaf for leaf in leaves])

    assert [] == faults_in(export_of(leaves))
    assert ["order"] == [fault.check for fault in faults_in(lines)]
