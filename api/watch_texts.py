"""The problems of the access log and of erasures: status, Chinese, English (`problem_texts.py`)."""

WATCH_TEXTS = {
    "PURPOSE_FORMAT": (
        400,
        "Gongji-Purpose 应为以字母开头的 1 至 40 个字母、数字、点或连字符组成的用途代码。",
        "Gongji-Purpose is a code: a letter, then up to 39 letters, digits, dots or dashes.",
    ),
    "ERASURE_NOT_ALLOWED": (
        409,
        "账户未终止,或尚有未了结的绑定、预留、代缴或挂账款项,不得删除个人信息。",
        "The account goes on, or a binding, hold, premium or money kept aside is still open.",
    ),
}
LATER = {
    "PERSON_NAMED": (
        422,
        "文本含有身份证号码或本人姓名,删除个人信息时无法清除,请改写。",
        "A text has an ID number or the person's name, which no erasure would reach.",
    ),
}
