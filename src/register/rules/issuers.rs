//! Rules for issuers: the catalogue says which authorities may state a fact.

use super::Case;
use crate::domain::{
    Issuer,
    catalogue::{Decider, Recommender, Role},
    event::{Event, Fact, SubjectFact, TitleFact},
    fault::{Entitled, Key, RuleId},
    kind::ProgrammeId,
};

impl Case<'_> {
    /// The catalogue says who may state a fact; an authority answers for its own region only. The
    /// server alone states facts of the service, and nothing else.
    pub(super) fn require_entitled_issuer(&mut self, event: &Event) {
        let is_own = event.issuer == Issuer::Service;
        if is_own || event.fact.kind().is_of_service() {
            if !(is_own && event.fact.kind().is_of_service() && self.judge.is_server) {
                self.reject_foreign(event);
            }
            return;
        }
        let recommends = matches!(
            &event.fact,
            Fact::Title { fact: TitleFact::NoticeOpened { recommendation: true, .. }, .. }
        );
        let catalogue = self.catalogue;
        let roles = if recommends {
            catalogue.roles_of_recommendation()
        } else {
            catalogue.roles(event.fact.kind())
        };
        if !roles.iter().any(|role| self.has_role(*role, event)) {
            return self.reject_issuer(event, roles);
        }
        self.require_own_region(event);
    }

    fn has_role(&self, role: Role, event: &Event) -> bool {
        let issuer = event.issuer;
        let programme = programme_of(&event.fact);
        match role {
            Role::Any => true,
            Role::Ministry => issuer.is_ministry(),
            Role::Provincial => !issuer.is_ministry(),
            Role::Decider => {
                let rule = programme.and_then(|programme| self.rule(event, programme));
                rule.is_none_or(|rule| {
                    issuer.authority().is_some_and(|issuer| rule.decided_by.includes(issuer))
                })
            }
            Role::Recommender => {
                let rule = programme.and_then(|programme| self.rule(event, programme));
                rule.is_some_and(|rule| rule.recommended_by == Recommender::Provincial)
                    && !issuer.is_ministry()
            }
            Role::Involved => self.is_involved(issuer),
            Role::Target => matches!(
                &event.fact,
                Fact::Subject {
                    fact: SubjectFact::Relocated { from_authority, to_authority, .. },
                    ..
                } if issuer == *from_authority || issuer == *to_authority
            ),
            Role::Sublist => {
                let Fact::Batch { batch, .. } = &event.fact else { return false };
                batch.sublist.is_some_and(|sublist| issuer == sublist)
            }
        }
    }

    /// An authority that decided on the designee, recommended it or is responsible for it. As long
    /// as no authority is on record as responsible, nobody knows better.
    fn is_involved(&self, issuer: Issuer) -> bool {
        let mut nobody_responsible = true;
        for placed in self.judge.cluster.own_facts() {
            let responsible = placed.fact.responsible();
            if placed.fact.issuer == issuer || responsible.is_some_and(|other| issuer == other) {
                return true;
            }
            nobody_responsible &= responsible.is_none();
        }
        nobody_responsible
    }

    /// A caller states a fact of the service, or states something in its name.
    fn reject_foreign(&mut self, event: &Event) {
        let kind = event.fact.kind();
        let rule =
            if kind.is_of_service() { RuleId::FactOfService } else { RuleId::FactOfAuthority };
        let breach = rule.with(Key::Kind, kind.name());
        self.reject("authority", event.issuer.as_str(), breach, &[]);
    }

    fn reject_issuer(&mut self, event: &Event, roles: &[Role]) {
        let programme = programme_of(&event.fact);
        let rule = programme.and_then(|programme| self.rule(event, programme));
        let decided_by = rule.map(|rule| rule.decided_by);
        let who: Vec<_> = roles
            .iter()
            .map(|role| match (role, decided_by) {
                (Role::Decider, Some(Decider::Ministry)) => Entitled::DecidingMinistry,
                (Role::Decider, _) => Entitled::DecidingAuthority,
                (Role::Recommender, _) => Entitled::Recommender,
                (Role::Ministry, _) => Entitled::Ministry,
                (Role::Provincial, _) => Entitled::Provincial,
                (Role::Involved, _) => Entitled::Involved,
                (Role::Target, _) => Entitled::Target,
                (Role::Sublist, _) => Entitled::Sublist,
                (Role::Any, _) => Entitled::Any,
            })
            .map(<&str>::from)
            .collect();
        let who = if who.is_empty() { Entitled::Nobody.to_string() } else { who.join(", ") };
        let breach = RuleId::IssuerNotEntitled
            .with(Key::Kind, event.fact.kind().name())
            .with_any(Key::Programme, programme.map(|programme| self.catalogue.id_of(programme)))
            .with(Key::Entitled, who);
        self.reject("authority", event.issuer.as_str(), breach, &[]);
    }

    /// A city with independent planning status answers for itself, and so does the corps.
    fn require_own_region(&mut self, event: &Event) {
        let region = event.fact.listed().and_then(|listed| listed.region);
        let issuer = event.issuer.authority().filter(|issuer| !issuer.is_ministry());
        let (Some(region), Some(issuer)) = (region, issuer) else { return };
        if !issuer.answers_for(region) {
            let breach = RuleId::IssuerOfOtherRegion.with(Key::Region, region);
            self.reject("authority", issuer.as_str(), breach, &[]);
        }
    }
}

fn programme_of(fact: &Fact) -> Option<ProgrammeId> {
    match fact {
        Fact::Title { title, .. } => Some(title.programme),
        Fact::Batch { batch, .. } => Some(batch.programme),
        _ => None,
    }
}
