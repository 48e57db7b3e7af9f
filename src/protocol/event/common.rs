//! Reading events: what all facts share. The facts themselves are read in `title.rs`, `subject.rs` and `frame.rs`.

use super::fields::{Fields, Need, Source};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        catalogue::{Decider, RuleVersion},
        event::{BatchRef, Event, Fact, Listed, TitleRef, Validity},
        fault::{ParseError, Reason},
        kind::{HolderKind, Kind, ProgrammeId},
    },
    limits::CO_ISSUERS_MAX,
    protocol::{
        pb::{self, event::Fact as Pb},
        time,
    },
};

use Need::{Optional, Required};

/// What every fact is read with.
pub(super) struct Context {
    pub(super) authority: AuthorityCode,
    pub(super) effective: CivilDate,
    pub(super) designee: Option<DesigneeId>,
}

/// The rule version of an event: as named, then as filled in, with its place among the programme's.
pub(super) struct Version<'t> {
    pub(super) text: &'t mut String,
    pub(super) place: Option<u8>,
}

impl<'a> Fields<'a> {
    /// Reads an event and brings it into its normal form.
    pub(crate) fn event(&mut self, event: &mut pb::Event) -> Option<Event> {
        let authority = self.authority("authority", &mut event.authority, Required);
        let co_issuers = self.co_issuers(&mut event.co_issuers, authority);
        let effective = self.first_day("effective_date", event.effective_date.as_ref(), Required);
        let (mut document, mut row) = (String::new(), 0);
        if let Some(evidence) = &mut event.evidence {
            self.within("evidence", |fields| fields.evidence(evidence));
            document.clone_from(&evidence.document_number);
            row = evidence.row;
        }
        self.id("rule_version", &mut event.rule_version, Optional);
        let Some(fact) = &mut event.fact else {
            self.required("fact");
            return None;
        };
        let designee = self.designee_of(fact, &mut event.designee);
        let context = Context { authority: authority?, effective: effective?, designee };
        let mut version = Version { text: &mut event.rule_version, place: None };
        let fact = self.fact(&context, fact, &mut version)?;
        let rule = version.place;
        let Context { authority, effective, .. } = context;
        Some(Event { authority, co_issuers, effective, document, row, rule, fact })
    }

    fn co_issuers(
        &mut self,
        codes: &mut [String],
        issuer: Option<AuthorityCode>,
    ) -> Vec<AuthorityCode> {
        if codes.len() > CO_ISSUERS_MAX {
            let message = format!("has {} entries; {CO_ISSUERS_MAX} are allowed", codes.len());
            self.fault("co_issuers", "", ParseError::new(Reason::FieldInvalid, message, ""));
            return Vec::new();
        }
        let mut read = Vec::new();
        for (i, code) in codes.iter_mut().enumerate() {
            let field = format!("co_issuers[{i}]");
            let Some(authority) = self.authority(&field, code, Required) else { continue };
            if read.contains(&authority) || issuer == Some(authority) {
                let error = ParseError::new(Reason::FieldInvalid, "stands twice", "");
                self.fault(&field, authority.as_str(), error);
            }
            read.push(authority);
        }
        read
    }

    fn evidence(&mut self, evidence: &mut pb::Evidence) {
        self.document("document_number", &mut evidence.document_number);
        self.date("document_date", evidence.document_date.as_ref(), Optional);
        self.date("published_date", evidence.published_date.as_ref(), Optional);
        self.text("url", &mut evidence.url, Optional);
        self.digest("sha256", &evidence.sha256);
        self.digest("sm3", &evidence.sm3);
    }

    /// Facts about a designee name it, the others do not.
    fn designee_of(&mut self, fact: &Pb, text: &mut String) -> Option<DesigneeId> {
        if is_about_designee(fact) {
            return self.designee("designee", text);
        }
        if !text.is_empty() {
            let message = "must be empty for a fact that is not about a designee";
            let error = ParseError::new(Reason::FieldNotAllowed, message, "");
            self.fault("designee", text, error);
        }
        None
    }

    fn fact(&mut self, context: &Context, fact: &mut Pb, version: &mut Version) -> Option<Fact> {
        let kind = kind_of(fact);
        self.within(kind.map_or("fact", Kind::name), |fields| match fact {
            Pb::CatalogueAdopted(_)
            | Pb::CompletenessDeclared(_)
            | Pb::MeasuresIssued(_)
            | Pb::MeasuresRepealed(_)
            | Pb::Corrected(_)
            | Pb::Annulled(_)
            | Pb::BatchOpened(_)
            | Pb::BatchSealed(_)
            | Pb::EnvironmentAssessed(_) => fields.frame_fact(context, fact, version),
            Pb::PoolEntered(_)
            | Pb::PoolLeft(_)
            | Pb::Renamed(_)
            | Pb::Relocated(_)
            | Pb::Restructured(_)
            | Pb::IdentifierChanged(_)
            | Pb::SubjectEnded(_)
            | Pb::InformationUpdated(_)
            | Pb::MajorChangeReported(_) => {
                let fact = fields.subject_fact(context, fact)?;
                Some(Fact::Subject { designee: context.designee.clone()?, fact })
            }
            _ => {
                let (title, fact) = fields.title_fact(context, fact, version)?;
                Some(Fact::Title { designee: context.designee.clone()?, title, fact })
            }
        })
    }

    /// The title a fact is about and the rule version it stands under, which is filled in.
    pub(super) fn title(
        &mut self,
        context: &Context,
        programme: &str,
        item: &mut String,
        version: &mut Version,
    ) -> Option<(TitleRef, &'a RuleVersion)> {
        let item = self.item("item", item);
        let programme = self.programme("programme", programme);
        let (programme, item) = (programme?, item?);
        let rule = self.rule(context, programme, version)?;
        let authority = owner(rule, context.authority);
        Some((TitleRef { programme, authority, item }, rule))
    }

    pub(super) fn rule(
        &mut self,
        context: &Context,
        programme: ProgrammeId,
        version: &mut Version,
    ) -> Option<&'a RuleVersion> {
        let catalogue = self.catalogue;
        match catalogue.programme(programme).rule(version.text, context.effective) {
            Ok((place, rule)) => {
                if version.text.is_empty() {
                    version.text.clone_from(&rule.version);
                }
                version.place = Some(place);
                Some(rule)
            }
            Err(error) => {
                let text = version.text.clone();
                self.fault("rule_version", &text, error);
                None
            }
        }
    }

    pub(super) fn listed(
        &mut self,
        recommended_by: &mut String,
        profile: Option<&mut pb::Profile>,
    ) -> Listed {
        let recommended_by = self.authority("recommended_by", recommended_by, Optional);
        let Some(profile) = profile else { return Listed { recommended_by, ..Listed::default() } };
        self.within("profile", |fields| {
            let name = fields.name("name", &mut profile.name, Optional);
            fields.published("name_en", &mut profile.name_en);
            let kind = fields.choice::<pb::DesigneeKind>("kind", profile.kind, Optional);
            fields.choice::<pb::SizeClass>("size_class", profile.size_class, Optional);
            let industry = fields.industry("industry", &mut profile.industry);
            let region = fields.region("registered_region", &mut profile.registered_region);
            let kind = kind.and_then(holder_kind);
            Listed { name, kind, region, industry, recommended_by }
        })
    }

    pub(super) fn batch(
        &mut self,
        context: &Context,
        programme: &str,
        batch: &mut String,
        sublist: &mut String,
        version: &mut Version,
    ) -> Option<BatchRef> {
        let batch = self.id("batch", batch, Required);
        let sublist = self.authority("sublist", sublist, Optional);
        let programme = self.programme("programme", programme)?;
        let authority = owner(self.rule(context, programme, version)?, context.authority);
        Some(BatchRef { programme, authority, batch: batch?, sublist })
    }
}

/// Whose title, or batch, it is: the ministry's where only the ministry decides, otherwise the issuer's.
pub(super) fn owner(rule: &RuleVersion, issuer: AuthorityCode) -> AuthorityCode {
    if rule.decided_by == Decider::Ministry { AuthorityCode::ministry() } else { issuer }
}

/// The end of a validity: as stated, or from the catalogue, which is then written into the message and flagged.
pub(super) fn infer(
    rule: &RuleVersion,
    from: CivilDate,
    stated: Option<CivilDate>,
    (date, inferred): (&mut Option<pb::Date>, &mut bool),
    source: Source,
) -> Validity {
    if source == Source::Stored {
        return Validity { to: stated, inferred: *inferred };
    }
    *inferred = stated.is_none() && rule.validity_years > 0;
    if !*inferred {
        return Validity { to: stated, inferred: false };
    }
    let to = from.plus_years_minus_day(rule.validity_years);
    *date = Some(time::pb_date(to));
    Validity { to: Some(to), inferred: true }
}

fn holder_kind(kind: pb::DesigneeKind) -> Option<HolderKind> {
    match kind {
        pb::DesigneeKind::Unspecified => None,
        pb::DesigneeKind::Enterprise => Some(HolderKind::Enterprise),
        pb::DesigneeKind::Institution => Some(HolderKind::Institution),
        pb::DesigneeKind::Park => Some(HolderKind::Park),
        pb::DesigneeKind::Zone => Some(HolderKind::Zone),
    }
}

/// Facts about a designee have the numbers of pools, notices, titles, identity and duties.
fn is_about_designee(fact: &Pb) -> bool {
    kind_of(fact).is_some_and(|kind| (30..90).contains(&kind.number()))
}

fn kind_of(fact: &Pb) -> Option<Kind> {
    Kind::from_number(match fact {
        Pb::CatalogueAdopted(_) => 20,
        Pb::CompletenessDeclared(_) => 21,
        Pb::MeasuresIssued(_) => 22,
        Pb::MeasuresRepealed(_) => 23,
        Pb::PoolEntered(_) => 30,
        Pb::PoolLeft(_) => 31,
        Pb::NoticeOpened(_) => 40,
        Pb::ObjectionRaised(_) => 41,
        Pb::ObjectionResolved(_) => 42,
        Pb::NoticeWithdrawn(_) => 43,
        Pb::Designated(_) => 50,
        Pb::ReviewOpened(_) => 51,
        Pb::ReviewPassed(_) => 52,
        Pb::ReviewFailed(_) => 53,
        Pb::RevocationProposed(_) => 54,
        Pb::Revoked(_) => 55,
        Pb::Surrendered(_) => 56,
        Pb::Reinstated(_) => 57,
        Pb::TitleTransferred(_) => 58,
        Pb::TitleConverted(_) => 59,
        Pb::CreationListed(_) => 60,
        Pb::CreationAssessed(_) => 61,
        Pb::RectificationOrdered(_) => 62,
        Pb::SupportGranted(_) => 63,
        Pb::Renamed(_) => 70,
        Pb::Relocated(_) => 71,
        Pb::Restructured(_) => 72,
        Pb::IdentifierChanged(_) => 73,
        Pb::SubjectEnded(_) => 74,
        Pb::InformationUpdated(_) => 80,
        Pb::MajorChangeReported(_) => 81,
        Pb::Corrected(_) => 90,
        Pb::Annulled(_) => 91,
        Pb::BatchOpened(_) => 100,
        Pb::BatchSealed(_) => 101,
        Pb::EnvironmentAssessed(_) => 110,
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_number_of_a_kind_is_the_field_number_of_its_fact() {
        for kind in Kind::all() {
            // An empty message in the field with that number.
            let mut bytes = Vec::new();
            let wire = prost::encoding::WireType::LengthDelimited;
            prost::encoding::encode_key(kind.number().into(), wire, &mut bytes);
            bytes.push(0);
            let event = pb::Event::decode(bytes.as_slice()).unwrap();
            assert_eq!(kind_of(&event.fact.unwrap()), Some(kind));
            assert!(pb::EventKind::try_from(i32::from(kind.number())).is_ok());
        }
    }
}
