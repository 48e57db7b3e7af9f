//! Assignments to the fields of an event: `effective_date=2024-01-01`, `profile.name=…`.
//!
//! A path has the names of the protocol. It begins in the event, or in its fact: the name of the
//! fact may be left out.

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};

use super::{
    CliError, names,
    print::{date, word},
};
use crate::{
    domain::PartialDate,
    lang::{comma, say, word as word_of},
    protocol::{json::Json, pb},
};

const DATE: &str = "google.type.Date";
/// Fields of the event beside its fact.
const OF_EVENT: [&str; 6] =
    ["authority", "co_issuers", "designee", "effective_date", "evidence", "rule_version"];
const AUTHORITIES: [&str; 6] =
    ["authority", "co_issuers", "sublist", "recommended_by", "from_authority", "to_authority"];
const REGIONS: [&str; 4] = ["registered_region", "from_region", "to_region", "region"];
const PROGRAMMES: [&str; 3] = ["programme", "from_programme", "to_programme"];
/// The end of the name of a field that says whether the server filled in the one before.
const INFERRED: &str = "_inferred";

/// A path and its value.
pub(super) type Assignment = (String, String);

/// Reads `FIELD=VALUE` from the command line.
pub(super) fn assignment(text: &str) -> Result<Assignment, String> {
    let (field, value) = text
        .split_once('=')
        .ok_or_else(|| say!(en: "not of the form FIELD=VALUE", zh: "不是 字段=值 的形式"))?;
    let field = field.trim().replace('-', "_");
    if field.is_empty() {
        return Err(word_of!(en: "names no field", zh: "没有写明字段").to_owned());
    }
    Ok((field, value.to_owned()))
}

/// An event whose fields can be set and listed by their names.
pub(super) struct Fields {
    event: DynamicMessage,
    fact: FieldDescriptor,
}

impl Fields {
    /// The fields of an event. The server fills in what it had inferred, once more.
    pub(super) fn of(event: &pb::Event) -> Result<Self, CliError> {
        let event = Json::new()?.message("Event", &event.encode_to_vec())?;
        let fact = event.fields().map(|(field, _)| field);
        let fact = fact.into_iter().find(|field| field.containing_oneof().is_some());
        let Some(fact) = fact else {
            return Err(CliError::Refused(say!(
                en: "the event states a fact that this version of tidu does not know",
                zh: "该事件的事项是本版 tidu 不认识的"
            )));
        };
        Ok(Self { event, fact })
    }

    /// Drops what the server inferred, so that it infers it again for the new values.
    pub(super) fn drop_inferred(&mut self) {
        let Some(fact) = self.fact_mut() else { return };
        let inferred: Vec<FieldDescriptor> = fact
            .fields()
            .filter(|(field, value)| {
                field.name().ends_with(INFERRED) && value.as_bool() == Some(true)
            })
            .map(|(field, _)| field)
            .collect();
        for field in inferred {
            fact.clear_field(&field);
            if let Some(name) = field.name().strip_suffix(INFERRED) {
                fact.clear_field_by_name(name);
            }
        }
    }

    fn fact_mut(&mut self) -> Option<&mut DynamicMessage> {
        self.event.get_field_mut(&self.fact).as_message_mut()
    }

    /// Sets fields. A field that repeats gets the values of all its assignments.
    pub(super) fn set(&mut self, assignments: &[Assignment]) -> Result<(), String> {
        let mut known: Vec<String> = Vec::new();
        for (path, value) in assignments {
            let wrong = |why: String| {
                let set = format!("--set {path}={value}");
                say!(en: "{set}: {why}", zh: "{set}：{why}")
            };
            let segments = self.segments(path).map_err(wrong)?;
            let full = segments.join(".");
            let is_first = !known.contains(&full);
            known.push(full);
            set(&mut self.event, &segments, value, is_first).map_err(wrong)?;
        }
        let sets = |name: &str| known.iter().any(|path| path.ends_with(name));
        if (sets("effective_date") || sets("programme")) && !sets("rule_version") {
            // The version in force on the new day; the server fills it in.
            self.event.clear_field_by_name("rule_version");
        }
        Ok(())
    }

    /// A path from the event.
    fn segments(&self, path: &str) -> Result<Vec<String>, String> {
        let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
        let first = segments.first().map_or("", String::as_str);
        let fact = self.fact.name();
        if OF_EVENT.contains(&first) || first == fact {
            return Ok(segments);
        }
        let of_fact = of_message(&self.fact);
        if of_fact.as_ref().is_some_and(|fact| fact.get_field_by_name(first).is_some()) {
            return Ok([vec![fact.to_owned()], segments].concat());
        }
        if self.event.descriptor().get_field_by_name(first).is_some() {
            return Err(say!(
                en: "the event states {fact}, not {first}; annul it, and record the other fact",
                zh: "该事件是 {fact}，不是 {first}；请作废该事件，再记录另一事项"
            ));
        }
        let fields = of_fact.into_iter().flat_map(|fact| names_of(&fact));
        let known: Vec<String> =
            OF_EVENT.iter().map(|name| (*name).to_owned()).chain(fields).collect();
        Err(unknown(first, fact, &known))
    }

    /// The event.
    pub(super) fn event(&self) -> Result<pb::Event, CliError> {
        let event = pb::Event::decode(self.event.encode_to_vec().as_slice());
        event.map_err(|error| {
            let text = say!(en: "cannot read the event: {error}", zh: "无法读取该事件：{error}");
            CliError::Message(text)
        })
    }

    /// All fields that have a value, by their paths. Those of the fact are without its name.
    pub(super) fn listed(&self) -> Vec<(String, String)> {
        let mut listed = vec![("fact".to_owned(), self.fact.name().replace('_', "-"))];
        for (field, value) in self.event.fields() {
            let path = if field == self.fact { "" } else { field.name() };
            list(path, &field, value, &mut listed);
        }
        listed
    }
}

fn of_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}

/// Names of fields that can be set.
fn names_of(message: &MessageDescriptor) -> Vec<String> {
    let names = message.fields().map(|field| field.name().to_owned());
    names.filter(|name| !name.ends_with(INFERRED)).collect()
}

fn unknown(name: &str, of: &str, known: &[String]) -> String {
    let near = names::nearest(name, known.iter().map(String::as_str));
    let near = match near.as_slice() {
        [] => String::new(),
        near => {
            let near = near.join(word_of!(en: " or ", zh: " 或 "));
            say!(en: "; did you mean {near}?", zh: "；是不是 {near}？")
        }
    };
    let known = known.join(comma());
    say!(
        en: "{of} has no field {name}{near} (its fields: {known})",
        zh: "{of} 没有字段 {name}{near}（它的字段有：{known}）"
    )
}

/// Sets the field at a path of a message. The first value of a list replaces those before it.
fn set(
    message: &mut DynamicMessage,
    path: &[String],
    text: &str,
    is_first: bool,
) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    let descriptor = message.descriptor();
    let Some(field) = descriptor.get_field_by_name(name) else {
        return Err(unknown(name, descriptor.name(), &names_of(&descriptor)));
    };
    if name.ends_with(INFERRED) {
        return Err(say!(en: "the server sets this field", zh: "该字段由服务器填写"));
    }
    let inner = of_message(&field).filter(|inner| inner.full_name() != DATE);
    if let (Some(inner), false) = (inner, field.is_list()) {
        if rest.is_empty() {
            let names = names_of(&inner).join(", ");
            return Err(say!(
                en: "has fields of its own: {names}; set {name}.FIELD",
                zh: "含有下级字段：{names}；请写成 {name}.字段"
            ));
        }
        return match message.get_field_mut(&field).as_message_mut() {
            Some(inner) => set(inner, rest, text, is_first),
            None => Err(say!(en: "is not a message", zh: "不是消息")),
        };
    }
    if !rest.is_empty() {
        return Err(say!(
            en: "{name} has no fields of its own", zh: "{name} 没有下级字段"
        ));
    }
    if text.is_empty() {
        message.clear_field(&field);
        return Ok(());
    }
    let value = read(&field, text)?;
    if !field.is_list() {
        if !is_first {
            return Err(say!(en: "is set twice", zh: "写了两次"));
        }
        message.set_field(&field, value);
        return Ok(());
    }
    if is_first {
        message.clear_field(&field);
    }
    if let Some(values) = message.get_field_mut(&field).as_list_mut() {
        values.push(value);
    }
    Ok(())
}

/// Reads the value of a field.
fn read(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    Ok(match field.kind() {
        Kind::String => Value::String(resolved(field.name(), text)?),
        Kind::Bool => Value::Bool(match text {
            "true" | "yes" => true,
            "false" | "no" => false,
            _ => {
                return Err(say!(
                    en: "is neither true nor false", zh: "既不是 true 也不是 false"
                ));
            }
        }),
        Kind::Uint32 => {
            Value::U32(text.parse().map_err(|_| say!(en: "is not a number", zh: "不是数字"))?)
        }
        Kind::Uint64 => {
            Value::U64(text.parse().map_err(|_| say!(en: "is not a position", zh: "不是位置"))?)
        }
        Kind::Enum(values) => Value::EnumNumber(enum_number(&values, text)?),
        Kind::Bytes => Value::Bytes(
            bytes(text)
                .ok_or_else(|| say!(en: "is not written in hexadecimal", zh: "不是十六进制"))?,
        ),
        Kind::Message(message) if message.full_name() == DATE => {
            let date = PartialDate::parse_iso(text).map_err(|breach| breach.message())?;
            let (year, month, day) = date.parts();
            let parts = [("year", year), ("month", month), ("day", day)];
            let mut value = DynamicMessage::new(message);
            for (name, part) in parts {
                value.set_field_by_name(name, Value::I32(part));
            }
            Value::Message(value)
        }
        _ => {
            return Err(say!(
                en: "cannot be set here; annul the event, and record the right one",
                zh: "不能在此更改；请作废该事件，再记录正确的事件"
            ));
        }
    })
}

/// The code of what a text names, in a field that holds one.
fn resolved(field: &str, text: &str) -> Result<String, String> {
    if AUTHORITIES.contains(&field) {
        return names::authority(text);
    }
    if REGIONS.contains(&field) {
        return names::region(text);
    }
    if PROGRAMMES.contains(&field) {
        return names::programme(text);
    }
    Ok(text.to_owned())
}

fn bytes(text: &str) -> Option<prost::bytes::Bytes> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let read: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    read.filter(|_| digits.len().is_multiple_of(2)).map(Into::into)
}

/// The prefix that all values of an enum share: `REVOCATION_GROUND_`.
fn prefix(values: &EnumDescriptor) -> String {
    let zero = values.get_value(0);
    let name = zero.as_ref().map_or("", |zero| zero.name());
    name.strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned()
}

fn enum_number(values: &EnumDescriptor, text: &str) -> Result<i32, String> {
    let prefix = prefix(values);
    let full = text.to_ascii_uppercase().replace('-', "_");
    let stated = || values.values().filter(|value| value.number() != 0);
    let found = stated()
        .find(|value| value.name() == full || value.name().strip_prefix(&prefix) == Some(&full));
    found.map(|value| value.number()).ok_or_else(|| {
        let words: Vec<String> = stated().map(|value| word(value.name(), &prefix)).collect();
        let near = names::nearest(text, words.iter().map(String::as_str));
        let near = near.first().map_or_else(
            String::new,
            |near| say!(en: "did you mean {near}? ", zh: "是不是 {near}？"),
        );
        let words = words.join(comma());
        say!(
            en: "is not one of the values; {near}they are {words}",
            zh: "不是可填的值；{near}可填 {words}"
        )
    })
}

/// Lists a field, and those inside it.
fn list(path: &str, field: &FieldDescriptor, value: &Value, listed: &mut Vec<(String, String)>) {
    if let Some(message) = value.as_message().filter(|m| m.descriptor().full_name() != DATE) {
        for (inner, value) in message.fields() {
            let dot = if path.is_empty() { "" } else { "." };
            list(&format!("{path}{dot}{}", inner.name()), &inner, value, listed);
        }
        return;
    }
    let text = match value {
        Value::List(values) => {
            let texts: Vec<String> = values.iter().map(|value| shown(field, value)).collect();
            texts.join(", ")
        }
        value => shown(field, value),
    };
    listed.push((path.to_owned(), text));
}

fn shown(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bytes(bytes) => crate::domain::text::hex(bytes),
        Value::EnumNumber(number) => {
            let kind = field.kind();
            let values = kind.as_enum();
            let name = values.and_then(|values| values.get_value(*number));
            let prefix = values.map(prefix).unwrap_or_default();
            name.map_or_else(|| number.to_string(), |name| word(name.name(), &prefix))
        }
        Value::Message(message) => {
            let part = |name: &str| {
                let part = message.get_field_by_name(name);
                part.and_then(|part| part.as_i32()).unwrap_or_default()
            };
            let (year, month, day) = (part("year"), part("month"), part("day"));
            date(Some(&pb::Date { year, month, day }))
        }
        Value::Bool(is) => is.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::pb::event::Fact;

    fn event(fact: Fact) -> pb::Event {
        let effective_date = Some(pb::Date { year: 2024, month: 1, day: 1 });
        let rule_version = "2022".to_owned();
        pb::Event { effective_date, rule_version, fact: Some(fact), ..Default::default() }
    }

    fn revoked() -> pb::Event {
        let programme = "little-giant".to_owned();
        event(Fact::Revoked(pb::Revoked { programme, ..Default::default() }))
    }

    /// The event with these assignments, or the refusal.
    fn with(event: &pb::Event, texts: &[&str]) -> Result<pb::Event, String> {
        let assignments: Result<Vec<_>, _> = texts.iter().map(|text| assignment(text)).collect();
        let mut fields = Fields::of(event).unwrap();
        fields.set(&assignments?)?;
        Ok(fields.event().unwrap())
    }

    #[test]
    fn values_are_read_by_the_type_of_their_field() {
        let set = |texts: &[&str]| with(&revoked(), texts).unwrap();
        let ground = |text: &str| match set(&[text]).fact {
            Some(Fact::Revoked(revoked)) => revoked.ground(),
            other => panic!("{other:?}"),
        };
        for text in [
            "ground=falsification",
            "revoked.ground=FALSIFICATION",
            "ground=REVOCATION_GROUND_FALSIFICATION",
            "ground=Falsification",
        ] {
            assert_eq!(ground(text), pb::RevocationGround::Falsification, "{text}");
        }
        assert_eq!(ground("ground=tax-evasion"), pb::RevocationGround::TaxEvasion);
        let co_issuers = set(&["co_issuers=浙江", "co-issuers=440000"]).co_issuers;
        assert_eq!(co_issuers, ["330000", "440000"]);
        let evidence = set(&["evidence.sha256=00ff", "evidence.row=7"]).evidence.unwrap();
        assert_eq!((evidence.sha256.as_ref(), evidence.row), (&[0, 255][..], 7));
        let month = set(&["effective_date=2024-05"]).effective_date.unwrap();
        assert_eq!((month.year, month.month, month.day), (2024, 5, 0));
        let counts = pb::BatchSealed { programme: "little-giant".to_owned(), ..Default::default() };
        let sealed = with(&event(Fact::BatchSealed(counts)), &["declared.designated=0"]).unwrap();
        let Some(Fact::BatchSealed(sealed)) = sealed.fact else { panic!("{sealed:?}") };
        assert_eq!(sealed.declared.unwrap().designated, Some(0), "zero is a count");
    }

    #[test]
    fn an_empty_value_takes_a_field_away() {
        let cleared = with(&revoked(), &["effective_date="]).unwrap();
        assert_eq!(cleared.effective_date, None);
        let list = pb::Event { co_issuers: vec!["440000".to_owned()], ..revoked() };
        assert_eq!(with(&list, &["co_issuers="]).unwrap().co_issuers, [""; 0]);
    }

    #[test]
    fn a_new_day_has_the_rule_version_of_its_own() {
        let version = |texts: &[&str]| with(&revoked(), texts).unwrap().rule_version;
        assert_eq!(version(&["ground=other"]), "2022");
        assert_eq!(version(&["effective_date=2026-05-01"]), "");
        assert_eq!(version(&["effective_date=2026-05-01", "rule_version=2022"]), "2022");
    }

    #[test]
    fn inferred_values_are_inferred_again() {
        let fact = pb::Designated {
            valid_to: Some(pb::Date { year: 2026, month: 12, day: 31 }),
            valid_to_inferred: true,
            ..Default::default()
        };
        let of = |fact: pb::Designated| {
            let mut fields = Fields::of(&event(Fact::Designated(fact))).unwrap();
            fields.drop_inferred();
            match fields.event().unwrap().fact {
                Some(Fact::Designated(fact)) => fact,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of(fact.clone()), pb::Designated::default());
        let stated = pb::Designated { valid_to_inferred: false, ..fact };
        assert_eq!(of(stated.clone()), stated);
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_a_reason() {
        for (text, why) in [
            ("ground", "not of the form"),
            ("=x", "names no field"),
            ("ground=fraud", "they are below-standard"),
            ("ground=falsfication", "did you mean falsification?"),
            ("ground=unspecified", "is not one of the values"),
            ("grund=other", "did you mean ground?"),
            ("ban_until=soon", "--set ban_until=soon: "),
            ("effective_date.year=2024", "has no fields of its own"),
            ("evidence.row=x", "is not a number"),
            ("evidence.sha256=0", "hexadecimal"),
            ("evidence.titel=x", "Evidence has no field titel"),
            ("designated.batch=1", "states revoked, not designated"),
            ("programme=专精特新", "is the name of 2"),
        ] {
            let refused = with(&revoked(), &[text]);
            assert!(refused.as_ref().is_err_and(|said| said.contains(why)), "{text}: {refused:?}");
        }
    }
}
