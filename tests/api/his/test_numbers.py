"""Every numeric member of every national message, and every byte of a file, sent in extremes."""

import json
from collections.abc import Iterator

import pytest

from api.his.transactions.statement_files import bytes_of, read_rows
from api.his.wire.envelope import read_envelope
from api.his.wire.field_tables import TRANSACTIONS, Field, FieldNode
from api.his.wire.reading import read_fields, read_json
from api.http.problems import ProblemError
from service.clock import machine_now
from tests.api.clients import Desk
from tests.api.his.desks import a_hospital
from tests.api.his.test_stmt_files import packed

NUMERIC = "mni"
BEYOND = ("1e999999", "-1e999999", "1e-999999", "0e999999", "9" * 19, "9" * 4000, "0." + 30 * "1")
"""JSON numbers that are read, and no amount or count."""
UNREADABLE = ("1e99999999999999999999", "9" * 5000, "NaN", "Infinity", "-Infinity")
"""What is no number of JSON, or none that a decimal can be."""
WRONG = ("AMOUNT_FORMAT", "FIELD_INVALID")


def numeric() -> Iterator[tuple[str, FieldNode, Field]]:
    for infno, transaction in TRANSACTIONS.items():
        for node in transaction.takes:
            for field in node.fields:
                if field.kind in NUMERIC:
                    yield f"{infno}-{node.name}-{field.name}", node, field


NAMED = list(numeric())


@pytest.mark.parametrize(("node", "field"), [n[1:] for n in NAMED], ids=[n[0] for n in NAMED])
def test_no_numeric_member_takes_more_than_18_digits(node: FieldNode, field: Field) -> None:
    """As a number, as a text and as a list: the member itself is named in the refusal."""
    alone = FieldNode(node.name, (field,), node.is_list)
    for literal in BEYOND:
        for sent in (literal, f'"{literal}"', f"[{literal}]"):
            held, _ = read_json(f'{{"{field.name}":{sent}}}'.encode())
            with pytest.raises(ProblemError) as refused:
                read_fields(alone, held)
            assert refused.value.code in WRONG, (sent, refused.value.code)
            assert field.name == refused.value.fields["field"]


@pytest.mark.parametrize("literal", UNREADABLE, ids=lambda text: text[:24])
def test_what_is_no_number_is_no_message(literal: str) -> None:
    """It is told to be no JSON; nothing behind has to look at it."""
    with pytest.raises(ProblemError) as refused:
        read_json(f'{{"input":{{"data":{{"medfee_sumamt":{literal}}}}}}}'.encode())
    assert "JSON_INVALID" == refused.value.code


@pytest.mark.parametrize("literal", [*BEYOND, "256", "-129", "1.5", "true", "null", "[1]"])
def test_a_file_is_made_of_bytes(literal: str) -> None:
    """A list of anything else is no file, and no number in it is ever written out."""
    held, _ = read_json(f'{{"in":[{literal}]}}'.encode())
    for sent in (held["in"], held["in"] * 500):
        with pytest.raises(ProblemError) as refused:
            bytes_of(sent)
        assert "FILE_INVALID" == refused.value.code


def test_bytes_may_have_a_sign() -> None:
    """Some languages' bytes do, and some clients write them as texts or as 7.0."""
    held, _ = read_json(b'{"in":[0,255,-1,-128,"7",8.0]}')

    assert bytes([0, 255, 255, 128, 7, 8]) == bytes_of(held["in"])


@pytest.mark.parametrize("column", range(3, 6))
@pytest.mark.parametrize("text", [*BEYOND, "NaN", "90000000000000.01", "1_0"])
def test_a_row_s_amounts_have_bounds(column: int, text: str) -> None:
    """Total, fund and account of a row that was uploaded for 3202."""
    cells = ["S1", "V1", "P1", "10.00", "4.00", "6.00", "0"]
    cells[column] = text
    with pytest.raises(ProblemError) as refused:
        read_rows(packed("\t".join(cells) + "\n"))
    assert "FILE_INVALID" == refused.value.code


@pytest.mark.parametrize("literal", ["9" * 31, "9" * 4000, "[1]", "{}", "[" * 900 + "]" * 900])
@pytest.mark.parametrize("name", ["infno", "msgid", "fixmedins_code"])
def test_the_envelope_s_names_are_texts(name: str, literal: str) -> None:
    """A number of the wrong size, a list or an object names nothing."""
    named = {"infno": '"1101"', "msgid": '"m1"', "fixmedins_code": '"H1"'} | {name: literal}
    raw = "{" + ",".join(f'"{key}":{value}' for key, value in named.items()) + "}"
    with pytest.raises(ProblemError) as refused:
        read_envelope(raw.encode(), machine_now())
    assert "FIELD_INVALID" == refused.value.code


async def test_the_attack_is_answered(desk: Desk) -> None:
    """194 bytes that kept a process busy for minutes: refused as no file, and so are 500 more."""
    his = await a_hospital(desk)
    for count in (1, 500):
        raw = json.dumps(his.envelope("9101", {"fsUploadIn": {"filename": "a"}}, his.msgid()))
        listed = ",".join(["1e999999"] * count)
        sent = raw.replace('"filename": "a"', f'"filename": "a", "in": [{listed}]')
        reply = json.loads(await his.wire("/CSB", {}, sent.encode()))
        assert -1 == reply["infcode"]
        assert "FILE_INVALID" == json.loads(reply["exp_content"])["code"]
