//! Something that is read again while the server serves, and that cannot be used as it is now.

use parking_lot::Mutex;

/// The problem of files that are read again, for GetStatus. Empty: there is none.
#[derive(Debug, Default)]
pub struct ReloadProblem(Mutex<String>);

impl ReloadProblem {
    /// Tells it; an empty text tells that there is none.
    pub fn set(&self, text: String) {
        *self.0.lock() = text;
    }

    /// The problem, or an empty text.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().clone()
    }
}
