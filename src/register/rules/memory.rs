//! Answers to questions about the legal framework: the events of a list ask the same few.

use smallvec::SmallVec;

use crate::register::Layers;

/// Most questions that are remembered. An event asks three or four, and a list one kind of event.
const REMEMBERED_MAX: usize = 8;

/// The answers to some questions, and the state of the framework that they rest on.
#[derive(Debug)]
pub(super) struct Answers<Q, A> {
    known: SmallVec<[(Q, A); REMEMBERED_MAX]>,
    at: Revision,
}

/// See [`Layers::framework_revision`].
type Revision = (usize, usize);

impl<Q, A> Default for Answers<Q, A> {
    fn default() -> Self {
        Self { known: SmallVec::new(), at: Revision::default() }
    }
}

impl<Q: Copy + PartialEq, A: Copy> Answers<Q, A> {
    /// The remembered answer, or a fresh one if the question is new or the framework has changed.
    pub(super) fn ask(
        &mut self,
        register: Layers<'_>,
        question: Q,
        answer: impl FnOnce() -> A,
    ) -> A {
        let revision = register.framework_revision();
        if self.at != revision {
            self.known.clear();
            self.at = revision;
        }
        if let Some((_, answer)) = self.known.iter().find(|(asked, _)| *asked == question) {
            return *answer;
        }
        let answer = answer();
        if self.known.len() == REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.push((question, answer));
        answer
    }
}
