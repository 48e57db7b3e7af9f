//! The highest epoch that somebody has heard of.

use crate::lang::say;

/// The highest epoch that was heard of. A node with a lower one was succeeded, or is a copy from
/// before a promotion, and is not to be believed.
///
/// No root confirms an epoch, and a bit that flips on the way makes another one. So a higher epoch
/// counts once two answers in a row tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeardEpoch {
    known: u64,
    /// What the last answer told.
    told: u64,
}

/// A node has a lower epoch than was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", say!(
    en: "this node is in epoch {epoch}, and epoch {known} has begun: another node has taken the \
         log over; connect to it",
    zh: "此节点处于任期 {epoch}，而任期 {known} 已经开始：日志已由另一节点接管；请连接该节点"
))]
pub struct Superseded {
    /// The epoch of the node.
    pub epoch: u64,
    /// The epoch that was heard of.
    pub known: u64,
}

impl HeardEpoch {
    /// This epoch is known.
    #[must_use]
    pub fn knowing(epoch: u64) -> Self {
        Self { known: epoch, told: epoch }
    }

    /// The epoch that counts.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.known
    }

    /// Hears an answer of a node. True if its epoch is a new one, and counts from now on.
    ///
    /// # Errors
    /// [`Superseded`].
    pub fn hear(&mut self, epoch: u64) -> Result<bool, Superseded> {
        let Self { known, told } = *self;
        self.told = epoch;
        if epoch < known {
            return Err(Superseded { epoch, known });
        }
        let is_new = epoch > known && epoch == told;
        if is_new {
            self.known = epoch;
        }
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_epoch_is_not_believed() {
        let mut heard = HeardEpoch::default();
        assert_eq!(heard.hear(0), Ok(false));
        assert_eq!([heard.hear(2), heard.hear(2), heard.hear(2)], [Ok(false), Ok(true), Ok(false)]);
        assert_eq!(heard.hear(1), Err(Superseded { epoch: 1, known: 2 }));
        assert_eq!(HeardEpoch::knowing(2).hear(1), Err(Superseded { epoch: 1, known: 2 }));
    }

    #[test]
    fn one_answer_alone_raises_nothing() {
        let mut heard = HeardEpoch::knowing(1);
        for odd in [1 << 40, 3] {
            assert_eq!([heard.hear(odd), heard.hear(1)], [Ok(false), Ok(false)]);
        }
        assert_eq!([heard.hear(7), heard.hear(8), heard.hear(7)], [Ok(false); 3]);
        assert_eq!([heard.hear(2), heard.hear(2)], [Ok(false), Ok(true)]);
    }
}
