//! Instruments whose bodies or amendments a caller may not state so.

use tidu::{
    limits::ISSUING_BODIES_MAX,
    protocol::pb::{self, event::Fact},
};

use super::cases::{Case, case, frame, measures_issued};

fn issued(alter: impl FnOnce(&mut pb::MeasuresIssued)) -> pb::Event {
    let mut fact = measures_issued();
    if let Fact::MeasuresIssued(fact) = &mut fact {
        alter(fact);
    }
    frame("100000", fact)
}

pub fn cases() -> Vec<Case> {
    let bodies = |codes: &[&str]| {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        issued(|fact| fact.issuing_bodies = codes)
    };
    let itself = "粤工信〔2024〕7号";
    let mut amends_itself = issued(|fact| fact.amends = itself.to_owned());
    amends_itself.evidence.get_or_insert_default().document_number = itself.to_owned();
    vec![
        case("a body that the table does not have", "FieldInvalid", bodies(&["示例部", "mof"])),
        case("a body twice", "FieldInvalid", bodies(&["mof", "mof"])),
        case("a body without a code", "FieldRequired", bodies(&["", "mof"])),
        case("too many bodies", "FieldInvalid", bodies(&["mof"; ISSUING_BODIES_MAX + 1])),
        case("an amendment of itself", "FieldInvalid", amends_itself),
        case(
            "an amendment of what is no document",
            "DocumentNumberInvalid",
            issued(|fact| fact.amends = "示例条例".to_owned()),
        ),
    ]
}
