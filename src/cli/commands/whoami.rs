//! `tidu whoami`: who the server takes this caller for.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{instant, print_line, print_message, word},
    },
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
        lines(answer)
            .iter()
            .try_for_each(|(name, value)| print_line(&format!("{name:<12} {value}")))
    })
}

/// What the answer says, by name.
fn lines(answer: &pb::WhoAmIResponse) -> Vec<(&'static str, String)> {
    let principal = answer.principal.clone().unwrap_or_default();
    let roles = principal.roles().map(|role| word(role.as_str_name(), "ROLE_"));
    let some = |text: String| (!text.is_empty()).then_some(text);
    let is_known = answer.credential() != pb::CredentialKind::Unspecified;
    let mut lines: Vec<_> = [
        ("principal", Some(principal.id.clone())),
        ("authority", some(principal.authority.clone())),
        ("roles", some(roles.collect::<Vec<_>>().join(", "))),
        ("credential", Some(credential(answer))),
        ("valid until", some(instant(answer.credential_expire_time.as_ref()))),
        ("handed on by", some(answer.handed_on_by.clone())),
        ("managed by", some(principal.managed_by.clone())),
        ("policy", Some(format!("generation {}", answer.policy_generation))),
        ("unseen", is_known.then(|| unseen(&principal).to_owned())),
        ("may", (!is_known).then(|| "do everything".to_owned())),
        ("may", (is_known && principal.rights.is_empty()).then(|| "not record or read".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let rights = principal.rights.iter().filter(|_| is_known);
    lines.extend(rights.map(|right| ("may", may(right))));
    lines
}

fn credential(answer: &pb::WhoAmIResponse) -> String {
    match answer.credential() {
        pb::CredentialKind::Unspecified => "none: the server knows no principals",
        pb::CredentialKind::Certificate => "client certificate",
        pb::CredentialKind::Token => "token",
        pb::CredentialKind::Jwt => "JSON Web Token",
        pb::CredentialKind::HandedOn => "handed on",
    }
    .to_owned()
}

/// What it gets for an event that it may not read.
fn unseen(principal: &pb::PrincipalEntry) -> &'static str {
    match principal.unseen() {
        pb::Unseen::Hidden => "events that it may not read do not appear",
        pb::Unseen::Withheld | pb::Unseen::Unspecified => {
            "events that it may not read appear as places with a leaf hash"
        }
    }
}

/// A right in words: `read: authorities 440000; programmes little-giant; own events too`.
pub(super) fn may(right: &pb::Right) -> String {
    let action = word(right.action().as_str_name(), "RIGHT_ACTION_");
    let kinds: Vec<_> = right.kinds().map(|kind| word(kind.as_str_name(), "EVENT_KIND_")).collect();
    let bound = |name: &str, values: &[String]| {
        (!values.is_empty()).then(|| format!("{name} {}", values.join(", ")))
    };
    let bounds: Vec<_> = [
        bound("authorities", &right.authorities),
        (!right.region.is_empty()).then(|| format!("region {}", right.region)),
        bound("programmes", &right.programmes),
        bound("kinds", &kinds),
        right.own.then(|| "also what is not public".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let is_reading = right.action() == pb::RightAction::Read;
    match (bounds.is_empty(), is_reading) {
        (true, true) => "read everything that is public".to_owned(),
        (true, false) => format!("{action} everything"),
        (false, _) if right == &everything() => "read everything".to_owned(),
        (false, _) => format!("{action}: {}", bounds.join("; ")),
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
