"""The HTML of `/docs/fsi/check`: a form, and the check or the refusal that it was answered.

Of what was typed, the page shows the code and the time alone.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, NamedTuple

from api.his.docs_page import STYLE
from api.his.docs_tables import table_of
from api.his.fsi_check import SOUND, VERDICTS, WORDS

PATH = "/docs/fsi/check"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
IGNORED = "members"
"""The area of members that are ignored; they have a table of their own."""
FORM_STYLE = """form{max-width:30rem}label{display:block;margin:.6rem 0 .1rem}
input,button{font:inherit;box-sizing:border-box;width:100%;padding:.4rem}
button{margin-top:.8rem;width:auto}.told{border-left:.4rem solid #064;padding:.2rem .8rem}
[role=alert],.misread{border-color:#a00}.tolerated,.unseen{border-color:#960}
[role=alert]{border-left:.4rem solid #a00;padding:.2rem .8rem}p[lang],span[lang]{color:#444}
.found th{white-space:normal}.found td:first-child{min-width:14em}
@media(max-width:40rem){.found th{display:none}.found tr,.found td{display:block;border-width:0}
.found tr{border-top:2px solid #999;padding:.4rem 0}.found td:first-child{min-width:0}
.found td[data-title]::before{content:attr(data-title) ": "}}"""
"""A narrow screen shows a finding's cells one below the other, each with its title."""
HEAD = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>连接自检 Connection check · Gongji 共济</title><style>{STYLE}
{FORM_STYLE}</style></head><body>
<h1>连接自检 <span lang="en">Connection check</span></h1>
"""
ABOUT = """<p>本页说明一家机构的系统发来的报文中,哪些被容忍、忽略或误读。只记录字段的名称与次数,
不记录任何值。机构本身、其经办机构与审计可以查看。令牌只用于这一次查询,不保存,也不出现在地址中。</p>
<p lang="en">This page tells what the service tolerates, ignores or misreads in the messages of an
institution's system. Names of fields and counts are kept, and no value. The institution itself, its
agency and the auditor may look. The token is used for this one look, is not kept, and is in no
address.</p>
"""
TAIL = """<p><a href="/docs/fsi">联调说明 <span lang="en">How to connect</span></a></p>
</body></html>
"""
TOLD = {
    "sound": (
        "连接正常,没有需要改正的内容。",
        "The connection is sound; there is nothing to mend.",
    ),
    "tolerated": (
        "报文都能办理,但有些写法只是被容忍。",
        "Every message is served, but some forms are only tolerated.",
    ),
    "misread": (
        "有报文被拒绝,或可能被误读。",
        "Some messages are refused, or may be misread.",
    ),
    "unseen": ("没有收到此机构的报文。", "No message of this institution was seen."),
}
"""The check in one line, by its verdict."""
ADVICE = {
    "sound": ("无需处理。", "Nothing is to be done."),
    "tolerated": ("请在下次更新时改正。", "Mend it with your next release."),
    "misread": ("请立即改正。", "Mend it now."),
}
"""What to do about a finding, by its verdict."""
TITLES = (
    ("发现", "Finding"),
    ("交易与字段", "Transaction and field"),
    ("报文数", "Messages"),
    ("最近一次", "Last time"),
    ("处理", "What to do"),
)
"""The columns of findings."""


class Typed(NamedTuple):
    """What the form shows again: a code and a time, or empty texts."""

    code: str = ""
    since: str = ""


class NotChecked(NamedTuple):
    """Why there is no check: a stable code, a sentence in both languages, the fields' names."""

    code: str
    zh: str
    en: str
    fields: tuple[str, ...] = ()


def empty_page() -> str:
    """The page before anything is asked."""
    return HEAD + ABOUT + _form(Typed()) + TAIL


def refused_page(typed: Typed, why: NotChecked) -> str:
    """The page that says why there is no check."""
    named = f" (<code>{escape(', '.join(why.fields))}</code>)" if why.fields else ""
    told = (
        f'<div role="alert"><p>{escape(why.zh)}{named}</p>'
        f'<p lang="en">{escape(why.en)} <code>{escape(why.code)}</code></p></div>\n'
    )
    return HEAD + told + _form(typed) + TAIL


def check_page(typed: Typed, check: dict[str, Any]) -> str:
    """The page of a check, as the API answers it: the verdict first, the form last."""
    return HEAD + "\n".join(_check(check)) + _form(typed) + TAIL


def _check(check: dict[str, Any]) -> Iterator[str]:
    verdict = check["verdict"]
    yield f'<p class="told {verdict}" role="status"><strong>{_both(*TOLD[verdict])}</strong></p>'
    yield (
        f"<p>{escape(check['institution'])}: {check['messages']} 条报文"
        f' <span lang="en">messages</span>, 最近一条 <span lang="en">the last at</span>'
        f" {_time(check['last_at'])}</p>"
    )
    if not check["areas"]:
        return
    findings = [
        finding
        for area in check["areas"]
        if area["area"] != IGNORED
        for finding in area["findings"]
    ]
    ignored = [f for area in check["areas"] if area["area"] == IGNORED for f in area["findings"]]
    yield _titled("发现的问题", "What was found") + _findings(findings)
    yield _titled("忽略的字段", "Fields that are ignored") + _findings(ignored)
    yield _titled("各方面", "Every area")
    yield table_of(
        (_both("方面", "Area"), _both("结论", "Verdict")),
        ((_both(area["zh"], area["en"]), WORDS[area["verdict"]]) for area in check["areas"]),
    )


def _findings(findings: Iterable[dict[str, Any]]) -> str:
    """A table of findings, the worst first."""
    rows = sorted(findings, key=lambda one: VERDICTS.index(one["verdict"]), reverse=True)
    if not rows:
        return f"<p>{_both(*SOUND)}</p>"
    head = "".join(f"<th>{_both(*title)}</th>" for title in TITLES)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    return f'<div class="box found"><table><tr>{head}</tr>{body}</table></div>'


def _row(one: dict[str, Any]) -> str:
    what, *others = (
        f"{_both(one['zh'], one['en'])} <code>{escape(one['kind'])}</code>",
        f"{escape(one['infno'])} <code>{escape(one['place'])}</code>",
        str(one["messages"]),
        _time(one["last_at"]),
        f"{WORDS[one['verdict']]}: {_both(*ADVICE[one['verdict']])}",
    )
    titled = (f'<td data-title="{TITLES[n][0]}">{cell}</td>' for n, cell in enumerate(others, 1))
    return f"<td>{what}</td>{''.join(titled)}"


def _form(typed: Typed) -> str:
    return f"""<form method="post" action="{PATH}" autocomplete="off">
<label for="code">机构编号 <span lang="en">Institution's code</span></label>
<input id="code" name="code" required maxlength="30" value="{escape(typed.code)}">
<label for="since">起始时间,北京时间,可空
<span lang="en">Since, Beijing time, may be empty</span></label>
<input id="since" name="since" type="datetime-local" value="{escape(typed.since)}">
<label for="token">令牌 <span lang="en">Token</span></label>
<input id="token" name="token" type="password" autocomplete="off" required>
<button>查询 <span lang="en">Check</span></button>
</form>
"""


def _titled(zh: str, en: str) -> str:
    return f"<h2>{_both(zh, en)}</h2>"


def _both(zh: str, en: str) -> str:
    return f'{escape(zh)} <span lang="en">{escape(en)}</span>'


def _time(written: str | None) -> str:
    """A time of the check, without its zone, which is Beijing's."""
    return "-" if written is None else escape(written[:19].replace("T", " "))
