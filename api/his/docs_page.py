"""The page at `/docs/fsi`: how to connect a client to the sandbox, and every transaction.

`tests/api/his/test_conversations.py` records the messages. The page has no script, and its links
lead to headings, because a browser may not open a folded part for a link into it.
"""

from functools import lru_cache
from html import escape

from api.his.docs_sections import SECTIONS, sections
from api.his.docs_tables import grouped, transactions

STYLE = """body{font:16px/1.5 sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;
overflow-wrap:anywhere}
.box,pre{overflow-x:auto;max-width:100%}pre{background:#f4f4f4;padding:.5rem;font-size:13px}
table{border-collapse:collapse;margin:.3rem 0}
td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;overflow-wrap:normal;min-width:2em}
th{white-space:nowrap}summary{cursor:pointer;padding:.4rem 0}
nav li{display:inline-block;margin:.2rem .8rem .2rem 0}nav ul{padding:0;margin:.2rem 0}
a{color:#064}"""
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
<p>个人账户支出 <code>acct_pay</code> 包含共济支付 <code>acct_mulaid_pay</code>,
现金为 <code>psn_part_amt</code> 减 <code>acct_pay</code>。没有的数值为 0,没有的文本为空串。
中心给出的编号只有数字和小写字母。</p>
"""
TAIL = """<p>9102 的应答是文件(ZIP)本身,录制的是其中各行;
1162 的输入为亲情账户所示的码。</p></body></html>
"""


@lru_cache(maxsize=1)
def page() -> str:
    """The whole page."""
    titles = '<h2 id="transactions">交易</h2>'
    return "\n".join([HEAD, _contents(), *sections(), titles, *transactions(), TAIL])


def _contents() -> str:
    """Links to every section and every transaction."""
    links = [f'<li><a href="#{anchor}">{title}</a>' for anchor, (title, _) in SECTIONS.items()]
    parts = [f"<nav><h2>目录</h2><ul>{''.join(links)}</ul>"]
    for name, members in grouped():
        links = [f'<li><a href="#t{t.infno}">{t.infno} {escape(t.name)}</a>' for t in members]
        parts.append(f"<p>{name}</p><ul>{''.join(links)}</ul>")
    return "".join(parts) + "</nav>"
