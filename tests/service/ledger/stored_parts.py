"""Who, where and what: the parts that the sample events are made of."""

from datetime import date, datetime

from aggregates.event_metadata import Act
from aggregates.settlement.events import Claim, FeeLine, PayerShare
from aggregates.vocabulary import BEIJING, Category, Part, Reason, StreamId

ACT = Act(
    actor="person:0123abcd",
    on_behalf_of=StreamId("acc_00000000000000000000000000000001"),
    channel="http",
    key_digest="00112233445566778899aabbccddeeff",
)
PATIENT = StreamId("acc_00000000000000000000000000000001")
SPONSOR = StreamId("acc_00000000000000000000000000000002")
BINDING = StreamId("bnd_00000000000000000000000000000003")
STL = StreamId("stl_00000000000000000000000000000004")
CDF = StreamId("cdf_00000000000000000000000000000003")
INS = StreamId("ins_00000000000000000000000000000005")
ON = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 10, 15, 0, 123456, BEIJING)

CODE = "5c" * 32
"""The keyed digest of a code that was shown."""

CLAIM = Claim(
    beneficiary=PATIENT,
    institution=INS,
    visit="mdtrt-1",
    charge_batch="1",
    med_type="11",
    treated_at=AT.replace(microsecond=0),
    total_fen=12850,
    fund_pay_fen=6425,
    use_account=True,
    lines=(
        FeeLine(line="1", category=Category.DRUG, part=Part.IN_SCOPE, amount_fen=6000),
        FeeLine(line="2", category=Category.OTHER, part=Part.FULL_SELF_PAY, amount_fen=425),
    ),
    credential=CODE,
)

PAYERS = (
    PayerShare(
        account=PATIENT,
        binding=None,
        available_fen=2000,
        limit_fen=None,
        limit=None,
        current_fen=1500,
        prior_fen=500,
        reason=None,
    ),
    PayerShare(
        account=SPONSOR,
        binding=BINDING,
        available_fen=50000,
        limit_fen=4000,
        limit="SPONSOR_DAY",
        current_fen=4000,
        prior_fen=0,
        reason=None,
    ),
    PayerShare(
        account=StreamId("acc_00000000000000000000000000000006"),
        binding=StreamId("bnd_00000000000000000000000000000007"),
        available_fen=0,
        limit_fen=None,
        limit=None,
        current_fen=0,
        prior_fen=0,
        reason=Reason.FROZEN,
    ),
)
