//! What each method takes: the size and the elements of its request, and the time of its answer.
//! A method that is added to a service gets the bounds of a small question.

use std::{collections::HashMap, time::Duration};

use prost::{DecodeError, Message as _};
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

use crate::{
    limits::{
        CALL_DURATION_DEFAULT, COMMIT_EVENTS_MAX, DECODED_ELEMENT_BYTES, EVENT_ELEMENTS_MAX,
        FILTER_REQUEST_BYTES_MAX, READ_EVENT_BYTES, REFLECTION_DURATION_MAX, REQUEST_BYTES_MAX,
        REQUEST_ELEMENTS_MAX, SMALL_REQUEST_BYTES_MAX,
    },
    protocol::{
        pb,
        wire::{Bounds, Counts, ListBounds, Shape},
    },
};

/// A method, and what its requests may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// Most bytes of the message, packed and unpacked.
    pub(super) bytes_max: usize,
    pub(super) shape: Shape,
    pub(super) bounds: Bounds,
    /// Time of the whole call if the caller states none.
    pub(super) duration: Option<Duration>,
    /// True if the caller sends a stream of messages.
    pub(super) streams: bool,
    /// True if a call is one message and one answer.
    pub(super) is_unary: bool,
}

impl Method {
    /// Bytes that a message takes once it is decoded, read from what was counted in it.
    pub(super) fn decoded_bytes(&self, bytes: usize, counts: Counts) -> usize {
        let elements = usize::try_from(counts.elements).unwrap_or(usize::MAX);
        let items = usize::try_from(counts.items).unwrap_or(usize::MAX);
        let of_elements = elements.saturating_mul(DECODED_ELEMENT_BYTES);
        let of_items = items.saturating_mul(READ_EVENT_BYTES);
        bytes.saturating_add(of_elements).saturating_add(of_items)
    }
}

/// The methods of all services, by their path.
#[derive(Debug)]
pub(super) struct Methods(HashMap<String, Method>);

impl Methods {
    /// Reads the methods from the descriptors of the services.
    pub(super) fn new() -> Result<Self, DecodeError> {
        let mut methods = HashMap::new();
        for descriptors in [
            pb::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            methods.extend(described(&FileDescriptorSet::decode(descriptors)?));
        }
        Ok(Self(methods))
    }

    /// The methods of other services, whose requests have at most so many bytes.
    pub(super) fn of(files: &FileDescriptorSet, bytes_max: usize) -> Self {
        let bounded = |(path, method): (String, Method)| (path, Method { bytes_max, ..method });
        Self(described(files).map(bounded).collect())
    }

    /// The path of each method, and whether a call is one message and one answer.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, method)| (path.as_str(), method.is_unary))
    }

    pub(super) fn find(&self, path: &str) -> Option<Method> {
        self.0.get(path).copied()
    }
}

/// The methods of files, by their path.
fn described(files: &FileDescriptorSet) -> impl Iterator<Item = (String, Method)> {
    let services = files.file.iter().flat_map(|file| {
        let named = |service| (file.package(), service);
        file.service.iter().map(named)
    });
    services.flat_map(|(package, service)| {
        let path = move |method: &str| format!("/{package}.{}/{method}", service.name());
        service.method.iter().map(move |method| (path(method.name()), read(method)))
    })
}

fn read(method: &MethodDescriptorProto) -> Method {
    /// The field `events` of an Append.
    const EVENTS: u32 = 4;
    let (name, input) = (method.name(), method.input_type().trim_start_matches('.'));
    let bytes_max = match name {
        "Append" => REQUEST_BYTES_MAX,
        "Subscribe" | "CreateCursor" | "GetDigest" | "ListEvents" => FILTER_REQUEST_BYTES_MAX,
        _ => SMALL_REQUEST_BYTES_MAX,
    };
    let list = (name == "Append").then_some(ListBounds {
        field: EVENTS,
        items: u32::try_from(COMMIT_EVENTS_MAX).unwrap_or(u32::MAX),
        elements: EVENT_ELEMENTS_MAX,
    });
    let duration = match name {
        _ if method.client_streaming() => Some(REFLECTION_DURATION_MAX),
        "Append" | "AdoptRules" => None,
        _ if method.server_streaming() => None,
        _ => Some(CALL_DURATION_DEFAULT),
    };
    Method {
        bytes_max,
        shape: Shape::of(input),
        bounds: Bounds { elements: REQUEST_ELEMENTS_MAX, list },
        duration,
        streams: method.client_streaming(),
        is_unary: !method.client_streaming() && !method.server_streaming(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_method_has_the_bounds_of_what_it_takes() {
        let methods = Methods::new().unwrap();
        let table: [(&str, usize, Option<u64>, bool); 10] = [
            ("/tidu.v1.LedgerService/Append", 16 << 20, None, false),
            ("/tidu.v1.LedgerService/ListEvents", 8 << 20, Some(30), false),
            ("/tidu.v1.LedgerService/Subscribe", 8 << 20, None, false),
            ("/tidu.v1.CursorService/CreateCursor", 8 << 20, Some(30), false),
            ("/tidu.v1.ProofService/GetDigest", 8 << 20, Some(30), false),
            ("/tidu.v1.RegisterService/CountTitles", 64 << 10, Some(30), false),
            ("/tidu.v1.RegisterService/ExportRegister", 64 << 10, None, false),
            ("/tidu.v1.AdminService/AdoptRules", 64 << 10, None, false),
            ("/grpc.health.v1.Health/Check", 64 << 10, Some(30), false),
            (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                64 << 10,
                Some(600),
                true,
            ),
        ];
        for (path, bytes_max, seconds, streams) in table {
            let method = methods.find(path).unwrap();
            assert_eq!((method.bytes_max, method.streams), (bytes_max, streams), "{path}");
            assert_eq!(method.duration, seconds.map(Duration::from_secs), "{path}");
            let has_list = path.ends_with("/Append");
            assert_eq!(method.bounds.list.is_some(), has_list, "{path}");
        }
        assert_eq!(methods.find("/tidu.v1.LedgerService/Nothing"), None);
    }

    /// A request that gains a filter must gain its size as well.
    #[test]
    fn requests_with_a_filter_are_the_ones_that_take_more() {
        let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
        let messages: Vec<_> = files.file.iter().flat_map(|file| &file.message_type).collect();
        let methods = files.file.iter().flat_map(|file| &file.service).flat_map(|s| &s.method);
        let mut with_filter = 0;
        for method in methods {
            let input =
                messages.iter().find(|m| method.input_type().ends_with(&format!(".{}", m.name())));
            let has_filter = input
                .unwrap()
                .field
                .iter()
                .any(|field| field.type_name().ends_with(".EventFilter"));
            let takes_more = read(method).bytes_max == FILTER_REQUEST_BYTES_MAX;
            assert_eq!(has_filter, takes_more, "{}", method.name());
            with_filter += usize::from(has_filter);
        }
        assert_eq!(with_filter, 4);
    }
}
