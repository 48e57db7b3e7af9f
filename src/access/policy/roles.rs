//! The rights that follow from roles, and the roles that go together.

use crate::domain::{
    AuthorityCode,
    access::{AuthoritySet, Reach, Rights, Role, Roles},
};

/// What a right may be used for, in the order of `tidu.v1.RightAction`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Action {
    Record,
    Approve,
    Read,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// The reaches of some rights for it.
    pub(crate) fn reaches(self, rights: &Rights) -> &[Reach] {
        match self {
            Self::Record => &rights.record,
            Self::Approve => &rights.approve,
            Self::Read => &rights.read,
        }
    }

    pub(crate) fn reaches_mut(self, rights: &mut Rights) -> &mut Vec<Reach> {
        match self {
            Self::Record => &mut rights.record,
            Self::Approve => &mut rights.approve,
            Self::Read => &mut rights.read,
        }
    }

    /// The roles that may have rights for it.
    pub(crate) fn roles(self) -> &'static [Role] {
        match self {
            Self::Record => &[Role::Recorder, Role::Delegate],
            Self::Approve => &[Role::Signer, Role::Delegate],
            Self::Read => {
                &[Role::Recorder, Role::Signer, Role::Reader, Role::Operator, Role::Delegate]
            }
        }
    }
}

/// The reach of one authority.
pub(crate) fn of_authority(authority: AuthorityCode) -> Reach {
    Reach { authorities: AuthoritySet::from_iter([authority]), ..Reach::default() }
}

/// The rights that follow from roles, where none are stated.
pub(crate) fn usual_rights(roles: Roles, authority: Option<AuthorityCode>) -> Rights {
    let own = || authority.map(of_authority);
    let mut rights = Rights { roles, authority, ..Rights::default() };
    if roles.any(Action::Record.roles()) {
        rights.record.extend(own());
    }
    if roles.any(Action::Approve.roles()) {
        rights.approve.extend(own());
    }
    if roles.any(&[Role::Auditor, Role::Node]) {
        rights.read.push(Reach::everything());
    } else if roles.any(Action::Read.roles()) {
        rights.read.push(Reach::default());
        // An operator sees no more of its own authority than of others.
        if roles.any(&[Role::Recorder, Role::Signer, Role::Reader, Role::Delegate]) {
            rights.read.extend(own().map(|reach| Reach { own: true, ..reach }));
        }
    }
    rights
}

/// The rule that a set of roles breaks, if any.
pub(crate) fn clash(roles: Roles) -> Option<&'static str> {
    let others = |role| roles.iter().any(|other| other != role);
    if roles.iter().next().is_none() {
        return Some("a principal has at least one role");
    }
    for role in [Role::Gateway, Role::Node] {
        if roles.contains(role) && others(role) {
            return Some(match role {
                Role::Gateway => "a gateway hands calls on and has no other role",
                _ => "a node hands calls on and has no other role",
            });
        }
    }
    if roles.contains(Role::Auditor)
        && roles.any(&[Role::Recorder, Role::Signer, Role::Operator, Role::Delegate])
    {
        return Some("an auditor watches the others and has none of their roles");
    }
    if roles.contains(Role::Delegate) && roles.any(&[Role::Recorder, Role::Signer]) {
        return Some("a delegate gives the rights to record and to approve, and uses neither");
    }
    None
}

/// The role that adds nothing to the other ones, if any.
pub(crate) fn idle_role(roles: Roles) -> Option<Role> {
    let wider = [Role::Recorder, Role::Signer, Role::Auditor, Role::Delegate];
    (roles.contains(Role::Reader) && roles.any(&wider)).then_some(Role::Reader)
}

/// True for roles that act for an authority.
pub(crate) fn needs_authority(roles: Roles) -> bool {
    roles.any(&[Role::Recorder, Role::Signer, Role::Delegate])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn roles_go_together_or_clash() {
        use Role::{Auditor, Delegate, Gateway, Node, Operator, Reader, Recorder, Signer};
        let clashes = |some: &[Role]| clash(some.iter().copied().collect()).is_some();
        for fine in [&[Recorder, Signer][..], &[Recorder, Operator], &[Auditor, Reader], &[Gateway]]
        {
            assert!(!clashes(fine), "{fine:?}");
        }
        for odd in [
            &[][..],
            &[Gateway, Reader],
            &[Node, Gateway],
            &[Node, Operator],
            &[Auditor, Recorder],
            &[Auditor, Operator],
            &[Delegate, Signer],
        ] {
            assert!(clashes(odd), "{odd:?}");
        }
    }

    #[test]
    fn each_role_has_its_usual_rights() {
        let authority = AuthorityCode::parse("440000").ok();
        let own = of_authority(authority.unwrap());
        let secret = Reach { own: true, ..own.clone() };
        let reads = vec![Reach::default(), secret];
        let everything = vec![Reach::everything()];
        for (role, record, approve, read) in [
            (Role::Recorder, vec![own.clone()], vec![], reads.clone()),
            (Role::Signer, vec![], vec![own.clone()], reads.clone()),
            (Role::Reader, vec![], vec![], reads.clone()),
            (Role::Auditor, vec![], vec![], everything.clone()),
            (Role::Operator, vec![], vec![], vec![Reach::default()]),
            (Role::Delegate, vec![own.clone()], vec![own.clone()], reads.clone()),
            (Role::Node, vec![], vec![], everything.clone()),
            (Role::Gateway, vec![], vec![], vec![]),
        ] {
            let rights = usual_rights(Roles::from_iter([role]), authority);
            assert_eq!((rights.record, rights.approve, rights.read), (record, approve, read));
        }
        let rights = usual_rights(Roles::from_iter([Role::Reader]), None);
        assert_eq!(rights.read, [Reach::default()]);
    }
}
