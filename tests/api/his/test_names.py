"""What the national protocol keeps in the clear names nobody; what proves a person may."""

import json

import pytest

from api.his.wire.field_tables import TRANSACTIONS
from api.his.wire.reading import STORED_TEXTS, read_fields
from api.http.problems import ProblemError
from tests.api.clients import CANARY_ID, Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital


def test_no_kept_member_has_an_id_number_in_it() -> None:
    """Every transaction's; numbers of a certificate are where they belong, and stay allowed."""
    met = set()
    for transaction in TRANSACTIONS.values():
        for node in transaction.takes:
            for field in node.fields:
                if field.kind != "s" or field.size < len(CANARY_ID):
                    continue
                alone = node._replace(fields=(field,))
                if field.name not in STORED_TEXTS:
                    assert CANARY_ID == read_fields(alone, {field.name: CANARY_ID})[field.name]
                    continue
                met.add(field.name)
                with pytest.raises(ProblemError) as refused:
                    read_fields(alone, {field.name: CANARY_ID})
                assert "PERSON_NAMED" == refused.value.code
    assert {"ipt_otp_no", "chrg_bchno", "omsgid", "mdtrt_id", "feedetl_sn", "dept_name"} <= met


async def test_a_message_s_number_names_nobody(desk: Desk) -> None:
    """It is a key; nothing is carried out and the number is not repeated."""
    his = await a_hospital(desk)
    stands = desk.stands()
    for msgid in (CANARY_ID, f"m-{CANARY_ID}"):
        reply = await his.send("2201", his.registration("P1"), msgid)
        assert "PERSON_NAMED" == json.loads(reply["exp_content"])["code"]
        assert CANARY_ID not in json.dumps(reply)
    with pytest.raises(RefusedError) as refused:
        await his.ask("2201", his.registration("P1", CANARY_ID))

    assert "PERSON_NAMED" == refused.value.code
    assert stands == desk.stands()
