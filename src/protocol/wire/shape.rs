//! The shapes of messages: which of their fields hold elements. They come from the descriptors of
//! the API.

use std::{collections::HashMap, sync::LazyLock};

use prost::Message as _;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

use crate::protocol::pb;

/// The shape of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(Option<u16>);

impl Shape {
    /// The shape of a message that has no repeated field: its fields are counted, and whatever is
    /// in them takes no more memory than its bytes.
    pub const OPAQUE: Self = Self(None);

    /// The shape of a message of the API, by its full name; of another message [`Self::OPAQUE`].
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(SHAPES.names.get(name).copied())
    }

    /// What the bytes of a field with a length are.
    pub(super) fn field(self, number: u32) -> Field {
        let fields = self.0.and_then(|index| SHAPES.fields.get(usize::from(index)));
        let field = fields.zip(usize::try_from(number).ok()).and_then(|(all, at)| all.get(at));
        field.copied().unwrap_or(Field::Opaque)
    }
}

/// What the bytes of a field with a length are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A text, bytes, or nothing that is known.
    Opaque,
    /// Numbers of any length.
    Packed,
    /// Numbers of so many bytes.
    PackedFixed(u8),
    Message(Shape),
}

/// The shapes of all messages of the API.
#[derive(Default)]
struct Shapes {
    names: HashMap<String, u16>,
    /// By message, then by number.
    fields: Vec<Vec<Field>>,
}

/// A test proves that every request of the API is among them.
static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap_or_default();
    let mut messages = Vec::new();
    for file in &files.file {
        for message in &file.message_type {
            collect(file.package(), message, &mut messages);
        }
    }
    let index = |(at, (name, _)): (usize, &(String, _))| Some((name.clone(), at.try_into().ok()?));
    let names: HashMap<String, u16> = messages.iter().enumerate().filter_map(index).collect();
    let fields = messages.iter().map(|(_, message)| fields(&names, message)).collect();
    Shapes { names, fields }
});

/// Collects a message and the ones inside it, with their full names.
fn collect<'a>(
    parent: &str,
    message: &'a DescriptorProto,
    found: &mut Vec<(String, &'a DescriptorProto)>,
) {
    let name = format!("{parent}.{}", message.name());
    for inside in &message.nested_type {
        collect(&name, inside, found);
    }
    found.push((name, message));
}

fn fields(names: &HashMap<String, u16>, message: &DescriptorProto) -> Vec<Field> {
    let mut fields = Vec::new();
    for field in &message.field {
        let at = usize::try_from(field.number()).unwrap_or_default();
        if fields.len() <= at {
            fields.resize(at + 1, Field::Opaque);
        }
        if let Some(place) = fields.get_mut(at) {
            *place = kind(names, field);
        }
    }
    fields
}

fn kind(names: &HashMap<String, u16>, field: &FieldDescriptorProto) -> Field {
    let repeated = field.label() == Label::Repeated;
    match field.r#type() {
        Type::Message => {
            let name = field.type_name().trim_start_matches('.');
            Field::Message(Shape(names.get(name).copied()))
        }
        Type::Double | Type::Fixed64 | Type::Sfixed64 if repeated => Field::PackedFixed(8),
        Type::Float | Type::Fixed32 | Type::Sfixed32 if repeated => Field::PackedFixed(4),
        Type::String | Type::Bytes | Type::Group => Field::Opaque,
        _ if repeated => Field::Packed,
        _ => Field::Opaque,
    }
}
