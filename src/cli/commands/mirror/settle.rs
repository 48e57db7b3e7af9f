//! Where a copy goes on: its own place, if the log and the rights are still those of its rows.

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{
    domain::text::hex,
    lang::{say, word},
    mirror::{MirrorError, Place},
    protocol::pb,
};

/// The beginning of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) place: Place,
    /// True if all rows are to be deleted first.
    pub(super) clears: bool,
    /// Why a copy that was begun is made anew.
    pub(super) renewed: Option<String>,
}

/// Compares the place of a copy with the log of a server.
///
/// # Errors
/// [`MirrorError::Refused`] for the copy of another log, or of one that was longer.
pub(super) fn settle(
    before: Option<&Place>,
    status: &pb::GetStatusResponse,
    who: &pb::WhoAmIResponse,
    shown: &str,
) -> Result<Start, MirrorError> {
    let erased_events = status.erased_event_count.unwrap_or_default();
    let begun = Place {
        log_id: status.log_id.clone(),
        next_position: 0,
        rules_version: 1,
        loading: None,
        rights: rights(who),
        erased_events,
    };
    let Some(place) = before else {
        return Ok(Start { place: begun, clears: true, renewed: None });
    };
    let (here, there) = (&place.log_id, &status.log_id);
    if here != there {
        return Err(MirrorError::Refused(say!(
            en: "{shown}: the copy is of log {here}, and the server has log {there}; name another \
                 database or schema, or the other server",
            zh: "{shown}：其中是日志 {here} 的副本，而服务器的日志为 {there}；请指定另一个数据库或\
                 模式（schema），或改连另一台服务器"
        )));
    }
    let (next, size) = (place.next_position, status.log_size);
    if next > size {
        return Err(MirrorError::Refused(say!(
            en: "{shown}: the copy has {next} events, and the log has {size}: it was restored from \
                 a backup behind the copy; when that is meant, name an empty database or schema",
            zh: "{shown}：副本已有 {next} 个事件，而日志只有 {size} 个：日志由早于副本的备份恢复；\
                 如确属有意，请指定空的数据库或模式（schema）"
        )));
    }
    let why = if place.rights != begun.rights {
        word!(
            en: "the rights of this caller have changed; the copy is made anew",
            zh: "调用方的权限已变更，将重新建立副本"
        )
    } else if place.erased_events != erased_events {
        word!(
            en: "events of the log were erased since; the copy is made anew without them",
            zh: "日志中有事件已被清除，将重新建立不含其内容的副本"
        )
    } else {
        return Ok(Start { place: place.clone(), clears: false, renewed: None });
    };
    Ok(Start { place: begun, clears: true, renewed: Some(why.to_owned()) })
}

/// Names what a caller may read: its answers are those of this copy.
fn rights(who: &pb::WhoAmIResponse) -> String {
    let principal = who.principal.clone().unwrap_or_default();
    let reads = pb::RightAction::Read;
    let named = pb::PrincipalEntry {
        authority: principal.authority,
        roles: principal.roles,
        rights: principal.rights.into_iter().filter(|right| right.action() == reads).collect(),
        unseen: principal.unseen,
        ..Default::default()
    };
    hex(&Sha256::digest(named.encode_to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(log_id: &str, log_size: u64, erased: u64) -> pb::GetStatusResponse {
        pb::GetStatusResponse {
            log_id: log_id.to_owned(),
            log_size,
            erased_event_count: Some(erased),
            ..Default::default()
        }
    }

    fn who(authority: &str) -> pb::WhoAmIResponse {
        let authority = authority.to_owned();
        let principal = Some(pb::PrincipalEntry { authority, ..Default::default() });
        pb::WhoAmIResponse { principal, ..Default::default() }
    }

    fn place(next_position: u64) -> Place {
        let begun = settle(None, &status("one", 9, 0), &who("440000"), "db").unwrap().place;
        Place { next_position, ..begun }
    }

    #[test]
    fn a_copy_goes_on_where_it_is() {
        let kept = place(7);
        let start = settle(Some(&kept), &status("one", 9, 0), &who("440000"), "db").unwrap();
        assert_eq!(start, Start { place: kept, clears: false, renewed: None });
    }

    #[test]
    fn other_rights_and_erased_events_make_it_anew() {
        for (status, who) in
            [(status("one", 9, 0), who("330000")), (status("one", 9, 1), who("440000"))]
        {
            let start = settle(Some(&place(7)), &status, &who, "db").unwrap();
            assert!(start.clears && start.renewed.is_some(), "{start:?}");
            assert_eq!(start.place.next_position, 0);
        }
    }

    #[test]
    fn another_log_and_a_shorter_one_are_refused() {
        for status in [status("two", 9, 0), status("one", 6, 0)] {
            let refused = settle(Some(&place(7)), &status, &who("440000"), "db").unwrap_err();
            assert!(matches!(refused, MirrorError::Refused(_)), "{refused}");
        }
    }
}
