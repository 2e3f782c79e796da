"""Forwards a transaction that is not ours to the centre of the institution's region.

The bytes go as they came, once, and the answer comes back as it is: status, content type, body.
The signature is the sender's own, or a new one where the setting has a key for the region. The
access log keeps the number, the sizes and the outcome; the metrics keep known numbers only.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

from api.his.wire.call import FailedError
from api.his.wire.centre_signing import kept_headers, signed_headers
from api.his.wire.envelope import Failed, RequestHead
from api.his.wire.reading import read_json
from api.http.metrics import measure_centre
from api.http.problems import ProblemError
from service.adapters.fsi_centre import (
    NOT_SENT,
    Centre,
    CentreAnswer,
    CentreCall,
    CentreError,
    CentreFault,
    Centres,
)
from service.clock import machine_now, monotonic_s
from service.his.institution_terms import Terms
from service.request_context import forwarded, refused

ANSWER_MAX, FILE_MAX = 8 * 1_048_576, 32 * 1_048_576
"""Bytes of an answer, and of a file."""
THREAD_FROM = 65_536
"""Bytes of an answer from which a thread reads it, so that nothing else waits."""
NUMBER = re.compile(r"[0-9A-Z]{4,6}")
ASCII_PATH = re.compile(r"/[!-~]*")
DOWNLOAD = "9102"
NUMBERS = """
    1160 1161 1301 1302 1303 1304 1305 1306 1306A 1307 1308 1309 1310 1311 1312 1313 1314 1315 1316
    1317 1318 1319 1320 1321 1322 1323 1324 1325 1326 1327 1901 2161 2163 2166 2167 2170 2171 2172
    2173 2174 2175 2176 2181 2260 2261 2306 2406 2407 2501 2502 2503 2504 2505 2506 2507 3101 3102
    3103 3203A 3205 3206 3207 3208 3209 3210 3211 3212 3260 3261 3262 3301 3302 3401 3401A 3402
    3403 3501 3501A 3502 3502A 3503 3503A 3504 3504A 3505 3505A 3506 3506A 3507 3507A 3508 3509
    3510 3511 3512 3513 3592B 3601 3602 3603 3604 3605 3606 3607 3608 3609 3610 3611 3701 3702 3703
    3704 4101 4102 4103 4104 4105 4201 4202 4203 4204 4205 4206 4207 4208 4209 4261 4262 4263 4301
    4302 4401 4402 4402A 4501 4502 4503 4504 4505 4506 4507 4508 4509 4510 4511 4512 4601 4602 4701
    4901 4902 4905 5101 5102 5205 5260 5261 5302 5304 5401 5402 5461 5501 6101 6201 6202 6203 6204
    6301 6302 6401 7101 7102 7103 7104 7105 7106 7107 7108 7109 7201 7202 7203 7204 7205 7206 7207
    7208 7209 7210 7211 9102 9601 9602 9603 9604 9605"""
KNOWN = frozenset(NUMBERS.split())
"""The numbers that are labels of the metric; every other one counts as `other`."""
CODES = {
    CentreFault.BUSY: "CENTRE_BUSY",
    CentreFault.DOWN: "CENTRE_DOWN",
    CentreFault.SLOW: "CENTRE_SILENT",
    CentreFault.BROKEN: "CENTRE_SILENT",
    CentreFault.TOO_LARGE: "CENTRE_ANSWER_INVALID",
    CentreFault.PACKED: "CENTRE_ANSWER_INVALID",
}


class Arrival(NamedTuple):
    """How a message arrived; `path` has the query."""

    headers: Mapping[str, str]
    address: str
    method: str = "POST"
    path: str = "/"


class Unusable(NamedTuple):
    """Why an answer is not passed on, as one word."""

    word: str


def centre_of(centres: Centres, head: RequestHead, terms: Terms) -> Centre:
    """The centre to which an institution's message goes.

    Raises:
        ProblemError: INFNO_UNKNOWN: the region has no centre, or it is no number of a
        transaction; INSTITUTION_NOT_DESIGNATED.
    """
    if not centres or not NUMBER.fullmatch(head.infno):
        raise ProblemError("INFNO_UNKNOWN", field=head.infno)
    if not terms.is_in_force:
        raise ProblemError("INSTITUTION_NOT_DESIGNATED")
    centre = centres.of(terms.region)
    if centre is None:
        raise ProblemError("INFNO_UNKNOWN", field=head.infno)
    return centre


async def forward(
    centres: Centres, head: RequestHead, terms: Terms, arrival: Arrival, raw: bytes
) -> CentreAnswer:
    """A centre's answer to a message of an authenticated institution.

    Raises:
        ProblemError: as `centre_of`.
        FailedError: the centre gave no answer that can be passed on; the outcome is `unknown`
        unless the message was surely not sent.
    """
    centre = centre_of(centres, head, terms)
    call = _call(centres, head, terms, arrival, raw)
    label = head.infno if head.infno in KNOWN else "other"
    began_s, word, received = monotonic_s(), "abandoned", 0
    try:
        answer = await centre.forward(call)
        received = len(answer.body)
        unusable = await _unusable(head, answer)
        word = unusable.word if unusable else "answered"
        if unusable:
            raise FailedError(_failed("CENTRE_ANSWER_INVALID", is_sent=True))
    except CentreError as error:
        word = error.fault.value
        is_sent = error.fault not in NOT_SENT
        raise FailedError(_failed(CODES[error.fault], is_sent=is_sent)) from error
    finally:
        measure_centre(label, word, monotonic_s() - began_s)
        forwarded(f"forwarded sent={len(raw)} received={received} {word}")
    return answer


def _call(
    centres: Centres, head: RequestHead, terms: Terms, arrival: Arrival, raw: bytes
) -> CentreCall:
    path = arrival.path
    if not ASCII_PATH.fullmatch(path) or ".." in path or "%2e" in path.lower():
        raise ProblemError("FSI_PATH_UNKNOWN")
    key = centres.key_of(head.institution, terms.region)
    signed = (
        kept_headers(terms.style, arrival.headers)
        if key is None
        else signed_headers(key, head, arrival.headers, raw, machine_now())
    )
    kind = arrival.headers.get("content-type", "application/json;charset=UTF-8")
    is_file = head.infno == DOWNLOAD
    return CentreCall(
        sender=head.institution,
        method=arrival.method,
        path=path,
        headers={"content-type": kind, **signed},
        body=raw,
        answer_max=FILE_MAX if is_file else ANSWER_MAX,
        is_file=is_file and path != "/",
    )


def _failed(code: str, *, is_sent: bool) -> Failed:
    refused(code)
    return Failed(code, "unknown" if is_sent else "not_applied", {})


async def _unusable(head: RequestHead, answer: CentreAnswer) -> Unusable | None:
    if len(answer.body) < THREAD_FROM:
        return _check(head, answer)
    return await asyncio.to_thread(_check, head, answer)


def _check(head: RequestHead, answer: CentreAnswer) -> Unusable | None:
    """Whether an answer can be passed on: JSON with an `infcode`, and of this message.

    A client reads a missing `infcode` as 0. A file needs none; a page of HTML is no file.
    """
    kind = answer.kind.lower()
    is_good = answer.status == 200  # noqa: PLR2004
    if head.infno == DOWNLOAD and is_good and "json" not in kind and "html" not in kind:
        return None
    try:
        told, _ = read_json(answer.body)
    except ProblemError:
        return Unusable("garbled")
    if not isinstance(told, Mapping) or told.get("infcode", told.get("encData")) is None:
        return Unusable("garbled")
    own = {"infno": head.infno, "msgid": head.msgid}
    is_other = any(str(told.get(name) or value).strip() != value for name, value in own.items())
    return Unusable("mismatched") if is_other else None
