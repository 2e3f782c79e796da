"""Problems of proofs, consents and replays: status, sentence in Chinese and in English."""

PROOF_TEXTS: dict[str, tuple[int, str, str]] = {
    "NOT_SEALED_YET": (
        409,
        "该记录尚未封存;请稍后重试。",
        "The row is not under a signed checkpoint yet; ask again in a moment.",
    ),
    "COSIGNATURE_INVALID": (
        422,
        "见证签名无效,或不是本账本检查点的签名。",
        "The line is not this key's signature of a checkpoint of this ledger.",
    ),
    "LOG_BROKEN": (
        500,
        "账本记录与已签名的检查点不符。",
        "The log is not what was signed; verify an export offline.",
    ),
    "CONSENT_UNKNOWN": (
        422,
        "没有此版本的同意书;可用版本见 /v1/consents。",
        "There is no text of consent of this version; see /v1/consents.",
    ),
    "REPLAY_RUNNING": (409, "已有一次重放在进行。", "A replay is under way already."),
}
