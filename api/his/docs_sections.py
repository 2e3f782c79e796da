"""The sections of the page at `/docs/fsi` before the transactions; each is data as a table."""

import json
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from api.his.deviations import read_toml
from api.his.docs_tables import table_of
from api.his.forwarding import KNOWN
from api.his.gateway import DOWNLOAD, PATHS

DEMO = Path(__file__).parents[1] / "demo" / "people.ndjson"
"""The import file of the demo. Its institutions sign in every way but SM2, which needs an extra."""
PARTS = {
    "in": "请求的 exp_content",
    "out": "应答的 exp_content",
    "refused": "失败应答的 exp_content",
    "else": "其他",
}


def _demo(kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, DEMO.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["type"] == kind]


def sandbox() -> str:
    """How each institution of the demo signs, and its persons."""
    signing = [(i["code"], i.get("signature", {"style": "Bearer"})) for i in _demo("institution")]
    rows = [
        (code, signature["style"], signature.get("paasid", ""), escape(signature.get("secret", "")))
        for code, signature in signing
    ]
    people = [(line["person_no"], line["cert_no"]) for line in _demo("account")]
    return table_of(("机构", "签名", "paasid", "密钥"), rows) + table_of(
        ("psn_no", "mdtrt_cert_no(02)"), people
    )


def paths() -> str:
    """Where the protocol is spoken, and what a wrong path is answered."""
    rows = "".join(f"<li><code>{path}</code></li>" for path in PATHS)
    return (
        f"<p>POST 到以下前缀的任何地址(<code>GONGJI_FSI_PATHS</code> 可改);"
        f"路径只作提示,交易由 <code>infno</code> 决定。</p><ul>{rows}</ul>"
        f"<p>文件也可用 GET 取得:地址以 <code>{DOWNLOAD}</code> 结尾,参数为 "
        "<code>file_qury_no</code> 与 <code>fixmedins_code</code>。</p>"
        "<p>带 <code>infno</code> 的报文发到其他地址时,应答的 <code>infcode</code> 为 -1"
        "(<code>FSI_PATH_UNKNOWN</code>),不会被误读为成功。</p>"
    )


def signing() -> str:
    """What each style of signing protects, and what not."""
    titles = ("方式", "请求头", "防篡改", "防过期", "防重放", "说明")
    rows = (map(escape, (style, *row.values())) for style, row in read_toml("styles.toml").items())
    return table_of(titles, rows) + (
        "<p>密钥由经办机构在 <code>PUT /v1/institutions/{code}</code> 的 "
        "<code>signature</code> 中设置。任何方式下,一条报文只办理一次。</p>"
    )


def dialects() -> str:
    """What an institution's dialect may say."""
    rows = (
        (setting, escape(row["name"]), value, escape(text) + ("(默认)" if not rank else ""))
        for setting, row in read_toml("dialects.toml").items()
        for rank, (value, text) in enumerate(row["values"].items())
    )
    return "<p>每个机构的 <code>dialect</code> 可另行约定:</p>" + table_of(
        ("设置", "内容", "值", "含义"), rows
    )


def extensions() -> str:
    """What this service adds to the protocol."""
    rows = (
        (PARTS[part], escape(name), escape(text))
        for part, members in read_toml("extensions.toml").items()
        for name, text in members.items()
    )
    return table_of(("位置", "名称", "含义"), rows)


def ignored() -> str:
    """What is not read, or read and not used."""
    return (
        "<p>各表以外的字段一律忽略,不因此拒绝。公布表有而此处不读取的字段,"
        "列在各交易的“与公布表的差异”;读取但不据以判断的字段,列在各交易下。"
        "报文头只用 <code>infno</code>、<code>msgid</code>、<code>fixmedins_code</code>、"
        "<code>mdtrtarea_admvs</code>、<code>opter</code>,SM2 签名另用 <code>inf_time</code>、"
        "<code>cainfo</code>、<code>signtype</code>。</p>"
        "<p>要知道自己的系统被容忍或误读了什么:"
        "<code>./gongji fsi-check --institution 机构编号</code>,"
        "或 <code>GET /v1/institutions/机构编号/fsi-check</code>,"
        '或在浏览器中打开<a href="/docs/fsi/check">连接自检页</a>。</p>'
    )


def forwarding() -> str:
    """What is forwarded to the region's centre."""
    numbers = " ".join(sorted(KNOWN))
    return (
        "<p>本服务不办理的交易原样转发到机构所在地区的医保中心"
        "(<code>GONGJI_FSI_CENTRE_URL</code>),应答原样返回。两侧密钥不同时,"
        "按 <code>GONGJI_FSI_CENTRE_KEYS_FILE</code> 重新签名。转发只做一次,不重试;"
        "中心没有在时限内完整应答时返回 -1,<code>outcome</code> 为 <code>unknown</code>,"
        "即中心可能已办理。地区没有设置中心时返回 -1(<code>INFNO_UNKNOWN</code>)。</p>"
        "<p>结算清单(4101)先与结算核对(结算须有效,<code>payinfo</code> 与结算一致),"
        "本服务只留存其摘要与时间;所在地区配置了医保中心时再转发,由中心应答。</p>"
        "<p>慢特病备案(2503)先为待审核,经办机构审核通过后才生效,5301 只列出生效的备案;"
        "所在地区配置了医保中心时,2503、2504、5301 转发到中心办理。</p>"
        f"<details><summary>公布的此类交易</summary><p>{numbers}</p></details>"
    )


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "sandbox": ("联调机构、密钥与人员(仅演示数据)", sandbox),
    "paths": ("地址", paths),
    "signing": ("签名方式各保护什么", signing),
    "dialects": ("机构的约定(dialect)", dialects),
    "extensions": ("本服务增加的内容", extensions),
    "ignored": ("忽略的内容与自检", ignored),
    "forwarding": ("转发到医保中心", forwarding),
}


def sections() -> Iterator[str]:
    """Every section as HTML."""
    for anchor, (title, body) in SECTIONS.items():
        yield f'<h2 id="{anchor}">{title}</h2>\n{body()}'
