//! Events that callers are refused. Some were accepted by earlier versions, or are written by the
//! server itself; others are refused today, so that tomorrow's refusals have their place here.

use tidu::{
    domain::catalogue::Catalogue,
    protocol::pb::{self, event::Fact},
};

use crate::support::{A, B, annulled, corrected, date, event, ministry};

const C: &str = "91659001MA0000031P";

/// An event that callers are refused and that a log is read with.
pub struct Case {
    /// What is wrong with it.
    pub what: &'static str,
    /// The reason that a caller gets.
    pub reason: &'static str,
    /// The events before it in the log.
    pub history: Vec<pb::Event>,
    pub event: pb::Event,
}

pub fn case(what: &'static str, reason: &'static str, event: pb::Event) -> Case {
    Case { what, reason, history: Vec::new(), event }
}

pub fn little_giant() -> pb::Event {
    crate::support::little_giant(A, "1", "2019-06-05")
}

/// A fact that is not about a designee.
pub fn frame(authority: &str, fact: Fact) -> pb::Event {
    event(authority, "", "2024-01-01", fact)
}

/// Every case.
pub fn refused() -> Vec<Case> {
    [
        of_the_service(),
        identities(),
        texts(),
        lists(),
        days(),
        choices(),
        numbers(),
        super::personal::cases(),
        super::growth::cases(),
        super::measures::cases(),
        super::sealed::cases(),
        super::orders::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub fn adopted() -> Fact {
    let built_in = Catalogue::built_in();
    let sha256 = built_in.sha256.to_vec().into();
    Fact::CatalogueAdopted(pb::CatalogueAdopted { sha256, version: built_in.version })
}

fn rules() -> Fact {
    Fact::RulesAdopted(pb::RulesAdopted { version: 1 })
}

/// Facts that the server states, stated or repaired by a caller.
fn of_the_service() -> Vec<Case> {
    let raised = || Fact::FormatRaised(pb::FormatRaised { format: 2 });
    let head = vec![7; 32].into();
    let anchored = Fact::AuditAnchored(pb::AuditAnchored { head, lines: 12 });
    let key = pb::AuthorityKeyRegistered {
        authority: "440000".to_owned(),
        algorithm: "ed25519".to_owned(),
        key_id: "2026-1".to_owned(),
        public_key: vec![1; 32].into(),
    };
    let revoked = pb::AuthorityKeyRevoked {
        authority: "440000".to_owned(),
        key_id: "2026-1".to_owned(),
        reason: "lost".to_owned(),
    };
    // Of a position that is not recorded, so that every event here is given back.
    let withheld = pb::EventWithheld {
        position: Some(1_000_000),
        reason: "a court order".to_owned(),
        requested_by: "ministry.operator".to_owned(),
        approved_by: "ministry.auditor".to_owned(),
    };
    let withheld = || Fact::EventWithheld(withheld.clone());
    let repair = |what, history, repair| Case {
        what,
        reason: "RepairNotAllowed",
        history: vec![history],
        event: repair,
    };
    let who = "IssuerNotEntitled";
    vec![
        case("an adoption by the ministry", who, frame("100000", adopted())),
        case("an adoption in the name of the service", who, frame("service", adopted())),
        case("rules by the ministry", who, frame("100000", rules())),
        case("rules in the name of the service", who, frame("service", rules())),
        case("a raised format by the ministry", who, frame("100000", raised())),
        case("a raised format in the name of the service", who, frame("service", raised())),
        case("an anchor in the name of the service", who, frame("service", anchored)),
        case("a withholding by the ministry", who, frame("100000", withheld())),
        case("a withholding in the name of the service", who, frame("service", withheld())),
        case("a key that nobody may register", who, {
            frame("100000", Fact::AuthorityKeyRegistered(key))
        }),
        case("a key that nobody may revoke", who, {
            frame("440000", Fact::AuthorityKeyRevoked(revoked))
        }),
        repair("an annulled adoption", frame("100000", adopted()), annulled(0)),
        repair("an annulled adoption of rules", frame("service", rules()), annulled(0)),
        repair(
            "a corrected adoption",
            frame("100000", adopted()),
            corrected(0, frame("100000", adopted())),
        ),
    ]
}

/// A designation with another value in it.
pub fn with(alter: impl FnOnce(&mut pb::Event, &mut pb::Designated)) -> pb::Event {
    let mut event = little_giant();
    let Some(Fact::Designated(mut fact)) = event.fact.take() else { unreachable!() };
    fact.profile = Some(pb::Profile { name: "示例有限公司".into(), ..Default::default() });
    alter(&mut event, &mut fact);
    event.fact = Some(Fact::Designated(fact));
    event
}

pub fn with_profile(alter: impl FnOnce(&mut pb::Profile)) -> pb::Event {
    with(|_, fact| alter(fact.profile.as_mut().unwrap()))
}

pub fn with_evidence(alter: impl FnOnce(&mut pb::Evidence)) -> pb::Event {
    with(|event, _| alter(event.evidence.as_mut().unwrap()))
}

fn identities() -> Vec<Case> {
    let designee = |id: &str| with(|event, _| event.designee = id.to_owned());
    let mut measures = frame("100000", measures_issued());
    measures.designee = A.to_owned();
    vec![
        case("a check character", "UsccCheckCharacter", designee("914403001922038217")),
        case("letters that codes do not have", "UsccForm", designee("9144030019220382IO")),
        case("a provisional name of nothing", "FieldInvalid", designee("provisional:440000/")),
        case(
            "a provisional name that is long",
            "FieldInvalid",
            designee(&format!("provisional:440000/{}", "长".repeat(300))),
        ),
        case("a local code with a space", "IdentifierInvalid", designee("local:440000/a b")),
        case("a designee that measures lack", "FieldNotAllowed", measures),
        case(
            "a region in no province",
            "RegionUnknown",
            with_profile(|profile| profile.registered_region = "990000".to_owned()),
        ),
        case(
            "a region that is no code",
            "RegionUnknown",
            with_profile(|profile| profile.registered_region = "广东".to_owned()),
        ),
        case(
            "an industry",
            "IndustryUnknown",
            with_profile(|profile| profile.industry = "00".to_owned()),
        ),
    ]
}

pub fn measures_issued() -> Fact {
    Fact::MeasuresIssued(pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例管理办法".to_owned(),
        ..Default::default()
    })
}

fn texts() -> Vec<Case> {
    let mut untitled = measures_issued();
    if let Fact::MeasuresIssued(fact) = &mut untitled {
        fact.title.clear();
    }
    let mut escaping = measures_issued();
    if let Fact::MeasuresIssued(fact) = &mut escaping {
        fact.title = "\u{1b}[2J".to_owned();
    }
    let named = |name: &str| with_profile(|profile| profile.name = name.to_owned());
    let mut annulled = annulled(0);
    if let Some(Fact::Annulled(fact)) = &mut annulled.fact {
        fact.reason.clear();
    }
    let renamed = |old: &str, new: &str| {
        let (old_name, new_name) = (old.to_owned(), new.to_owned());
        ministry(A, "2024-01-01", Fact::Renamed(pb::Renamed { old_name, new_name, simple: true }))
    };
    vec![
        case("no batch", "FieldRequired", with(|_, fact| fact.batch.clear())),
        case("a batch with a space", "IdentifierInvalid", with(|_, f| f.batch = "batch 1".into())),
        case("a long batch", "IdentifierInvalid", with(|_, fact| fact.batch = "1".repeat(500))),
        case("an item of two lines", "FieldInvalid", with(|_, f| f.item = "甲\n乙".into())),
        case("a long item", "IdentifierInvalid", with(|_, fact| fact.item = "长".repeat(600))),
        case(
            "a long name",
            "FieldInvalid",
            with_profile(|profile| profile.name = "长".repeat(600)),
        ),
        case(
            "a control character in a name",
            "FieldInvalid",
            with_profile(|profile| profile.name = "甲\u{7}乙".to_owned()),
        ),
        case("a name of two lines", "FieldInvalid", named("甲\n乙")),
        case("a name with an invisible character", "FieldInvalid", named("甲\u{3164}乙")),
        case("a name with a character that folding drops", "FieldInvalid", named("甲\u{200B}乙")),
        case("a name that is long when folded", "FieldInvalid", named(&"\u{FDFA}".repeat(9))),
        case(
            "a provisional name with an invisible character",
            "FieldInvalid",
            with(|event, _| event.designee = "provisional:440000/甲\u{3164}".to_owned()),
        ),
        case(
            "a document number with an invisible character",
            "FieldInvalid",
            with_evidence(|e| e.document_number = "工信\u{3164}部〔2019〕153号".to_owned()),
        ),
        case("a URL that runs", "FieldInvalid", with_evidence(|e| e.url = "javascript:1".into())),
        case("a URL of no host", "FieldInvalid", with_evidence(|e| e.url = "https://".into())),
        case("a title with an escape", "FieldInvalid", frame("100000", escaping)),
        case(
            "a long English name",
            "FieldInvalid",
            with_profile(|profile| profile.name_en = "a".repeat(1_000)),
        ),
        case(
            "a document number",
            "DocumentNumberInvalid",
            with_evidence(|evidence| evidence.document_number = "153号".to_owned()),
        ),
        case("a long URL", "FieldInvalid", with_evidence(|e| e.url = "a".repeat(3_000))),
        case("a short digest", "FieldInvalid", with_evidence(|e| e.sha256 = vec![1; 31].into())),
        case("measures without a title", "FieldRequired", frame("100000", untitled)),
        case("an annulment without a reason", "FieldRequired", annulled),
        case("no new name", "FieldRequired", renamed("示例有限公司", "")),
        case("no old name", "FieldRequired", renamed("", "示例有限公司")),
        case("the old name again", "FieldInvalid", renamed("示例有限公司", "示例有限公司")),
        case("an event that is too large", "EventTooLarge", large()),
    ]
}

/// Each of its values is short enough.
fn large() -> pb::Event {
    let indicator = |i: usize| pb::Indicator {
        name: format!("{}{i}", "指".repeat(100)),
        value: "1".to_owned(),
        ..Default::default()
    };
    let assessed = pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2023,
        assessor: "示例机构".to_owned(),
        indicators: (0..20).map(indicator).collect(),
    };
    frame("100000", Fact::EnvironmentAssessed(assessed))
}

fn co_issuers(count: usize) -> Vec<String> {
    let codes = ["110000", "120000", "130000", "140000", "150000", "210000", "220000", "230000"];
    codes.iter().cycle().take(count).map(|code| (*code).to_owned()).collect()
}

fn lists() -> Vec<Case> {
    let restructured = |successors: &[&str]| {
        let successors = successors.iter().map(|&id| id.to_owned()).collect();
        let kind = pb::RestructuringKind::Division.into();
        let fact = pb::Restructured { kind, successors, ..Default::default() };
        ministry(A, "2024-01-01", Fact::Restructured(fact))
    };
    let many: Vec<String> = (0..200).map(|i| format!("local:440000/part-{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        case("many co-issuers", "FieldInvalid", with(|e, _| e.co_issuers = co_issuers(700))),
        case(
            "a co-issuer twice",
            "FieldInvalid",
            with(|event, _| event.co_issuers = vec!["440000".to_owned(), "440000".to_owned()]),
        ),
        case(
            "the issuer as a co-issuer",
            "FieldInvalid",
            with(|event, _| event.co_issuers = vec!["100000".to_owned()]),
        ),
        case(
            "an empty co-issuer",
            "FieldRequired",
            with(|event, _| event.co_issuers = vec![String::new()]),
        ),
        case("no successors", "FieldRequired", restructured(&[])),
        case("a successor twice", "FieldInvalid", restructured(&[B, B])),
        case("many successors", "FieldInvalid", restructured(&many)),
        link("the subject as its own successor", little_giant(), (A, A, "2024-01-01")),
        link("a code that was replaced", linked(A, B, "2023-01-01"), (C, A, "2024-01-01")),
        link("a code in use later", linked(C, A, "2024-01-01"), (A, B, "2023-01-01")),
    ]
}

fn linked(from: &str, to: &str, on: &str) -> pb::Event {
    let reason = pb::IdentifierChangeReason::Duplicate.into();
    let fact = pb::IdentifierChanged { new_designee: to.to_owned(), reason };
    ministry(from, on, Fact::IdentifierChanged(fact))
}

/// A link that an earlier event makes wrong.
fn link(what: &'static str, before: pb::Event, (from, to, on): (&str, &str, &str)) -> Case {
    let (reason, event) = ("IdentifierLinkInvalid", linked(from, to, on));
    Case { what, reason, history: vec![before], event }
}

fn days() -> Vec<Case> {
    let notice = pb::NoticeOpened {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: date("2024-03-01"),
        notice_to: date("2024-02-01"),
        ..Default::default()
    };
    let revoked = pb::Revoked {
        programme: "little-giant".to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: date("1999-01-01"),
        ..Default::default()
    };
    let mut backwards = measures_issued();
    if let Fact::MeasuresIssued(fact) = &mut backwards {
        (fact.in_force_from, fact.in_force_to) = (date("2024-01-01"), date("2023-01-01"));
    }
    let reported = pb::MajorChangeReported {
        change: pb::MajorChange::Other.into(),
        occurred_on: date("2199-12-31"),
        reported_on: date("1900-01-01"),
    };
    let order = "DateOrder";
    vec![
        case("an end first", order, with(|_, fact| fact.valid_to = date("2000-01-01"))),
        case(
            "a notice that ends first",
            order,
            ministry(A, "2024-01-01", Fact::NoticeOpened(notice)),
        ),
        case("a ban that ends first", order, ministry(A, "2024-01-01", Fact::Revoked(revoked))),
        case("measures that end first", order, frame("100000", backwards)),
        case(
            "a report first",
            order,
            ministry(A, "2024-01-01", Fact::MajorChangeReported(reported)),
        ),
        case(
            "a document of no day",
            "DateInvalid",
            with_evidence(|evidence| evidence.document_date = date("2023-2-30")),
        ),
    ]
}

fn choices() -> Vec<Case> {
    let unknown = "EnumUnknown";
    let programme = || "little-giant".to_owned();
    let failed = |cause| {
        let (programme, round) = (programme(), "2022".to_owned());
        let fact = pb::ReviewFailed { programme, round, cause, ..Default::default() };
        ministry(A, "2024-01-01", Fact::ReviewFailed(fact))
    };
    let revoked = |ground| {
        let fact = pb::Revoked { programme: programme(), ground, ..Default::default() };
        ministry(A, "2024-01-01", Fact::Revoked(fact))
    };
    let mut instrument = measures_issued();
    if let Fact::MeasuresIssued(fact) = &mut instrument {
        fact.instrument = 77;
    }
    let ended = |cause| ministry(A, "2024-01-01", Fact::SubjectEnded(pb::SubjectEnded { cause }));
    let notice = |purpose| {
        let (programme, batch) = (programme(), "1".to_owned());
        let fact = pb::NoticeOpened { programme, batch, purpose, ..Default::default() };
        ministry(A, "2024-01-01", Fact::NoticeOpened(fact))
    };
    vec![
        case("a kind of subject", unknown, with_profile(|profile| profile.kind = 77)),
        case("a size class", unknown, with_profile(|profile| profile.size_class = 77)),
        case("a cause of failure", unknown, failed(77)),
        case("no cause of failure", "FieldRequired", failed(0)),
        case("a ground", unknown, revoked(77)),
        case("no ground", "FieldRequired", revoked(0)),
        case("an instrument", unknown, frame("100000", instrument)),
        case("a cause of an end", unknown, ended(77)),
        case("no purpose of a notice", "FieldRequired", notice(0)),
    ]
}

fn numbers() -> Vec<Case> {
    let updated = |year| {
        let fact = pb::InformationUpdated { year, ..Default::default() };
        ministry(A, "2024-01-01", Fact::InformationUpdated(fact))
    };
    let assessed = |year, value: &str, region: &str| {
        let value = value.to_owned();
        let indicator = pb::Indicator { name: "示例".into(), value, ..Default::default() };
        let fact = pb::EnvironmentAssessed {
            region: region.to_owned(),
            year,
            assessor: "示例机构".to_owned(),
            indicators: vec![indicator],
        };
        frame("100000", Fact::EnvironmentAssessed(fact))
    };
    vec![
        case("no year", "FieldRequired", updated(0)),
        case("a late year", "DateInvalid", updated(65_535)),
        case("a year of an assessment", "DateInvalid", assessed(9_999, "1", "440100")),
        case("a number in words", "FieldInvalid", assessed(2023, "many", "440100")),
        case("an assessment in no province", "RegionUnknown", assessed(2023, "1", "990000")),
        case(
            "a repeal of nothing",
            "FieldRequired",
            frame("100000", Fact::MeasuresRepealed(pb::MeasuresRepealed::default())),
        ),
        case("an annulment of a later event", "RepairNotAllowed", annulled(u64::MAX)),
        case("a correction of a later event", "RepairNotAllowed", corrected(9, little_giant())),
    ]
}

/// Events that cannot be read, with the field that the code cannot go on without.
pub fn unreadable() -> Vec<(&'static str, pb::Event)> {
    let relocated = pb::Relocated {
        to_region: "44".to_owned(),
        from_authority: "440000".to_owned(),
        to_authority: "440300".to_owned(),
        stage: pb::RelocationStage::Confirmed.into(),
        ..Default::default()
    };
    let nowhere = pb::Relocated {
        to_region: "440305".to_owned(),
        from_authority: String::new(),
        ..relocated.clone()
    };
    let notice = pb::NoticeOpened {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        purpose: 77,
        ..Default::default()
    };
    let short = pb::CatalogueAdopted { sha256: vec![1; 31].into(), version: "1".to_owned() };
    let none = pb::Corrected { position: Some(0), ..Default::default() };
    let unplaced = pb::Annulled { reason: "示例".to_owned(), ..Default::default() };
    let by_service = with(|event, _| event.authority = "service".to_owned());
    vec![
        ("fact", pb::Event { fact: None, ..little_giant() }),
        ("authority", with(|event, _| event.authority.clear())),
        ("authority", with(|event, _| event.authority = "999999".to_owned())),
        ("authority", by_service),
        ("designee", with(|event, _| event.designee.clear())),
        ("designee", with(|event, _| event.designee = "甲".to_owned())),
        ("effective_date", with(|event, _| event.effective_date = None)),
        ("effective_date", with(|event, _| event.effective_date = date("2023-2-30"))),
        ("designated.programme", with(|_, fact| fact.programme = "giant".to_owned())),
        ("designated.sublist", with(|_, fact| fact.sublist = "999999".to_owned())),
        ("designated.valid_to", with(|_, fact| fact.valid_to = date("2300-1-1"))),
        ("rule_version", with(|event, _| event.rule_version = "1999".to_owned())),
        ("relocated.to_region", ministry(A, "2024-01-01", Fact::Relocated(relocated))),
        ("relocated.from_authority", ministry(A, "2024-01-01", Fact::Relocated(nowhere))),
        ("notice_opened.purpose", ministry(A, "2024-01-01", Fact::NoticeOpened(notice))),
        ("catalogue_adopted.sha256", frame("100000", Fact::CatalogueAdopted(short))),
        ("corrected.replacement", frame("100000", Fact::Corrected(Box::new(none)))),
        ("corrected.replacement", corrected(0, annulled(0))),
        ("annulled.position", frame("100000", Fact::Annulled(unplaced))),
    ]
}
