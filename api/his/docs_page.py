"""The page at `/docs/fsi`: how to connect a client to the sandbox, and recorded messages.

`tests/api/his/test_conversations.py` records the messages.
"""

import json
import tomllib
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from api.his.wire.envelope import ALIASES
from api.his.wire.field_tables import TRANSACTIONS

RECORD = Path(__file__).parent / "conversations.json"
STYLES = Path(__file__).parent / "styles.toml"
DEMO = Path(__file__).parents[1] / "demo" / "people.ndjson"
"""The import file of the demo. Its institutions sign in every way but SM2, which needs an extra."""
STYLE = """body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f4;padding:.5rem;overflow:auto;font-size:13px}
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:left}
summary{cursor:pointer;padding:.2rem 0}"""
HEAD = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>国家医保接口 · Gongji 共济</title><style>{STYLE}</style></head><body>
<h1>国家医保接口联调说明</h1>
<p>把医院信息系统的接口地址改为本服务,例如
<code>http://主机:8000/fsi/api/rsfComIfsService/callService</code>;
路径只作提示,按报文体中的 <code>infno</code> 路由。所有应答都是 HTTP 200,
<code>infcode</code> 0 成功、-1 失败;失败时 <code>exp_content</code> 含稳定代码。</p>
<p>重发同一报文(<code>msgid</code> 与内容均不变)得到同一应答;同一 <code>msgid</code> 换内容会被拒绝;
同一就诊与收费批次再次结算会被拒绝并告知已有的 <code>setl_id</code>。没有收到应答时,重发原报文,
或用 2601 冲正,或用扩展交易 GJ01 按 <code>msgid</code> 查询结果。</p>
<p>本服务不办理的交易(如 3301、3505)原样转发到机构所在地区的医保中心
(<code>GONGJI_FSI_CENTRE_URL</code>),应答原样返回。转发只做一次,不重试;
中心没有在时限内完整应答时返回 -1,<code>outcome</code> 为 <code>unknown</code>,
即中心可能已办理。</p>
<p>个人账户支出 <code>acct_pay</code> 包含共济支付 <code>acct_mulaid_pay</code>,
现金为 <code>psn_part_amt</code> 减 <code>acct_pay</code>。没有的数值为 0,没有的文本为空串。
中心给出的编号只有数字和小写字母。机构的 <code>dialect</code> 可另行约定:
<code>nulls</code> 没有的值为 null;<code>acct_used_flag</code> 为 <code>hunan</code> 时,
1 只用本人账户,2 本人账户之后用共济账户。</p>
"""


@lru_cache(maxsize=1)
def page() -> str:
    """The whole page."""
    conversations = json.loads(RECORD.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()]
    institutions = [line for line in lines if line["type"] == "institution"]
    persons = [line for line in lines if line["type"] == "account"]
    parts = [HEAD, "<h2>联调机构与密钥(仅演示数据)</h2>", _institutions(institutions)]
    parts += ["<h2>签名方式各保护什么</h2>", _styles()]
    parts += ["<h2>联调人员</h2>", _persons(persons), "<h2>交易与录制的报文</h2>"]
    parts += map(_conversation, conversations)
    parts.append("<p>9102 的应答是文件(ZIP)本身,录制的是其中各行;")
    parts.append("1162 的输入为亲情账户所示的码。</p></body></html>\n")
    return "\n".join(parts)


def _institutions(lines: list[dict[str, Any]]) -> str:
    """How each institution signs; one without a signature shows a bearer token."""
    signing = [(line["code"], line.get("signature", {"style": "Bearer"})) for line in lines]
    rows = "".join(
        f"<tr><td>{code}</td><td>{signature['style']}</td>"
        f"<td>{signature.get('paasid', '')}</td><td>{signature.get('secret', '')}</td></tr>"
        for code, signature in signing
    )
    return f"<table><tr><th>机构</th><th>签名</th><th>paasid</th><th>密钥</th></tr>{rows}</table>"


def _styles() -> str:
    """What each style of signing protects, and what not."""
    table = tomllib.loads(STYLES.read_text(encoding="utf-8"))
    titles = ("方式", "请求头", "防篡改", "防过期", "防重放", "说明")
    head = "".join(f"<th>{title}</th>" for title in titles)
    rows = (
        "".join(f"<td>{escape(text)}</td>" for text in (style, *row.values()))
        for style, row in table.items()
    )
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _persons(lines: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{line['person_no']}</td><td>{line['cert_no']}</td></tr>" for line in lines
    )
    return f"<table><tr><th>psn_no</th><th>mdtrt_cert_no(02)</th></tr>{rows}</table>"


def _conversation(conversation: dict[str, Any]) -> str:
    infno = conversation["asked"]["infno"]
    title = f"{escape(infno)} {TRANSACTIONS[ALIASES.get(infno, infno)].name}"
    request, answer = (
        escape(json.dumps(conversation[part], ensure_ascii=False, indent=1))
        for part in ("asked", "answered")
    )
    return (
        f"<details><summary>{title}</summary><h3>请求</h3><pre>{request}</pre>"
        f"<h3>应答</h3><pre>{answer}</pre></details>"
    )
