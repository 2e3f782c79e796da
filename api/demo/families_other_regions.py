"""The demo's families of five more regions, each for what is special there."""

from aggregates.vocabulary import Relation, Use
from api.demo.model import (
    Bill,
    Bind,
    Cancel,
    Family,
    Member,
    Order,
    Release,
    Repeat,
    Report,
    Rethink,
)

WUHAN, CHANGSHA, HANGZHOU = "H42000000001", "H43000000001", "H33000000001"
TAIYUAN, FIRST_HOSPITAL, FIRST_PHARMACY = "H14000000001", "H99000000001", "P99000000001"

ZHOU = Family(
    "420000",
    "周家(湖北):后绑定的先付;绑定不满九十天不能解绑",
    "The Zhou family, Hubei: who was bound last pays first; bound for ninety days at least",
    (
        Member("DEMO17", "周梅", "Zhou Mei", 1000),
        Member("DEMO18", "王磊", "Wang Lei", 30000),
        Member("DEMO19", "周明", "Zhou Ming", 8000),
        Member("DEMO20", "王洋", "Wang Yang", 5000),
    ),
    (
        Bind("DEMO18", "DEMO17", Relation.SPOUSE, days_ago=700),
        Bind("DEMO19", "DEMO17", Relation.CHILD, days_ago=400),
        Bind("DEMO20", "DEMO17", Relation.PARENT, days_ago=20),
        Bill(
            "DEMO17",
            "DEMO17",
            WUHAN,
            "21",
            40000,
            25000,
            "住院后出院",
            "leaves after a hospital stay",
        ),
        Release("DEMO20", "DEMO17"),
    ),
)
WU = Family(
    "430000",
    "吴家(湖南):共济人限定一天最多 100.00;有的项目不能共济",
    "The Wu family, Hunan: a sponsor's cap of 100.00 a day; what may not be shared",
    (
        Member("DEMO21", "吴小宝", "Wu Xiaobao", None),
        Member("DEMO22", "吴杰", "Wu Jie", 60000),
    ),
    (
        Bind("DEMO22", "DEMO21", Relation.CHILD, day_cap_fen=10000),
        Bill("DEMO21", "DEMO21", CHANGSHA, "11", 14000, 7000, "上午看门诊", "sees a doctor"),
        Bill("DEMO21-2", "DEMO21", CHANGSHA, "11", 10000, 5000, "中午做检查", "has a test done"),
        Bill("DEMO21-3", "DEMO21", CHANGSHA, "11", 4000, 2000, "下午取药", "fetches medicine"),
        Bill("DEMO21-4", "DEMO21", CHANGSHA, "15", 9000, 6000, "用特药", "needs a special drug"),
        Bill(
            "DEMO22",
            "DEMO22",
            CHANGSHA,
            "11",
            10000,
            0,
            "做体检",
            "has a check-up",
            (("1", "checkup", "in_scope", 10000),),
        ),
    ),
)
SHEN = Family(
    "330000",
    "沈家(浙江):共济只用历年的钱;昨天去世今天才报,付出的须追回",
    "The Shen family, Zhejiang: earlier years' money only; a death that is reported late",
    (
        Member("DEMO23", "沈涛", "Shen Tao", 1000, 2000),
        Member("DEMO24", "沈建国", "Shen Jianguo", 30000, 2500),
    ),
    (
        Bind("DEMO24", "DEMO23", Relation.CHILD),
        Bill("DEMO23", "DEMO23", HANGZHOU, "11", 12000, 6000, "看门诊", "sees a doctor"),
        Report("DEMO24", "DECEASED", "昨天去世,今天才报", " died yesterday", day_before="DEMO23"),
        Bill("DEMO23-2", "DEMO23", HANGZHOU, "11", 6000, 3000, "又来看病", "sees a doctor again"),
    ),
)
GUO = Family(
    "140000",
    "郭家(山西):共济人须留 1000.00,每次只由一位付;停保的人不能共济",
    "The Guo family, Shanxi: 1000.00 stay with a sponsor, one pays a bill; a patient suspended",
    (
        Member("DEMO25", "郭爷爷", "Grandfather Guo", None),
        Member("DEMO26", "郭强", "Guo Qiang", 90000),
        Member("DEMO27", "郭丽", "Guo Li", 120000),
        Member("DEMO28", "郭刚", "Guo Gang", 500000),
    ),
    (
        Bind("DEMO26", "DEMO25", Relation.PARENT),
        Bind("DEMO27", "DEMO25", Relation.PARENT),
        Bind("DEMO28", "DEMO25", Relation.PARENT),
        Order("DEMO25", ("DEMO26", "DEMO27", "DEMO28")),
        Bill("DEMO25", "DEMO25", TAIYUAN, "11", 60000, 30000, "看门诊", "sees a doctor"),
        Report("DEMO25", "SUSPENDED", "的医保暂停", "'s insurance is suspended"),
        Bill("DEMO25-2", "DEMO25", TAIYUAN, "11", 5000, 0, "又来看病", "sees a doctor again"),
    ),
)
QIAN_QUOTED = Bill(
    "DEMO29-1", "DEMO29", FIRST_HOSPITAL, "11", 9000, 3000, "按原方案结算", "pays by the old plan"
)
QIAN_SETTLED = QIAN_QUOTED._replace(
    name="DEMO29", zh="按新方案结算", en="pays by the new plan", visit="DEMO29-1"
)
QIAN = Family(
    "990000",
    "钱家(示例地区):先问后付,方案变了要重新确认;一张单只结一次,可以整单撤销",
    "The Qian family, made-up region: ask, change one's mind, pay once, take it all back",
    (
        Member("DEMO29", "钱进", "Qian Jin", 1500),
        Member("DEMO30", "孙莉", "Sun Li", 10000),
        Member("DEMO31", "钱伟", "Qian Wei", 10000),
    ),
    (
        Bind("DEMO30", "DEMO29", Relation.SPOUSE),
        Bind("DEMO31", "DEMO29", Relation.CHILD),
        Rethink(("DEMO30", "DEMO31"), ("DEMO31", "DEMO30"), QIAN_QUOTED, QIAN_SETTLED),
        Repeat(QIAN_SETTLED),
        QIAN_SETTLED._replace(name="DEMO29-2", zh="同一张单又送来", en="is billed for it again"),
        Cancel(QIAN_SETTLED),
    ),
)
TANG = Family(
    "990000",
    "唐家(示例地区):未答复、未同意、只代缴保费、停保、解绑、转走,都付不了",
    "The Tang family, made-up region: not answered, declined, for premiums only, released",
    (
        Member("DEMO32", "唐丽", "Tang Li", 0),
        Member("DEMO33", "何军", "He Jun", 40000),
        Member("DEMO34", "唐国安", "Tang Guoan", 40000),
        Member("DEMO35", "唐勇", "Tang Yong", 40000),
        Member("DEMO36", "唐芳", "Tang Fang", 40000),
        Member("DEMO37", "唐奶奶", "Grandmother Tang", 40000),
        Member("DEMO38", "唐浩", "Tang Hao", 6000),
    ),
    (
        Bind("DEMO33", "DEMO32", Relation.SPOUSE, uses=(Use.PREMIUM,)),
        Bind("DEMO34", "DEMO32", Relation.CHILD),
        Bind("DEMO35", "DEMO32", Relation.SIBLING, agrees=False),
        Bind("DEMO36", "DEMO32", Relation.SIBLING, agrees=None),
        Bind("DEMO37", "DEMO32", Relation.GRANDCHILD_PATERNAL),
        Order("DEMO32", ("DEMO33", "DEMO34", "DEMO37")),
        Report("DEMO34", "SUSPENDED", "的医保暂停", "'s insurance is suspended"),
        Bill("DEMO32", "DEMO32", FIRST_PHARMACY, "41", 5000, 0, "买药", "buys medicine"),
        Release("DEMO37", "DEMO32"),
        Bill("DEMO32-2", "DEMO32", FIRST_PHARMACY, "41", 3000, 0, "又来买药", "buys some more"),
        Report("DEMO38", "TRANSFERRED", "的医保转到外省", "'s insurance moved away"),
        Bill("DEMO38", "DEMO38", FIRST_PHARMACY, "41", 2000, 0, "回来买药", "comes back for drugs"),
    ),
)
FAMILIES = (ZHOU, WU, SHEN, GUO, QIAN, TANG)
