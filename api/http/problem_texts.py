"""Every problem's status and words. Codes are for ever: the list only grows.

Status by the contract: unparsable or keyless 400; shape 422; a rule's refusal 409; not
permitted 403; unknown or not yours 404; overload and unknown outcome 503.
"""

from typing import NamedTuple

from aggregates.vocabulary import Reason
from service.bilingual import Bilingual


class ProblemText(NamedTuple):
    """A problem's HTTP status, and its sentence in Chinese and English."""

    status: int
    zh: str
    en: str


TEXTS: dict[str, ProblemText] = {
    # the request itself
    "JSON_INVALID": ProblemText(400, "请求体不是有效的 JSON。", "The body is not valid JSON."),
    "JSON_DUPLICATE_KEY": ProblemText(
        400, "请求体中同一成员出现两次。", "A member appears twice in the body."
    ),
    "IDEMPOTENCY_KEY_REQUIRED": ProblemText(
        400, "缺少请求头 Idempotency-Key。", "The header Idempotency-Key is missing."
    ),
    "IDEMPOTENCY_KEY_FORMAT": ProblemText(
        400,
        "Idempotency-Key 应为 1 至 64 个可打印 ASCII 字符。",
        "Idempotency-Key must be 1 to 64 printable ASCII characters.",
    ),
    "BODY_TOO_LARGE": ProblemText(413, "请求体过大。", "The body is too large."),
    "JSON_TOO_DEEP": ProblemText(400, "请求体嵌套过深。", "The body is nested too deeply."),
    "MEDIA_TYPE": ProblemText(
        415, "请使用 application/json(UTF-8)。", "Send application/json in UTF-8."
    ),
    "ENCODING_UNSUPPORTED": ProblemText(
        415, "不接受压缩的请求体。", "A compressed body is not accepted."
    ),
    "METHOD": ProblemText(405, "该地址不支持此方法。", "This address does not take that method."),
    "FIELD_REQUIRED": ProblemText(422, "缺少必填成员。", "A required member is missing."),
    "FIELD_INVALID": ProblemText(
        422, "成员的值不符合要求。", "A member's value is not acceptable."
    ),
    "UNKNOWN_FIELD": ProblemText(422, "请求体含有未知成员。", "The body has an unknown member."),
    "TEXT_INVALID": ProblemText(
        422, "文本含有不允许的字符或长度不符。", "A text has characters or a length not allowed."
    ),
    "ID_FORMAT": ProblemText(
        422, "证件号码格式不正确。", "An identity number is not of the right format."
    ),
    "AMOUNT_FORMAT": ProblemText(
        422,
        '金额应为带两位小数的字符串,例如 "64.25"。',
        'An amount is a string of yuan with two decimals, such as "64.25".',
    ),
    "AMOUNT_OUT_OF_RANGE": ProblemText(422, "金额超出允许范围。", "An amount is out of range."),
    "AMOUNT_MISMATCH": ProblemText(
        422, "金额之间不相符:基金支付大于总额。", "The amounts do not agree with each other."
    ),
    "LINES_MISMATCH": ProblemText(
        422,
        "费用明细之和不等于个人负担部分。",
        "The fee lines do not sum to the personal part.",
    ),
    "TOO_MANY_LINES": ProblemText(422, "列表项过多。", "A list has too many members."),
    "DATE_INVALID": ProblemText(422, "日期不可接受。", "A date is not acceptable."),
    "QUERY_INVALID": ProblemText(
        422, "查询参数不符合要求。", "A query parameter is not acceptable."
    ),
    "PAGE_INVALID": ProblemText(422, "分页参数无效。", "The cursor or limit is not valid."),
    "PLAN_HASH_INVALID": ProblemText(
        422, "plan_hash 不是本服务签发的。", "The plan_hash was not made by this service."
    ),
    "IDEMPOTENCY_KEY_REUSED": ProblemText(
        422,
        "该 Idempotency-Key 已用于另一请求;请更换。",
        "This Idempotency-Key was used for another request; use a new one.",
    ),
    "EVIDENCE_INVALID": ProblemText(
        422,
        "不接受此类证明材料,或缺少编号。",
        "Such evidence is not taken here, or its reference is missing.",
    ),
    "CREDENTIAL_MISMATCH": ProblemText(
        422,
        "所出示的凭证不属于该患者。",
        "The credential shown does not belong to this patient.",
    ),
    "NO_EDITION": ProblemText(
        422, "该地区当日没有生效的政策版本。", "The region has no policy edition in force today."
    ),
    "SELF_BINDING": ProblemText(422, "不能与本人绑定。", "Nobody can be bound to himself."),
    "OWN_FIRST_MANDATORY": ProblemText(
        422,
        "本人账户始终最先扣款,不能列入顺序。",
        "The own account always pays first and cannot be ordered.",
    ),
    "SPONSOR_INVALID": ProblemText(
        422,
        "扣款顺序含有重复的人或非本人的共济人。",
        "The order names somebody twice or somebody who is no sponsor here.",
    ),
    "RELATION_NOT_ALLOWED": ProblemText(
        422, "该地区不允许与此关系共济。", "The region does not share with this relation."
    ),
    "SPONSOR_EXCLUDED": ProblemText(
        422, "该地区不允许此类人员参加共济。", "The region excludes persons of this kind."
    ),
    # who asks
    "UNAUTHENTICATED": ProblemText(
        401, "缺少令牌,或令牌无效、已过期。", "The bearer token is missing, invalid or expired."
    ),
    "NOT_PERMITTED": ProblemText(403, "您无权进行此操作。", "You may not do this."),
    "READ_ONLY_ROLE": ProblemText(
        403, "审计角色只能读取。", "An auditor reads and writes nothing."
    ),
    "NOT_FOUND": ProblemText(404, "不存在,或不属于您。", "It does not exist, or it is not yours."),
    # rules on what is stored
    "INSTITUTION_NOT_DESIGNATED": ProblemText(
        403,
        "该机构未定点或协议未生效。",
        "The institution is not designated, or its agreement is not in force.",
    ),
    "ACCOUNT_EXISTS": ProblemText(409, "此人已有账户。", "This person has an account already."),
    "ACCOUNT_ENDED": ProblemText(409, "账户已终止。", "The account has ended."),
    "NO_FUNDS": ProblemText(
        409, "居民医保没有个人账户资金。", "A resident's account holds no money."
    ),
    "STATUS_UNCHANGED": ProblemText(
        409, "账户已是该状态。", "The account is in that status already."
    ),
    "VERSION_STALE": ProblemText(
        409, "您所依据的版本已过时,请重新读取。", "You changed an old version; read it again."
    ),
    "DUAL_ROLE_FORBIDDEN": ProblemText(
        409,
        "该地区不允许同时作为共济人和被共济人。",
        "The region lets nobody be sponsor and beneficiary at once.",
    ),
    "RELATION_MAX": ProblemText(
        409, "此关系的人数已达上限。", "The number for this relation is reached."
    ),
    "SPONSOR_LIMIT": ProblemText(
        409, "被共济人的共济人数已达上限。", "The beneficiary has as many sponsors as allowed."
    ),
    "BENEFICIARY_LIMIT": ProblemText(
        409, "共济人的被共济人数已达上限。", "The sponsor has as many beneficiaries as allowed."
    ),
    "ALREADY_BOUND": ProblemText(
        409, "双方已绑定,或已有待确认的邀请。", "They are bound, or an invitation is open."
    ),
    "KINSHIP_UNPROVEN": ProblemText(
        409,
        "亲属关系未经核验;请登记亲属关系或提交证明材料。",
        "The kinship is not shown: register it, or send a document's reference.",
    ),
    "LIFETIME_LIMIT": ProblemText(
        409,
        "共济人累计的被共济人数已达上限。",
        "The sponsor has had as many different beneficiaries as allowed.",
    ),
    "REBIND_LOCKED": ProblemText(
        409, "解绑后未满规定期限,不能再次绑定。", "They parted too lately to be bound again."
    ),
    "CHANGE_LIMIT": ProblemText(
        409, "本年度解绑次数已达上限。", "The number of releases this year is used up."
    ),
    "ORDER_NOT_SET": ProblemText(
        409,
        "请先设置扣款顺序,再绑定第二位共济人。",
        "Set a deduction order before a second sponsor is bound.",
    ),
    "NOT_INVITED": ProblemText(409, "没有待确认的邀请。", "There is no open invitation."),
    "INVITATION_EXPIRED": ProblemText(409, "邀请已过期。", "The invitation has expired."),
    "NOT_ACTIVE": ProblemText(
        409, "绑定或医保码代展示关系未生效。", "The binding or credential link is not active."
    ),
    "TOO_EARLY": ProblemText(
        409, "未满规定的最短时间。", "The region's minimum time has not passed."
    ),
    "PARTY_STATUS": ProblemText(
        409, "一方的参保或账户状态不允许绑定。", "One side's status does not allow a binding."
    ),
    "SCOPE": ProblemText(
        409, "双方参保地超出该地区共济范围。", "The two regions are too far apart for sharing."
    ),
    "DUPLICATE_CLAIM": ProblemText(
        409,
        "该就诊的此收费批次已结算。",
        "This visit and charge batch is settled already.",
    ),
    "PLAN_CHANGED": ProblemText(
        409,
        "扣款方案与报价不同;请用新键确认新方案。",
        "The split differs from the quote; settle the new plan with a new key.",
    ),
    "CLAIM_CHANGED": ProblemText(
        409, "费用与报价时不同;请重新报价。", "The claim is not the quoted one; quote again."
    ),
    "QUOTE_EXPIRED": ProblemText(
        409, "报价已过期;请重新报价。", "The quote has expired; quote again."
    ),
    "ALREADY_CANCELLED": ProblemText(409, "该结算已撤销。", "The settlement was cancelled before."),
    "CANCEL_CLOSED": ProblemText(
        409, "已超过该地区的撤销期限。", "The region's time for a cancellation is over."
    ),
    "ALREADY_REVERSED": ProblemText(409, "该结算已冲正。", "The settlement was reversed before."),
    "PARTIAL_REFUND_NOT_ALLOWED": ProblemText(
        409,
        "该地区不支持部分退费;请撤销后重新结算。",
        "The region gives back whole bills alone: cancel it and settle anew.",
    ),
    "REPLACEMENT_NOT_ALLOWED": ProblemText(
        409,
        "该地区不支持撤销后重新结算;请办理部分退费。",
        "The region gives parts back and settles no bill anew: refund it.",
    ),
    "REFUND_EXCEEDS": ProblemText(
        409, "退费金额超过可退余额。", "More is asked back than what stays of the settlement."
    ),
    "REFUND_CLOSED": ProblemText(
        409, "已超过该地区的退费期限。", "The region's time for a refund is over."
    ),
    "USE_REFUND": ProblemText(
        409,
        "该日已清算,不能冲正;请办理退费。",
        "The day is cleared: it cannot be reversed; refund it instead.",
    ),
    "REVERSED_BEFORE_ARRIVAL": ProblemText(
        409,
        "该请求在到达前已被冲正,未作任何更改。",
        "The request was reversed before it came; nothing was applied.",
    ),
    "HOLD_VOID": ProblemText(
        409, "该预留已失效;请重新结算。", "The hold is not in force any more; settle anew."
    ),
    "CAPTURE_EXCEEDS": ProblemText(
        409, "金额超过已预留的部分。", "More is asked for than what was held."
    ),
    "DUAL_CONTROL": ProblemText(
        409,
        "提出更正的人不能自行审批;须由另一人办理。",
        "Who proposed the correction cannot decide it; somebody else must.",
    ),
    "CORRECTION_DECIDED": ProblemText(
        409, "该更正已审批。", "The correction was approved or rejected before."
    ),
    "CORRECTION_EXCEEDS": ProblemText(
        409,
        "更正金额超过该账户可用部分(已预留的金额不可动用)。",
        "The correction takes more than is free; what is held must stay.",
    ),
    # us
    "OVERLOADED": ProblemText(
        503, "系统繁忙,请稍后重试。", "The service is busy; try again shortly."
    ),
    "STORE_UNAVAILABLE": ProblemText(
        503, "账本暂不可用,未作任何更改;请稍后重试。", "The ledger is unavailable; try again."
    ),
    "STORE_FULL": ProblemText(
        503,
        "账本存储空间已满,未作任何更改。",
        "The ledger's disk is full; nothing was applied.",
    ),
    "OUTCOME_UNKNOWN": ProblemText(
        503,
        "结果未知;请用同一 Idempotency-Key 再次请求。",
        "The outcome is unknown; ask again with the same Idempotency-Key.",
    ),
    "NOT_READY": ProblemText(503, "服务尚未就绪。", "The service is not ready."),
    "INVARIANT_VIOLATION": ProblemText(
        500,
        "数据库拒绝了该更改;未作任何更改。",
        "The database refused the change; nothing was applied.",
    ),
    "INTERNAL_ERROR": ProblemText(500, "内部错误。", "An internal error."),
    # clearing
    "CLEARING_BACKWARD": ProblemText(
        409,
        "该日及之前的结算已清算;清算日期只能向后。",
        "That day was cleared before; a clearing only goes forward.",
    ),
    # credential links
    "CODE_EXPIRED": ProblemText(
        422, "医保码已失效,请重新展示。", "The code holds no more; have it shown again."
    ),
    "LINK_LIMIT": ProblemText(
        409,
        "代为展示医保码的家庭成员数已达上限。",
        "The guardian has as many credential links as there may be.",
    ),
    "ALREADY_LINKED": ProblemText(
        409,
        "已可代为展示该成员的医保码。",
        "The guardian has a live credential link to this member.",
    ),
    "LINK_CLOSED": ProblemText(409, "该医保码代展示关系已解除。", "The credential link is closed."),
    # premiums
    "INSUFFICIENT": ProblemText(
        422,
        "共济人可用余额不足以支付全部保费。",
        "The sponsor's free money is less than the whole premium.",
    ),
    "USE_NOT_GRANTED": ProblemText(
        403,
        "该绑定未开通共济缴费。",
        "The grant does not let the account pay premiums.",
    ),
    "KIN_LINK_HAS_NO_FUNDS": ProblemText(
        403,
        "亲情账户不涉及资金;代缴保费须先绑定家庭共济。",
        "A credential link lends no money; a premium needs a binding.",
    ),
    "PAYEE_NOT_RESIDENT": ProblemText(
        409,
        "该成员未参加居民医保。",
        "The payee is not insured as a resident.",
    ),
    "FROZEN": ProblemText(409, "共济人账户已冻结。", "The sponsor's account is frozen."),
    "SPONSOR_STATUS": ProblemText(
        409,
        "共济人的参保或账户状态不允许代缴。",
        "The sponsor's account or insurance lets nothing leave now.",
    ),
    "PREMIUM_NOT_OFFERED": ProblemText(
        409,
        "该地区不支持个人账户代缴此类保费。",
        "The region lets no account pay this premium.",
    ),
    "WINDOW_CLOSED": ProblemText(
        409,
        "不在集中参保缴费期内;请通过税务渠道办理。",
        "The months of enrolment are over; use the tax channel.",
    ),
    "PREMIUM_ALREADY_PAID": ProblemText(
        409,
        "该成员当年度保费已缴。",
        "This person's premium of that year is paid already.",
    ),
    "PREMIUM_IN_PROGRESS": ProblemText(
        409,
        "该保费正在办理,税务部门尚未答复。",
        "This premium is under way; the tax side has not answered yet.",
    ),
    "PREMIUM_NOT_PAID": ProblemText(
        409,
        "该保费没有可退的缴款。",
        "Nothing of this premium is paid that could come back.",
    ),
    "SPONSOR_ENDED": ProblemText(
        409,
        "共济人的参保关系已终止,不能撤销。",
        "The sponsor's insurance here has ended.",
    ),
    "TAX_REFUSED": ProblemText(409, "税务部门未予办理。", "The tax side refused."),
    "BENEFIT_USED": ProblemText(
        409,
        "该成员已享受当年度待遇,不能撤销。",
        "The payee has drawn benefits of that year.",
    ),
    "CLEARED": ProblemText(409, "该缴款已清算,不能撤销。", "The payment is cleared and stays."),
    "TAX_UNAVAILABLE": ProblemText(
        503,
        "尚未接入税务系统,未作任何更改。",
        "No tax side is connected; nothing was applied.",
    ),
    # proofs, consent, replays
    "NOT_SEALED_YET": ProblemText(
        409,
        "该记录尚未封存;请稍后重试。",
        "The row is not under a signed checkpoint yet; ask again in a moment.",
    ),
    "COSIGNATURE_INVALID": ProblemText(
        422,
        "见证签名无效,或不是本账本检查点的签名。",
        "The line is not this key's signature of a checkpoint of this ledger.",
    ),
    "LOG_BROKEN": ProblemText(
        500,
        "账本记录与已签名的检查点不符。",
        "The log is not what was signed; verify an export offline.",
    ),
    "CONSENT_UNKNOWN": ProblemText(
        422,
        "没有此版本的同意书;可用版本见 /v1/consents。",
        "There is no text of consent of this version; see /v1/consents.",
    ),
    "REPLAY_RUNNING": ProblemText(409, "已有一次重放在进行。", "A replay is under way already."),
    # the national protocol
    "INFNO_UNKNOWN": ProblemText(422, "未知交易编号。", "There is no transaction of that number."),
    "SIGNATURE_INVALID": ProblemText(
        401, "签名或令牌校验未通过。", "The signature or token is not valid."
    ),
    "CLOCK_SKEW": ProblemText(
        401, "签名时间超出允许范围。", "The signature's time is too far from ours."
    ),
    "NONCE_REPLAYED": ProblemText(
        401,
        "随机串已使用;重发请更换随机串并保持报文ID不变。",
        "The nonce was used before; sign anew and keep the message id.",
    ),
    "REPLAY_GUARD_UNAVAILABLE": ProblemText(
        503,
        "防重放校验暂不可用,未作任何更改;请稍后重试。",
        "Nonces cannot be checked now; nothing was applied.",
    ),
    "REVERSAL_NOT_POSSIBLE": ProblemText(
        409,
        "该撤销已生效:全额撤销后结算即终结,撤销不可冲正。未收到应答的请登记退费,需要的请以新报文重新结算。",
        "The cancellation was carried out and is final: book the refund, or settle the bill anew.",
    ),
    "FEES_MISMATCH": ProblemText(
        422,
        "医疗费总额与已上传费用明细合计不符。",
        "The total is not the sum of the uploaded fee lines.",
    ),
    "VISIT_CLOSED": ProblemText(
        409, "就诊已撤销或已出院。", "The visit is withdrawn or discharged."
    ),
    "VISIT_NOT_CLOSED": ProblemText(409, "患者未出院。", "The patient was not discharged."),
    "BATCH_SETTLED": ProblemText(409, "该收费批次已结算。", "The charge batch is settled already."),
    "FEE_REPEATED": ProblemText(
        409, "费用明细流水号重复。", "A fee line's number was used before."
    ),
    "FEES_MISSING": ProblemText(409, "没有可撤销的费用明细。", "There are no such fee lines."),
    "CLEARING_DIFFERENT": ProblemText(
        409,
        "清算申请金额与中心记录不符;请先对账。",
        "The month's sums are not ours; reconcile first.",
    ),
    "FILE_INVALID": ProblemText(
        422, "对账文件内容或格式不正确。", "The file is not of the right format."
    ),
    # the access log, erasure
    "PURPOSE_FORMAT": ProblemText(
        400,
        "Gongji-Purpose 应为以字母开头的 1 至 40 个字母、数字、点或连字符组成的用途代码。",
        "Gongji-Purpose is a code: a letter, then up to 39 letters, digits, dots or dashes.",
    ),
    "ERASURE_NOT_ALLOWED": ProblemText(
        409,
        "账户未终止,或尚有未了结的绑定、预留、代缴或挂账款项,不得删除个人信息。",
        "The account goes on, or a binding, hold, premium or money kept aside is still open.",
    ),
    # the national protocol
    "SIGNATURE_ALG": ProblemText(
        401,
        "签名类型与约定不符。",
        "The signature is not of the kind that was agreed.",
    ),
    "SM2_NOT_INSTALLED": ProblemText(
        501,
        "本服务未安装 SM2 组件(可选依赖 sm2),未作任何更改。",
        "This service runs without its optional extra sm2; nothing was applied.",
    ),
    # free texts
    "PERSON_NAMED": ProblemText(
        422,
        "文本含有身份证号码或本人姓名,删除个人信息时无法清除,请改写。",
        "A text has an ID number or the person's name, which no erasure would reach.",
    ),
    # credential links under review
    "NOT_IN_REVIEW": ProblemText(
        409, "没有待审核的代展示申请。", "Nothing of this credential link waits for a review."
    ),
    # how a request comes
    "HEAD_TOO_LARGE": ProblemText(
        431,
        "请求行与请求头合计不得超过 32 KiB。",
        "The request line and its headers may have 32 KiB together.",
    ),
    "REQUEST_TIMEOUT": ProblemText(
        408, "请求未在规定时间内完整送达。", "The request did not arrive whole in time."
    ),
    # tokens
    "TOKEN_REGION_MISSING": ProblemText(
        403,
        '经办机构令牌须写明 region:六位医保区划,或全国 "*"。',
        'An agency\'s token must say its region: six digits, or "*" for the nation.',
    ),
    "TOKEN_KEYS_UNREADABLE": ProblemText(
        503,
        "验证令牌的公钥暂不可用,未作任何更改;请稍后重试。",
        "Tokens cannot be verified now; nothing was applied.",
    ),
    # limits
    "RATE_LIMITED": ProblemText(
        429,
        "查无结果或校验失败的请求过于频繁,未作任何更改;请稍后重试。",
        "Too many requests found nothing or failed; nothing was applied. Wait, then try again.",
    ),
    # four eyes
    "FOUR_EYES": ProblemText(
        409,
        "入账金额超过本地区单人经办上限;请在 /v1/corrections 提出更正,由另一人批准。",
        "One person may not credit so much: propose it at /v1/corrections; another approves.",
    ),
}
"""Status, Chinese and English by code; the national protocol tells the Chinese alone."""

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
