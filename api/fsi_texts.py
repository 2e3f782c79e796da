"""Words of the problems that only the national protocol and its visits know, as in `FSI_TEXTS`."""

FSI_TEXTS: dict[str, tuple[int, str, str]] = {
    "INFNO_UNKNOWN": (422, "未知交易编号。", "There is no transaction of that number."),
    "SIGNATURE_INVALID": (401, "签名或令牌校验未通过。", "The signature or token is not valid."),
    "CLOCK_SKEW": (401, "签名时间超出允许范围。", "The signature's time is too far from ours."),
    "NONCE_REPLAYED": (
        401,
        "随机串已使用;重发请更换随机串并保持报文ID不变。",
        "The nonce was used before; sign anew and keep the message id.",
    ),
    "REPLAY_GUARD_UNAVAILABLE": (
        503,
        "防重放校验暂不可用,未作任何更改;请稍后重试。",
        "Nonces cannot be checked now; nothing was applied.",
    ),
    "REVERSAL_NOT_POSSIBLE": (
        409,
        "该撤销已生效:全额撤销后结算即终结,撤销不可冲正。未收到应答的请登记退费,需要的请以新报文重新结算。",
        "The cancellation was carried out and is final: book the refund, or settle the bill anew.",
    ),
    "FEES_MISMATCH": (
        422,
        "医疗费总额与已上传费用明细合计不符。",
        "The total is not the sum of the uploaded fee lines.",
    ),
    "VISIT_CLOSED": (409, "就诊已撤销或已出院。", "The visit is withdrawn or discharged."),
    "VISIT_NOT_CLOSED": (409, "患者未出院。", "The patient was not discharged."),
    "BATCH_SETTLED": (409, "该收费批次已结算。", "The charge batch is settled already."),
    "FEE_REPEATED": (409, "费用明细流水号重复。", "A fee line's number was used before."),
    "FEES_MISSING": (409, "没有可撤销的费用明细。", "There are no such fee lines."),
    "CLEARING_DIFFERENT": (
        409,
        "清算申请金额与中心记录不符;请先对账。",
        "The month's sums are not ours; reconcile first.",
    ),
    "FILE_INVALID": (422, "对账文件内容或格式不正确。", "The file is not of the right format."),
}
"""Status, Chinese and English by code; the national protocol tells the Chinese alone."""
FSI_LATER: dict[str, tuple[int, str, str]] = {
    "SIGNATURE_ALG": (
        401,
        "签名类型与约定不符。",
        "The signature is not of the kind that was agreed.",
    ),
    "SM2_NOT_INSTALLED": (
        501,
        "本服务未安装 SM2 组件(可选依赖 sm2),未作任何更改。",
        "This service runs without its optional extra sm2; nothing was applied.",
    ),
}
"""What came later, in the same form: the order of codes is for ever."""
