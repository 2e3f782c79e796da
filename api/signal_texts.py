"""What each signal says, in Chinese and English. It is worth a look; it accuses nobody."""

TEXTS = {
    "FAMILY_BURST": (
        "同一家庭多名成员的账户在数分钟内于同一药店结算。",
        "Accounts of one family were used at one pharmacy within minutes.",
    ),
    "DRAINED_BINDING": (
        "绑定后共济人余额几乎全部在同一机构用完,随即解绑。",
        "A binding was released soon after nearly all of the sponsor's money went to one place.",
    ),
    "SPONSOR_HUB": (
        "一名被共济人同时有多名共济人。",
        "Many sponsors stand behind one beneficiary at once.",
    ),
    "BENEFICIARY_CHURN": (
        "一名共济人频繁更换被共济人。",
        "One sponsor was bound to ever new beneficiaries.",
    ),
    "AFTER_DEATH": (
        "死亡日期之后仍有就医结算。",
        "A treatment was settled after the day of death.",
    ),
    "JUST_UNDER_CAP": (
        "多次支付金额略低于共济人设定的单次限额。",
        "Amounts were repeatedly just under the sponsor's cap on one bill.",
    ),
    "EXACT_BALANCE": (
        "多次结算金额恰为全部可用余额。",
        "Bill after bill was to the fen what the accounts held.",
    ),
    "QUICK_REFUND": (
        "多次购买后短时间内退费。",
        "Purchases were repeatedly given back within hours.",
    ),
    "NIGHT_HOURS": (
        "多次在深夜于同一药店结算。",
        "One patient's bills came repeatedly at night from one pharmacy.",
    ),
    "AID_SHARE": (
        "机构当月共济支付占比远高于同类机构。",
        "Aid paid a share of the institution's month far above its peers.",
    ),
    "KINSHIP_CONTRADICTION": (
        "亲属关系登记相互矛盾。",
        "The register gives a person more parents or spouses than anybody has.",
    ),
    "LENT_CREDENTIAL": (
        "同一成员的医保码数月来由他人反复代为展示。",
        "One member's code was shown by one guardian for months.",
    ),
    "CREDENTIAL_MISMATCH": (
        "所出示的凭证不属于该患者,结算已被拒绝。",
        "A credential of somebody else was shown for a patient; the bill was refused.",
    ),
}
