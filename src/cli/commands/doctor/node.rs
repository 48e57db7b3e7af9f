//! `node`: how a node that follows is in touch with its leader, and whether one has handed over.

use super::{finding::Finding, server::Server};
use crate::{
    lang::{say, word},
    protocol::pb::{self, NodeRole},
};

const ID: &str = "node";

/// `node`: it follows its leader. A leader has no such finding.
pub(super) fn check(server: &Server) -> Vec<Finding> {
    let Some(status) = server.status() else { return Vec::new() };
    let Some(node) = &status.node else { return Vec::new() };
    let run = format!("tidu status {}", server.argument());
    let leader = &node.leader;
    match node.role() {
        NodeRole::Leader | NodeRole::Unspecified => Vec::new(),
        NodeRole::Retired => {
            let text = say!(
                en: "the log was handed over to {leader}, which takes over",
                zh: "日志已移交给 {leader}，由其接管"
            );
            vec![Finding::warn(ID, text, run)]
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
                en: "it no longer follows {leader}: {why}", zh: "已停止跟随 {leader}：{why}"
            );
            Finding::error(ID, text, run)
        }
        "connecting" => {
            let text = say!(en: "it does not reach {leader}", zh: "无法连接 {leader}");
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
        let told = told(|| check(&server));
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
        let text = "it no longer follows http://a:1: another root";
        assert_eq!(found(NodeRole::Follower, "stopped", "another root"), of(Level::Error, text));
        let text = "the log was handed over to http://a:1, which takes over";
        assert_eq!(found(NodeRole::Retired, "", ""), of(Level::Warn, text));
    }
}
