//! The facts that a list can state: for each, the fields that it needs and takes. Options, columns,
//! templates and events follow this table.

use super::fields::{Field, FieldSet};
use crate::lang::{comma, say};

/// The fact that a row states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum FactKind {
    /// Designated (认定).
    Designated,
    /// In a public notice (公示).
    #[value(alias = "notice-opened")]
    Notice,
    /// Review passed (复核通过).
    ReviewPassed,
    /// Review failed (复核未通过).
    ReviewFailed,
    /// Revoked (撤销).
    Revoked,
    /// Renamed (更名).
    Renamed,
    /// Objection to a notice received (提出异议).
    ObjectionRaised,
    /// Objection decided (异议处理).
    ObjectionResolved,
    /// Entry of a notice withdrawn (撤回公示).
    NoticeWithdrawn,
    /// Review due (启动复核).
    ReviewOpened,
    /// Revocation proposed to the decider (建议撤销).
    RevocationProposed,
    /// Title given up by its holder (放弃称号).
    Surrendered,
    /// Revocation undone (恢复称号).
    Reinstated,
    /// Title passed to a successor (称号承继).
    #[value(alias = "transferred")]
    TitleTransferred,
    /// Title turned into one of another programme (称号转换).
    #[value(alias = "converted")]
    TitleConverted,
    /// Listed for a creation task (列入创建).
    CreationListed,
    /// Creation task assessed (创建验收).
    CreationAssessed,
    /// Ordered to rectify (责令整改).
    RectificationOrdered,
    /// Support granted (资金支持).
    SupportGranted,
    /// Moved (迁移).
    Relocated,
    /// Merged, divided or reorganised (重组).
    Restructured,
    /// Another identifier of the same subject (代码变更).
    IdentifierChanged,
    /// Subject ended (主体终止).
    SubjectEnded,
    /// Yearly information update made (信息更新).
    InformationUpdated,
    /// Major change reported (重大变更报告).
    MajorChangeReported,
    /// Entered a cultivation pool (入库).
    PoolEntered,
    /// Left a cultivation pool (出库).
    PoolLeft,
    /// Batch opened (批次开始).
    BatchOpened,
    /// Batch complete (批次封存).
    BatchSealed,
    /// Law, regulation, guideline or measures issued (印发文件).
    MeasuresIssued,
    /// Such an instrument repealed (废止文件).
    MeasuresRepealed,
    /// Environment of a region assessed (环境评估).
    EnvironmentAssessed,
    /// Part of the register declared complete (声明完整).
    CompletenessDeclared,
}

/// A kind of fact in a list.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) kind: FactKind,
    /// Its name in English, as in `--fact`.
    pub(super) name: &'static str,
    /// Its name in Chinese, which a cell of the fact column may hold, and other words for it.
    pub(super) words: &'static [&'static str],
    /// Without these, no row states the fact.
    needs: &'static [Field],
    /// Further fields.
    takes: &'static [Field],
    about: About,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A title of a designee.
    Title,
    /// A designee itself.
    Subject,
    /// No designee: its rows have neither name nor code.
    Nobody,
}

use About::{Nobody, Subject, Title};
use Field as F;

/// Every row has these.
const ALWAYS: FieldSet = FieldSet::of(&[F::Authority, F::Date]);
/// Every row can have these.
const EVIDENCE: FieldSet =
    FieldSet::of(&[F::Row, F::Fact, F::Document, F::DocumentDate, F::PublishedDate, F::Url]);
/// The columns that say who is meant. The recommending authority is part of a provisional
/// identifier.
const DESIGNEE: FieldSet = FieldSet::of(&[F::Designee, F::Name, F::Province, F::RecommendedBy]);
/// The entry of a list about a designee.
const PROFILE: FieldSet = FieldSet::of(&[
    F::NameEn,
    F::Region,
    F::City,
    F::County,
    F::Industry,
    F::Size,
    F::MainProduct,
    F::SubjectKind,
]);

#[rustfmt::skip]
const SPECS: &[Spec] = &[
    spec(FactKind::Designated, "designated", &["认定"], Title, &[F::Programme, F::Batch],
        &[F::Item, F::RuleVersion, F::Sublist, F::ValidTo, F::Validity, F::RecommendedOn,
            F::Supplement, F::DesignationDocument]),
    spec(FactKind::Notice, "notice", &["公示"], Title, &[F::Programme, F::Batch],
        &[F::Item, F::RuleVersion, F::Sublist, F::NoticeFrom, F::NoticeTo, F::Purpose,
            F::Scope, F::Supplement]),
    spec(FactKind::ReviewPassed, "review-passed", &["复核通过"], Title, &[F::Programme, F::Round],
        &[F::Item, F::RuleVersion, F::Batch, F::ValidTo, F::Validity, F::Supplement]),
    spec(FactKind::ReviewFailed, "review-failed", &["复核未通过"], Title,
        &[F::Programme, F::Round, F::Reason],
        &[F::Item, F::RuleVersion, F::Batch, F::Supplement]),
    spec(FactKind::Revoked, "revoked", &["撤销"], Title, &[F::Programme, F::Reason],
        &[F::Item, F::RuleVersion, F::BanUntil]),
    // Either name may be in the plain column for names.
    spec(FactKind::Renamed, "renamed", &["更名"], Subject, &[F::OldName, F::NewName], &[]),
    spec(FactKind::ObjectionRaised, "objection-raised", &["提出异议", "收到异议"], Title,
        &[F::Programme, F::Batch], &[F::Item, F::RuleVersion, F::Scope]),
    spec(FactKind::ObjectionResolved, "objection-resolved", &["异议处理", "异议处理结果"], Title,
        &[F::Programme, F::Batch, F::Outcome], &[F::Item, F::RuleVersion, F::Scope]),
    spec(FactKind::NoticeWithdrawn, "notice-withdrawn", &["撤回公示", "取消公示"], Title,
        &[F::Programme, F::Batch], &[F::Item, F::RuleVersion, F::Reason, F::Scope]),
    spec(FactKind::ReviewOpened, "review-opened", &["启动复核", "待复核"], Title,
        &[F::Programme, F::Round], &[F::Item, F::RuleVersion, F::Batch]),
    spec(FactKind::RevocationProposed, "revocation-proposed", &["建议撤销", "拟撤销"], Title,
        &[F::Programme, F::Reason], &[F::Item, F::RuleVersion]),
    spec(FactKind::Surrendered, "surrendered", &["放弃称号", "自愿放弃"], Title,
        &[F::Programme], &[F::Item, F::RuleVersion]),
    spec(FactKind::Reinstated, "reinstated", &["恢复称号", "恢复资格"], Title,
        &[F::Programme], &[F::Item, F::RuleVersion]),
    spec(FactKind::TitleTransferred, "title-transferred", &["称号承继", "称号转移"], Title,
        &[F::Programme, F::Successor], &[F::Item, F::RuleVersion, F::ValidTo]),
    spec(FactKind::TitleConverted, "title-converted", &["称号转换"], Title,
        &[F::Programme, F::ToProgramme], &[F::Item, F::RuleVersion, F::ToItem, F::ValidTo]),
    spec(FactKind::CreationListed, "creation-listed", &["列入创建", "创建名单"], Title,
        &[F::Programme, F::Batch], &[F::Item, F::RuleVersion]),
    spec(FactKind::CreationAssessed, "creation-assessed", &["创建验收"], Title,
        &[F::Programme, F::Batch, F::Outcome], &[F::Item, F::RuleVersion]),
    spec(FactKind::RectificationOrdered, "rectification-ordered", &["责令整改", "限期整改"], Title,
        &[F::Programme], &[F::Item, F::RuleVersion, F::Due]),
    spec(FactKind::SupportGranted, "support-granted", &["资金支持", "重点支持"], Title,
        &[F::Programme, F::Scheme], &[F::Item, F::RuleVersion, F::Round]),
    spec(FactKind::Relocated, "relocated", &["迁移", "跨省迁移"], Subject,
        &[F::ToRegion, F::FromAuthority, F::ToAuthority, F::Stage], &[F::FromRegion]),
    spec(FactKind::Restructured, "restructured", &["重组", "改制"], Subject, &[F::Restructuring],
        &[F::Successor, F::NewName, F::Ends]),
    spec(FactKind::IdentifierChanged, "identifier-changed", &["代码变更", "信用代码变更"], Subject,
        &[F::NewDesignee, F::Reason], &[]),
    spec(FactKind::SubjectEnded, "subject-ended", &["主体终止", "注销"], Subject, &[F::Reason], &[]),
    spec(FactKind::InformationUpdated, "information-updated", &["信息更新"], Subject, &[F::Year],
        &[F::Programme]),
    spec(FactKind::MajorChangeReported, "major-change-reported", &["重大变更报告", "重大变更"], Subject,
        &[F::Change, F::OccurredOn], &[F::ReportedOn]),
    spec(FactKind::PoolEntered, "pool-entered", &["入库", "纳入培育库"], Subject, &[F::Pool], &[]),
    spec(FactKind::PoolLeft, "pool-left", &["出库", "移出培育库"], Subject, &[F::Pool], &[F::Reason]),
    spec(FactKind::BatchOpened, "batch-opened", &["批次开始"],
        Nobody, &[F::Programme, F::Batch],
        &[F::Sublist, F::DesignatedCount, F::ReviewedCount, F::RuleVersion]),
    spec(FactKind::BatchSealed, "batch-sealed", &["批次封存"],
        Nobody, &[F::Programme, F::Batch],
        &[F::Sublist, F::DesignatedCount, F::ReviewedCount, F::RuleVersion]),
    spec(FactKind::MeasuresIssued, "measures-issued", &["印发文件"],
        Nobody, &[F::Title, F::Instrument],
        &[F::Programme, F::IssuerName, F::InForceFrom, F::InForceTo, F::IssuingBodies, F::Amends]),
    spec(FactKind::MeasuresRepealed, "measures-repealed", &["废止文件"],
        Nobody, &[F::Repealed], &[]),
    spec(FactKind::EnvironmentAssessed, "environment-assessed", &["环境评估"],
        Nobody, &[F::Region, F::Year, F::Assessor],
        &[F::Indicators, F::Province, F::City, F::County]),
    spec(FactKind::CompletenessDeclared, "completeness-declared", &["声明完整"],
        Nobody, &[F::Part], &[F::Programme]),
];

const fn spec(
    kind: FactKind,
    name: &'static str,
    words: &'static [&'static str],
    about: About,
    needs: &'static [Field],
    takes: &'static [Field],
) -> Spec {
    Spec { kind, name, words, needs, takes, about }
}

impl FactKind {
    /// All kinds, in the order of the table.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    fn spec(self) -> Option<&'static Spec> {
        SPECS.get(self as usize)
    }

    /// Its name in English, as in `--fact`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().map_or("", |spec| spec.name)
    }

    /// Its name in a sentence: `revoked`, `撤销（revoked）`.
    pub(super) fn said(self) -> String {
        let (name, word) = (self.name(), self.words().first().copied().unwrap_or_default());
        say!(en: "{name}", zh: "{word}（{name}）")
    }

    /// Its names in Chinese, of which a cell of the fact column may hold one.
    pub(super) fn words(self) -> &'static [&'static str] {
        self.spec().map_or(&[], |spec| spec.words)
    }

    /// The fields without which no row states the fact. The designee is not among them: a code
    /// or a name will do.
    pub(super) fn needs(self) -> FieldSet {
        self.spec().map_or(ALWAYS, |spec| ALWAYS.and(FieldSet::of(spec.needs)))
    }

    /// The columns beside `date` that hold the first day of this fact, and not that of another.
    pub(super) fn days(self) -> &'static [Field] {
        match self {
            Self::Designated => &[F::DesignatedOn, F::ValidFrom],
            Self::ReviewPassed => &[F::ValidFrom],
            Self::Revoked => &[F::RevokedOn],
            Self::Renamed => &[F::RenamedOn],
            Self::SubjectEnded => &[F::EndedOn],
            Self::PoolEntered => &[F::EnteredOn],
            Self::PoolLeft => &[F::LeftOn],
            _ => &[],
        }
    }

    /// All fields that a row can have.
    pub(super) fn takes(self) -> FieldSet {
        let takes = self.needs().and(EVIDENCE).and(FieldSet::of(self.days()));
        let takes = self.spec().map_or(takes, |spec| takes.and(FieldSet::of(spec.takes)));
        let takes = if self.is_about_designee() { takes.and(DESIGNEE) } else { takes };
        if self.has_profile() { takes.and(PROFILE) } else { takes }
    }

    /// Whether its rows name a designee.
    pub(super) fn is_about_designee(self) -> bool {
        self.spec().is_some_and(|spec| spec.about != Nobody)
    }

    /// Whether its rows are entries with a profile.
    pub(super) fn has_profile(self) -> bool {
        matches!(self, Self::Designated | Self::Notice | Self::CreationListed | Self::PoolEntered)
    }
}

/// Several kinds of fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KindSet(u64);

impl KindSet {
    pub(super) fn insert(&mut self, kind: FactKind) {
        self.0 |= 1 << kind as u32;
    }

    pub(super) fn iter(self) -> impl Iterator<Item = FactKind> {
        FactKind::all().filter(move |kind| self.has(*kind))
    }

    pub(super) fn has(self, kind: FactKind) -> bool {
        self.0 >> kind as u32 & 1 == 1
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields that any of the kinds takes.
    pub(super) fn takes(self) -> FieldSet {
        self.iter().fold(FieldSet::default(), |set, kind| set.and(kind.takes()))
    }

    /// Their names, for a message.
    pub(super) fn names(self) -> String {
        let names: Vec<_> = self.iter().map(FactKind::said).collect();
        names.join(comma())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn the_table_has_every_kind_in_order_under_the_name_of_its_option() {
        assert_eq!(SPECS.len(), FactKind::value_variants().len());
        for (place, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.kind as usize, place, "{}", spec.name);
            assert_eq!(spec.kind.to_possible_value().unwrap().get_name(), spec.name);
            let takes = spec.kind.takes();
            assert!(spec.kind.needs().iter().all(|field| takes.has(field)), "{}", spec.name);
        }
    }
}
