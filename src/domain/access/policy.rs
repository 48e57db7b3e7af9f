//! The policy: the rights of all principals, and what needs a second one.

use std::{collections::HashMap, sync::Arc};

use super::{
    right::{Matter, Reach, Rights},
    sets::{AuthoritySet, KindSet, ProgrammeSet},
};
use crate::domain::{Principal, event::Event};

/// Events that are recorded only with the approval of a second principal: any value within a field,
/// all fields together. An empty field is no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FourEyes {
    /// Authorities that state the event.
    pub authorities: AuthoritySet,
    /// Programmes.
    pub programmes: ProgrammeSet,
    /// Kinds.
    pub kinds: KindSet,
}

/// Who may do what, at one moment.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Rises with every policy that comes into force; 0 for the first one.
    pub generation: u64,
    /// The rights of each principal; `None`: there are no principals, and everybody may do
    /// everything.
    rights: Option<HashMap<Principal, Arc<Rights>>>,
    four_eyes: Vec<FourEyes>,
    everything: Arc<Rights>,
}

impl Default for Policy {
    fn default() -> Self {
        Self::open()
    }
}

impl Policy {
    /// The policy of a server without principals.
    #[must_use]
    pub fn open() -> Self {
        Self {
            generation: 0,
            rights: None,
            four_eyes: Vec::new(),
            everything: Arc::new(Rights::everything()),
        }
    }

    /// The policy of these principals.
    #[must_use]
    pub fn of(rights: HashMap<Principal, Arc<Rights>>, four_eyes: Vec<FourEyes>) -> Self {
        Self { rights: Some(rights), four_eyes, ..Self::open() }
    }

    /// True without principals.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rights.is_none()
    }

    /// The rights of a principal; `None` if it is not known.
    #[must_use]
    pub fn rights_of(&self, principal: &Principal) -> Option<&Arc<Rights>> {
        if *principal == Principal::SERVER {
            return Some(&self.everything);
        }
        match &self.rights {
            None => (*principal == Principal::ANONYMOUS).then_some(&self.everything),
            Some(rights) => rights.get(principal),
        }
    }

    /// The principals, in no order.
    pub fn principals(&self) -> impl Iterator<Item = (&Principal, &Arc<Rights>)> {
        self.rights.iter().flatten()
    }

    /// True if an event, or the one inside a correction, needs the approval of a second principal.
    #[must_use]
    pub fn needs_approval(&self, event: &Event) -> bool {
        self.asks_approval() && event.matters().iter().any(|matter| self.needs_approval_of(matter))
    }

    /// True if a part of an event needs the approval of a second principal.
    #[must_use]
    pub fn needs_approval_of(&self, matter: &Matter) -> bool {
        let needs = |reach: Reach| reach.concerns(matter) && reach.has_kind(matter);
        self.four_eyes.iter().map(FourEyes::reach).any(needs)
    }

    /// True if the same events need the approval of a second principal under another policy.
    #[must_use]
    pub fn asks_same_approvals(&self, other: &Self) -> bool {
        self.four_eyes == other.four_eyes
    }

    /// True if some events need the approval of a second principal.
    #[must_use]
    pub fn asks_approval(&self) -> bool {
        !self.four_eyes.is_empty()
    }
}

impl FourEyes {
    fn reach(&self) -> Reach {
        let Self { authorities, programmes, kinds } = *self;
        Reach { authorities, programmes, kinds, ..Reach::default() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn without_principals_the_anonymous_caller_may_do_everything() {
        let open = Policy::open();
        let named = Principal::named("guangdong.recorder").unwrap();
        assert!(open.is_open() && open.rights_of(&Principal::ANONYMOUS).is_some());
        assert!(open.rights_of(&named).is_none(), "nobody is known");
        let one = HashMap::from([(named.clone(), Arc::new(Rights::default()))]);
        let policy = Policy::of(one, Vec::new());
        assert!(!policy.is_open() && policy.rights_of(&Principal::ANONYMOUS).is_none());
        assert_eq!(policy.rights_of(&named).map(|rights| rights.record.len()), Some(0));
        assert!(policy.rights_of(&Principal::SERVER).is_some(), "the server is always known");
    }
}
