//! Data about persons in texts, which callers are refused and which earlier versions recorded.

use tidu::protocol::pb::{self, event::Fact};

use super::cases::{Case, case, frame, with, with_evidence, with_profile};
use crate::support::annulled;

const PERSONAL: &str = "PersonalData";

pub fn cases() -> Vec<Case> {
    let named = |name: &str| with_profile(|profile| profile.name = name.to_owned());
    let designee = |id: &str| with(|event, _| event.designee = id.to_owned());
    let url = |url: &str| with_evidence(|evidence| evidence.url = url.to_owned());
    let mut reason = annulled(0);
    if let Some(Fact::Annulled(annulled)) = &mut reason.fact {
        annulled.reason = "电话 020-12345678".to_owned();
    }
    let titled = pb::MeasuresIssued {
        programme: "little-giant".to_owned(),
        title: "办法 a.person@example.org".to_owned(),
        instrument: pb::Instrument::Measures.into(),
        ..Default::default()
    };
    vec![
        case("a mobile number in a name", PERSONAL, named("某某有限公司 138-0000-0000")),
        case("an identity number in a name", PERSONAL, named("某某430407190001010179")),
        case("an e-mail address in an item", PERSONAL, {
            with(|_, fact| fact.item = "a.person@example.org".to_owned())
        }),
        case("a mobile number as a batch", PERSONAL, {
            with(|_, fact| fact.batch = "13800000000".to_owned())
        }),
        case("a mobile number in a product", PERSONAL, {
            with_profile(|profile| profile.main_product = "轴承 13800000000".to_owned())
        }),
        case("an identity number as a code", PERSONAL, designee("430407190001010179")),
        case("an identity number as a local code", PERSONAL, {
            designee("local:440000/430407190001010179")
        }),
        case("a mobile number in a provisional name", PERSONAL, {
            designee("provisional:440000/某某13800000000")
        }),
        case("a mobile number in a web address", PERSONAL, {
            url("https://example.org/?tel=13800000000")
        }),
        case(
            "an e-mail address in a title",
            PERSONAL,
            frame("100000", Fact::MeasuresIssued(titled)),
        ),
        case("a telephone number in a reason", PERSONAL, reason),
    ]
}
