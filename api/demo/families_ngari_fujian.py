"""The demo's families of Ngari and Fujian, and every place where the demo's bills are paid."""

from aggregates.vocabulary import InstitutionKind, InstitutionStatus, Relation
from api.demo.model import Bill, Bind, Family, File, Member, Order, Place, Report

NGARI, FUJIAN = "542500", "350000"
HOSPITAL, PHARMACY = "H54250000001", "P54250000001"
FUZHOU, CHECKUP, CLOSED_DOWN = "P35000000001", "C35000000001", "P35000000002"
XIAMEN, SHANGHAI = "H35020000001", "H31000000001"

PLACES = (
    Place(HOSPITAL, InstitutionKind.HOSPITAL, NGARI, "阿里地区人民医院"),
    Place(PHARMACY, InstitutionKind.PHARMACY, NGARI, "狮泉河大药房"),
    Place(FUZHOU, InstitutionKind.PHARMACY, FUJIAN, "榕城大药房"),
    Place(CHECKUP, InstitutionKind.CHECKUP, FUJIAN, "福州健康体检中心"),
    Place(
        CLOSED_DOWN,
        InstitutionKind.PHARMACY,
        FUJIAN,
        "闽江药店",
        InstitutionStatus.SUSPENDED,
    ),
    Place(XIAMEN, InstitutionKind.HOSPITAL, "350200", "厦门市第一医院"),
    Place(SHANGHAI, InstitutionKind.HOSPITAL, "310000", "上海市第一医院"),
    Place("H42000000001", InstitutionKind.HOSPITAL, "420000", "武汉市第一医院"),
    Place("H43000000001", InstitutionKind.HOSPITAL, "430000", "长沙市第一医院"),
    Place("H33000000001", InstitutionKind.HOSPITAL, "330000", "杭州市第一医院"),
    Place("H14000000001", InstitutionKind.HOSPITAL, "140000", "太原市第一医院"),
    Place("H99000000001", InstitutionKind.HOSPITAL, "990000", "第一人民医院"),
    Place("P99000000001", InstitutionKind.PHARMACY, "990000", "第一大药房"),
)

LI = Family(
    NGARI,
    "李家(西藏阿里):先用本人账户,不够再用共济",
    "The Li family, Ngari: the own account first, then the sponsor's",
    (Member("DEMO01", "李华", "Li Hua", 2000), Member("DEMO02", "张敏", "Zhang Min", 50000)),
    (
        Bind("DEMO02", "DEMO01", Relation.SPOUSE),
        Bill("DEMO01", "DEMO01", HOSPITAL, "11", 12850, 6425, "在医院看门诊", "sees a doctor"),
        Bill("DEMO02", "DEMO02", PHARMACY, "41", 3550, 0, "在药店买感冒药", "buys cold medicine"),
    ),
)
WANG = Family(
    NGARI,
    "王家(西藏阿里):居民没有个人账户,两位共济人按顺序付",
    "The Wang family, Ngari: a resident without an account, two sponsors in order",
    (
        Member("DEMO03", "王小雨", "Wang Xiaoyu", None),
        Member("DEMO04", "王强", "Wang Qiang", 3000),
        Member("DEMO05", "刘芳", "Liu Fang", 50000),
    ),
    (
        Bind("DEMO04", "DEMO03", Relation.CHILD),
        Bind("DEMO05", "DEMO03", Relation.CHILD),
        Order("DEMO03", ("DEMO04", "DEMO05")),
        Bill("DEMO03", "DEMO03", HOSPITAL, "11", 20000, 10000, "发烧看急诊", "has a fever"),
    ),
)
ZHAO = Family(
    NGARI,
    "赵家(西藏阿里):共济人限定每次最多付多少,不够的付现金",
    "The Zhao family, Ngari: a sponsor's cap on each bill, and cash for the rest",
    (
        Member("DEMO06", "赵奶奶", "Grandmother Zhao", 0),
        Member("DEMO07", "赵军", "Zhao Jun", 80000),
        Member("DEMO08", "赵丽", "Zhao Li", 1000),
    ),
    (
        Bind("DEMO07", "DEMO06", Relation.PARENT, 5000),
        Bind("DEMO08", "DEMO06", Relation.PARENT),
        Order("DEMO06", ("DEMO07", "DEMO08")),
        Bill(
            "DEMO06",
            "DEMO06",
            PHARMACY,
            "41",
            8000,
            0,
            "在药店买降压药",
            "buys blood-pressure tablets",
        ),
    ),
)
CHEN = Family(
    FUJIAN,
    "陈家(福建):体检可以共济;冻结的账户跳过;停用协议的药店不能结算",
    "The Chen family, Fujian: check-ups, a frozen sponsor, a pharmacy under suspension",
    (
        Member("DEMO09", "陈静", "Chen Jing", 3000),
        Member("DEMO10", "林国栋", "Lin Guodong", 50000),
        Member("DEMO11", "陈建国", "Chen Jianguo", 30000),
    ),
    (
        Bind("DEMO11", "DEMO09", Relation.CHILD),
        Bind("DEMO10", "DEMO09", Relation.SPOUSE),
        Order("DEMO09", ("DEMO11", "DEMO10")),
        Report("DEMO11", "FROZEN", "的账户被冻结", "'s account is frozen"),
        Bill(
            "DEMO09",
            "DEMO09",
            CHECKUP,
            "11",
            20000,
            0,
            "做健康体检",
            "has a check-up",
            (("1", "checkup", "in_scope", 20000),),
        ),
        Bill(
            "DEMO10",
            "DEMO10",
            FUZHOU,
            "41",
            3680,
            0,
            "买药,说这次不用个人账户",
            "buys medicine and wants no account used",
            use_account=False,
        ),
        Bill(
            "DEMO09-2",
            "DEMO09",
            CLOSED_DOWN,
            "41",
            2500,
            0,
            "到停用协议的药店买药",
            "goes to a pharmacy whose agreement is suspended",
        ),
    ),
)
HUANG = Family(
    FUJIAN,
    "黄家(福建):洗发水谁也不能付,自费药只能本人付;两位共济人要先排好顺序",
    "The Huang family, Fujian: who may pay for what; two sponsors need an order",
    (
        Member("DEMO12", "黄伟", "Huang Wei", 4000),
        Member("DEMO13", "黄敏", "Huang Min", 50000),
        Member("DEMO14", "黄涛", "Huang Tao", 20000),
    ),
    (
        Bind("DEMO13", "DEMO12", Relation.SIBLING),
        Bill(
            "DEMO12",
            "DEMO12",
            FUZHOU,
            "41",
            9990,
            0,
            "买药 45.00、口罩 10.00、自费维生素 25.00、洗发水 19.90",
            "buys tablets 45.00, masks 10.00, self-paid vitamins 25.00, shampoo 19.90",
            (
                ("1", "drug", "in_scope", 4500),
                ("2", "device", "in_scope", 1000),
                ("3", "drug", "full_self_pay", 2500),
                ("4", "other", "full_self_pay", 1990),
            ),
        ),
        Bind("DEMO14", "DEMO12", Relation.SIBLING),
        Bill("DEMO12-2", "DEMO12", FUZHOU, "41", 4000, 0, "又来买药", "comes for more medicine"),
        Order("DEMO12", ("DEMO14", "DEMO13")),
        Bill("DEMO12-3", "DEMO12", FUZHOU, "41", 3000, 0, "再来一次", "comes a third time"),
    ),
)
XU = Family(
    FUJIAN,
    "许家(福建):到外地看病要先备案;外省没有开通",
    "The Xu family, Fujian: care elsewhere is filed first; other provinces are not open",
    (
        Member("DEMO15", "许奶奶", "Grandmother Xu", None),
        Member("DEMO16", "许丽", "Xu Li", 80000),
    ),
    (
        Bind("DEMO16", "DEMO15", Relation.PARENT),
        Bill(
            "DEMO15", "DEMO15", XIAMEN, "11", 12000, 6000, "在厦门看门诊", "sees a doctor in Xiamen"
        ),
        File("DEMO15", "350200", "备案到厦门就医", "files to be treated in Xiamen"),
        Bill(
            "DEMO15-2", "DEMO15", XIAMEN, "11", 8000, 4000, "再去厦门复诊", "goes to Xiamen again"
        ),
        Bill(
            "DEMO15-3",
            "DEMO15",
            SHANGHAI,
            "11",
            15000,
            5000,
            "在上海看门诊",
            "sees a doctor in Shanghai",
        ),
    ),
)
FAMILIES = (LI, WANG, ZHAO, CHEN, HUANG, XU)
