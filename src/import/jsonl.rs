//! Reads JSON lines as events. Each line is a `tidu.v1.Event` in canonical protobuf JSON, or a
//! `tidu.v1.RecordedEvent`, as `tidu events -o json` and `-o plain-json` print them; an unknown
//! member is an error. An array of them is read as well.

use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::{
    ImportedRow, Note, NoteReason,
    error::{ImportError, RowError},
    personal::{self, Holds},
};
use crate::{
    domain::Issuer,
    domain::personal::PersonalData,
    lang::{Both, both},
    limits::{JSON_LINE_BYTES_MAX, LIST_FAULTS_MAX, LIST_ROWS_MAX},
    protocol::{
        pb::{self, event::Fact},
        plain_json,
    },
};

/// Members with identifiers, which may look like a resident identity number.
const IDENTIFIERS: &[&str] =
    &["designee", "newDesignee", "new_designee", "successor", "successors"];
/// Members with digests, which may look like any number.
const DIGESTS: &[&str] = &["sha256", "sm3", "digest"];

/// Whether a text is JSON, behind lines of comments.
pub(super) fn is_json(text: &str) -> bool {
    let first =
        text.lines().map(str::trim_start).find(|line| !line.is_empty() && !is_comment(line));
    first.is_some_and(|line| {
        let rest = line.strip_prefix('[').unwrap_or(line).trim_start();
        line.starts_with('{') || line.starts_with('[') && (rest.is_empty() || rest.starts_with('{'))
    })
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Reads objects, each with its line.
pub(super) fn read(objects: &[(u32, &str)]) -> Result<(Vec<ImportedRow>, Vec<Note>), ImportError> {
    let reader = Reader::new()?;
    let (mut rows, mut notes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (row, object) in objects.iter().copied() {
        if errors.len() >= LIST_FAULTS_MAX {
            break;
        }
        match reader.event(object) {
            Ok(Some(event)) => rows.push(ImportedRow { sheet: String::new(), row, event }),
            Ok(None) => notes.push(Note {
                reason: NoteReason::OfService,
                sheet: String::new(),
                row,
                column: String::new(),
                message: Both::word(
                    "a fact about the log is left out: each server states its own",
                    "关于日志本身的事项没有读入：由各服务器自行记录",
                ),
            }),
            Err(message) => errors.push(RowError {
                sheet: String::new(),
                row,
                column: String::new(),
                value: String::new(),
                message,
            }),
        }
    }
    if errors.is_empty() { Ok((rows, notes)) } else { Err(ImportError::Rows(errors)) }
}

/// The objects of a text whose line breaks are `\n`, each with the line in which it begins; at most
/// one more than a list may have. Blank lines and comments are skipped.
pub(super) fn objects(text: &str) -> Vec<(u32, &str)> {
    let lines = (1_u32..).zip(text.split('\n'));
    let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !is_comment(line));
    let first = lines.clone().next().map_or("", |(_, line)| line.trim());
    if first.starts_with('[') || first == "{" {
        return spread(text);
    }
    lines.take(LIST_ROWS_MAX + 1).collect()
}

/// The objects of an array, or of a text in which each has several lines.
fn spread(text: &str) -> Vec<(u32, &str)> {
    let mut objects = Vec::new();
    let (mut depth, mut line, mut start) = (0_usize, 1_u32, None);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => line = line.saturating_add(1),
            _ if escaped => {}
            b'\\' if quoted => {
                escaped = true;
                continue;
            }
            b'"' => quoted = !quoted,
            b'{' if !quoted => {
                depth += 1;
                start = start.or(Some((line, at)));
            }
            b'}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0
                    && let Some((line, from)) = start.take()
                {
                    objects.push((line, text.get(from..=at).unwrap_or_default()));
                    if objects.len() > LIST_ROWS_MAX {
                        return objects;
                    }
                }
            }
            _ => {}
        }
        escaped = false;
    }
    // An object that never ends is a fault of its own.
    objects.extend(start.map(|(line, from)| (line, text.get(from..).unwrap_or_default())));
    objects
}

/// Turns objects into events.
struct Reader {
    pool: DescriptorPool,
}

impl Reader {
    fn new() -> Result<Self, ImportError> {
        let pool = DescriptorPool::decode(pb::DESCRIPTORS).map_err(|_| ImportError::Schema)?;
        Ok(Self { pool })
    }

    /// The event of an object; `None` for a recorded fact that only a server states.
    fn event(&self, text: &str) -> Result<Option<pb::Event>, Both> {
        if text.len() > JSON_LINE_BYTES_MAX {
            let found = text.len();
            return Err(both!(
                en: "has {found} bytes; a line has at most {JSON_LINE_BYTES_MAX}",
                zh: "有 {found} 字节；一行最多 {JSON_LINE_BYTES_MAX} 字节"
            ));
        }
        // Errors repeat no value from here on: the line may hold personal data.
        let value: Value = serde_json::from_str(text).map_err(|error| {
            both!(
                en: "not a JSON object on one line: {error}",
                zh: "不是一行一个 JSON 对象：{error}"
            )
        })?;
        let has = |member: &str| value.get(member).is_some();
        if has("logId") || has("log_id") {
            return Err(Both::word(
                "this is the first line of an export; tidu import restores a log from it, and \
                 record takes its other lines",
                "这是导出文件的首行；tidu import 可由导出文件恢复日志，record 可读取其余各行",
            ));
        }
        if has("leafHash") || has("leaf_hash") {
            return Err(Both::word(
                "the content of this event is withheld; take the line out",
                "该事件的内容不予展示；请删去这一行",
            ));
        }
        let is_recorded = has("event");
        let stated = value.get("event").filter(|_| is_recorded).unwrap_or(&value);
        if let Some((member, what)) = personal_member("", stated) {
            let what = personal::said(what);
            return Err(both!(
                en: "{member} contains {what}; the log cannot forget personal data",
                zh: "{member} 中有{what}；个人信息一旦写入日志就无法删除"
            ));
        }
        if !is_recorded {
            return self.message::<pb::Event>("Event", value).map(Some);
        }
        let recorded: pb::RecordedEvent = self.message("RecordedEvent", value)?;
        recorded.event.map_or(Ok(None), again)
    }

    fn message<M: prost::Message + Default>(
        &self,
        name: &str,
        mut value: Value,
    ) -> Result<M, Both> {
        let full = format!("tidu.v1.{name}");
        let descriptor = self.pool.get_message_by_name(&full);
        let descriptor = descriptor
            .ok_or_else(|| both!(en: "this build has no {full}", zh: "本程序缺少 {full} 的描述"))?;
        plain_json::canonical(&descriptor, &mut value);
        let message = DynamicMessage::deserialize(descriptor, value)
            .map_err(|error| both!(en: "not a {full}: {error}", zh: "不是 {full}：{error}"))?;
        message
            .transcode_to()
            .map_err(|error| both!(en: "not a {full}: {error}", zh: "不是 {full}：{error}"))
    }
}

/// A recorded event as its caller proposed it, for another log. `None`: only a server states it.
fn again(mut event: pb::Event) -> Result<Option<pb::Event>, Both> {
    let position = match &mut event.fact {
        Some(Fact::CatalogueAdopted(_)) => return Ok(None),
        Some(Fact::Corrected(repair)) => repair.position,
        Some(Fact::Annulled(repair)) => repair.position,
        Some(Fact::Reinstated(fact)) => fact.position,
        Some(Fact::ObjectionResolved(fact)) => fact.objection,
        Some(Fact::MeasuresRepealed(fact)) => fact.position,
        // The server infers the end again; stated, it would no longer be marked as inferred.
        Some(Fact::Designated(fact)) => {
            forget(&mut fact.valid_to, &mut fact.valid_to_inferred);
            None
        }
        Some(Fact::ReviewPassed(fact)) => {
            forget(&mut fact.valid_to, &mut fact.valid_to_inferred);
            None
        }
        Some(Fact::Revoked(fact)) => {
            forget(&mut fact.ban_until, &mut fact.ban_until_inferred);
            None
        }
        _ => None,
    };
    if event.authority == Issuer::Service.as_str() {
        return Ok(None);
    }
    match position {
        Some(position) => Err(both!(
            en: "the event names position {position} of the log that it comes from, which is \
                 another event in another log. Take the line out; of a correction, write the \
                 corrected event in place of the first one",
            zh: "该事件引用了来源日志的位置 {position}，而同一位置在另一日志中是别的事件。请删去这一行；\
                 若是更正，请直接把更正后的事件写在原事件的位置"
        )),
        None => Ok(Some(event)),
    }
}

fn forget(date: &mut Option<pb::Date>, inferred: &mut bool) {
    if std::mem::take(inferred) {
        *date = None;
    }
}

/// The first member whose text contains personal data.
fn personal_member(name: &str, value: &Value) -> Option<(String, PersonalData)> {
    match value {
        Value::String(_) if DIGESTS.contains(&name) => None,
        Value::String(text) => {
            let holds = match name {
                "url" => Holds::Url,
                _ if IDENTIFIERS.contains(&name) => Holds::Code,
                _ => Holds::Text,
            };
            personal::found(text, holds).map(|what| (name.to_owned(), what))
        }
        Value::Array(values) => values.iter().find_map(|value| personal_member(name, value)),
        Value::Object(members) => {
            members.iter().find_map(|(name, value)| personal_member(name, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
