//! `tidu whoami`: who the server takes this caller for.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{Worded, human_list, instant, print_message, print_pairs},
    },
    lang::{comma, say, word as said},
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
A server without principals calls everybody anonymous and lets it do everything. See
docs/security.md.")]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: WhoamiArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.access.who_am_i(pb::WhoAmIRequest {}).await?.into_inner();
    print_message(args.common.output, "WhoAmIResponse", &answer, |answer| {
        print_pairs(&lines(answer))
    })
}

/// What the answer says, by name.
fn lines(answer: &pb::WhoAmIResponse) -> Vec<(&'static str, String)> {
    let principal = answer.principal.clone().unwrap_or_default();
    let some = |text: String| (!text.is_empty()).then_some(text);
    let is_known = answer.credential() != pb::CredentialKind::Unspecified;
    let mut lines: Vec<_> = [
        (said!(en: "principal", zh: "主体"), Some(principal.id.clone())),
        (said!(en: "authority", zh: "认定机构"), some(principal.authority.clone())),
        (said!(en: "roles", zh: "角色"), some(human_list(principal.roles()))),
        (said!(en: "credential", zh: "凭据"), Some(credential(answer))),
        (
            said!(en: "valid until", zh: "有效期至"),
            some(instant(answer.credential_expire_time.as_ref())),
        ),
        (said!(en: "handed on by", zh: "转交自"), some(answer.handed_on_by.clone())),
        (said!(en: "managed by", zh: "管理者"), some(principal.managed_by.clone())),
        (said!(en: "policy", zh: "权限策略"), Some(generation(answer.policy_generation))),
        (said!(en: "unseen", zh: "不可见事件"), is_known.then(|| unseen(&principal).to_owned())),
        (
            rights_name(),
            (!is_known).then(|| said!(en: "do everything", zh: "可以进行任何操作").to_owned()),
        ),
        (
            rights_name(),
            (is_known && principal.rights.is_empty())
                .then(|| said!(en: "not record or read", zh: "不能写入或读取").to_owned()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let rights = principal.rights.iter().filter(|_| is_known);
    lines.extend(rights.map(|right| (rights_name(), may(right))));
    lines
}

fn rights_name() -> &'static str {
    said!(en: "may", zh: "权限")
}

fn generation(number: u64) -> String {
    say!(en: "generation {number}", zh: "第 {number} 代")
}

fn credential(answer: &pb::WhoAmIResponse) -> String {
    match answer.credential() {
        pb::CredentialKind::Unspecified => said!(
            en: "none: the server knows no principals", zh: "无：服务器没有设置主体"
        ),
        pb::CredentialKind::Certificate => said!(en: "client certificate", zh: "客户端证书"),
        pb::CredentialKind::Token => said!(en: "token", zh: "令牌"),
        pb::CredentialKind::Jwt => "JSON Web Token",
        pb::CredentialKind::HandedOn => said!(en: "handed on", zh: "由网关转交"),
    }
    .to_owned()
}

/// What it gets for an event that it may not read.
fn unseen(principal: &pb::PrincipalEntry) -> &'static str {
    match principal.unseen() {
        pb::Unseen::Hidden => said!(
            en: "events that it may not read do not appear", zh: "无权读取的事件不出现"
        ),
        pb::Unseen::Withheld | pb::Unseen::Unspecified => {
            said!(
                en: "events that it may not read appear as places with a leaf hash",
                zh: "无权读取的事件显示为仅有叶哈希的位置"
            )
        }
    }
}

/// A right in words: `read: authorities 440000; programmes little-giant; own events too`.
pub(super) fn may(right: &pb::Right) -> String {
    let action = right.action().human();
    let kinds: Vec<_> = right.kinds().map(Worded::human).collect();
    let bound = |name: &str, values: &[String]| {
        (!values.is_empty()).then(|| format!("{name} {}", values.join(comma())))
    };
    let bounds: Vec<_> = [
        bound(said!(en: "authorities", zh: "认定机构"), &right.authorities),
        (!right.region.is_empty()).then(|| say!(en: "region {}", zh: "地区 {}", right.region)),
        bound(said!(en: "programmes", zh: "认定项目"), &right.programmes),
        bound(said!(en: "kinds", zh: "事件类型"), &kinds),
        right.own.then(|| said!(en: "also what is not public", zh: "包括未公开的内容").to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let is_reading = right.action() == pb::RightAction::Read;
    match (bounds.is_empty(), is_reading) {
        (true, true) => {
            said!(en: "read everything that is public", zh: "读取全部公开内容").to_owned()
        }
        (true, false) => say!(en: "{action} everything", zh: "{action}：不限"),
        (false, _) if right == &everything() => {
            said!(en: "read everything", zh: "读取全部内容").to_owned()
        }
        (false, _) => say!(
            en: "{action}: {}", zh: "{action}：{}", bounds.join(said!(en: "; ", zh: "；"))
        ),
    }
}

/// The right to read without a bound.
fn everything() -> pb::Right {
    pb::Right { action: pb::RightAction::Read.into(), own: true, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_in_words() {
        let right =
            |action: pb::RightAction| pb::Right { action: action.into(), ..Default::default() };
        let record =
            pb::Right { authorities: vec!["440000".to_owned()], ..right(pb::RightAction::Record) };
        let read = pb::Right {
            region: "440000".to_owned(),
            programmes: vec!["little-giant".to_owned()],
            kinds: vec![pb::EventKind::Designated.into()],
            own: true,
            ..right(pb::RightAction::Read)
        };
        let answer = pb::WhoAmIResponse {
            principal: Some(pb::PrincipalEntry {
                id: "guangdong.recorder".to_owned(),
                authority: "440000".to_owned(),
                roles: vec![pb::Role::Recorder.into(), pb::Role::Reader.into()],
                rights: vec![record, read, right(pb::RightAction::Read)],
                ..Default::default()
            }),
            credential: pb::CredentialKind::Certificate.into(),
            credential_expire_time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            policy_generation: 3,
            ..Default::default()
        };
        let told: Vec<_> =
            lines(&answer).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            told,
            [
                "principal: guangdong.recorder",
                "authority: 440000",
                "roles: recorder, reader",
                "credential: client certificate",
                "valid until: 1970-01-01 08:00:00",
                "policy: generation 3",
                "unseen: events that it may not read appear as places with a leaf hash",
                "may: record: authorities 440000",
                "may: read: region 440000; programmes little-giant; kinds designated; also what \
                 is not public",
                "may: read everything that is public",
            ]
        );
    }
}
