//! The last answer to a question about the legal framework: the events of a list ask the same one.

use crate::register::Layers;

/// The last answer, with its question and the state of the framework it rests on.
#[derive(Debug)]
pub(super) struct LastAnswer<Q>(Option<(Q, Revision, bool)>);

/// See [`Layers::framework_revision`].
type Revision = (usize, usize);

impl<Q> Default for LastAnswer<Q> {
    fn default() -> Self {
        Self(None)
    }
}

impl<Q: Copy + PartialEq> LastAnswer<Q> {
    /// The remembered answer, or a fresh one if the question or the framework has changed.
    pub(super) fn ask(
        &mut self,
        register: Layers<'_>,
        question: Q,
        answer: impl FnOnce() -> bool,
    ) -> bool {
        let revision = register.framework_revision();
        match self.0 {
            Some((asked, at, answer)) if asked == question && at == revision => answer,
            _ => {
                let answer = answer();
                self.0 = Some((question, revision, answer));
                answer
            }
        }
    }
}
