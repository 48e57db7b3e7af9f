//! Issuers: who states an event. An authority, or the service itself.

use super::{AuthorityCode, fault::Breach};

/// The name of the service as an issuer. No authority has a code like it.
const SERVICE: &str = "service";

/// The issuer of an event. The service is not an authority: it states facts about the log, and it
/// has no rights over titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// An authority.
    Authority(AuthorityCode),
    /// The service itself.
    Service,
}

const _: () = assert!(size_of::<Issuer>() == 1);

impl Issuer {
    /// Reads an issuer: `service`, or the code of an authority.
    ///
    /// # Errors
    /// As for [`AuthorityCode::parse`].
    pub fn parse(text: &str) -> Result<Self, Breach> {
        if text == SERVICE {
            return Ok(Self::Service);
        }
        AuthorityCode::parse(text).map(Self::Authority)
    }

    /// The authority; `None` for the service.
    #[must_use]
    pub fn authority(self) -> Option<AuthorityCode> {
        match self {
            Self::Authority(authority) => Some(authority),
            Self::Service => None,
        }
    }

    /// True for the ministry.
    #[must_use]
    pub fn is_ministry(self) -> bool {
        self.authority().is_some_and(AuthorityCode::is_ministry)
    }

    /// Six digits, or `service`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.authority().map_or(SERVICE, AuthorityCode::as_str)
    }
}

impl From<AuthorityCode> for Issuer {
    fn from(authority: AuthorityCode) -> Self {
        Self::Authority(authority)
    }
}

impl PartialEq<AuthorityCode> for Issuer {
    fn eq(&self, other: &AuthorityCode) -> bool {
        self.authority() == Some(*other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_not_among_the_authorities() {
        assert_eq!(Issuer::parse("service"), Ok(Issuer::Service));
        assert!(AuthorityCode::parse("service").is_err());
        assert!(AuthorityCode::all().all(|authority| Issuer::Service != authority));
        assert_eq!((Issuer::Service.authority(), Issuer::Service.is_ministry()), (None, false));
        let ministry = Issuer::parse("100000").unwrap();
        assert_eq!((ministry.is_ministry(), ministry.as_str()), (true, "100000"));
        for odd in ["Service", " service", "SERVICE", "\u{ff53}ervice"] {
            assert!(Issuer::parse(odd).is_err(), "{odd}");
        }
    }
}
