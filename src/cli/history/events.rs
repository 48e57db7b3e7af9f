//! The events of the lists.

use super::Chapter;
use crate::{
    cli::commands::generate::Enterprise,
    domain::AuthorityCode,
    protocol::pb::{self, event::Fact},
};

fn stated(issuer: &str, row: &Chapter, designee: String, fact: Fact) -> pb::Event {
    let evidence = pb::Evidence { document_number: row.document.to_owned(), ..Default::default() };
    pb::Event {
        authority: issuer.to_owned(),
        designee,
        effective_date: Some(row.from),
        evidence: (!row.document.is_empty()).then_some(evidence),
        fact: Some(fact),
        ..Default::default()
    }
}

fn profile(enterprise: &Enterprise) -> Option<pb::Profile> {
    Some(pb::Profile {
        name: enterprise.name.clone(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        ..Default::default()
    })
}

/// Who decides: the ministry for national programmes, otherwise the authority itself.
fn issuer(row: &Chapter, authority: AuthorityCode) -> &'static str {
    match row.programme {
        "specialised-sme" | "provincial-platform" | "provincial-base" => authority.as_str(),
        _ => AuthorityCode::ministry().as_str(),
    }
}

pub(super) fn measures(row: &Chapter, authority: AuthorityCode) -> pb::Event {
    let fact = pb::MeasuresIssued {
        programme: row.programme.to_owned(),
        instrument: pb::Instrument::Measures.into(),
        title: "示例管理办法".to_owned(),
        ..Default::default()
    };
    stated(authority.as_str(), row, String::new(), Fact::MeasuresIssued(fact))
}

pub(super) fn entered(
    row: &Chapter,
    authority: AuthorityCode,
    enterprise: &Enterprise,
) -> pb::Event {
    let fact = pb::PoolEntered { pool: row.batch.to_owned(), profile: profile(enterprise) };
    stated(authority.as_str(), row, enterprise.uscc.to_string(), Fact::PoolEntered(fact))
}

pub(super) fn noticed(
    row: &Chapter,
    authority: AuthorityCode,
    enterprise: &Enterprise,
) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: authority.as_str().to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: Some(row.from),
        notice_to: row.to,
        recommended_by: authority.as_str().to_owned(),
        profile: profile(enterprise),
        ..Default::default()
    };
    let issuer = issuer(row, authority);
    stated(issuer, row, enterprise.uscc.to_string(), Fact::NoticeOpened(fact))
}

pub(super) fn designated(
    row: &Chapter,
    authority: AuthorityCode,
    enterprise: &Enterprise,
) -> pb::Event {
    let issuer = issuer(row, authority);
    let national = issuer == AuthorityCode::ministry().as_str();
    let from = if national { authority.as_str().to_owned() } else { String::new() };
    let is_zone = row.programme == "zone-carrier";
    let fact = pb::Designated {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: from.clone(),
        recommended_by: from,
        profile: profile(enterprise).map(|profile| pb::Profile {
            kind: if is_zone { pb::DesigneeKind::Zone } else { pb::DesigneeKind::Enterprise }
                .into(),
            ..profile
        }),
        ..Default::default()
    };
    // A development zone has no code of its own here.
    let designee = if is_zone {
        format!("local:{}/{}", authority.as_str(), enterprise.uscc)
    } else {
        enterprise.uscc.to_string()
    };
    stated(issuer, row, designee, Fact::Designated(fact))
}

pub(super) fn passed(row: &Chapter, cohort: &str, enterprise: &Enterprise) -> pb::Event {
    let fact = pb::ReviewPassed {
        programme: row.programme.to_owned(),
        batch: cohort.to_owned(),
        round: row.batch.to_owned(),
        ..Default::default()
    };
    let ministry = AuthorityCode::ministry().as_str();
    stated(ministry, row, enterprise.uscc.to_string(), Fact::ReviewPassed(fact))
}

pub(super) fn seal(
    row: &Chapter,
    sublist: Option<AuthorityCode>,
    designated: usize,
    reviewed: usize,
) -> pb::Event {
    let count = |n: usize| u32::try_from(n).ok();
    let declared = pb::DeclaredCounts { designated: count(designated), reviewed: count(reviewed) };
    let fact = pb::BatchSealed {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: sublist.map_or("", |authority| authority.as_str()).to_owned(),
        declared: Some(declared),
        ..Default::default()
    };
    let ministry = AuthorityCode::ministry().as_str();
    stated(ministry, row, String::new(), Fact::BatchSealed(fact))
}
