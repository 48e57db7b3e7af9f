//! The generated messages.

#![allow(clippy::all, clippy::pedantic)]

/// Package `tidu.v1`.
pub mod tidu {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/tidu.v1.rs"));
    }
}

/// Package `google`.
pub mod google {
    /// Package `google.type`.
    pub mod r#type {
        include!(concat!(env!("OUT_DIR"), "/google.r#type.rs"));
    }
}

pub use self::{google::r#type::Date, tidu::v1::*};
