//! What the descriptors say of each method.

use std::collections::HashMap;

use bytes::Bytes;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::{MethodOptions, method_options::IdempotencyLevel};
use tokio::sync::Semaphore;
use tonic::Status;

use super::coding::{Coding, packed};
use crate::{
    ledger::run_blocking,
    limits::INLINE_WORK_BYTES_MAX,
    protocol::json,
    service::{errors, turns::turns},
};

/// The methods of a descriptor set, and what all calls share.
#[derive(Debug)]
pub(crate) struct Methods {
    by_path: HashMap<String, Method>,
    pub(super) pool: DescriptorPool,
    /// Large answers that are written in JSON at once: fewer than the machine has processors.
    large: Semaphore,
}

/// A method, as its descriptor has it.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) input: MessageDescriptor,
    pub(super) output: MessageDescriptor,
    /// True if a call is one message and one answer.
    pub(super) is_unary: bool,
    /// True if it only reads: it can be called by GET.
    pub(super) is_safe: bool,
}

impl Methods {
    /// The methods of all services in a pool.
    pub(crate) fn new(pool: DescriptorPool) -> Self {
        let mut by_path = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let raw = method.method_descriptor_proto();
                let level = raw.options.as_ref().map(MethodOptions::idempotency_level);
                let is_unary = !method.is_client_streaming() && !method.is_server_streaming();
                let is_safe = level == Some(IdempotencyLevel::NoSideEffects);
                let (input, output) = (method.input(), method.output());
                by_path.insert(path, Method { input, output, is_unary, is_safe });
            }
        }
        Self { by_path, pool, large: turns() }
    }

    /// True for the path of a method.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    pub(super) fn find(&self, path: &str) -> Option<&Method> {
        self.by_path.get(path)
    }

    /// The JSON of an encoded answer, packed if a coding is given. A large one is written on a
    /// thread that may block.
    pub(super) async fn json_of(
        &self,
        message: &MessageDescriptor,
        encoded: Bytes,
        coding: Option<Coding>,
    ) -> Result<Vec<u8>, Status> {
        if encoded.len() <= INLINE_WORK_BYTES_MAX {
            return written(message, &encoded, coding);
        }
        let _turn = self.large.acquire().await.map_err(|_| errors::draining())?;
        let message = message.clone();
        run_blocking(move || written(&message, &encoded, coding)).await?
    }
}

fn written(
    message: &MessageDescriptor,
    encoded: &[u8],
    coding: Option<Coding>,
) -> Result<Vec<u8>, Status> {
    let text = json::whole(message, encoded).map_err(errors::internal)?;
    match coding {
        None => Ok(text.into_bytes()),
        Some(coding) => packed(coding, text.as_bytes()).map_err(errors::internal),
    }
}
