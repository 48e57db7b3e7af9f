//! File descriptors: each connection needs one.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    lang::say,
    limits::{CONNECTIONS_MAX, DESCRIPTORS_BESIDE_CONNECTIONS},
};

/// The number of connections that was asked for needs more descriptors than the process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    say!(
        en: "connections = {connections} needs {needed} file descriptors, and this process may \
             have {limit}; raise the limit (in a shell: ulimit -n {needed}; in a systemd unit: \
             LimitNOFILE={needed}), or set fewer connections",
        zh: "connections = {connections} 需要 {needed} 个文件描述符，而此进程最多 {limit} 个；请提高\
             限额（shell：ulimit -n {needed}；systemd 单元：LimitNOFILE={needed}），或减少连接数"
    )
)]
pub struct TooFewDescriptors {
    connections: usize,
    needed: usize,
    limit: usize,
}

/// Raises the limit of descriptors as far as the process may, and tells how many connections it
/// allows.
pub(super) fn room_for(asked: Option<NonZeroUsize>) -> Result<usize, TooFewDescriptors> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let connections = fit(asked, limit)?;
    if asked.is_none() && connections < CONNECTIONS_MAX {
        let needed = CONNECTIONS_MAX + DESCRIPTORS_BESIDE_CONNECTIONS;
        tracing::warn!(
            "this process may have {limit} file descriptors, so it serves {connections} \
             connections at once; for {CONNECTIONS_MAX}, raise the limit (in a shell: \
             ulimit -n {needed}; in a systemd unit: LimitNOFILE={needed})"
        );
    }
    Ok(connections)
}

/// How many connections a number of descriptors allows. Files and the runtime need some, too; of
/// very few descriptors they get the half.
fn fit(asked: Option<NonZeroUsize>, limit: usize) -> Result<usize, TooFewDescriptors> {
    let connections = asked.map_or(CONNECTIONS_MAX, NonZeroUsize::get);
    let needed = connections.saturating_add(DESCRIPTORS_BESIDE_CONNECTIONS);
    if needed <= limit {
        return Ok(connections);
    }
    if asked.is_some() {
        return Err(TooFewDescriptors { connections, needed, limit });
    }
    Ok((limit - DESCRIPTORS_BESIDE_CONNECTIONS.min(limit / 2)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_the_descriptors_or_are_refused() {
        let enough = CONNECTIONS_MAX + DESCRIPTORS_BESIDE_CONNECTIONS;
        for (limit, expected) in [
            (usize::MAX, CONNECTIONS_MAX),
            (enough, CONNECTIONS_MAX),
            (enough - 1, CONNECTIONS_MAX - 1),
            (1_024, 768),
            (512, 256),
            (48, 24),
            (1, 1),
            (0, 1),
        ] {
            assert_eq!(fit(None, limit), Ok(expected), "{limit}");
        }
        let asked = NonZeroUsize::new(1_000);
        assert_eq!(fit(asked, 1_256), Ok(1_000));
        let refused = fit(asked, 1_255).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|text| text.contains("ulimit -n 1256")));
        assert!(fit(NonZeroUsize::new(usize::MAX), 1_000).is_err());
    }
}
