//! `node`: how a node that follows is in touch with its leader, and whether one has handed over. At
//! rest, the part that a start takes up, or why it is refused.

use super::{
    configuration::Sources,
    finding::{Finding, word as quoted},
    log::LogFiles,
    server::Server,
};
use crate::{
    files,
    handover::{FOLLOWS_FILE, Follows, Part, RETIRED_FILE, Receipt, Standing, StandingError},
    lang::{say, word},
    log::mark::HighWaterMark,
    protocol::pb::{self, NodeRole},
};

const ID: &str = "node";

/// `node`: it follows its leader. A leader has no such finding.
pub(super) fn check(server: &Server, edit: &str) -> Vec<Finding> {
    let Some(status) = server.status() else { return Vec::new() };
    let Some(node) = &status.node else { return Vec::new() };
    let run = format!("tidu status {}", server.argument());
    let leader = &node.leader;
    match node.role() {
        NodeRole::Leader | NodeRole::Unspecified => Vec::new(),
        NodeRole::Retired => {
            let text = say!(
                en: "the log was handed over to {leader}, which takes over; with its \
                     address in the setting follow, this node follows it",
                zh: "日志已移交给 {leader}，由其接管；在 follow 设置中写明其地址，本节点即跟随它"
            );
            vec![Finding::warn(ID, text, edit)]
        }
        NodeRole::Follower => vec![of_follower(status, node, run)],
    }
}

fn of_follower(status: &pb::GetStatusResponse, node: &pb::Node, run: String) -> Finding {
    let problem = &node.problem;
    // With several nodes to follow, none is named while none is reached.
    let leader = match node.leader.is_empty() {
        true => word!(en: "any of its leaders", zh: "任何主节点"),
        false => &node.leader,
    };
    match node.state.as_str() {
        "stopped" => {
            let why = match problem.is_empty() {
                true => word!(
                    en: "its operators are told why", zh: "原因只告知其运维人员"
                ),
                false => problem,
            };
            let text = say!(
                en: "it no longer follows {leader}: {why}; the remedy is in docs/following.md",
                zh: "已停止跟随 {leader}：{why}；处理办法见 docs/following.md"
            );
            Finding::error(ID, text, run)
        }
        "connecting" => {
            let why = match problem.is_empty() {
                true => String::new(),
                false => say!(en: ": {problem}", zh: "：{problem}"),
            };
            let text = say!(en: "it does not reach {leader}{why}", zh: "无法连接 {leader}{why}");
            Finding::warn(ID, text, run)
        }
        _ => {
            let behind = node.leader_size.saturating_sub(status.log_size);
            let text = say!(
                en: "it follows {leader}, {behind} events behind",
                zh: "正在跟随 {leader}，落后 {behind} 个事件"
            );
            Finding::ok(ID, text)
        }
    }
}

/// `node`: the part that the next start of a directory takes up.
pub(super) fn check_at_rest(files: &LogFiles, sources: &Sources) -> Vec<Finding> {
    let standing = match &files.standing {
        None => return Vec::new(),
        Some(Ok(standing)) => standing,
        Some(Err(error)) => return vec![unreadable(files, error)],
    };
    let mark = files.mark.as_ref().ok().and_then(Option::as_ref);
    let Some((log_id, epoch)) = log_of(mark, standing) else { return Vec::new() };
    let config = sources.config.as_ref().ok();
    let follows = config.is_none_or(|config| config.leaders().is_some());
    vec![match standing.part(log_id, epoch) {
        Part::Leader => Finding::ok(
            ID,
            say!(
                en: "at rest: epoch {epoch}, it may record", zh: "静止：任期 {epoch}，可以写入"
            ),
        ),
        Part::Follower(Follows { epoch, node, .. }) if follows => Finding::ok(
            ID,
            say!(
                en: "at rest: {node}, epoch {epoch}, a follower",
                zh: "静止：{node}，任期 {epoch}，从节点"
            ),
        ),
        Part::Follower(Follows { epoch, node, .. }) => Finding::error(
            ID,
            say!(
                en: "at rest: {node}, epoch {epoch}, a follower; a start without the setting \
                     follow is refused: name its leader, or promote it",
                zh: "静止：{node}，任期 {epoch}，从节点；没有 follow 设置时启动会被拒绝：请写明主节点，或将其升级"
            ),
            sources.edit(),
        ),
        Part::Retired(receipt) => retired(files, mark, &receipt, follows, sources),
    }]
}

fn retired(
    files: &LogFiles,
    mark: Option<&HighWaterMark>,
    receipt: &Receipt,
    follows: bool,
    sources: &Sources,
) -> Finding {
    let Receipt { size, epoch, successor, .. } = receipt;
    let has_less = |mark: &HighWaterMark| mark.size < *size;
    let has_others = |mark: &HighWaterMark| mark.size == *size && mark.root != receipt.root;
    if mark.is_some_and(|mark| has_less(mark) || has_others(mark)) {
        let text = say!(
            en: "at rest: RETIRED says that {size} events were handed over to {successor}, and the \
                 log has others; a start is refused",
            zh: "静止：RETIRED 写明 {size} 个事件已移交给 {successor}，而日志与之不符；启动会被拒绝"
        );
        return Finding::error(ID, text, format!("tidu verify {}", quoted(&files.directory)));
    }
    match follows {
        true => Finding::ok(
            ID,
            say!(
                en: "at rest: epoch {epoch}, handed over to {successor}; it returns as a follower",
                zh: "静止：任期 {epoch}，已移交给 {successor}；将作为从节点回来"
            ),
        ),
        false => Finding::warn(
            ID,
            say!(
                en: "at rest: epoch {epoch}, handed over to {successor}; a start serves reads \
                     only, unless the setting follow names the successor",
                zh: "静止：任期 {epoch}，已移交给 {successor}；除非 follow 设置指明继任节点，启动后只提供读取"
            ),
            sources.edit(),
        ),
    }
}

/// The log and its epoch. A directory that begins as a copy has its pledge before a log.
fn log_of(mark: Option<&HighWaterMark>, standing: &Standing) -> Option<(uuid::Uuid, u64)> {
    let of_mark = mark.map(|mark| (mark.log_id, mark.epoch));
    of_mark.or_else(|| standing.follows.as_ref().map(|follows| (follows.log_id, follows.epoch)))
}

/// A file that nobody can read keeps every start away. The error has the way back in words.
fn unreadable(files: &LogFiles, error: &StandingError) -> Finding {
    let StandingError::Unreadable { path, .. } = error else {
        let run = format!("ls -l {}", quoted(&files.directory));
        return Finding::error(ID, error.to_string(), run);
    };
    let run = match path.ends_with(FOLLOWS_FILE) {
        true => {
            let anew = files::beside(&files.directory, ".anew");
            format!("tidu serve --data-dir {} --follow URL", quoted(&anew))
        }
        false => format!("cp receipt.txt {}", quoted(&files.directory.join(RETIRED_FILE))),
    };
    let text = say!(en: "every start is refused: {error}", zh: "任何启动都会被拒绝：{error}");
    Finding::error(ID, text, run)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            finding::{Level, told},
            server::Answer,
        },
        *,
    };

    fn found(role: NodeRole, state: &str, problem: &str) -> Vec<(Level, String)> {
        let (leader, state, problem) = ("http://a:1".to_owned(), state.to_owned(), problem.into());
        let node = pb::Node {
            role: role.into(),
            leader,
            leader_size: 12,
            state,
            problem,
            ..Default::default()
        };
        let status = pb::GetStatusResponse { log_size: 9, node: Some(node), ..Default::default() };
        let address = "http://b:1".to_owned();
        let answer = Answer::Status(Box::new(status));
        let server = Server { address, answer, adopted: Vec::new(), client: None };
        let told = told(|| check(&server, "edit"));
        told.into_iter().map(|finding| (finding.level, finding.found)).collect()
    }

    #[test]
    fn a_follower_that_stopped_is_an_error_and_a_lost_leader_a_warning() {
        assert_eq!(found(NodeRole::Leader, "", ""), []);
        let of = |level, text: &str| vec![(level, text.to_owned())];
        let text = "it follows http://a:1, 3 events behind";
        assert_eq!(found(NodeRole::Follower, "following", ""), of(Level::Ok, text));
        let text = "it does not reach http://a:1";
        assert_eq!(found(NodeRole::Follower, "connecting", ""), of(Level::Warn, text));
        let text = "it no longer follows http://a:1: another root; the remedy is in \
                    docs/following.md";
        assert_eq!(found(NodeRole::Follower, "stopped", "another root"), of(Level::Error, text));
        let text = "the log was handed over to http://a:1, which takes over; with its \
                    address in the setting follow, this node follows it";
        assert_eq!(found(NodeRole::Retired, "", ""), of(Level::Warn, text));
    }
}
