//! The last answer to a question about the legal framework: the events of a list ask the same one.

use crate::register::Layers;

/// The last answer, with its question and the state of the framework it rests on.
#[derive(Debug)]
pub(super) struct LastAnswer<Q, A>(Option<(Q, Revision, A)>);

/// See [`Layers::framework_revision`].
type Revision = (usize, usize);

impl<Q, A> Default for LastAnswer<Q, A> {
    fn default() -> Self {
        Self(None)
    }
}

impl<Q: Copy + PartialEq, A: Copy> LastAnswer<Q, A> {
    /// The remembered answer, or a fresh one if the question or the framework has changed.
    pub(super) fn ask(
        &mut self,
        register: Layers<'_>,
        question: Q,
        answer: impl FnOnce() -> A,
    ) -> A {
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
