//! The file of a backup with the cursors, which operators can read: lines of JSON.
//!
//! The first line is `{"version":1}`. Each other line is a `tidu.v1.Cursor` with its id, owner,
//! position, log and filter, without what only a server knows. The line of a cursor whose filter
//! the server does not give (it is longer than 64 KiB, say) has no filter, and is not restored.

use std::path::Path;

use bytes::Bytes;
use prost::Message as _;
use tonic::Code;
use uuid::Uuid;

use super::{CliError, client::Client, paged::paged, print::eprint_line};
use crate::{
    archive::{BuiltLog, Lines},
    cursors::{
        self, CursorError, CursorState, StoredCursor,
        key::{is_key, key_of},
    },
    domain::Principal,
    lang::{say, word},
    limits::BACKUP_CURSORS_NAMED_MAX,
    protocol::{json::Json, pb, time::micros},
};

const HEAD: &str = r#"{"version":1}"#;
/// The owner that servers with principals name for cursors that nobody owns.
const ANONYMOUS: &str = "anonymous";

/// The content of the file for all cursors of a server; `None`, and a line that says why, if the
/// caller does not see all of them.
pub(super) async fn fetch(client: &mut Client) -> Result<Option<String>, CliError> {
    if !sees_all(client).await? {
        eprint_line(word!(
            en: "the cursors are not backed up: only an operator or an auditor sees all of them",
            zh: "未备份游标：只有运维者或审计者能看到全部游标"
        ));
        return Ok(None);
    }
    let mut found = Vec::new();
    let fetch = async |page_size, page_token| {
        let request = pb::ListCursorsRequest { page_size, page_token };
        let page = client.cursors.list_cursors(request).await?.into_inner();
        Ok((page.cursors, page.next_page_token))
    };
    let take = |cursor: &pb::Cursor| {
        found.push(stated(cursor.clone()));
        Ok(())
    };
    paged(usize::MAX, fetch, take).await?;
    let (json, mut content, mut without) = (Json::new()?, format!("{HEAD}\n"), Vec::new());
    for mut listed in found {
        let (cursor_id, owner) = (listed.cursor_id.clone(), listed.owner.clone());
        match client.cursors.get_cursor(pb::GetCursorRequest { cursor_id, owner }).await {
            Ok(answer) => {
                let cursor = answer.into_inner().cursor.unwrap_or_default();
                (listed.filter, listed.filter_designee_count) =
                    (cursor.filter, cursor.filter_designee_count);
            }
            // No principal has the filters of these.
            Err(status) if status.code() == Code::NotFound && listed.owner == ANONYMOUS => {}
            // It was deleted meanwhile.
            Err(status) if status.code() == Code::NotFound => continue,
            Err(status) => return Err(status.into()),
        }
        if listed.filter.is_none() {
            without.push(listed.cursor_id.clone());
        }
        content.push_str(&json.line("Cursor", &listed)?);
        content.push('\n');
    }
    if !without.is_empty() {
        let without = named(&without);
        eprint_line(&say!(
            en: "the server does not give the filters of these cursors, so make them again after a \
                 restore: {without}",
            zh: "服务器不提供以下游标的过滤条件，恢复后请重新创建：{without}"
        ));
    }
    Ok(Some(content))
}

/// True if the caller is told of the cursors of all principals.
async fn sees_all(client: &mut Client) -> Result<bool, CliError> {
    let whoami = match client.access.who_am_i(pb::WhoAmIRequest {}).await {
        Ok(answer) => answer.into_inner(),
        // A server without principals, of an earlier version.
        Err(status) if status.code() == Code::Unimplemented => return Ok(true),
        Err(status) => return Err(status.into()),
    };
    let roles = whoami.principal.unwrap_or_default().roles;
    let sees = [pb::Role::Operator, pb::Role::Auditor].map(|role| role as i32);
    Ok(roles.iter().any(|role| sees.contains(role)))
}

/// The part of a cursor in a list that the file has; it has no filter.
fn stated(cursor: pb::Cursor) -> pb::Cursor {
    pb::Cursor {
        cursor_id: cursor.cursor_id,
        next_position: cursor.next_position,
        log_id: cursor.log_id,
        create_time: cursor.create_time,
        advance_time: cursor.advance_time,
        log_changed: cursor.log_changed,
        owner: cursor.owner,
        ..Default::default()
    }
}

/// The first few of some names.
fn named(names: &[String]) -> String {
    let first = names.get(..BACKUP_CURSORS_NAMED_MAX).unwrap_or(names).join(", ");
    match names.len().saturating_sub(BACKUP_CURSORS_NAMED_MAX) {
        0 => first,
        more => say!(en: "{first} and {more} more", zh: "{first} 等，另有 {more} 个"),
    }
}

/// Cursors that were read from the file.
#[derive(Debug, Default)]
pub(super) struct Restored {
    cursors: Vec<StoredCursor>,
    /// Those past the end of the log that was restored.
    ahead: Vec<String>,
    /// Those without their filters, which are not restored.
    without: Vec<String>,
}

/// Reads the file of a log.
pub(super) fn read(content: &[u8], log: &BuiltLog) -> Result<Restored, CliError> {
    let refused = |line: usize, why: &str| {
        CliError::Refused(say!(
            en: "the cursors of the backup, line {line}: {why}",
            zh: "备份中的游标，第 {line} 行：{why}"
        ))
    };
    let json = Json::new()?;
    let mut lines = (1..).zip(Lines::of(content));
    let head = lines.next().and_then(|(_, line)| line.ok());
    if head.as_deref() != Some(HEAD) {
        return Err(refused(1, &say!(en: "it is not {HEAD}", zh: "应为 {HEAD}")));
    }
    let mut restored = Restored::default();
    for (number, line) in lines {
        let line = line.map_err(|e| refused(number, &e.to_string()))?;
        let encoded = json.parse("Cursor", &line).map_err(|why| refused(number, &why))?;
        let cursor = pb::Cursor::decode(encoded.as_slice());
        let cursor = cursor.map_err(|e| refused(number, &e.to_string()))?;
        restored.add(cursor, log).map_err(|why| refused(number, why))?;
    }
    Ok(restored)
}

impl Restored {
    /// Adds a cursor. One of another log, and one past the end of this one, has no log that a
    /// server has: no stream starts from it until its subscriber has moved it with `force`.
    fn add(&mut self, cursor: pb::Cursor, log: &BuiltLog) -> Result<(), &'static str> {
        let pb::Cursor { cursor_id: id, owner, next_position, .. } = cursor;
        let unnamed =
            || word!(en: "a cursor has no id or owner that it can have", zh: "编号或所属主体无效");
        let owner = match owner.as_str() {
            "" | ANONYMOUS => Principal::ANONYMOUS,
            name => Principal::named(name).ok_or_else(unnamed)?,
        };
        let key = key_of(&owner, &id);
        if !is_key(&key) {
            return Err(unnamed());
        }
        let Some(filter) = cursor.filter else {
            self.without.push(id);
            return Ok(());
        };
        let no_log = || word!(en: "a cursor has no log id", zh: "游标没有日志编号");
        let mut log_id: Uuid = cursor.log_id.parse().map_err(|_| no_log())?;
        let is_ahead = next_position > log.size;
        if is_ahead {
            self.ahead.push(id);
        }
        if Some(log_id) == log.log_id && (is_ahead || cursor.log_changed) {
            log_id = Uuid::nil();
        }
        let state = CursorState {
            next_position,
            log_id,
            created_micros: cursor.create_time.as_ref().map(micros).unwrap_or_default(),
            advanced_micros: cursor.advance_time.as_ref().map(micros),
        };
        self.cursors.push(StoredCursor { key, state, filter: Bytes::from(filter.encode_to_vec()) });
        Ok(())
    }

    /// Writes them into a directory that has no cursors. Gives how many they are.
    pub(super) fn write(self, directory: &Path) -> Result<u64, CliError> {
        let Self { cursors, ahead, without } = self;
        let failed = |error: CursorError| CliError::Message(error.to_string());
        let made = cursors::make(directory, cursors.into_iter().map(Ok)).map_err(failed)?;
        if !ahead.is_empty() {
            let ahead = named(&ahead);
            eprint_line(&say!(
                en: "these cursors are past the end of the backup; no stream starts from them \
                     until `tidu cursor advance --force`: {ahead}",
                zh: "以下游标超出了备份的末尾，运行 tidu cursor advance --force 之前不能由其开始订阅：{ahead}"
            ));
        }
        if !without.is_empty() {
            let without = named(&without);
            eprint_line(&say!(
                en: "these cursors are not restored, because the backup lacks their filters: \
                     {without}",
                zh: "以下游标未恢复，因为备份中没有其过滤条件：{without}"
            ));
        }
        Ok(made.cursors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10";
    const OTHER: &str = "1d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f11";

    fn restored(lines: &[&str]) -> Result<Restored, CliError> {
        let log = BuiltLog { log_id: LOG.parse().ok(), size: 10, root: [0; 32] };
        read([&[HEAD], lines].concat().join("\n").as_bytes(), &log)
    }

    #[test]
    fn a_cursor_past_the_end_waits_for_its_subscriber() {
        let line = |id: &str, next: u64, log: &str, more: &str| {
            format!(r#"{{"cursorId":"{id}","nextPosition":"{next}","logId":"{log}"{more}}}"#)
        };
        let lines = [
            line("good", 10, LOG, r#","filter":{"programmes":["little-giant"]},"owner":"bank""#),
            line("ahead", 11, LOG, r#","filter":{}"#),
            line("flagged", 3, LOG, r#","filter":{},"logChanged":true,"owner":"anonymous""#),
            line("of-another", 3, OTHER, r#","filter":{},"logChanged":true"#),
            line("long", 3, LOG, r#","filterDesigneeCount":90000"#),
        ];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let Restored { cursors, ahead, without } = restored(&lines).unwrap();
        let kept = |cursor: &StoredCursor| {
            (cursor.key.clone(), cursor.state.next_position, cursor.state.log_id.to_string())
        };
        let nil = Uuid::nil().to_string();
        let expected = [
            ("bank good", 10, LOG),
            ("ahead", 11, &nil),
            ("flagged", 3, &nil),
            ("of-another", 3, OTHER),
        ];
        let expected = expected.map(|(key, next, log)| (key.to_owned(), next, log.to_owned()));
        assert_eq!(cursors.iter().map(kept).collect::<Vec<_>>(), expected);
        assert!(!cursors[0].filter.is_empty() && cursors[1].filter.is_empty());
        assert_eq!((ahead, without), (vec!["ahead".to_owned()], vec!["long".to_owned()]));
    }

    #[test]
    fn lines_that_are_no_cursors_are_refused_by_their_number() {
        for line in [
            "{}",
            r#"{"cursorId":"a b","filter":{}}"#,
            r#"{"cursorId":"a","owner":"server","filter":{}}"#,
            r#"{"cursorId":"a","filter":{},"logId":"x"}"#,
            r#"{"cursorId":"a","unknown":1}"#,
        ] {
            let error = restored(&[line]).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{line}: {error}");
        }
        let log = BuiltLog { log_id: None, size: 0, root: [0; 32] };
        assert!(read(b"{\"version\":2}\n", &log).unwrap_err().to_string().contains("line 1"));
    }
}
