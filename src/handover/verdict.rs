//! Whether a directory may be promoted by a receipt. Pure.

use uuid::Uuid;

use super::{NodeName, Receipt, Standing};
use crate::{lang::say, merkle::Hash};

/// A log at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Names the history.
    pub log_id: Uuid,
    /// Number of its events.
    pub size: u64,
    /// The epoch of its mark.
    pub epoch: u64,
    /// Its root at the size of the receipt; `None` if it is shorter.
    pub root_there: Option<Hash>,
}

/// The task of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The mark gets this epoch.
    Raise(u64),
    /// The same receipt has raised it to this epoch before.
    Raised(u64),
}

/// Why a directory is not promoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The receipt is of another history.
    #[error("{}", say!(
        en: "the receipt is of the log {receipt}, and this is the log {own}",
        zh: "回执属于日志 {receipt}，而此处是日志 {own}"
    ))]
    OtherLog {
        /// The log of the receipt.
        receipt: Uuid,
        /// The log of the directory.
        own: Uuid,
    },
    /// The log lacks events that were handed over.
    #[error("{}", say!(
        en: "the log has {size} events, the receipt {wanted}: follow on until it has them all",
        zh: "日志有 {size} 个事件，回执有 {wanted} 个：请继续跟随，直到事件齐全"
    ))]
    Behind {
        /// Its size.
        size: u64,
        /// The size that was handed over.
        wanted: u64,
    },
    /// The log has other events.
    #[error("{}", say!(
        en: "the log has other events than the receipt somewhere below position {size}",
        zh: "在位置 {size} 之前，日志中有与回执不同的事件"
    ))]
    OtherEvents {
        /// The size that was handed over.
        size: u64,
    },
    /// The log has events that were not handed over.
    #[error("{}", say!(
        en: "the log has events at positions {from} to {last} that were not handed over",
        zh: "日志在位置 {from} 至 {last} 处有未移交的事件"
    ))]
    Ahead {
        /// The position of the first.
        from: u64,
        /// The position of the last.
        last: u64,
    },
    /// Another node is the successor.
    #[error("{}", other_node(named, own.as_ref()))]
    OtherNode {
        /// The successor.
        named: NodeName,
        /// The node of the directory; `None` if it never followed.
        own: Option<NodeName>,
    },
    /// A later epoch has begun.
    #[error("{}", say!(
        en: "the receipt is of epoch {of}, and epoch {known} is known here: it was used",
        zh: "回执的任期为 {of}，而此处已知任期 {known}：该回执已被使用"
    ))]
    Used {
        /// The epoch of the receipt.
        of: u64,
        /// The epoch that is known.
        known: u64,
    },
}

fn other_node(named: &NodeName, own: Option<&NodeName>) -> String {
    match own {
        Some(own) => say!(
            en: "the receipt is for the node {named}, and this directory is of {own}",
            zh: "回执写明的节点是 {named}，而该目录属于 {own}"
        ),
        None => say!(
            en: "the receipt is for the node {named}, and this directory has never followed its \
                 log",
            zh: "回执写明的节点是 {named}，而该目录从未跟随过该日志"
        ),
    }
}

/// Judges whether the directory with this log and these files may be promoted by a receipt.
///
/// # Errors
/// [`Unfit`]; nothing may be changed then.
pub fn judge(standing: &Standing, log: Reached, receipt: &Receipt) -> Result<Verdict, Unfit> {
    let Reached { log_id, size, epoch, root_there } = log;
    let wanted = receipt.size;
    if log_id != receipt.log_id {
        return Err(Unfit::OtherLog { receipt: receipt.log_id, own: log_id });
    }
    // Another node is not told to follow on: the receipt would never be for it.
    let own = standing.follows.as_ref().filter(|follows| follows.log_id == log_id);
    let own = own.map(|follows| follows.node.clone());
    if own.as_ref() != Some(&receipt.successor) {
        return Err(Unfit::OtherNode { named: receipt.successor.clone(), own });
    }
    if size < wanted {
        return Err(Unfit::Behind { size, wanted });
    }
    if root_there != Some(receipt.root) {
        return Err(Unfit::OtherEvents { size: wanted });
    }
    let next = receipt.epoch.saturating_add(1);
    let closed = standing.closed_epoch(log_id);
    if epoch == next && closed.is_some_and(|closed| closed < next) {
        return Ok(Verdict::Raised(next));
    }
    let known = closed.unwrap_or(0).max(epoch);
    if known > receipt.epoch || next == receipt.epoch {
        return Err(Unfit::Used { of: receipt.epoch, known });
    }
    if size > wanted {
        return Err(Unfit::Ahead { from: wanted, last: size.saturating_sub(1) });
    }
    Ok(Verdict::Raise(next))
}

#[cfg(test)]
mod tests;
