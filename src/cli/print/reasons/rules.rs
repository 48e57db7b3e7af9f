//! The rules in Chinese: for each the template of a fault, and that of the rule behind it.
//!
//! `{key}` is a value, and `[…]` is left out if one of its values is missing, as in English. A rule
//! without both does not compile.

use crate::domain::fault::RuleId;

const USCC: &str = "GB 32100-2015";
const INNER: &str = "GB 11714-1997";
const LIFELONG: &str = "GB 32100-2015：统一社会信用代码唯一、终身不变、不重复使用";
const AUTHORITIES: &str = "38 个认定机构：工信部、31 个省级地区、5 个计划单列市、兵团";
const REGION: &str = "GB/T 2260";
const DATE: &str = "公历日期（GB/T 7408）";
const CATALOGUE: &str = "认定项目目录";
const DOCUMENT: &str = "认定项目目录[，依据 {document}]";
const SERVICE: &str = "服务自身的事件只由服务器陈述，服务器也不陈述其他事件";
const RULES: &str = "日志只采用服务器已知、且晚于现行版本的规则";
const SEAL: &str = "封存陈述公布名单的内容";
const OBJECTION: &str = "异议在公示期内提出";
const TITLE: &str = "有关称号的事件以该称号存在为前提";
const ENDS: &str = "称号随主体终止";
const REINSTATED: &str = "恢复称号是撤回一次撤销";
const VOID: &str = "不能适用的事件不起作用，并列为不起作用";
const LIST: &str = "一份名单中每个认定对象只列一次，同一批次的各分名单合并计算";
const RENAME: &str = "工企业函〔2021〕171号";
const MOVE: &str = "迁移须改变认定机构或地区";
const JSON: &str = "JSON 采用 protobuf JSON 的形式";
const VISIBLE: &str = "文本不含控制字符、换行、方向标记和不可见字符";
const PERSONAL: &str = "日志无法遗忘，因此不收个人信息";
const POOL: &str = "认定对象要么在库内，要么不在";
const RECORD: &str = "每个主体的事件数有上限；终止、撤销、复核、更正类事件另有余量";
const TITLES: &str = "每个主体的称号数有上限，已作废的也计入";
const REPAIR: &str = "事件由其陈述机构或工信部更正、作废";
const TOGETHER: &str = "一次查询所要求的各项，须是同一称号可以同时具备的";

/// Gives each rule its two templates. The match is exhaustive, and too long for one function.
macro_rules! rules {
    ($($rule:ident: $message:expr, $basis:expr;)*) => {
        /// The templates of a rule in Chinese: of a fault, and of the rule.
        pub(super) fn chinese(rule: RuleId) -> (&'static str, &'static str) {
            match rule {
                $(RuleId::$rule => ($message, $basis),)*
            }
        }
    };
}

rules! {
    UsccLength: "有 {count} 个字符，统一社会信用代码应为 18 个字符", USCC;
    UsccDepartment: "第 {position} 位是“{found}”，应为登记管理部门代码（1-9、A、N、Y 之一）", USCC;
    UsccDivision: "第 {position} 位是“{found}”，应为行政区划数字", USCC;
    UsccCharacter: "第 {position} 位是“{found}”，不属于可用的 31 个字符（无 I、O、S、V、Z）", USCC;
    UsccCheckCharacter: "校验码是 {found}，应为 {expected}；确系如此核发的代码请记作 \
        local:<认定机构代码>/<代码>（record --odd-codes local）", USCC;
    OrganisationCodeCheck: "其中的组织机构代码（第 9 至 17 位）校验码有误", INNER;
    UsccKnownException: "校验码有误，与厦门早期核发的代码情况相同",
        "GB 32100-2015；3502xx 且含 M000 的代码在标准施行前核发";
    UsccCategory: "第 1 位的登记管理部门没有第 2 位的机构类别", USCC;
    UsccDivisionUnknown: "第 3 至 8 位不是办理登记的行政区划", USCC;
    UsccSubjectZero: "其中的组织机构代码全为零", INNER;
    DesigneeForm: "既不是 18 位统一社会信用代码，也不是 provisional:<认定机构代码>/<名称> 或 \
        local:<认定机构代码>/<代码>", USCC;
    LocalCodeForm: "地方代码应为 1 至 {limit} 个字母、数字或 - . _", "";
    ProvisionalNameForm: "暂用名称应为 1 至 {limit} 个字符", "";
    NameEmpty: "是空的", "";
    NameLength: "有 {count} 个字符，最多 {limit} 个", "";
    NameFoldedLength: "兼容形式（NFKC）有 {count} 个字符，最多 {limit} 个", "";
    NamePartShort: "除去空格、括号和引号后有 {count} 个字符，检索至少要 {least} 个", "";
    NamePartWithoutLetter: "没有可供检索的文字或数字", "";
    NameControlCharacter: "含有控制字符 {character}", VISIBLE;
    CharacterNotAllowed: "含有字符 {character}", VISIBLE;
    MobileNumber: "含有手机号码", PERSONAL;
    IdentityNumber: "含有居民身份证号码", PERSONAL;
    MailAddress: "含有电子邮箱地址", PERSONAL;
    TelephoneNumber: "含有个人电话号码", PERSONAL;
    UrlForm: "不是以 http:// 或 https:// 开头的网址", "";
    RegionWithoutAuthority: "是没有认定机构的地区", AUTHORITIES;
    AuthorityUnknown: "不是 38 个认定机构之一，tidu authorities 列出全部", AUTHORITIES;
    RegionForm: "应为六位数字", REGION;
    RegionOfTheCorps: "是认定机构（兵团），不是地区；其城市代码为 6590xx", REGION;
    RegionUnknown: "不属于任何省级地区", REGION;
    RegionNotListed: "1980 年以来各版均未收录", REGION;
    IndustryUnknown: "既不是门类（A 至 T）也不是大类（01 至 97）", "GB/T 4754-2017";
    DocumentNumberForm: "不是文号，应如 工信部企业函〔2019〕153号，或令：国务院令第728号",
        "GB/T 9704-2012：发文机关代字、〔〕中的年份、序号和“号”";
    DateYear: "年份应在 {least} 至 {limit} 之间", DATE;
    DateUnknown: "没有这一天", DATE;
    DateForm: "不是日期，应如 2019-06-05、2019-06 或 2019", DATE;
    ProgrammeUnknown: "不是目录中的认定项目，tidu programmes 列出全部", CATALOGUE;
    RuleVersionUnknown: "不是 {programme} 的规则版本，现有 {versions}", CATALOGUE;
    EnumUnknown: "不是本版协议中的取值", "";
    FieldRequired: "必须填写", "";
    FactUnknown: "编号为 {found}，本版服务器不认识", "事件须带有 tidu.v1.Event 中的一种事实";
    DesigneeNotAllowed: "应为空：该事件与认定对象无关", "";
    ListLength: "有 {count} 项，最多 {limit} 项", "";
    ListedTwice: "列了两次", "";
    BodyUnknown: "不是发文机关代码，tidu bodies 列出全部", "国务院各部门及 Tidu 已知的其他发文机关";
    YearUnknown: "不是日期可用的年份", "";
    DecimalForm: "不是小数，应如 87.04", "";
    IdForm: "应为 1 至 {limit} 个文字、数字、连字符、点或下划线", "";
    ItemForm: "最多 {limit} 个字符", "";
    TextLength: "有 {count} 字节，最多 {limit} 字节", "";
    DigestLength: "有 {count} 字节，摘要应为 32 字节", "";
    DateOrder: "早于起始日 {from}", "结束日不早于起始日";
    NameUnchanged: "与原名称相同", "";
    ReplacementIsRepair: "本身就是更正或作废，请更正那一条", "";
    EventTooLarge: "编码后有 {count} 字节，最多 {limit} 字节", "事件编码后最多 {limit} 字节";
    CommitEmpty: "一次提交至少有一个事件", "";
    RequestIdForm: "应为 1 至 {limit} 字节、不含空格的可见 ASCII 字符", "";
    CursorIdForm: "应为 1 至 {limit} 个 a-z、0-9、“.”、“-”或“_”，以字母或数字开头", "";
    CursorFilterDiffers: "与游标的筛选条件不同，请不要填写", "";
    PageSizeNegative: "不能为负数", "";
    PositionOrder: "不能小于 from_position {from}", "";
    StatusOutsideStage: "{stage} 阶段的称号没有这种状态，any 阶段包含全部", TOGETHER;
    CauseOutsideStatuses: "所要求的状态和阶段中，没有称号因此终止", TOGETHER;
    GroundOutsideStatuses: "所要求的状态、终止原因和阶段中，没有被撤销的称号", TOGETHER;
    LastDayPast: "早于 {day}，而所要求的称号在该日或以后有效", TOGETHER;
    NowIsFalse: "只能为 true", "";
    HeartbeatRange: "应为 {least} 至 {limit} 秒", "";
    VerifyRateLeast: "每秒至少 {least} 字节，或 0 表示默认", "";
    JsonFieldUnknown: "不是 {message} 的字段[，它有 {fields}]", JSON;
    JsonFieldTwice: "写了两次", JSON;
    JsonOneOf: "不能与 {found} 同时写，请只写一个", JSON;
    JsonValueForm: "应为{expected}", JSON;
    IssuerNotEntitled: "无权陈述“{kind}”[，认定项目：{programme}]；应由{entitled}陈述",
        "认定项目目录（issuers）";
    IssuerOfOtherRegion: "不主管地区 {region}",
        "37 个省级认定机构各管本地区；计划单列市和兵团自行认定";
    FactOfService: "无权陈述“{kind}”，由服务器自行记录", SERVICE;
    FactOfAuthority: "无权陈述“{kind}”，应由认定机构陈述", SERVICE;
    CatalogueNotInUse: "现用目录（版本 {version}）的摘要不同", "目录在使用中才被采用";
    RulesUnknown: "不是已知的版本，最新版本为 {limit}", RULES;
    RulesInForce: "规则版本 {version} 已在施行", RULES;
    WithheldAlready: "已不予展示，见事件 {position}", "每个事件只能不予展示一次";
    WithholdingOfService: "是服务自身的事件", "读取后续事件需要服务自身的事件";
    InstrumentNotThere: "该位置没有记录文件", "废止须指明已发布的文件";
    InstrumentUnknown: "没有该文号的文件记录", "废止须指明已发布的文件";
    AmendsItself: "是本文件自己的文号", "修订须指明更早的文件";
    AmendedUnknown: "没有该文号的文件记录", "修订须指明已发布的文件";
    AssessedTwice: "{assessor} 已对 {region} 作过 {year} 年度评估",
        "同一评估方每年对一个地区评估一次";
    SealedAlready: "已封存；如需重新开启，请作废封存事件", SEAL;
    NothingToSeal: "没有任何记录；空名单请以 designated = 0 封存", SEAL;
    DesignatedCount: "已记录的认定为 {expected} 条", SEAL;
    ReviewedCount: "已记录的复核通过为 {expected} 条", SEAL;
    BatchDigest: "已记录内容的摘要为 {expected}", SEAL;
    NothingToSupplement: "没有可以补充的这一批次", "补充沿用原批次号";
    BatchSealed: "批次已封存；后续公布请标明补充（supplement）", "已封存的批次是完整的";
    TakenOutOfSealed: "从已封存的批次 {batch} 中移出一项，余 {count} 项[；其封存陈述为 {expected} 项]",
        SEAL;
    NoticedTwice: "已在批次 {batch} 的公示中[，位置 {position}][，见{earlier_event}]\
        [（第 {earlier_row} 行与第 {row} 行）]", LIST;
    NoticeShort: "公示期为 {count} 个工作日[；{year} 年的节假日未知]", "认定项目目录（notice_days）";
    NoticeMissing: "没有该认定对象在本批次公示的记录", "认定须先公示";
    ObjectionLate: "公示已于 {day} 截止，此后的异议按举报处理", OBJECTION;
    ObjectionMissing: "没有对该条目的异议记录", OBJECTION;
    NoticeNotOpen: "没有本批次正在公示的记录", "只有公示期内的条目可以提出异议或撤回";
    ObjectionAfterNotice: "[位置 {position} 的][{earlier_event}的]异议提出于 {day}，晚于这一截止日",
        OBJECTION;
    OtherObjection: "该位置没有在此日之前对该条目提出的异议",
        "异议提出后才能处理，且限于同一批次和范围";
    HolderNotEligible: "不能持有该称号，限于{holders}", DOCUMENT;
    TitleAlreadyHeld: "该期间已持有这一称号[，自位置 {position}][，见{earlier_event}]\
        [（第 {earlier_row} 行与第 {row} 行）][，分名单 {sublist}]",
        "同一认定对象同一时间只持有一次称号；一份名单及同一批次的各分名单合计只列一次";
    DesignatedTwice: "已在批次 {batch} 中认定[，位置 {position}][，见{earlier_event}]\
        [，第 {earlier_row} 行与第 {row} 行][，分名单 {sublist}]", LIST;
    Banned: "{day} 及以前不得再次申报", DOCUMENT;
    BanCovers: "截至 {day} 的禁止申报期包含了[位置 {position} 的][{earlier_event}的]申报", DOCUMENT;
    BannedElsewhere: "在 {programme} 中禁止申报至 {day}，依据[位置 {position} 的事件]\
        [{earlier_event}]", DOCUMENT;
    BanCoversElsewhere: "截至 {day} 的禁止申报期涉及在 {programme} 中的申报[，位置 {position}]\
        [，见{earlier_event}]", DOCUMENT;
    PrerequisiteMissing: "没有 {day} 有效的{programmes}称号记录", DOCUMENT;
    ExcludedByTitle: "持有 {programme} 称号的，不在此认定", DOCUMENT;
    CreationFailed: "创建任务未通过验收", DOCUMENT;
    CreationMissing: "没有创建任务通过验收的记录", DOCUMENT;
    MeasuresMissing: "没有该认定机构在 {day} 有效的管理办法记录",
        "省级认定机构依据其管理办法认定";
    TitleNotHeld: "没有这一称号的记录", TITLE;
    TitleNotOnRecord: "没有这一称号的记录", TITLE;
    TitleEnded: "此前称号的状态为“{status}”[，位置 {position}][，见{earlier_event}]", TITLE;
    WithoutEffect: "不会有任何变化：{superseded}", TITLE;
    SubjectEnded: "主体已于 {day} 终止", ENDS;
    CohortDiffers: "该称号记录的认定批次是 {batch}", "复核沿用认定批次";
    AlreadyRecorded: "相同内容已记录在位置 {position}[（第 {earlier_row} 行与第 {row} 行）]",
        "同一事实只陈述一次；重复请求以 request_id 识别";
    StatedTwiceInList: "在名单中出现两次[，首次见{earlier_event}]\
        [（第 {earlier_row} 行与第 {row} 行）]", LIST;
    ReviewContradicted: "该轮复核已有其他结果[，位置 {position}][，见{earlier_event}]；\
        未通过之后的通过请标明补充", "一个称号每轮复核只有一个结果，可以用补充更改";
    InformationUpdateMissing: "缺 {year} 年度信息更新", DOCUMENT;
    ChangesNothing: "没有任何变化：{superseded}", VOID;
    EffectLost: "[位置 {position} 的事件][{earlier_event}]不再起作用", VOID;
    BanTooShort: "这一撤销原因的禁止申报期为 {years} 年，至少到 {day}", DOCUMENT;
    NotRevoked: "该称号在这一天并未被撤销", REINSTATED;
    OtherRevocation: "有效的撤销是[位置 {position} 的事件][{earlier_event}]", REINSTATED;
    NotARevocation: "该位置没有对这一称号的撤销", REINSTATED;
    SuccessorIsHolder: "就是持有者自己", "称号由另一主体承继";
    SuccessorNotRecorded: "没有记录为持有者的承继者", "称号由有记录的承继者承继，期限不变";
    TransferBeyondEnd: "称号到 {day} 为止，承继者的也到此为止", "称号由有记录的承继者承继，期限不变";
    ConversionNotForeseen: "{programme} 的称号不能转换为该项目的称号", "认定项目目录（succeeds）";
    NameDiffers: "当日记录的名称是 {name}", "名称以更名事件变更";
    DesigneeNameMissing: "有代码而无名称，此处和记录中都没有", "名单写明每个代码的持有者名称";
    RenameNotSimple: "伴有合并、分立、重组或主营业务变化的更名，按重组记录", RENAME;
    DesigneeNotOnRecord: "还没有关于该认定对象的记录", RENAME;
    OldNameDiffers: "当日记录的名称是 {name}", RENAME;
    MoveToItself: "认定机构和地区都没有变化", MOVE;
    MoveToOtherRegion: "不主管地区 {region}", MOVE;
    SuccessorIsDesignee: "就是该认定对象自己", "承继者是其他主体";
    LinkedAlready: "已指向同一主体", LIFELONG;
    LinkOfCode: "统一社会信用代码不由其他标识确认", LIFELONG;
    LinkWithoutCode: "代码变更的前后两个标识都应是统一社会信用代码", LIFELONG;
    IdentifierReplaced: "已于 {day} 变更为 {designee}，不再用于其他主体", LIFELONG;
    IdentifierUsedLater: "自 {day} 起是 {designee} 的新标识，此前不能替代其他标识", LIFELONG;
    TiedIdentifiers: "会把 {count} 个标识连在一起，最多 {limit} 个", "关联和承继会把标识连在一起";
    TitlesCollide: "两个标识在同一期间持有同一称号", "同一认定对象同一时间只持有一次称号";
    SubjectEndedTwice: "主体已于 {day} 终止", "主体只终止一次，请更正原事件";
    ReportLate: "应在 {day} 前报告", DOCUMENT;
    PoolEnteredTwice: "已在库内[，自位置 {position}][，见{earlier_event}]\
        [（第 {earlier_row} 行与第 {row} 行）]", POOL;
    PoolLeftTwice: "已出库[，位置 {position}][，见{earlier_event}]", POOL;
    PoolNotEntered: "没有入库记录", POOL;
    FactsOfIssuer: "已有该认定机构的 {limit} 条记录，不能再增加", RECORD;
    FactsOfSubject: "已有 {limit} 条记录，不能再增加", RECORD;
    TitlesOfAuthority: "已有该认定机构认定的 {limit} 个称号，不能再增加", TITLES;
    TitlesOfSubject: "已有 {limit} 个称号，不能再增加", TITLES;
    RepairsOfEvent: "已有 {limit} 次更正或作废，不能再增加",
        "每个事件的更正和作废次数有上限，工信部另有同样的余量";
    OpeningsOfList: "已有 {limit} 次开启和封存，不能再增加", "批次或分名单的开启和封存次数有上限";
    EntriesOfBatch: "已有 {limit} 条，不能再增加", "每个批次的条目数有上限，更长的名单分为几批";
    MeasuresOfAuthority: "已有 {limit} 条发布和废止记录，不能再增加",
        "每个认定机构的文件发布和废止记录有上限";
    DeclarationsOfAuthority: "已有 {limit} 条完整性声明，不能再增加",
        "每个认定机构的完整性声明有上限";
    AssessmentsOfAuthority: "已有 {limit} 条评估，不能再增加", "每个认定机构的评估有上限";
    PoolsOfAuthority: "该认定机构已有 {limit} 个培育库，不能再增加", "每个认定机构的培育库有上限";
    EntriesOfPool: "已有 {limit} 条入库和出库记录，不能再增加",
        "每个培育库的入库有上限，出库另有同样的余量";
    RepairOfNothing: "没有记录，日志有 {count} 个事件", REPAIR;
    RepairByOther: "由 {authority} 陈述", REPAIR;
    RepairOfService: "是服务自身的事件，后面的位置以它为依据", REPAIR;
    RepairChainLength: "已连续更正 {limit} 次，请更正最初的事件", REPAIR;
    RepairOfAnnulled: "已作废", REPAIR;
    RepairOfRedacted: "已抹除，内容永久删除", REPAIR;
    RepairOfRedaction: "属于已抹除事件的更正或作废", REPAIR;
    CorrectionOfAnnulment: "是作废事件；请作废它，再更正它作废的内容", REPAIR;
    CorrectionOfOtherKind: "“{kind}”不能代替“{earlier_kind}”；请作废原事件，再陈述另一事件",
        "有关认定对象的事件以同类事件更正，其他事件以同种事件更正";
}
