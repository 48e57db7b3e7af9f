//! Rules for bans: who lost a title for a serious ground does not apply again for some years.
//!
//! A ban counts over its own days, whatever else happens to the title. On the day of the revocation
//! itself an application comes first, as in the fold.

use super::{Case, with_document};
use crate::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::RuleVersion,
        event::{Event, TitleRef},
        fault::{Key, RuleId},
        kind::ProgrammeId,
    },
    register::{
        fold::{Ban, Folding},
        identity::IdentityCluster,
        rows::{FactKindRow, FactRow},
    },
};

/// True if an application on a day comes within a ban.
fn covers(ban: &Ban, day: CivilDate) -> bool {
    ban.from < day && ban.holds_on(day)
}

impl<'a> Case<'a> {
    /// An application does not begin during a ban. A ban in another programme may bear on it.
    pub(super) fn reject_banned(&mut self, event: &Event, title: &TitleRef, rule: &RuleVersion) {
        let on = event.effective;
        let bans = self.judge.folding.bans().filter(|(_, ban)| covers(ban, on));
        let bans: Vec<(ProgrammeId, Ban)> = bans.map(|(key, ban)| (key.programme, ban)).collect();
        if bans.is_empty() {
            return;
        }
        let value = on.to_string();
        let own = bans.iter().find(|(programme, _)| *programme == title.programme);
        if let Some((_, ban)) = own {
            let breach = with_document(RuleId::Banned.with(Key::Day, ban.until), &rule.document);
            return self.reject("effective_date", &value, breach, &[ban.position]);
        }
        for (programme, ban) in bans {
            let stated = self.rule_of_fact(programme, ban.position);
            if !stated.is_some_and(|rule| rule.ban_covers.ids().contains(&title.programme)) {
                continue;
            }
            let breach = RuleId::BannedElsewhere
                .with(Key::Programme, self.catalogue.id_of(programme))
                .with(Key::Day, ban.until)
                .with(Key::Position, self.source_of(ban.position));
            let document = stated.map_or("", |rule| &rule.document);
            let breach = with_document(breach, document);
            return self.warn("effective_date", &value, breach, &[ban.position]);
        }
    }

    /// The rule version of a fact about the subject.
    fn rule_of_fact(&self, programme: ProgrammeId, position: u32) -> Option<&'a RuleVersion> {
        let mut own = self.judge.cluster.own_facts();
        let placed = own.find(|placed| placed.position == position)?;
        self.catalogue.rule_at(programme, placed.fact.rule)
    }

    /// The ban of a revocation covers no application on record, in whichever order the two are
    /// recorded. The facts were folded with the revocation at its place.
    pub(super) fn reject_ban_of_applicant(&mut self, event: &Event, title: &TitleRef) {
        let place = self.place();
        let Some(rule) = self.rule(event, title.programme) else { return };
        let own = self.judge.after.bans().find(|(_, ban)| ban.position == place);
        let Some((_, ban)) = own else { return };
        let (mut same, mut elsewhere) = (Vec::new(), None);
        for placed in self.judge.cluster.own_facts() {
            let Some(applied) = placed.fact.programme.filter(|_| applies(&placed.fact)) else {
                continue;
            };
            if !covers(&ban, placed.fact.effective) {
                continue;
            }
            if applied == title.programme {
                same.push(placed.position);
            } else if rule.ban_covers.ids().contains(&applied) {
                elsewhere = elsewhere.or(Some((applied, placed.position)));
            }
        }
        let (field, value) = ("revoked.ban_until", ban.until.to_string());
        if let Some(first) = same.first() {
            let breach = RuleId::BanCovers
                .with(Key::Day, ban.until)
                .with(Key::Position, self.source_of(*first));
            let breach = with_document(breach, &rule.document);
            self.reject(field, &value, breach, &same);
        } else if let Some((applied, position)) = elsewhere {
            let breach = RuleId::BanCoversElsewhere
                .with(Key::Programme, self.catalogue.id_of(applied))
                .with(Key::Day, ban.until)
                .with(Key::Position, self.source_of(position));
            let breach = with_document(breach, &rule.document);
            self.warn(field, &value, breach, &[position]);
        }
    }

    /// A link makes the bans of each side those of the other. None covers an application there.
    pub(super) fn reject_ban_across(
        &mut self,
        other: &DesigneeId,
        cluster: &IdentityCluster,
        theirs: &Folding,
    ) {
        let ours = &self.judge.cluster;
        let broken = covered(theirs, ours).or_else(|| covered(&self.judge.folding, cluster));
        if let Some((ban, position)) = broken {
            let breach = RuleId::BanCovers
                .with(Key::Day, ban.until)
                .with(Key::Position, self.source_of(position));
            let (field, value) = ("identifier_changed.new_designee", other.to_string());
            self.reject(field, &value, breach, &[ban.position, position]);
        }
    }
}

/// A ban of a folded subject that covers an application of another one in the same programme.
fn covered(folding: &Folding, applicant: &IdentityCluster) -> Option<(Ban, u32)> {
    folding.bans().find_map(|(key, ban)| {
        let mut own = applicant.own_facts();
        let applied = own.find(|placed| {
            placed.fact.programme == Some(key.programme)
                && applies(&placed.fact)
                && covers(&ban, placed.fact.effective)
        })?;
        Some((ban, applied.position))
    })
}

/// True for a fact by which the subject applies anew.
fn applies(fact: &FactRow) -> bool {
    matches!(
        fact.kind,
        FactKindRow::Noticed { review: false, .. }
            | FactKindRow::Designated { .. }
            | FactKindRow::CreationListed { .. }
    )
}
