//! The roles of principals.

use strum::IntoEnumIterator as _;

/// A role. The number is the one in `tidu.v1.Role`, the name in kebab case the one in files.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::FromRepr,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Role {
    /// Records events of its authority.
    Recorder = 1,
    /// Approves what another principal proposes.
    Signer = 2,
    /// Reads events and asks the register.
    Reader = 3,
    /// Reads everything, and records nothing.
    Auditor = 4,
    /// Operates the server; of events it reads the public ones.
    Operator = 5,
    /// Manages recorders, signers and readers of its authority.
    Delegate = 6,
    /// Another server, which reads everything and hands calls on.
    Node = 7,
    /// Hands calls on, and does nothing else.
    Gateway = 8,
}

impl Role {
    /// The name in files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The role with a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// True for the roles that a delegate may give.
    #[must_use]
    pub fn is_delegable(self) -> bool {
        matches!(self, Self::Recorder | Self::Signer | Self::Reader)
    }

    /// True for the roles that may name the principal for whom they call.
    #[must_use]
    pub fn hands_on(self) -> bool {
        matches!(self, Self::Node | Self::Gateway)
    }

    /// All roles, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }
}

/// Some roles, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u16);

impl Roles {
    /// Every role.
    pub const ALL: Self = Self(u16::MAX);

    /// Adds a role.
    pub fn insert(&mut self, role: Role) {
        self.0 |= 1 << role as u8;
    }

    /// True if a role is among them.
    #[must_use]
    pub fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// True if one of these is among them.
    #[must_use]
    pub fn any(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.contains(*role))
    }

    /// The roles, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::all().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        let mut all = Self::default();
        roles.into_iter().for_each(|role| all.insert(role));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_roles() {
        for role in Role::all() {
            assert_eq!(Role::from_name(role.name()), Some(role));
            let only: Roles = [role].into_iter().collect();
            assert_eq!(only.iter().collect::<Vec<_>>(), [role]);
        }
        assert_eq!(Role::from_name("owner"), None);
        assert_eq!(Roles::ALL.iter().count(), Role::all().count());
        assert!(!Roles::default().any(&[Role::Reader, Role::Node]));
    }
}
