"""3202 obeys `refd_setl_flag` as 3201 does: 0 leaves refunds out."""

from tests.api.clients import Desk
from tests.api.his.day import Books
from tests.api.his.desks import a_pharmacy


async def test_refunds_are_rows_only_where_they_are_asked_for(desk_on_postgres: Desk) -> None:
    """A bill that was taken back is two rows of ours, or none."""
    shop = await a_pharmacy(desk_on_postgres)
    books = Books(shop)
    stays = await shop.ask("2102", shop.purchase("P1", "10.00", "INV1"))
    books.book(stays["setlinfo"])
    gone = (await shop.ask("2102", shop.purchase("P1", "20.00", "INV2")))["setlinfo"]
    name = {member: gone[member] for member in ("setl_id", "mdtrt_id", "psn_no")}
    await shop.ask("2103", {"data": name})
    without, with_them = await books.compare("0"), await books.compare("1")

    assert ["0"] == [row[4] for row in without]
    assert ["0", "1", "1"] == sorted(row[4] for row in with_them)
