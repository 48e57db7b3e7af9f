//! A bound on the memory of a part of a command.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::files;

/// Most bytes of the file in which the system states the memory of this process.
const STATED_BYTES_MAX: usize = 4 * 1024;

/// Bounds the address space of this process until it is dropped.
///
/// What a list holds is counted before it is read, but of old workbooks only the library that reads
/// them knows. A process that asks for more than this ends, and says so; the machine goes on.
pub(super) struct MemoryBound(Option<Rlimit>);

impl MemoryBound {
    /// Allows `more` bytes beyond those in use. Where the system does not state these, there is no
    /// bound.
    pub(super) fn begin(more: u64) -> Self {
        let before = getrlimit(Resource::As);
        let Some(in_use) = in_use() else { return Self(None) };
        let bound = in_use.saturating_add(more);
        let current = Some(before.current.map_or(bound, |current| current.min(bound)));
        let set = setrlimit(Resource::As, Rlimit { current, ..before });
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for MemoryBound {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // The hard limit is unchanged, so this is allowed.
            let _ = setrlimit(Resource::As, before);
        }
    }
}

/// The address space in use.
fn in_use() -> Option<u64> {
    let text = files::read_text("/proc/self/status".as_ref(), STATED_BYTES_MAX).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_lasts_as_long_as_it_is_held() {
        let before = getrlimit(Resource::As);
        {
            let _bound = MemoryBound::begin(1 << 40);
            let within = getrlimit(Resource::As).current.unwrap();
            assert!((1 << 40..1 << 50).contains(&within), "{within}");
        }
        assert_eq!(getrlimit(Resource::As).current, before.current);
    }
}
