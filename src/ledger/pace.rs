//! The pace of long work over the register: it goes in slices, and asks between two of them whether
//! it may go on.

/// Nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody waits for the answer any more")]
pub struct GivenUp;

/// Asked between two slices of long work, while no lock is held.
pub trait Pace {
    /// Goes on at once, or after others had their turn.
    ///
    /// # Errors
    /// [`GivenUp`] if the work must end without an answer.
    fn step(&mut self) -> Result<(), GivenUp>;
}

/// Work that nobody can call off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unhurried;

impl Pace for Unhurried {
    fn step(&mut self) -> Result<(), GivenUp> {
        Ok(())
    }
}
