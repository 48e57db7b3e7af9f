//! Tidu (梯度): the system of record for enterprise designations.
#![warn(missing_docs)]

pub mod domain;
pub mod log;
pub mod pb;
pub mod wire;
