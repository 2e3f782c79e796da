"""A hospital's system that sends what the published tables require, to the letter."""

from typing import Any

from typing_extensions import override

from tests.api.his.client import His
from tests.api.his.judge import TABLES, is_declared
from tests.api.his.published import Node

DAY = "2026-03-02"
SAID = {
    "psn_cert_type": "01",
    "cert_type": "01",
    "psn_type": "11",
    "psn_name": "王某",
    "insutype": "310",
    "med_type": "11",
    "mdtrt_cert_type": "02",
    "mid_setl_flag": "0",
    "endtime": f"{DAY} 23:59:59",
    "dise_codg": "J06.900",
    "dise_name": "急性上呼吸道感染",
    "adm_diag_dscr": "肺炎",
    "dscg_maindiag_code": "J18.900",
    "dscg_maindiag_name": "肺炎",
    "diag_type": "1",
    "diag_dept": "A01",
    "dise_dor_no": "D001",
    "dise_dor_name": "李医生",
    "vali_flag": "1",
    "atddr_no": "D001",
    "chfpdr_name": "李医生",
    "adm_dept_codg": "A01",
    "adm_dept_name": "内科",
    "adm_bed": "12",
    "ipt_otp_no": "IP1",
    "dscg_dept_codg": "A01",
    "dscg_dept_name": "内科",
    "dscg_way": "1",
    "hosp_appr_flag": "0",
    "fixmedins_refd_setl_flag": "1",
    "begndate": "2026-03-01",
    "enddate": "2026-03-31",
    "mac": "00-16-3E-00-00-01",
}
"""What such a system says where a test did not say anything."""


class ByTheBook(His):
    """Completes every message, and leaves out what the tables do not have."""

    @override
    async def ask(self, infno: str, sent: object, msgid: str | None = None) -> Any:
        """One message's output."""
        return await super().ask(infno, self._complete(infno, sent), msgid)

    def _complete(self, infno: str, sent: Any) -> Any:  # noqa: ANN401 -- JSON
        number = infno.removesuffix("A")
        whole = dict(sent)
        for name, table in TABLES.get(number, {}).get("in", {}).items():
            node = name.removesuffix("[]")
            if "." in node or node not in whole:
                continue
            rows = whole[node] if name.endswith("[]") else [whole[node]]
            told = [self._row(number, name, table, row) for row in rows]
            whole[node] = told if name.endswith("[]") else told[0]
        return whole

    def _row(self, infno: str, node: str, table: Node, row: dict[str, Any]) -> dict[str, Any]:
        known = {
            name: value
            for name, value in row.items()
            if name in table or is_declared(infno, "in", node, name, "added")
        }
        unsaid = (n for n, c in table.items() if c.is_required and known.get(n) in (None, ""))
        return known | {name: self._said(name, table[name].kind, row) for name in unsaid}

    def _said(self, name: str, kind: str, row: dict[str, Any]) -> object:
        person = row.get("psn_no", "P1")
        of_this = {
            "certno": self.certs.get(person, f"ID-{person}"),
            "fixmedins_code": self.code,
            "insuplc_admdvs": self.place,
            "mdtrtarea_admvs": self.place,
        }
        by_kind = {"m": "0.00", "i": 0, "t": self.now, "d": DAY}
        return of_this.get(name) or SAID.get(name) or by_kind[kind]
