"""A day of a hospital and of a pharmacy: what their systems keep in their own books.

Written from the interface's description alone; imports nothing of the service.
"""

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from tests.api.his.client import His, LostError, RefusedError

PRESSES_MAX = 60


@dataclass
class Booked:
    """A bill in an institution's own books."""

    settlement: str
    visit: str
    person: str
    total: float
    fund: float
    account: float
    is_refund: bool = False


@dataclass
class Books:
    """What an institution believes it settled."""

    his: His
    rows: list[Booked] = field(default_factory=list)

    def book(self, info: dict[str, Any], *, is_refund: bool = False) -> None:
        """Write a `setlinfo` down."""
        self.rows.append(
            Booked(
                info["setl_id"],
                info["mdtrt_id"],
                info["psn_no"],
                float(info["medfee_sumamt"]),
                float(info["fund_pay_sumamt"]),
                float(info["acct_pay"]),
                is_refund,
            )
        )

    def totals(self) -> dict[str, Any]:
        """The input of 3201."""
        return {
            "data": {
                "insutype": "310",
                "clr_type": "99",
                "setl_optins": self.his.place,
                "stmt_begndate": "2026-03-02",
                "stmt_enddate": "2026-03-02",
                "medfee_sumamt": f"{sum(row.total for row in self.rows):.2f}",
                "fund_pay_sumamt": f"{sum(row.fund for row in self.rows):.2f}",
                "acct_pay": f"{sum(row.account for row in self.rows):.2f}",
                "fixmedins_setl_cnt": len(self.rows),
                "refd_setl_flag": "1",
            }
        }

    async def is_equal(self) -> bool:
        """3201: whether the centre has the same sums."""
        output = await self.his.ask("3201", self.totals())
        return bool(output["stmtinfo"]["stmt_rslt"] == "0")

    async def compare(self, flag: str = "1") -> list[list[str]]:
        """9101, 3202, 9102: the centre's result file, in rows; with flag 0 without refunds."""
        lines = "".join(
            "\t".join(
                (
                    row.settlement,
                    row.visit,
                    row.person,
                    f"{row.total:.2f}",
                    f"{row.fund:.2f}",
                    f"{row.account:.2f}",
                    "1" if row.is_refund else "0",
                )
            )
            + "\n"
            for row in self.rows
        )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            file.writestr("stmt.txt", lines.encode())
        sent = {"filename": "stmt.zip", "fixmedins_code": self.his.code}
        up = {"fsUploadIn": sent | {"in": list(packed.getvalue())}}
        uploaded = await self.his.ask("9101", up)
        asked = self.totals()["data"] | {"file_qury_no": uploaded["file_qury_no"], "cash_payamt": 0}
        asked |= {"refd_setl_flag": flag}
        told = (await self.his.ask("3202", {"data": asked}))["fileinfo"]
        named = {"file_qury_no": told["file_qury_no"], "filename": told["filename"]}
        raw = await self.his.fetch({"fsDownloadIn": named | {"fixmedins_code": self.his.code}})
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            text = file.read("result.txt").decode()
        return [line.split("\t") for line in text.splitlines()]

    async def press(self, infno: str, sent: dict[str, Any], original: str) -> None:
        """Settle as a cashier does: press until something comes, each press a new message.

        Who is told that the bill is settled already asks for it and books it.
        """
        msgid: str | None = original
        for _ in range(PRESSES_MAX):
            try:
                output = await self.his.ask(infno, sent, msgid)
            except LostError:
                msgid = None
                continue
            except RefusedError as refused:
                if refused.code != "DUPLICATE_CLAIM":
                    raise
                await self._look(refused.extra["setl_id"], sent)
                return
            self.book(output["setlinfo"])
            return
        raise LostError

    async def _look(self, settlement: str, sent: dict[str, Any]) -> None:
        person = next(iter(sent.values()))["psn_no"]
        asked = {"data": {"psn_no": person, "setl_id": settlement, "mdtrt_id": ""}}
        self.book((await self.his.insist("5203", asked))["setlinfo"])
