//! Looks at the files of the principals again and again. Files that changed come into force; if
//! they cannot be used, the policy before stays, and the log, a metric and GetStatus say so.

use std::sync::Arc;

use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};

use super::hangups::hangup;
use crate::{
    access::{AccessControl, PolicyError, Reloaded},
    ledger::Ledger,
    limits::POLICY_POLL_INTERVAL,
    metrics::Metrics,
};

/// Reads the principals with the programmes of an open log.
pub(super) fn resolve(access: &AccessControl, ledger: &Ledger) -> Result<(), PolicyError> {
    let warnings = access.resolve(ledger.catalogues())?;
    warn(&warnings);
    tell(access, ledger.metrics());
    Ok(())
}

/// Reads them anew with each catalogue that a follower meets: it may name other programmes.
pub(super) async fn resolve_at_adoptions(access: Arc<AccessControl>, ledger: Arc<Ledger>) {
    let (mut sizes, mut known) = (ledger.watch(), Arc::clone(ledger.catalogues()));
    while sizes.changed().await.is_ok() {
        let catalogues = ledger.catalogues();
        if Arc::ptr_eq(&known, catalogues) {
            continue;
        }
        known = Arc::clone(catalogues);
        let (access, ledger) = (Arc::clone(&access), Arc::clone(&ledger));
        // It reads files. If they cannot be used, the policy before stays.
        let resolved = spawn_blocking(move || resolve(&access, &ledger)).await;
        if let Ok(Err(error)) = resolved {
            tracing::warn!(%error, "the principals do not fit the catalogue that was adopted");
        }
    }
}

/// Looks at the files from time to time, and at each SIGHUP, for ever.
pub(super) async fn watch(access: Arc<AccessControl>, metrics: Arc<Metrics>) {
    let mut hangups = signal(SignalKind::hangup());
    if let Err(error) = &hangups {
        tracing::warn!(%error, "a SIGHUP does not reload the principals");
    }
    loop {
        let at_once = tokio::select! {
            () = sleep(POLICY_POLL_INTERVAL) => false,
            () = hangup(&mut hangups) => true,
        };
        let (access, metrics) = (Arc::clone(&access), Arc::clone(&metrics));
        // It reads files. A panic in it leaves the policy as it is.
        let _ = spawn_blocking(move || look(&access, &metrics, at_once)).await;
    }
}

fn look(access: &AccessControl, metrics: &Metrics, at_once: bool) {
    let known_problem = access.problem().text();
    match access.look(at_once) {
        Ok(Reloaded::Unchanged) => {}
        Ok(Reloaded::SaysTheSame) => {
            tracing::info!("the files of the principals are read again; rights are as before");
        }
        Ok(Reloaded::Changed(generation)) => {
            let principals = access.policy().principals().count();
            tracing::info!(generation, principals, "another policy is in force");
            warn(&access.warnings());
        }
        Err(_) => {
            let problem = access.problem().text();
            metrics.policy_reload_failures_total.inc();
            if at_once || problem != known_problem {
                tracing::warn!(problem, "the principals cannot be used; those in force stay");
            }
        }
    }
    tell(access, metrics);
}

fn tell(access: &AccessControl, metrics: &Metrics) {
    let policy = access.policy();
    metrics.policy_generation.set(policy.generation);
    metrics.policy_principals.set(policy.principals().count() as u64);
}

fn warn(warnings: &[crate::access::PolicyFault]) {
    for warning in warnings {
        tracing::warn!(%warning, "the principals have a part that somebody can hardly have meant");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;
    use crate::access::AccessSettings;

    fn reader(name: &str, hash: &str) -> String {
        let hash = hash.repeat(32);
        format!(
            "[[principal]]\nid = \"{name}\"\nroles = [\"reader\"]\n\
             token_sha256 = \"{hash}\"\ntoken_expires = 2099-01-01T00:00:00Z\n"
        )
    }

    #[test]
    fn the_metrics_tell_the_policy_in_force_and_each_refused_one() {
        let dir = tempfile::tempdir().unwrap();
        let (policy, metrics) = (dir.path().join("principals.toml"), Metrics::new());
        fs::write(&policy, reader("one", "0a")).unwrap();
        let settings = AccessSettings {
            policy: policy.clone(),
            data_dir: dir.path().to_path_buf(),
            now: Arc::new(|| 0),
        };
        let access = AccessControl::load(settings).unwrap();
        tell(&access, &metrics);
        let begun = metrics.policy_generation.get();
        assert_eq!(metrics.policy_principals.get(), 1);
        fs::write(&policy, reader("one", "0a") + &reader("two", "0b")).unwrap();
        look(&access, &metrics, true);
        assert_eq!(metrics.policy_generation.get(), begun + 1);
        assert_eq!(metrics.policy_principals.get(), 2);
        assert_eq!(metrics.policy_reload_failures_total.get(), 0);
        fs::write(&policy, "[[principal]").unwrap();
        look(&access, &metrics, true);
        assert_eq!(metrics.policy_reload_failures_total.get(), 1);
        assert_eq!(metrics.policy_principals.get(), 2, "the policy before stays");
    }
}
