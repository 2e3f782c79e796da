"""The transactions on the page at `/docs/fsi`: tables of fields, recorded messages, deviations."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from api.his.deviations import FOLDER, DeclaredDeviation, deviations, read_toml
from api.his.wire.envelope import ALIASES
from api.his.wire.field_tables import TRANSACTIONS, Field, FieldNode, Transaction

GROUPS = {
    "签到": ("90",),
    "人员与机构": ("11", "12", "20"),
    "药店购药": ("21",),
    "门诊": ("22",),
    "住院": ("23", "24"),
    "备案": ("25",),
    "结算清单": ("41",),
    "冲正与按报文查询": ("26", "GJ"),
    "对账与清算": ("32",),
    "查询": ("52", "53"),
    "文件": ("91",),
}
"""The transactions' groups, by how their numbers begin."""
KINDS = {"s": "文本", "m": "金额", "n": "小数", "i": "整数", "d": "日期", "t": "时间"}
SIDES = {"in": "请求", "out": "应答"}
CHANGES = {
    "added": "公布表没有",
    "left out": "只在公布表,不读取或不应答",
    "kind": "类型不同",
    "length": "长度不同",
    "optional": "公布表必填,此处可空",
    "required": "公布表可空,此处必有",
    "empty": "公布表必填,应答为空串",
}


def grouped() -> Iterator[tuple[str, list[Transaction]]]:
    """The name and the transactions of every group that has any."""
    for name, beginnings in GROUPS.items():
        members = [t for infno, t in TRANSACTIONS.items() if infno.startswith(beginnings)]
        if members:
            yield name, members


def table_of(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells of HTML in a box that scrolls by itself."""
    head = "".join(f"<th>{title}" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f'<div class="box"><table><tr>{head}{body}</table></div>'


def transactions() -> Iterator[str]:
    """Every transaction as HTML, grouped."""
    recorded = json.loads((FOLDER / "conversations.json").read_text(encoding="utf-8"))
    told = {ALIASES.get(one["asked"]["infno"], one["asked"]["infno"]): one for one in recorded}
    unused = frozenset(read_toml("unused.toml")["fields"])
    for name, members in grouped():
        yield f"<h3>{name}</h3>"
        for transaction in members:
            yield _transaction(transaction, told[transaction.infno], unused)


def _transaction(
    transaction: Transaction, conversation: dict[str, Any], unused: frozenset[str]
) -> str:
    infno = transaction.infno
    aliases = "、".join(alias for alias, of in ALIASES.items() if of == infno)
    parts = [f'<h4 id="t{infno}">{infno} {escape(transaction.name)}</h4>']
    if aliases:
        parts.append(f"<p>{aliases} 与之相同。</p>")
    if names := _names(transaction.takes, unused):
        parts.append(f"<p>读取但不使用:{names}。</p>")
    for title, nodes in (("请求", transaction.takes), ("应答", transaction.gives)):
        if nodes:
            parts.append(_folded(f"{title}字段", "".join(map(_node, nodes))))
    if rows := deviations()[infno]:
        parts.append(_folded("与公布表的差异", _differences(rows)))
    for title, part in (("请求", "asked"), ("应答", "answered")):
        text = escape(json.dumps(conversation[part], ensure_ascii=False, indent=1), quote=False)
        parts.append(_folded(f"录制的{title}", f"<pre>{text}</pre>"))
    return "\n".join(parts)


def _names(nodes: Iterable[FieldNode], chosen: frozenset[str]) -> str:
    names = dict.fromkeys(f.name for node in nodes for f in node.fields if f.name in chosen)
    return "、".join(f"<code>{name}</code>" for name in names)


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>{body}</details>"


def _node(node: FieldNode) -> str:
    name = escape(node.name) or "(output 本身)"
    kind = "列表" if node.is_list else "对象"
    rows = (
        (
            "<br>也作 ".join(map(escape, (field.name, *field.others))),
            KINDS[field.kind],
            _length(field),
            "是" if field.is_required else "",
        )
        for field in node.fields
    )
    return f"<p><code>{name}</code> {kind}</p>" + table_of(("字段", "类型", "长度", "必填"), rows)


def _length(field: Field) -> str:
    if field.kind == "m":
        return "16,2"
    size = str(field.size) if field.size else ""
    return f"{size},{field.scale}" if field.kind == "n" else size


def _differences(rows: Iterable[DeclaredDeviation]) -> str:
    told = (
        (
            SIDES[row.side],
            escape(row.node),
            " ".join(row.fields) or "整个节点",
            CHANGES[row.what],
            escape(row.zh),
        )
        for row in rows
    )
    return table_of(("", "节点", "字段", "差异", "原因"), told)
