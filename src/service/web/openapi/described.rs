//! Services, messages and enums with their comments, read from the descriptors.

use std::collections::HashMap;

use prost::{DecodeError, Message as _};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, method_options::IdempotencyLevel,
};

/// The package of the API. Names of its messages go without it.
const PACKAGE: &str = "tidu.v1.";

// Numbers of fields in the paths of comments, as descriptor.proto has them.
const FILE_MESSAGES: i32 = 4;
const FILE_ENUMS: i32 = 5;
const FILE_SERVICES: i32 = 6;
const MESSAGE_FIELDS: i32 = 2;
const MESSAGE_NESTED: i32 = 3;
const MESSAGE_ENUMS: i32 = 4;
const PARTS: i32 = 2;

/// Everything that the document tells of.
#[derive(Default)]
pub(super) struct Described {
    pub(super) services: Vec<Service>,
    pub(super) messages: Vec<Message>,
    pub(super) enums: Vec<Enum>,
    /// What the entries of each map are made of, by its full name.
    pub(super) maps: HashMap<String, FieldDescriptorProto>,
}

pub(super) struct Service {
    pub(super) name: String,
    pub(super) comment: String,
    pub(super) methods: Vec<Method>,
}

pub(super) struct Method {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) comment: String,
    /// Full names of the messages.
    pub(super) request: String,
    pub(super) response: String,
    pub(super) streams: bool,
    /// True if it can be asked with GET.
    pub(super) only_reads: bool,
}

pub(super) struct Message {
    /// The full name.
    pub(super) name: String,
    pub(super) comment: String,
    /// The fields and their comments.
    pub(super) fields: Vec<(FieldDescriptorProto, String)>,
    /// The JSON names of fields of which at most one is there.
    pub(super) alternatives: Vec<Vec<String>>,
}

pub(super) struct Enum {
    /// The full name.
    pub(super) name: String,
    pub(super) comment: String,
    /// The values and their comments.
    pub(super) values: Vec<(String, String)>,
}

/// A name without the package of the API.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix(PACKAGE).unwrap_or(name)
}

/// The comments of a file, by the path of what they are about.
struct Comments<'f>(HashMap<&'f [i32], &'f str>);

impl<'f> Comments<'f> {
    fn of(file: &'f FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        Self(locations.map(|place| (&*place.path, place.leading_comments())).collect())
    }

    fn at(&self, path: &[i32]) -> String {
        let text = self.0.get(path).copied().unwrap_or_default();
        let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    }
}

/// The place of the next part of something.
fn part(path: &[i32], kind: i32, index: usize) -> Vec<i32> {
    [path, &[kind, i32::try_from(index).unwrap_or(i32::MAX)]].concat()
}

impl Described {
    /// Reads an encoded `FileDescriptorSet` with comments.
    pub(super) fn read(descriptors: &[u8]) -> Result<Self, DecodeError> {
        let mut described = Self::default();
        for file in &FileDescriptorSet::decode(descriptors)?.file {
            if file.package().starts_with("google.protobuf") {
                continue;
            }
            let (comments, package) = (Comments::of(file), file.package());
            described.services(file, &comments);
            for (i, message) in file.message_type.iter().enumerate() {
                described.message(message, package, &part(&[], FILE_MESSAGES, i), &comments);
            }
            for (i, of) in file.enum_type.iter().enumerate() {
                described.enumeration(of, package, &part(&[], FILE_ENUMS, i), &comments);
            }
        }
        Ok(described)
    }

    fn services(&mut self, file: &FileDescriptorProto, comments: &Comments) {
        for (i, service) in file.service.iter().enumerate() {
            let place = part(&[], FILE_SERVICES, i);
            let methods = service.method.iter().enumerate().map(|(j, method)| Method {
                name: method.name().to_owned(),
                path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                comment: comments.at(&part(&place, PARTS, j)),
                request: method.input_type().trim_start_matches('.').to_owned(),
                response: method.output_type().trim_start_matches('.').to_owned(),
                streams: method.server_streaming(),
                only_reads: method.options.as_ref().is_some_and(|options| {
                    options.idempotency_level() == IdempotencyLevel::NoSideEffects
                }),
            });
            self.services.push(Service {
                name: service.name().to_owned(),
                comment: comments.at(&place),
                methods: methods.collect(),
            });
        }
    }

    fn message(&mut self, of: &DescriptorProto, scope: &str, place: &[i32], comments: &Comments) {
        let name = format!("{scope}.{}", of.name());
        if of.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
            let value = of.field.iter().find(|field| field.name() == "value");
            self.maps.extend(value.map(|value| (name, value.clone())));
            return;
        }
        let fields = of.field.iter().enumerate();
        let fields =
            fields.map(|(i, field)| (field.clone(), comments.at(&part(place, MESSAGE_FIELDS, i))));
        let of_choice = |choice: usize| {
            let is_of = |field: &&FieldDescriptorProto| {
                !field.proto3_optional()
                    && field.oneof_index.and_then(|i| usize::try_from(i).ok()) == Some(choice)
            };
            let names = of.field.iter().filter(is_of);
            names.map(|field| field.json_name().to_owned()).collect::<Vec<_>>()
        };
        let alternatives = (0..of.oneof_decl.len()).map(of_choice).filter(|names| names.len() > 1);
        self.messages.push(Message {
            comment: comments.at(place),
            fields: fields.collect(),
            alternatives: alternatives.collect(),
            name: name.clone(),
        });
        for (i, nested) in of.nested_type.iter().enumerate() {
            self.message(nested, &name, &part(place, MESSAGE_NESTED, i), comments);
        }
        for (i, nested) in of.enum_type.iter().enumerate() {
            self.enumeration(nested, &name, &part(place, MESSAGE_ENUMS, i), comments);
        }
    }

    fn enumeration(
        &mut self,
        of: &EnumDescriptorProto,
        scope: &str,
        place: &[i32],
        comments: &Comments,
    ) {
        let values = of.value.iter().enumerate();
        let values =
            values.map(|(i, value)| (value.name().to_owned(), comments.at(&part(place, PARTS, i))));
        self.enums.push(Enum {
            name: format!("{scope}.{}", of.name()),
            comment: comments.at(place),
            values: values.collect(),
        });
    }
}
