"""A hospital's client of the national interface, written from its description alone.

It imports nothing of the service. Whoever gives it a wire may lose what goes over it.
"""

import io
import itertools
import json
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Wire = Callable[[str, dict[str, str], bytes], Awaitable[bytes]]
"""Sends a body to a path with headers; raises LostError where no answer came."""
ENTRANCE = "/fsi/api/rsfComIfsService/callService"
RETRIES_MAX = 200


class LostError(Exception):
    """No answer came: the message is there, or it is not."""


class RefusedError(Exception):
    """The centre said no, with `infcode` -1."""

    def __init__(self, reply: dict[str, Any]) -> None:
        """Keep the reply."""
        super().__init__(reply["err_msg"])
        self.reply = reply
        self.extra: dict[str, Any] = json.loads(reply["exp_content"])

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.extra["code"])


@dataclass
class His:
    """One institution's system: it numbers its messages and keeps what it was told."""

    code: str
    wire: Wire
    place: str = "990000"
    day: str = "20260302"
    now: str = "2026-03-02 10:15:00"
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    told: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    certs: dict[str, str] = field(default_factory=dict)

    def msgid(self) -> str:
        """Institution (12), time (14), number (4)."""
        return f"{self.code[:12]:0<12}{self.day}101500{next(self.numbers):04d}"

    def envelope(self, infno: str, sent: object, msgid: str) -> dict[str, Any]:
        """A request as the interface describes it."""
        return {
            "infno": infno,
            "msgid": msgid,
            "mdtrtarea_admvs": self.place,
            "insuplc_admdvs": self.place,
            "recer_sys_code": "MBS_LOCAL",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "001",
            "opter_name": "张三",
            "inf_time": self.now,
            "fixmedins_code": self.code,
            "fixmedins_name": "第一人民医院",
            "sign_no": "",
            "input": sent,
        }

    async def send(
        self, infno: str, sent: object, msgid: str | None = None, path: str = ENTRANCE
    ) -> dict[str, Any]:
        """One message; the whole reply, whatever it says."""
        asked = self.envelope(infno, sent, msgid or self.msgid())
        raw = await self.wire(path, {}, json.dumps(asked, ensure_ascii=False).encode())
        reply: dict[str, Any] = json.loads(raw)
        self.told.append((asked, reply))
        return reply

    async def ask(self, infno: str, sent: object, msgid: str | None = None) -> Any:  # noqa: ANN401
        """One message's output; RefusedError where there is none."""
        reply = await self.send(infno, sent, msgid)
        if reply["infcode"] != 0:
            raise RefusedError(reply)
        return reply["output"]

    async def fetch(self, sent: object) -> bytes:
        """9102: a file's bytes; what is written down of them are its rows."""
        asked = self.envelope("9102", sent, self.msgid())
        raw = await self.wire("/fsi/api/fileupload/download", {}, json.dumps(asked).encode())
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            texts = {name: packed.read(name).decode() for name in packed.namelist()}
        rows = {name: [line.split("\t") for line in t.splitlines()] for name, t in texts.items()}
        self.told.append((asked, rows))
        return raw

    async def insist(self, infno: str, sent: object, msgid: str | None = None) -> Any:  # noqa: ANN401
        """Send the same message until an answer comes."""
        same = msgid or self.msgid()
        for _ in range(RETRIES_MAX):
            try:
                return await self.ask(infno, sent, same)
            except LostError:
                continue
        raise LostError

    # ------------------------------------------------------------- what it sends

    async def register(self, psn_no: str, number: str = "OP1") -> str:
        """2201: the visit's number."""
        output = await self.insist("2201", self.registration(psn_no, number))
        return str(output["data"]["mdtrt_id"])

    def registration(self, psn_no: str, number: str = "OP1") -> dict[str, Any]:
        """The input of 2201."""
        return {
            "data": {
                "psn_no": psn_no,
                "insutype": "310",
                "begntime": self.now,
                "mdtrt_cert_type": "02",
                "mdtrt_cert_no": self.certs.get(psn_no, f"ID-{psn_no}"),
                "ipt_otp_no": number,
                "atddr_no": "D001",
                "dr_name": "李医生",
                "dept_code": "A01",
                "dept_name": "内科",
                "caty": "A01",
            }
        }

    def fee(self, visit: str, psn_no: str, line: str, amount: str, **more: str) -> dict[str, Any]:
        """A fee line of 2204."""
        return {
            "feedetl_sn": line,
            "mdtrt_id": visit,
            "psn_no": psn_no,
            "chrg_bchno": "1",
            "rx_circ_flag": "0",
            "fee_ocur_time": self.now,
            "med_list_codg": "XA02BCL037A001010100001",
            "medins_list_codg": "D-1",
            "det_item_fee_sumamt": amount,
            "cnt": "1",
            "pric": amount,
            "bilg_dept_codg": "A01",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D001",
            "bilg_dr_name": "李医生",
        } | more

    def bill(self, visit: str, psn_no: str, amount: str, **more: str) -> dict[str, Any]:
        """The input of 2206 and 2207."""
        return {
            "data": {
                "psn_no": psn_no,
                "mdtrt_cert_type": "02",
                "mdtrt_cert_no": self.certs.get(psn_no, f"ID-{psn_no}"),
                "med_type": "11",
                "medfee_sumamt": amount,
                "psn_setlway": "01",
                "mdtrt_id": visit,
                "chrg_bchno": "1",
                "acct_used_flag": "1",
                "insutype": "310",
                "invono": "",
                "fulamt_ownpay_amt": "",
                "overlmt_selfpay": 0,
                "preselfpay_amt": "0",
                "inscp_scp_amt": None,
            }
            | more
        }

    def purchase(self, psn_no: str, amount: str, invoice: str, **more: str) -> dict[str, Any]:
        """The input of 2101 and 2102."""
        line = self.fee("", psn_no, f"F-{invoice}", amount)
        for unsent in ("mdtrt_id", "psn_no", "chrg_bchno"):
            del line[unsent]
        return {
            "druginfo": {
                "psn_no": psn_no,
                "mdtrt_cert_type": "02",
                "mdtrt_cert_no": self.certs.get(psn_no, f"ID-{psn_no}"),
                "begntime": self.now,
                "medfee_sumamt": amount,
                "invono": invoice,
                "insutype": "310",
                "acct_used_flag": "1",
                "med_type": "41",
            }
            | more,
            "drugdetail": [line],
        }
