//! The generated API: messages, clients, servers and their descriptors.

#![allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, rustdoc::all)]

/// Package `tidu.v1`.
pub mod tidu {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("tidu.v1");
        tonic::include_proto!("servers/tidu.v1");
    }
}

/// Package `google`.
pub mod google {
    /// Package `google.type`.
    pub mod r#type {
        tonic::include_proto!("google.r#type");
    }
}

pub use self::google::r#type::Date;
pub use self::tidu::v1::*;

/// Descriptors of every message and service of the API, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
