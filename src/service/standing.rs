//! Whether the caller of a stream may still have it: its rights, and its credential, can end while
//! the stream is open.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tonic::{Code, Status};

use super::{call::Call, entitled, errors, identify::stranger_refused};
use crate::{
    access::{AccessControl, Identified, Stranger},
    domain::access::{Change, Policy},
    protocol::{methods::Method, pb::ErrorReason},
};

/// The rights with which a stream began, and the policy in force.
pub(crate) struct Standing {
    who: Arc<Identified>,
    method: Method,
    access: Option<Arc<AccessControl>>,
    /// `None` without principals.
    policy: Option<watch::Receiver<Arc<Policy>>>,
    /// The instant at which the credential ends.
    expires: Option<Instant>,
}

/// Why a stream must end.
pub(crate) enum Lost {
    /// The principal is gone, or none of its roles may call the method.
    Principal,
    /// Its rights to read are others.
    Rights(Change),
    /// Its credential has ended.
    Credential,
    /// The credential that it showed is nobody's any more.
    Proof,
}

impl Standing {
    /// The standing of the caller of a stream that opens.
    pub(crate) fn of(call: &Call, method: Method, now_micros: i64) -> Self {
        let policy = call.access.as_ref().map(|access| access.watch());
        let policy = policy.filter(|policy| !policy.borrow().is_open());
        let expires = call.who.expires_micros.map(|at| {
            let left = u64::try_from(at.saturating_sub(now_micros)).unwrap_or(0);
            Instant::now() + Duration::from_micros(left)
        });
        let (who, access) = (Arc::clone(&call.who), call.access.clone());
        let mut standing = Self { who, method, access, policy, expires };
        // A policy that came into force since the caller was identified counts, too.
        if let Some(policy) = &mut standing.policy {
            policy.mark_changed();
        }
        standing
    }

    /// Looks whether the caller still has what the stream began with. Costs little while nothing
    /// has changed.
    pub(crate) fn look(&mut self) -> Result<(), Lost> {
        if self.expires.is_some_and(|at| at <= Instant::now()) {
            return Err(Lost::Credential);
        }
        let Some(policy) = &mut self.policy else { return Ok(()) };
        if !policy.has_changed().unwrap_or(false) {
            return Ok(());
        }
        let policy = Arc::clone(&policy.borrow_and_update());
        if policy.generation < self.who.generation {
            // The caller was identified by the one that is just coming into force.
            return Ok(());
        }
        let Some(rights) = policy.rights_of(&self.who.principal) else {
            return Err(Lost::Principal);
        };
        if !rights.roles.any(entitled::roles_of(self.method)) {
            return Err(Lost::Principal);
        }
        if self.access.as_ref().is_some_and(|access| !access.still_proves(&self.who)) {
            return Err(Lost::Proof);
        }
        match self.who.rights.change_to(rights) {
            Change::None => Ok(()),
            change => Err(Lost::Rights(change)),
        }
    }

    /// Refuses to go on with a stream that has no positions to resume at.
    ///
    /// # Errors
    /// As for [`Standing::ended`].
    pub(crate) fn require(&mut self) -> Result<(), Status> {
        self.look().map_err(|lost| self.ended(&lost, &[]))
    }

    /// Refuses to go on with a stream that shows no events: any rights to read will do.
    ///
    /// # Errors
    /// As for [`Standing::ended`].
    pub(crate) fn require_role(&mut self) -> Result<(), Status> {
        match self.look() {
            Ok(()) | Err(Lost::Rights(_)) => Ok(()),
            Err(lost) => Err(self.ended(&lost, &[])),
        }
    }

    /// Completes when there is something to look at.
    pub(crate) async fn moved(&mut self) {
        let policy = self.policy.as_mut();
        let expires = self.expires;
        let changed = async {
            if let Some(policy) = policy
                && policy.changed().await.is_ok()
            {
                // It is looked at where the stream goes on.
                policy.mark_changed();
            } else {
                pending::<()>().await;
            }
        };
        let expired = async {
            match expires {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = expired => {}
        }
    }

    /// The end of the stream, with the positions at which its caller goes on.
    pub(crate) fn ended<const N: usize>(
        &self,
        lost: &Lost,
        positions: &[(&'static str, String); N],
    ) -> Status {
        let changed = |code, text: &str| {
            errors::status(code, ErrorReason::ScopeChanged, text, positions.clone())
        };
        match lost {
            Lost::Principal => {
                let name = self.who.principal.as_str();
                entitled::not_entitled(name, "call", "it may not have this stream any more", [])
            }
            Lost::Rights(Change::Fewer) => {
                let text = "the caller may read less than when the stream began";
                changed(Code::PermissionDenied, text)
            }
            Lost::Rights(_) => {
                let text = "the caller may read other events than when the stream began; open it \
                            again";
                changed(Code::Aborted, text)
            }
            Lost::Proof => stranger_refused(Stranger::Invalid),
            Lost::Credential => {
                stranger_refused(Stranger::Expired(self.who.expires_micros.unwrap_or_default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use futures_util::FutureExt as _;
    use tokio::time::advance;

    use super::*;
    use crate::{
        access::AccessControl,
        domain::{
            Party, Principal,
            access::{Reach, Rights, Role},
        },
    };

    const NAME: &str = "guangdong.reader";

    fn rights(read: Vec<Reach>) -> Rights {
        Rights { roles: [Role::Reader].into_iter().collect(), read, ..Rights::default() }
    }

    fn policy(of: Option<Rights>) -> Policy {
        let of = of.map(|rights| (Principal::named(NAME).unwrap(), Arc::new(rights)));
        Policy::of(of.into_iter().collect::<HashMap<_, _>>(), Vec::new())
    }

    /// The caller of a stream that opens at the second 100, with a credential that ends then.
    fn call(access: &Arc<AccessControl>, expires_micros: Option<i64>) -> Call {
        let principal = Principal::named(NAME).unwrap();
        let rights = Arc::clone(access.policy().rights_of(&principal).unwrap());
        let who = Identified { principal, rights, expires_micros, ..Identified::anonymous() };
        Call {
            who: Arc::new(who),
            access: Some(Arc::clone(access)),
            party: Party::Server,
            ..Call::of_server()
        }
    }

    const OPENED: i64 = 100_000_000;

    #[tokio::test(start_paused = true)]
    async fn a_credential_ends_its_stream_at_its_last_moment() {
        let access = AccessControl::of_tokens(policy(Some(rights(Vec::new()))), []);
        let call = call(&access, Some(OPENED + 5_000_000));
        let mut standing = Standing::of(&call, Method::Subscribe, OPENED);
        assert!(standing.require().is_ok() && standing.moved().now_or_never().is_none());
        advance(Duration::from_millis(4_999)).await;
        assert!(standing.require().is_ok() && standing.moved().now_or_never().is_none());
        advance(Duration::from_millis(1)).await;
        standing.moved().await;
        let ended = standing.require().unwrap_err();
        assert_eq!(ended.code(), Code::Unauthenticated);
        assert!(standing.require_role().is_err());
        let past = Standing::of(&call, Method::Subscribe, OPENED + 5_000_001).require();
        assert_eq!(past.unwrap_err().code(), Code::Unauthenticated, "it had ended before");
    }

    #[tokio::test]
    async fn a_change_is_noticed_once_and_judged_by_what_the_stream_began_with() {
        let all = || rights(vec![Reach::everything()]);
        let access = AccessControl::of_tokens(policy(Some(all())), []);
        let mut standing = Standing::of(&call(&access, None), Method::Subscribe, OPENED);
        assert!(standing.require().is_ok() && standing.moved().now_or_never().is_none());
        access.adopt(policy(Some(Rights { record: vec![Reach::default()], ..all() })));
        standing.moved().await;
        assert!(standing.require().is_ok(), "it reads as before");
        assert!(standing.moved().now_or_never().is_none());
        for (now, code) in [
            (Some(rights(vec![Reach::default()])), Some(Code::PermissionDenied)),
            (None, Some(Code::PermissionDenied)),
            (
                Some(Rights { roles: [Role::Gateway].into_iter().collect(), ..all() }),
                Some(Code::PermissionDenied),
            ),
            (Some(all()), None),
        ] {
            access.adopt(policy(now));
            assert_eq!(standing.require().err().map(|ended| ended.code()), code);
        }
        // A stream without events goes on with other rights to read, and not without a role.
        access.adopt(policy(Some(rights(Vec::new()))));
        assert!(standing.require_role().is_ok());
        access.adopt(policy(None));
        assert!(standing.require_role().is_err());
    }

    #[tokio::test]
    async fn a_policy_that_came_before_the_stream_opened_counts() {
        let access = AccessControl::of_tokens(policy(Some(rights(vec![Reach::default()]))), []);
        let call = call(&access, None);
        access.adopt(policy(Some(rights(vec![Reach::everything()]))));
        let mut standing = Standing::of(&call, Method::Subscribe, OPENED);
        assert_eq!(standing.require().unwrap_err().code(), Code::Aborted);
    }
}
