//! Who a caller is, by all that it shows: a certificate, a token, and the name of somebody else.

use std::sync::Arc;

use super::{
    Channel, CredentialKind, Identified,
    known::Known,
    policy::SOCKET_PREFIX,
    refusal::{Cause, Refusal},
};
use crate::domain::{Principal, access::Rights};

/// What a call shows of its caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// Its connection; `None` for a plain one.
    pub channel: Option<&'a Channel>,
    /// True if the connection comes from another machine.
    pub is_remote: bool,
    /// Its header `authorization`; `Some(None)` for one that is not `Bearer` and a token.
    pub token: Option<Option<&'a str>>,
    /// Its header `tidu-on-behalf-of`; `Some(None)` for one that is not one name.
    pub on_behalf_of: Option<Option<&'a str>>,
}

/// Somebody that may hand calls on, by its connection.
struct Speaker {
    principal: Principal,
    expires_micros: Option<i64>,
}

impl Known {
    /// Finds out who calls.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn identify(
        &self,
        presented: Presented,
        now_micros: impl FnOnce() -> i64,
    ) -> Result<Arc<Identified>, Refusal> {
        let Presented { channel, is_remote, token, on_behalf_of } = presented;
        if self.policy.is_open() {
            return match on_behalf_of {
                None => Ok(Arc::clone(&self.anonymous)),
                Some(_) => Err(Cause::HandedByStranger.into()),
            };
        }
        let now_micros = now_micros();
        let by_certificate = match channel {
            Some(channel) => self.by_certificate(channel, now_micros)?,
            None => None,
        };
        let by_token = match token {
            None => None,
            Some(None) => return Err(Cause::AuthorizationForm.into()),
            Some(Some(_)) if is_remote && !channel.is_some_and(Channel::is_encrypted) => {
                return Err(Cause::TokenUnprotected.into());
            }
            Some(Some(token)) => Some(self.by_token(token, now_micros)?),
        };
        if let Some(speaker) = speaker(channel, by_certificate.as_deref()) {
            // Its own token beside its certificate makes nobody else the caller.
            let by_token = by_token.filter(|who| who.principal != speaker.principal);
            return self.handed_on(&speaker, by_certificate, by_token, on_behalf_of);
        }
        let who = match (by_certificate, by_token) {
            (None, None) => Err(Cause::NoCredential.into()),
            (Some(one), Some(other)) if one.principal != other.principal => {
                Err(Cause::TwoPrincipals.of(&one.principal))
            }
            (Some(who), _) | (None, Some(who)) => Ok(who),
        };
        match (who, on_behalf_of) {
            (who, None) => who,
            (Ok(who), Some(_)) => Err(Cause::HandedByStranger.of(&who.principal)),
            (Err(_), Some(_)) => Err(Cause::HandedByStranger.into()),
        }
    }

    /// The caller for whom somebody speaks: the one that a token proves, or the one that is named.
    fn handed_on(
        &self,
        speaker: &Speaker,
        own: Option<Arc<Identified>>,
        by_token: Option<Arc<Identified>>,
        named: Option<Option<&str>>,
    ) -> Result<Arc<Identified>, Refusal> {
        let refused = |cause: Cause| Err(cause.of(&speaker.principal));
        let named = match named {
            None => None,
            Some(name) => match name.and_then(Principal::named) {
                Some(named) => Some(named),
                None => return refused(Cause::HandedUnknown),
            },
        };
        let mut who = match (by_token, named) {
            (Some(who), None) => (*who).clone(),
            (Some(who), Some(named)) if who.principal == named => (*who).clone(),
            (Some(_), Some(_)) => return refused(Cause::HandedRefused),
            (None, Some(named)) => match self.caller(&named, CredentialKind::HandedOn, None) {
                Some(who) if who.principal != Principal::SERVER => who,
                _ => return refused(Cause::HandedUnknown),
            },
            // It calls for itself. A socket proves no principal.
            (None, None) => return own.ok_or_else(|| Cause::NoCredential.into()),
        };
        if hands_on(&who.rights) {
            return refused(Cause::HandedRefused);
        }
        let ends = [who.expires_micros, speaker.expires_micros];
        who.expires_micros = ends.into_iter().flatten().min();
        who.handed_on_by = Some(speaker.principal.clone());
        Ok(Arc::new(who))
    }
}

/// The gateway or node at the other end: by its certificate, or by the user at a socket. A token
/// does not make one: whoever steals it could speak for everybody.
fn speaker(channel: Option<&Channel>, by_certificate: Option<&Identified>) -> Option<Speaker> {
    if let Some(who) = by_certificate {
        let Identified { principal, expires_micros, .. } = who;
        let speaker = || Speaker { principal: principal.clone(), expires_micros: *expires_micros };
        return hands_on(&who.rights).then(speaker);
    }
    let user = channel?.gateway_user()?;
    let principal = Principal::named(&format!("{SOCKET_PREFIX}{user}"))?;
    Some(Speaker { principal, expires_micros: None })
}

fn hands_on(rights: &Rights) -> bool {
    rights.roles.iter().any(crate::domain::access::Role::hands_on)
}
