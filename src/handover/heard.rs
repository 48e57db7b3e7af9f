//! The highest epoch that somebody has heard of.

use crate::lang::say;

/// The highest epoch that was heard of. A node with a lower one was succeeded, or is a copy from
/// before a promotion, and is not to be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeardEpoch(pub u64);

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
    /// Hears a node. True if the epoch is a new one.
    ///
    /// # Errors
    /// [`Superseded`].
    pub fn hear(&mut self, epoch: u64) -> Result<bool, Superseded> {
        let Self(known) = *self;
        if epoch < known {
            return Err(Superseded { epoch, known });
        }
        self.0 = epoch;
        Ok(epoch > known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_epoch_is_not_believed() {
        let mut heard = HeardEpoch::default();
        assert_eq!(heard.hear(0), Ok(false));
        assert_eq!(heard.hear(2), Ok(true));
        assert_eq!(heard.hear(2), Ok(false));
        assert_eq!(heard.hear(1), Err(Superseded { epoch: 1, known: 2 }));
        assert_eq!(heard, HeardEpoch(2));
    }
}
