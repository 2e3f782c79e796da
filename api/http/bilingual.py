"""Bilingual."""

from aggregates.vocabulary import Reason
from service.bilingual import Bilingual

REASONS = {
    Reason.NOT_NEEDED: Bilingual("不需要", "not needed"),
    Reason.NO_ACCOUNT: Bilingual("居民医保,没有个人账户", "resident insurance, no account"),
    Reason.SKIPPED_ZERO: Bilingual("账户里没有可用的钱", "no money there to use"),
    Reason.FROZEN: Bilingual("账户被冻结", "the account is frozen"),
    Reason.CLOSED: Bilingual("账户已终止", "the account has ended"),
    Reason.ACCOUNT_UNUSED: Bilingual("患者这次不用个人账户", "the patient wants no account used"),
    Reason.NOT_PAYABLE: Bilingual("这些项目不能用个人账户付", "no account may pay for this"),
    Reason.NOT_ACTIVE: Bilingual("共济还没有生效", "the sharing is not agreed yet"),
    Reason.USE_NOT_GRANTED: Bilingual("只同意代缴保费", "shared for premiums only"),
    Reason.SPONSOR_STATUS: Bilingual(
        "共济人的医保暂停或欠费", "the sponsor's insurance is suspended"
    ),
    Reason.RESERVE: Bilingual("须留存的钱不能动", "must keep the reserve"),
    Reason.CAP: Bilingual("限额已用完", "the limit is used up"),
    Reason.PAYER_LIMIT: Bilingual("一次只能由一位共济人付", "only one sponsor may pay a bill"),
    Reason.CANNOT_COVER: Bilingual("一个人付不完", "cannot pay the whole"),
    Reason.BENEFICIARY_STATUS: Bilingual(
        "患者的医保暂停或已转走", "the patient's insurance is not active"
    ),
    Reason.ORDER_NOT_SET: Bilingual("还没有排好付款顺序", "no order was set"),
    Reason.REGION_NOT_OPEN: Bilingual("就医地没有开通共济", "sharing is not open there"),
    Reason.FILING_REQUIRED: Bilingual("异地就医没有备案", "care elsewhere was not filed"),
    Reason.MED_TYPE_NOT_ALLOWED: Bilingual("这类就医不能共济", "not for this kind of visit"),
}
"""Why somebody gave nothing."""
