//! Rules for issuers: the catalogue says which authorities may state a fact.

use super::{Case, Objection};
use crate::domain::{
    Issuer,
    catalogue::{Decider, Recommender, Role},
    event::{Event, Fact, SubjectFact, TitleFact},
    fault::Reason,
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
                matches!(&event.fact, Fact::Batch { batch, .. } if batch.sublist == issuer.authority())
            }
        }
    }

    /// An authority that decided on the designee, recommended it or is responsible for it. Of a
    /// designee that nothing is recorded of, nobody knows better.
    fn is_involved(&self, issuer: Issuer) -> bool {
        let mut facts = self.judge.cluster.own_facts().peekable();
        facts.peek().is_none()
            || facts.any(|placed| {
                let stated = &placed.fact;
                stated.issuer == issuer || stated.responsible() == issuer.authority()
            })
    }

    /// A caller states a fact of the service, or states something in its name.
    fn reject_foreign(&mut self, event: &Event) {
        let kind = event.fact.kind();
        let message = if kind.is_of_service() {
            format!("may not state {}; the server records it by itself", kind.name())
        } else {
            format!("may not state {}; that is for an authority", kind.name())
        };
        let objection = Objection {
            field: "authority",
            value: event.issuer.as_str().to_owned(),
            reason: Reason::IssuerNotEntitled,
            message,
            rule: "only the server states facts of the service, and it states nothing else",
        };
        self.reject(objection, &[]);
    }

    fn reject_issuer(&mut self, event: &Event, roles: &[Role]) {
        let programme = programme_of(&event.fact);
        let rule = programme.and_then(|programme| self.rule(event, programme));
        let decided_by = rule.map(|rule| rule.decided_by);
        let who: Vec<_> = roles
            .iter()
            .map(|role| match (role, decided_by) {
                (Role::Decider, Some(Decider::Ministry)) => "the ministry (100000), which decides",
                (Role::Decider, _) => "a provincial-level authority, which decides",
                (Role::Recommender, _) => "a recommending provincial-level authority",
                (Role::Ministry, _) => "the ministry (100000)",
                (Role::Provincial, _) => "a provincial-level authority",
                (Role::Involved, _) => {
                    "an authority that decided on, recommended or is responsible for the designee"
                }
                (Role::Target, _) => "the authority on either side of the move",
                (Role::Sublist, _) => "the authority of the sub-list",
                (Role::Any, _) => "any authority",
            })
            .collect();
        let about = programme
            .map_or(String::new(), |programme| format!(" for {}", self.catalogue.id_of(programme)));
        let kind = event.fact.kind().name();
        let who = if who.is_empty() { "nobody yet".to_owned() } else { who.join(", or ") };
        let objection = Objection {
            field: "authority",
            value: event.issuer.as_str().to_owned(),
            reason: Reason::IssuerNotEntitled,
            message: format!("may not state {kind}{about}; that is for {who}"),
            rule: "the programme catalogue, issuers",
        };
        self.reject(objection, &[]);
    }

    /// A city with independent planning status answers for itself, and so does the corps.
    fn require_own_region(&mut self, event: &Event) {
        let region = event.fact.listed().and_then(|listed| listed.region);
        let issuer = event.issuer.authority().filter(|issuer| !issuer.is_ministry());
        let (Some(region), Some(issuer)) = (region, issuer) else { return };
        if !issuer.answers_for(region) {
            let objection = Objection {
                field: "authority",
                value: issuer.as_str().to_owned(),
                reason: Reason::IssuerNotEntitled,
                message: format!("does not answer for region {region}"),
                rule: "each of the 37 authorities decides for its own region; a city with \
                       independent planning status and the XPCC for themselves",
            };
            self.reject(objection, &[]);
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
