"""The problems that only premiums have: status, Chinese, English (`problem_texts.py`)."""

PREMIUM_TEXTS = {
    "INSUFFICIENT": (
        422,
        "共济人可用余额不足以支付全部保费。",
        "The sponsor's free money is less than the whole premium.",
    ),
    "USE_NOT_GRANTED": (
        403,
        "该绑定未开通共济缴费。",
        "The grant does not let the account pay premiums.",
    ),
    "KIN_LINK_HAS_NO_FUNDS": (
        403,
        "亲情账户不涉及资金;代缴保费须先绑定家庭共济。",
        "A credential link lends no money; a premium needs a binding.",
    ),
    "PAYEE_NOT_RESIDENT": (
        409,
        "该成员未参加居民医保。",
        "The payee is not insured as a resident.",
    ),
    "FROZEN": (409, "共济人账户已冻结。", "The sponsor's account is frozen."),
    "SPONSOR_STATUS": (
        409,
        "共济人的参保或账户状态不允许代缴。",
        "The sponsor's account or insurance lets nothing leave now.",
    ),
    "PREMIUM_NOT_OFFERED": (
        409,
        "该地区不支持个人账户代缴此类保费。",
        "The region lets no account pay this premium.",
    ),
    "WINDOW_CLOSED": (
        409,
        "不在集中参保缴费期内;请通过税务渠道办理。",
        "The months of enrolment are over; use the tax channel.",
    ),
    "PREMIUM_ALREADY_PAID": (
        409,
        "该成员当年度保费已缴。",
        "This person's premium of that year is paid already.",
    ),
    "PREMIUM_IN_PROGRESS": (
        409,
        "该保费正在办理,税务部门尚未答复。",
        "This premium is under way; the tax side has not answered yet.",
    ),
    "PREMIUM_NOT_PAID": (
        409,
        "该保费没有可退的缴款。",
        "Nothing of this premium is paid that could come back.",
    ),
    "SPONSOR_ENDED": (
        409,
        "共济人的参保关系已终止,不能撤销。",
        "The sponsor's insurance here has ended.",
    ),
    "TAX_REFUSED": (409, "税务部门未予办理。", "The tax side refused."),
    "BENEFIT_USED": (
        409,
        "该成员已享受当年度待遇,不能撤销。",
        "The payee has drawn benefits of that year.",
    ),
    "CLEARED": (409, "该缴款已清算,不能撤销。", "The payment is cleared and stays."),
    "TAX_UNAVAILABLE": (
        503,
        "尚未接入税务系统,未作任何更改。",
        "No tax side is connected; nothing was applied.",
    ),
}
