"""The start page: what this is, in one glance, and where to go from here."""

from fastapi import APIRouter, Response

from api.web.page import page_of

router = APIRouter(include_in_schema=False)

PLACES = (
    (
        "/docs",
        "接口文档",
        "API documents",
        "可直接试用的 OpenAPI 文档",
        "OpenAPI, to be tried at once",
    ),
    (
        "/docs/fsi",
        "国家医保接口联调说明",
        "National interface",
        "医院与药店系统如何接入,每个交易附录制的报文",
        "How hospitals and pharmacies connect, with a recorded message of each transaction",
    ),
    (
        "/docs/fsi/check",
        "连接自检",
        "Connection check",
        "机构系统发来的报文中,哪些被容忍、忽略或误读",
        "What is tolerated, ignored or misread in an institution's messages",
    ),
    (
        "/problems",
        "错误代码",
        "Problems",
        "每个代码:发生了什么,是否已变更,怎么办",
        "Each code: what happened, whether anything was applied, what to do",
    ),
    (
        "/readyz",
        "运行状态",
        "State",
        "本服务能否工作,以及原因",
        "Whether this service works, and why",
    ),
)
ABOUT = """<h1>Gongji 共济</h1>
<p>职工医保个人账户家庭共济结算:先用患者本人账户,再按患者排定的顺序用共济人的账户,其余付现金。
每一分钱都记在只增不改的日志里,可以逐笔重算和验证。</p>
<p lang="en">Gongji settles medical bills from a family's insurance accounts: the patient's own
account first, then the sponsors' in the patient's order, the rest in cash. Every fen is in a log
that only grows, and can be decided and verified again.</p>
"""


@router.get("/")
async def read_start() -> Response:
    """The page."""
    places = "".join(
        f'<dt><a href="{path}">{zh} <span lang="en">{en}</span></a>'
        f'<dd>{about}<dd lang="en">{about_en}'
        for path, zh, en, about, about_en in PLACES
    )
    return page_of("首页", f"{ABOUT}<dl>{places}</dl>")
