//! A fact in a word and a detail, for people.

use super::{
    codes::{authority_cell, programme_cell, region_cell},
    date,
    enums::Worded as _,
};
use crate::{
    lang::{Lang, comma, say, word},
    protocol::{
        event::kind_of,
        pb::{self, event::Fact},
    },
};

/// A word for the fact, and its detail. A fact that is not listed is shown by the name of its kind.
pub(super) fn fact(fact: &Fact) -> (String, String) {
    let (english, detail) = english_word(fact).map_or_else(
        || (kind_of(fact).name().replace('_', "-"), detail(fact)),
        |word| (word.to_owned(), detail(fact)),
    );
    let word = match Lang::current() {
        Lang::En => english,
        Lang::Zh => kind(fact).human(),
    };
    (word, detail)
}

/// The kind of a fact, in the protocol.
pub(super) fn kind(fact: &Fact) -> pb::EventKind {
    let number = kind_of(fact).number();
    pb::EventKind::try_from(i32::from(number)).unwrap_or_default()
}

/// A shorter word than the name of the kind.
fn english_word(fact: &Fact) -> Option<&'static str> {
    Some(match fact {
        Fact::NoticeOpened(_) => "notice",
        Fact::ObjectionRaised(_) => "objection",
        Fact::TitleTransferred(_) => "transferred",
        Fact::TitleConverted(_) => "converted",
        Fact::RectificationOrdered(_) => "rectification",
        Fact::SupportGranted(_) => "support",
        Fact::IdentifierChanged(_) => "identifier",
        Fact::InformationUpdated(_) => "updated",
        Fact::MajorChangeReported(_) => "change-reported",
        Fact::MeasuresIssued(_) => "measures",
        Fact::MeasuresRepealed(_) => "repealed",
        Fact::CompletenessDeclared(_) => "complete",
        Fact::CatalogueAdopted(_) => "catalogue",
        Fact::EnvironmentAssessed(_) => "assessed",
        _ => return None,
    })
}

fn detail(fact: &Fact) -> String {
    match fact {
        Fact::NoticeOpened(f) => named(&batch(&f.programme, &f.batch), f.profile.as_ref()),
        Fact::Designated(f) => {
            let until = until(f.valid_to.as_ref());
            named(&format!("{}{until}", batch(&f.programme, &f.batch)), f.profile.as_ref())
        }
        Fact::CreationListed(f) => named(&batch(&f.programme, &f.batch), f.profile.as_ref()),
        Fact::PoolEntered(f) => named(&f.pool, f.profile.as_ref()),
        Fact::ReviewPassed(f) => {
            format!("{}{}", round(&f.programme, &f.round), until(f.valid_to.as_ref()))
        }
        Fact::ReviewFailed(f) => because(round(&f.programme, &f.round), &f.cause().human()),
        Fact::ReviewOpened(f) => round(&f.programme, &f.round),
        Fact::Revoked(f) => {
            let ban = f.ban_until.as_ref().map(|day| ban(&date(Some(day)))).unwrap_or_default();
            format!("{}{ban}", because(programme(&f.programme), &f.ground().human()))
        }
        Fact::RevocationProposed(f) => because(programme(&f.programme), &f.ground().human()),
        Fact::Corrected(f) => repaired(f.position, &f.reason),
        Fact::Annulled(f) => repaired(f.position, &f.reason),
        Fact::EventWithheld(f) => repaired(f.position, &f.reason),
        Fact::BatchOpened(f) => batch(&f.programme, &f.batch),
        Fact::BatchSealed(f) => batch(&f.programme, &f.batch),
        Fact::ObjectionRaised(f) => batch(&f.programme, &f.batch),
        Fact::ObjectionResolved(f) => because(batch(&f.programme, &f.batch), &f.outcome().human()),
        Fact::NoticeWithdrawn(f) => because(batch(&f.programme, &f.batch), &f.reason),
        Fact::CreationAssessed(f) => {
            let passed = match f.passed {
                true => word!(en: "passed", zh: "通过"),
                false => word!(en: "not passed", zh: "未通过"),
            };
            format!("{} {passed}", programme(&f.programme))
        }
        Fact::RectificationOrdered(f) => {
            format!("{}{}", programme(&f.programme), until(f.due.as_ref()))
        }
        other => detail_of_others(other),
    }
}

/// The details of facts about support, identity, duties and frames.
fn detail_of_others(fact: &Fact) -> String {
    match fact {
        Fact::Surrendered(f) => programme(&f.programme),
        Fact::Reinstated(f) => programme(&f.programme),
        Fact::TitleTransferred(f) => becomes(&programme(&f.programme), &f.successor),
        Fact::TitleConverted(f) => {
            becomes(&programme(&f.from_programme), &programme(&f.to_programme))
        }
        Fact::SupportGranted(f) => format!("{} {} {}", programme(&f.programme), f.scheme, f.round),
        Fact::Renamed(f) => becomes(&f.old_name, &f.new_name),
        Fact::Relocated(f) => becomes(&authority(&f.from_authority), &authority(&f.to_authority)),
        Fact::Restructured(f) => f.successors.join(comma()),
        Fact::IdentifierChanged(f) => format!("→ {}", f.new_designee),
        Fact::SubjectEnded(f) => f.cause().human(),
        Fact::InformationUpdated(f) => f.year.to_string(),
        Fact::MajorChangeReported(f) => {
            let day = date(f.occurred_on.as_ref());
            because(day, &f.change().human())
        }
        Fact::PoolLeft(f) => because(f.pool.clone(), &f.reason),
        Fact::MeasuresIssued(f) => format!("{} {}", programme(&f.programme), f.title),
        Fact::MeasuresRepealed(f) => f.document_number.clone(),
        Fact::CompletenessDeclared(f) => programme(&f.programme),
        Fact::CatalogueAdopted(f) => f.version.clone(),
        Fact::RulesAdopted(f) => {
            let version = f.version;
            say!(en: "version {version}", zh: "版本 {version}")
        }
        Fact::EnvironmentAssessed(f) => {
            format!("{} {}", region_cell(&f.region).human(), f.year)
        }
        _ => String::new(),
    }
}

pub(super) fn programme(id: &str) -> String {
    programme_cell(id).human().to_owned()
}

pub(super) fn authority(code: &str) -> String {
    authority_cell(code).human().to_owned()
}

fn batch(id: &str, batch: &str) -> String {
    let programme = programme(id);
    say!(en: "{programme} batch {batch}", zh: "{programme} 批次 {batch}")
}

fn round(id: &str, round: &str) -> String {
    let programme = programme(id);
    say!(en: "{programme} round {round}", zh: "{programme} 复核批次 {round}")
}

fn named(what: &str, profile: Option<&pb::Profile>) -> String {
    let name = profile.map_or("", |profile| profile.name.as_str());
    if name.is_empty() { what.to_owned() } else { format!("{what}  {name}") }
}

fn until(end: Option<&pb::Date>) -> String {
    let Some(end) = end else { return String::new() };
    let day = date(Some(end));
    say!(en: " to {day}", zh: "，至 {day}")
}

fn ban(day: &str) -> String {
    say!(en: ", ban to {day}", zh: "，{day} 前不得再次申报")
}

fn because(what: String, why: &str) -> String {
    if why.is_empty() {
        return what;
    }
    say!(en: "{what}: {why}", zh: "{what}：{why}")
}

fn becomes(from: &str, to: &str) -> String {
    format!("{from} → {to}")
}

fn repaired(position: Option<u64>, reason: &str) -> String {
    let position = position.unwrap_or_default();
    say!(en: "position {position}: {reason}", zh: "位置 {position}：{reason}")
}
