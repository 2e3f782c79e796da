"""The patient and the patient's entitlements, and the institution: 1101, 1162, 1201, 2001."""

from datetime import date

from aggregates.vocabulary import Insurance, InsuranceStatus, ParentSex
from api.his.wire.call import Call
from api.his.wire.envelope import Answered
from api.his.wire.reading import Values
from service.person.credentials import Identity
from service.person.kin import age_of, traits_in
from service.visit.bill_facts import Patient
from service.visit.identify import identify, look_at_caller, look_at_patient

KINDS = {"01": "e_credential", "02": "id_card", "03": "social_card"}
POOL = {Insurance.EMPLOYEE: "310100", Insurance.RESIDENT: "390100"}
INSUTYPE = {Insurance.EMPLOYEE: "310", Insurance.RESIDENT: "390"}
STATUS = {"NORMAL": "1", "RETIRED": "1", "FROZEN": "1", "SUSPENDED": "2", "ARREARS": "2"}
ENDED = "4"
ID_CARD, OTHER = "01", "99"
RESIDENT_ID_SIZE = 18
MEDINS = {"hospital": "1", "pharmacy": "2", "checkup": "1"}


def credential(kind: str | None, number: str | None) -> Identity | None:
    """The credential that the patient showed; None if there is none.

    A number of an unknown kind counts as an ID number. The check digit of one may be a small x.
    """
    if not number:
        return None
    known = KINDS.get(kind or "", "id_card")
    is_resident = len(number) == RESIDENT_ID_SIZE and number[:-1].isdigit()
    return Identity(known, number.upper() if is_resident else number)


def particulars(patient: Patient) -> Values:
    """The members that every answer about a patient has; empty texts for an erased person."""
    person = patient.person
    traits = traits_in(person.cert_no)
    sex = {ParentSex.FATHER: "1", ParentSex.MOTHER: "2", None: "0"}[traits.sex]
    return {
        "psn_no": person.person_no,
        "psn_cert_type": ID_CARD if len(person.cert_no) == RESIDENT_ID_SIZE else OTHER,
        "certno": person.cert_no,
        "psn_name": person.name[:50],
        "gend": sex,
        "naty": None,
        "brdy": traits.born_on,
    }


def insured_as(patient: Patient) -> Values:
    """The insurance, and the kind of person: 1101 employed, 1201 retired, 1501 resident."""
    kind = "1201" if patient.standing is InsuranceStatus.RETIRED else "1101"
    is_resident = patient.insurance is Insurance.RESIDENT
    return {
        "insutype": INSUTYPE[patient.insurance],
        "psn_type": "1501" if is_resident else kind,
        "cvlserv_flag": "0",
    }


def age(patient: Patient, on: date) -> str:
    """Whole years on a day, with one decimal; 0.0 if the day of birth is not known."""
    return f"{age_of(patient.person.cert_no, on) or 0}.0"


def _insured(call: Call, patient: Patient) -> Values:
    """The nodes of 1101. `balc` is the balance of the patient's own account alone."""
    base = particulars(patient) | {
        "age": age(patient, call.context.clock().on),
        "exp_content": "",
        "expContent": "",
    }
    insured = insured_as(patient) | {
        "balc": patient.balance_fen or 0,
        "psn_insu_stas": STATUS.get(patient.status, ENDED),
        "insuplc_admdvs": patient.insured_place,
    }
    return {"baseinfo": base, "insuinfo": [insured], "idetinfo": []}


async def psn_info(call: Call) -> Answered:
    """1101: the person that a credential belongs to."""
    sent = call.first
    kind, number = sent["mdtrt_cert_type"], sent["mdtrt_cert_no"]
    identity = credential(kind, number) or Identity("id_card", "")
    patient = await identify(call.context, call.caller, identity)
    return call.answer(_insured(call, patient))


async def decode(call: Call) -> Answered:
    """1162: the owner of an e-voucher. Whether a guardian showed it is not in the answer.

    Some clients read 1101's nodes with the token in them, others the voucher's own members:
    the answer has both.
    """
    token = call.first["ecQrCode"] or ""
    patient = await identify(call.context, call.caller, Identity("e_credential", token))
    nodes = _insured(call, patient)
    base = nodes["baseinfo"]
    decoded = {
        "userName": base["psn_name"],
        "idNo": base["certno"],
        "idType": base["psn_cert_type"],
        "ecToken": token,
        "insuOrg": patient.insured_place,
        "gender": base["gend"],
        "birthday": base["brdy"],
        "psn_no": base["psn_no"],
    }
    return call.answer(nodes | {"data": decoded, "baseinfo": base | {"ecToken": token}})


async def medins(call: Call) -> Answered:
    """1201: the calling institution; the list is empty for another one's code."""
    code = call.first["fixmedins_code"]
    _, counter = await look_at_caller(call.context, call.caller)
    row = {
        "fixmedins_code": counter.code,
        "fixmedins_name": counter.name,
        "uscc": "",
        "fixmedins_type": MEDINS[counter.kind],
    }
    return call.answer({"medinsinfo": [row] if code in (None, counter.code) else []})


async def benefit(call: Call) -> Answered:
    """2001: whether the pooled fund covers the patient today."""
    patient, _ = await look_at_patient(call.context, call.caller, call.first["psn_no"])
    covered = STATUS.get(patient.status) == "1"
    row = {
        "psn_no": patient.person.person_no,
        "trt_chk_type": "01",
        "fund_pay_type": POOL[patient.insurance],
        "trt_enjymnt_flag": "1" if covered else "0",
        "begndate": call.context.clock().on,
        "trt_chk_rslt": "可享受待遇" if covered else "参保状态不允许享受待遇",
    }
    return call.answer({"trtinfo": [row]})
