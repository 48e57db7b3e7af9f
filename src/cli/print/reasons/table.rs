//! The reasons of errors, rejections and warnings in both languages.
//!
//! Each text stands alone without its values, which are in brackets: `[…]` is left out if one of
//! its values is missing. A fault that names its rule has the text of the rule instead. A reason
//! without both texts does not compile.

use crate::protocol::pb::ErrorReason;

/// Gives each reason its templates. The match is exhaustive, and too long for one function.
macro_rules! reasons {
    ($($reason:ident: $en:literal, $zh:literal;)*) => {
        /// The templates of a reason in English and in Chinese.
        pub(super) fn texts(reason: ErrorReason) -> [&'static str; 2] {
            match reason {
                $(ErrorReason::$reason => [$en, $zh],)*
            }
        }
    };
}

reasons! {
    Unspecified: "the server states no reason", "服务器没有说明原因";
    MalformedRequest: "[{field}: ]the request cannot be read[: {detail}]",
        "[{field}：]请求无法读取[：{detail}]";
    FieldRequired: "[{field}: ]a required field is missing", "[{field}：]缺少必填项";
    FieldNotAllowed: "[{field}: ]must be absent here", "[{field}：]此处不应填写";
    FieldInvalid: "[{field}: ][{value}: ]the value has the wrong form",
        "[{field}：][{value}：]取值的格式不对";
    EnumUnknown: "[{field}: ][{value}: ]is not a value of this version's protocol",
        "[{field}：][{value}：]不是本版协议中的取值";
    UsccForm: "[{value}: ]does not have the form of GB 32100-2015",
        "[{value}：]不符合统一社会信用代码的格式（GB 32100-2015）";
    UsccCheckCharacter: "[{value}: ]the check character is wrong[; {expected} is expected]",
        "[{value}：]统一社会信用代码的校验码有误[，应为 {expected}]";
    AuthorityUnknown: "[{value}: ]is not one of the 38 authorities",
        "[{value}：]不是 38 个认定机构之一";
    ProgrammeUnknown: "[{value}: ]is not a programme of the server's catalogue",
        "[{value}：]服务器的目录中没有这一认定项目";
    RegionUnknown: "[{value}: ]is not a region", "[{value}：]没有这一地区";
    IndustryUnknown: "[{value}: ]is not an industry", "[{value}：]没有这一行业";
    DateInvalid: "[{value}: ]there is no such day", "[{value}：]没有这一天";
    DateOrder: "[{value}: ]the end lies before the beginning", "[{value}：]结束日早于起始日";
    DocumentNumberInvalid: "[{value}: ]is not a document number", "[{value}：]不是文号";
    RuleVersionUnknown: "[{value}: ]the programme has no such rule version",
        "[{value}：]该认定项目没有这一规则版本";
    EventTooLarge: "the event is too large[: {value} bytes when encoded][, {limit} are allowed]",
        "事件过大[：编码后 {value} 字节][，最多 {limit} 字节]";
    KindUnknown: "[{field}: ]the server does not know this fact[, number {value}]; a newer one may",
        "[{field}：]服务器不认识这种事实[（编号 {value}）]，较新的版本可能认识";
    PageTokenInvalid: "[{value}: ]is not a page token of this request",
        "[{value}：]不是这一请求给出的翻页标记";
    IdentifierInvalid: "[{value}: ]has a character or a length that it must not have",
        "[{value}：]含有不允许的字符或长度不对";
    RulesUnknown: "[{field}: ][{value}: ]the server does not know this version of the rules\
        [; the newest is {limit}]",
        "[{field}：][{value}：]服务器不认识这一规则版本[，最新为 {limit}]";
    IssuerNotEntitled: "[{value}: ]the authority may not state this fact",
        "[{value}：]该机构无权陈述这一事实";
    TitleAlreadyHeld: "the title is held already[; see event {conflicts}]",
        "称号已持有[，见事件 {conflicts}]";
    TitleNotHeld: "[{value}: ]there is no such title to act on", "[{value}：]没有可以处理的这一称号";
    BatchSealed: "[{value}: ]is sealed[; see event {conflicts}]",
        "[{value}：]已封存[，见事件 {conflicts}]";
    BatchUnknown: "[{value}: ]the batch is not known", "[{value}：]没有这一批次的记录";
    Banned: "the subject may not apply before its ban ends[: {value}][; see event {conflicts}]",
        "禁止申报期未满，不得申报[：{value}][，见事件 {conflicts}]";
    RepairNotAllowed: "[{value}: ]the event cannot be repaired so",
        "[{value}：]该事件不能这样更正或作废";
    DuplicateInList: "the same designee is in the list twice[; see event {conflicts}]",
        "同一认定对象在名单中出现两次[，见事件 {conflicts}]";
    CountMismatch: "the counts differ from the content[: {value}][, {expected} expected]",
        "数量与内容不符[：{value}][，应为 {expected}]";
    RenameNotSimple: "[{field}: ]the rename is not simple; record it as restructured",
        "[{field}：]不是简单更名，请按重组记录";
    BanTooShort: "[{value}: ]the ban is shorter than this ground demands",
        "[{value}：]禁止申报期短于该撤销原因的要求";
    NameAmbiguous: "[{value}: ]is the name of several designees[: {designees}]; type a code",
        "[{value}：]有几个认定对象使用该名称[：{designees}]，请输入代码";
    LogIdMismatch: "the server's log[, {log_id},] is not the one expected[, {expected}]; start \
        again from position 0",
        "服务器的日志[（{log_id}）]不是所指的日志[（{expected}）]，请从位置 0 重新开始";
    HolderNotEligible: "[{field}: ]the programme is not for this kind of designee",
        "[{field}：]该认定项目不适用于这类认定对象";
    PrerequisiteMissing: "no prerequisite title is in force[: {value}]",
        "没有有效的前置称号[：{value}]";
    ExcludedByTitle: "a holder of another title is not designated here[: {value}]",
        "持有另一称号的，不在此认定[：{value}]";
    MeasuresMissing: "no measures in force are on record[: {value}]",
        "没有有效的管理办法记录[：{value}]";
    NoticeMissing: "the designee is in no notice of the batch[ {value}]",
        "认定对象不在[ {value} ]批次的公示中";
    InformationUpdateMissing: "a yearly information update is missing[: {value}]",
        "缺年度信息更新[：{value}]";
    SubjectEnded: "the subject has ceased to exist[; see event {conflicts}]",
        "主体已终止[，见事件 {conflicts}]";
    PreconditionMoved: "[{designee}: ]the record has changed since[: expected {expected}]\
        [, the log has {log_size} events][, version {version}]; look at it and try again",
        "[{designee}：]此后已有新的记录[：所据为 {expected}][，日志现有 {log_size} 个事件]\
        [，版本 {version}]；请查看后重试";
    RequestIdReused: "the request id[ {request_id}] was used with other content\
        [, recorded from position {first_position} on]",
        "请求编号[ {request_id} ]已用于其他内容[，自位置 {first_position} 起]";
    DesigneeNotFound: "[{value}: ]nothing is recorded about this designee\
        [; events {redacted_positions} were redacted since]",
        "[{value}：]没有关于该认定对象的记录[；事件 {redacted_positions} 此后已被抹除]";
    PositionBeyondLog: "[position {value} ]is beyond the log[, which has {log_size} events]",
        "[位置 {value} ]超出日志末尾[，日志有 {log_size} 个事件]";
    LimitExceeded: "[{field}: ]goes over a limit[: {value}][; at most {limit} {unit}]",
        "[{field}：]超过上限[：{value}][，最多 {limit} {unit}]";
    QueueFull: "[{field}: ]the server has more to do than it has room for[: {value}][, {limit} \
        {unit}]; nothing was recorded, try again later",
        "[{field}：]服务器任务已满[：{value}][（上限 {limit} {unit}）]；没有记录任何内容，请稍后重试";
    Draining: "the server is shutting down; nothing was recorded",
        "服务器正在停止，没有记录任何内容";
    ClockUntrusted: "the server's clock is not to be trusted; nothing was recorded[: {detail}]",
        "服务器的时钟不可信，没有记录任何内容[：{detail}]";
    LogDamaged: "the log is damaged; an operator must examine it[: {detail}]",
        "日志已损坏，须由运维人员检查[：{detail}]";
    LogFailed: "the log could not be written or read[: {detail}]; whether a commit that waits was \
        recorded is unknown",
        "日志读写失败[：{detail}]；等待中的提交是否已记录不得而知";
    IdentifierLinkInvalid: "[{value}: ]the two identifiers cannot be linked\
        [; see event {conflicts}]",
        "[{value}：]两个标识不能关联[，见事件 {conflicts}]";
    ConversionNotForeseen: "[{value}: ]the catalogue foresees no such conversion",
        "[{value}：]目录中没有这种转换";
    CreationNotPassed: "[{value}: ]the creation task was not passed",
        "[{value}：]创建任务未通过验收";
    AlreadyRecorded: "the same is recorded already[; see event {conflicts}]",
        "相同内容已有记录[，见事件 {conflicts}]";
    ObjectionLate: "[{value}: ]the objection came after the notice[; see event {conflicts}]",
        "[{value}：]异议晚于公示期[，见事件 {conflicts}]";
    NoticeNotOpen: "[{value}: ]there is no open notice or objection to act on",
        "[{value}：]没有可以处理的公示或异议";
    RelocationInvalid: "[{value}: ]the move changes neither authority nor region as stated",
        "[{value}：]迁移没有按所述改变认定机构或地区";
    ReferenceInvalid: "[{value}: ]is not the position of an event of the kind needed",
        "[{value}：]该位置不是所需种类的事件";
    DigestMismatch: "[{field}: ]the digest differs from the content", "[{field}：]摘要与内容不符";
    PoolMembership: "[{value}: ]the designee is in the pool already, or was not in it",
        "[{value}：]认定对象已在库内，或本不在库内";
    OrganisationCodeCheck: "the check digit of the organisation code inside is wrong",
        "其中的组织机构代码校验码有误";
    NoticeShort: "the notice is shorter than the working days it should have",
        "公示期短于应有的工作日";
    NameDiffers: "the name differs from the one on record", "名称与记录不同";
    Conflicts: "the event changes nothing, or takes the effect of earlier ones",
        "该事件不起作用，或使先前的事件不再起作用";
    TitleNotOnRecord: "no such title is on record yet", "还没有这一称号的记录";
    ReportLate: "the major change was reported late", "重大变更报告逾期";
    IdentityCollision: "the linked identifiers hold the same title over the same days",
        "相关联的标识在同一期间持有同一称号";
    CohortDiffers: "the batch is not the title's cohort, or the round is another one",
        "批次不是该称号的认定批次，或复核轮次不同";
    IdentifierSuperseded: "the designee has another identifier since[: {value}]",
        "认定对象此后使用其他标识[：{value}]";
    BatchNotFound: "[{value}: ]nothing is recorded about this batch\
        [; events {redacted_positions} were redacted since]",
        "[{value}：]没有关于这一批次的记录[；事件 {redacted_positions} 此后已被抹除]";
    PoolNotFound: "[{value}: ]nothing is recorded about this pool\
        [; events {redacted_positions} were redacted since]",
        "[{value}：]没有关于这一培育库的记录[；事件 {redacted_positions} 此后已被抹除]";
    TitleNotFound: "[{value}: ]nothing is recorded about such a title\
        [; events {redacted_positions} were redacted since]",
        "[{value}：]没有关于这一称号的记录[；事件 {redacted_positions} 此后已被抹除]";
    CursorNotFound: "[{value}: ]there is no such cursor", "[{value}：]没有这一游标";
    CursorExists: "[{value}: ]there is a cursor of that id", "[{value}：]已有同名的游标";
    CursorBackwards: "the cursor is further on[: {value} is below {next_position}]\
        [; {peer} follows it, too]",
        "游标已在更后的位置[：{value} 小于 {next_position}][；{peer} 也在使用它]";
    CursorStoreFailed: "the store of cursors failed; whether the change was recorded is unknown\
        [: {detail}]",
        "游标存储出错，更改是否已记录不得而知[：{detail}]";
    CatalogueNotFound: "[{value}: ]the log has adopted no catalogue with this digest",
        "[{value}：]日志没有采用过该摘要的目录";
    Internal: "a fault of the server; its own log has the cause; whether a commit that waits was \
        recorded is unknown",
        "服务器内部错误，原因见服务器日志；等待中的提交是否已记录不得而知";
    DiskLow: "the server's disk is almost full[: {free} {unit} free][, {reserve} are kept in \
        reserve]; nothing was recorded",
        "服务器磁盘将满[：剩余 {free} {unit}][，须保留 {reserve}]；没有记录任何内容";
    ReadOnly: "the server serves reads only, after repeated failures; nothing was recorded\
        [: {detail}]",
        "服务器多次出错后只提供查阅，没有记录任何内容[：{detail}]";
    FactsExceeded: "as many are recorded as there may be[: {limit}]", "记录数已达上限[：{limit}]";
    HostNotAllowed: "the server serves its own machine alone[; the call names {host}]\
        [; the page is of {origin}]",
        "服务器只服务本机[；请求指向 {host}][；网页来自 {origin}]";
    DeadlinePassed: "the deadline has passed[, {limit} {unit}]; a commit that was queued before it \
        may be recorded: repeat it with the same request id",
        "已超过期限[（{limit} {unit}）]；此前排队的提交可能已记录，请用同一请求编号重试";
    MethodUnknown: "[{value}: ]the server has no such method; it may be an older version",
        "[{value}：]服务器没有这一方法，可能是较旧的版本";
    EncodingUnknown: "[{value}: ]the server does not read requests that are packed so",
        "[{value}：]服务器不能读取这样压缩的请求";
    Starting: "the server is starting[: {replayed} of {events} events are replayed]\
        [: it waits for an answer of {leader}][: {detail}]; try again later",
        "服务器正在启动[：已重放 {replayed}/{events} 个事件][：正在等待 {leader} 的答复][：{detail}]，\
        请稍后重试";
    ServiceUnknown: "[{value}: ]the server has no such service", "[{value}：]服务器没有这一服务";
    BannedElsewhere: "a ban in another programme bears on the application[: {programme}]\
        [, to {day}][, event {position}]",
        "另一认定项目中的禁止申报期涉及这一申报[：{programme}][，至 {day}][，事件 {position}]";
    PersonalData: "[{field}: ]the text holds data about a person; leave it out",
        "[{field}：]文本含有个人信息，请删去";
    UsccKnownException: "the check character is wrong, as in early codes of Xiamen",
        "校验码有误，与厦门早期核发的代码情况相同";
    DesigneeNameMissing: "a code has no name, here or on record",
        "代码没有名称，此处和记录中都没有";
    RegionNotListed: "no edition of GB/T 2260 has the region", "GB/T 2260 各版均未收录该地区";
    UsccSuspect: "nobody can have issued the code so", "没有机关会核发这样的代码";
    CredentialMissing: "the server needs to know who calls[: {accepted}]",
        "服务器要求表明身份[：{accepted}]";
    CredentialInvalid: "the server does not accept the credential", "服务器不接受这一凭据";
    CredentialExpired: "the credential has expired[, on {expired}]", "凭据已过期[（{expired}）]";
    HandedIdentityRefused: "this caller may not speak for another principal",
        "该调用方不能代其他主体发言";
    NotEntitled: "the rights of[ {principal}] do not reach so far[ ({action})][: {field}]\
        [ {value}]",
        "[{principal} 的]权限不足[（{action}）][：{field}][ {value}]";
    ScopeChanged: "the rights have changed, and the stream ends[; go on at {next_position}]\
        [, below it events from {from_position} on may match now]",
        "权限已变，数据流结束[；请从 {next_position} 继续][，此前自 {from_position} 起的事件可能也符合]";
    ApprovalRequired: "[{field}: ]the approval of a second principal is needed[ for {kind}]\
        [ by {authority}]",
        "[{field}：]须由第二个主体批准[：{kind}][（{authority}）]";
    ApprovedByProposer: "the one who proposed cannot approve[: {principal}]",
        "提案人不能自行批准[：{principal}]";
    ProposalInvalid: "the proposal is not one of this server for this content[: {detail}]",
        "提案不是本服务器就该内容作出的[：{detail}]";
    ProposalExpired: "the proposal is too old[, it ended on {expired}]; propose again",
        "提案已过期[（{expired}）]，请重新提出";
    AuditFailed: "no sink of the audit trail takes lines, so nothing was recorded[: {detail}]",
        "审计记录无法写入，因此没有记录任何内容[：{detail}]";
    PrincipalInvalid: "[{field}: ][{value}: ]the principal cannot be used[: {detail}]",
        "[{field}：][{value}：]该主体不能使用[：{detail}]";
    PrincipalsNeeded: "the server runs without principals, and this needs two of them",
        "服务器没有设置主体，而此操作需要两个主体";
    WithheldAlready: "the event is withheld already[: {position}]",
        "该事件已不予展示[：{position}]";
    NotHereYet: "[{field} {value} ]is not on this node yet[, which has {log_size} events]\
        [; its leader has {leader_size}][, heard {contact_seconds} s ago]",
        "[{field} {value} ]尚未到达本节点[，本节点有 {log_size} 个事件][；主节点有 {leader_size} 个]\
        [，{contact_seconds} 秒前有联系]";
    Follower: "this node is a follower and takes no writes itself[; its leader is {leader}]",
        "本节点是从节点，自身不接受写入[；主节点为 {leader}]";
    Looped: "the call was handed on already[ by {node}], and this node takes no writes itself\
        [; its leader is {leader}]",
        "请求已[由 {node} ]转发过一次，而本节点自身不接受写入[；主节点为 {leader}]";
    Retired: "this node has handed its log over[ in epoch {epoch}] and takes no writes any more\
        [; its successor is {successor}]",
        "本节点[在任期 {epoch} ]已移交日志，不再接受写入[；继任节点为 {successor}]";
    StaleEpoch: "the node has been succeeded[: it is of epoch {epoch}][, {known_epoch} is known]",
        "该节点已被取代[：其任期为 {epoch}][，已知任期为 {known_epoch}]";
}
