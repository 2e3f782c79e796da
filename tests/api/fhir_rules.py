"""What FHIR R4 (4.0.1) asks of the two resources we answer, as data, and a reader of it.

Cardinalities and bindings are those of https://hl7.org/fhir/R4/explanationofbenefit.html and
https://hl7.org/fhir/R4/paymentreconciliation.html; of elements we do not write, only required
ones are listed. A code's binding is a set; what is bound to an example or extensible set is
listed with the codes of the published system that we take from it.
"""

import re
from collections.abc import Iterator
from typing import Any

TERMS = "http://terminology.hl7.org/CodeSystem/"
REQUIRED = {
    "ExplanationOfBenefit": [
        "status",
        "type",
        "use",
        "patient",
        "created",
        "insurer",
        "provider",
        "outcome",
        "insurance",
        "insurance.focal",
        "insurance.coverage",
        "item.sequence",
        "item.productOrService",
        "adjudication.category",
        "total.category",
        "total.amount",
    ],
    "PaymentReconciliation": [
        "status",
        "created",
        "paymentDate",
        "paymentAmount",
        "detail.type",
    ],
}
CODES = {
    "ExplanationOfBenefit": {
        "status": {"active", "cancelled", "draft", "entered-in-error"},
        "use": {"claim", "preauthorization", "predetermination"},
        "outcome": {"queued", "complete", "error", "partial"},
    },
    "PaymentReconciliation": {
        "status": {"active", "cancelled", "draft", "entered-in-error"},
        "outcome": {"queued", "complete", "error", "partial"},
    },
}
SYSTEMS = {
    f"{TERMS}claim-type": {"institutional", "oral", "pharmacy", "professional", "vision"},
    f"{TERMS}adjudication": {
        "submitted",
        "copay",
        "eligible",
        "deductible",
        "unallocdeduct",
        "eligpercent",
        "tax",
        "benefit",
    },
    f"{TERMS}ex-paymenttype": {"complete", "partial"},
    f"{TERMS}payment-type": {"payment", "adjustment", "advance"},
}
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
FORMS = {
    "created": INSTANT,
    "paymentDate": DATE,
    "detail.date": DATE,
    "payment.date": DATE,
    "id": ID,
}


def faults_of(resource: dict[str, Any]) -> list[str]:
    """Where a resource is not as FHIR asks."""
    kind = resource["resourceType"]
    faults = [f"{path} is missing" for path in REQUIRED[kind] if None in list(at(resource, path))]
    for path, codes in CODES[kind].items():
        faults += [f"{path}: {code}" for code in at(resource, path) if code not in codes]
    for path, form in FORMS.items():
        told = [text for text in at(resource, path) if text is not None]
        faults += [f"{path}: {text}" for text in told if not form.fullmatch(text)]
    for one in codings(resource):
        if one["system"].startswith("http") and one["code"] not in SYSTEMS[one["system"]]:
            faults.append(f"no code {one}")
    return faults + list(empties(resource, kind))


def at(element: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 -- JSON
    """What stands at a path, in every repetition of its parents; None where it should."""
    name, _, rest = path.partition(".")
    found = element.get(name)
    if not rest:
        yield found
        return
    for one in found if isinstance(found, list) else [found] if found is not None else []:
        yield from at(one, rest)


def codings(element: Any) -> Iterator[dict[str, str]]:  # noqa: ANN401 -- JSON
    """Every coding of a resource."""
    if isinstance(element, list):
        for one in element:
            yield from codings(one)
    elif isinstance(element, dict):
        yield from element.get("coding", ())
        for one in element.values():
            yield from codings(one)


def empties(element: Any, path: str) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Elements without content, which FHIR does not know (ele-1)."""
    if element in ("", None, [], {}):
        yield f"{path} is empty"
    elif isinstance(element, list):
        for one in element:
            yield from empties(one, path)
    elif isinstance(element, dict):
        for name, one in element.items():
            yield from empties(one, f"{path}.{name}")
