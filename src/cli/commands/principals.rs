//! `tidu principals`: checks the files of a policy, and lets a delegate manage its principals.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Subcommand};
use tonic::Code;

use crate::{
    access::{self, PrincipalText, RightText},
    cli::{
        CliError,
        args::{Common, Output},
        client::Client,
        paged::paged,
        print::{
            Cell, Heading, JsonLines, Printer, Worded, eprint_line, human_list, instant,
            print_line, print_message,
        },
    },
    domain::{
        access::Role,
        catalogue::{Catalogue, Catalogues},
        kind::Kind,
        text::{counted, unhex},
    },
    files,
    lang::{Lang, say},
    limits::CATALOGUE_BYTES_MAX,
    protocol::pb,
    service::principal_message,
};

const HEADINGS: [Heading; 6] = [
    Heading::new("id", "id", "主体"),
    Heading::new("authority", "authority", "认定机构").drops(1),
    Heading::new("roles", "roles", "角色"),
    Heading::new("rights", "rights", "权限").drops(2),
    Heading::new("credentials", "credential", "凭据").drops(3),
    Heading::new("until", "until", "有效期至").drops(4),
];

#[derive(Debug, Args)]
#[command(after_help = "\
docs/principals.md explains the files, the roles and the credentials.

`list` asks a server that knows its callers. A delegate adds one with `put recorder.toml`, and
removes it with `delete guangdong.delegate/recorder`.

Examples:
  tidu dev-certs
  tidu principals check tidu-dev/principals.toml")]
pub(crate) struct PrincipalsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a file of principals, or a directory of such files, without a server
    Check(CheckArgs),
    /// List the principals: a delegate sees its own, an operator and an auditor see all
    List(ListArgs),
    /// Add the principals of a file to those that the caller manages, or replace them
    Put(PutArgs),
    /// Remove a principal that the caller manages
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The file, or the directory whose *.toml are one policy
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Programme catalogue of the server, if it is not the built-in one
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct PutArgs {
    /// A file with one or more [[principal]], as the server's own files have them
    file: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// The id of the principal
    id: String,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: PrincipalsArgs) -> Result<(), CliError> {
    match args.action {
        Action::Check(args) => check(&args),
        Action::List(args) => list(args).await,
        Action::Put(args) => put(args).await,
        Action::Delete(args) => delete(args).await,
    }
}

fn check(args: &CheckArgs) -> Result<(), CliError> {
    let catalogues = match &args.catalogue {
        None => Catalogues::built_in(),
        Some(path) => {
            let named = |error: &dyn std::fmt::Display| {
                let path = path.display();
                CliError::Refused(say!(en: "{path}: {error}", zh: "{path}：{error}"))
            };
            let text = files::read_text(path, CATALOGUE_BYTES_MAX).map_err(|e| named(&e))?;
            Catalogues::new(Arc::new(Catalogue::parse(&text).map_err(|e| named(&e))?))
        }
    };
    let checked = access::check_files(&args.path, &catalogues).map_err(|error| {
        let faults: Vec<_> = error.faults.iter().map(ToString::to_string).collect();
        let more = Some(error.more).filter(|more| *more > 0);
        let more = more.map(|more| say!(en: "\nand {more} more", zh: "\n另有 {more} 处"));
        CliError::Refused(format!("{}{}", faults.join("\n"), more.unwrap_or_default()))
    })?;
    for warning in &checked.warnings {
        eprint_line(&say!(en: "warning: {warning}", zh: "警告：{warning}"));
    }
    let mut printer = Printer::new(args.output, HEADINGS)?;
    for entry in &checked.entries {
        printer.add("PrincipalEntry", &principal_message(entry, &catalogues), row)?;
    }
    let (entries, warnings) = (checked.entries.len(), checked.warnings.len());
    let summary = match Lang::current() {
        Lang::En => format!("{}, {}", counted(entries, "principal"), counted(warnings, "warning")),
        Lang::Zh => format!("{entries} 个主体，{warnings} 条警告"),
    };
    printer.finish(Some(&summary))
}

async fn list(args: ListArgs) -> Result<(), CliError> {
    let client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    let fetch = async |page_size: i32, page_token: String| {
        let request = pb::ListPrincipalsRequest { page_size, page_token };
        let answer = client.access.clone().list_principals(request).await?.into_inner();
        Ok((answer.principals, answer.next_page_token))
    };
    let add = |entry: &pb::PrincipalEntry| printer.add("PrincipalEntry", entry, row);
    let listed = paged(usize::MAX, fetch, add).await?;
    let summary = match Lang::current() {
        Lang::En => counted(listed.count, "principal"),
        Lang::Zh => format!("{} 个主体", listed.count),
    };
    printer.finish(Some(&summary))
}

async fn put(args: PutArgs) -> Result<(), CliError> {
    let lines = JsonLines::new(args.common.output)?;
    let refused = |error: &dyn std::fmt::Display| CliError::Refused(error.to_string());
    let stated = access::read_principals(&args.file).map_err(|error| refused(&error))?;
    let entries = stated.iter().map(message).collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(CliError::Refused)?;
    let mut client = Client::to(&args.common.server).await?;
    for entry in entries {
        let id = entry.id.clone();
        let request = pb::PutPrincipalRequest { principal: Some(entry) };
        let answer = client.access.put_principal(request).await?.into_inner();
        let generation = answer.policy_generation;
        match &lines {
            Some(lines) => lines.print("PutPrincipalResponse", &answer)?,
            None => print_line(&say!(
                en: "{id} is known, policy generation {generation}",
                zh: "{id} 已生效，策略第 {generation} 代"
            ))?,
        }
    }
    Ok(())
}

async fn delete(args: DeleteArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::DeletePrincipalRequest { id: args.id.clone() };
    let answer = client.access.delete_principal(request).await;
    let answer = answer.map_err(|status| match status.code() {
        Code::NotFound => {
            let (id, why) = (&args.id, status.message());
            CliError::Refused(say!(en: "{id}: {why}", zh: "{id}：没有此主体（{why}）"))
        }
        _ => status.into(),
    })?;
    let answer = answer.into_inner();
    print_message(args.common.output, "DeletePrincipalResponse", &answer, |answer| {
        let (id, generation) = (&args.id, answer.policy_generation);
        print_line(&say!(
            en: "{id} is removed, policy generation {generation}",
            zh: "{id} 已删除，策略第 {generation} 代"
        ))
    })
}

/// A principal of a file as a message. The server judges the values.
fn message(stated: &PrincipalText) -> Result<pb::PrincipalEntry, String> {
    let text = |value: &Option<toml::Spanned<String>>| {
        value.as_ref().map(|text| text.get_ref().clone()).unwrap_or_default()
    };
    let id = stated.id.get_ref();
    let digest = |key: &str, value: &Option<toml::Spanned<String>>| match value {
        None => Ok(Vec::new()),
        // The value is not repeated: somebody may have put the token itself there.
        Some(digits) => unhex(digits.get_ref()).map(Vec::from).ok_or_else(|| {
            say!(
                en: "{id}: {key}: not a SHA-256 of 64 hexadecimal digits",
                zh: "{id}：{key}：应为 64 位十六进制的 SHA-256"
            )
        }),
    };
    let role = |name: &toml::Spanned<String>| {
        let role = Role::from_name(name.get_ref());
        role.map(|role| role as i32).ok_or_else(|| {
            let name = name.get_ref();
            say!(en: "{id}: {name:?} is not a role", zh: "{id}：{name:?} 不是角色")
        })
    };
    let unseen = match text(&stated.unseen).as_str() {
        "" | "withheld" => pb::Unseen::Withheld,
        "hidden" => pb::Unseen::Hidden,
        other => {
            return Err(say!(
                en: "{id}: unseen {other:?}: neither withheld nor hidden",
                zh: "{id}：unseen {other:?}：应为 withheld 或 hidden"
            ));
        }
    };
    let rights = stated.right.iter().map(|stated| right(id, stated.get_ref()));
    let end = stated.token_expires.as_ref().map(|end| {
        let end = end.get_ref().to_string();
        let read: Result<jiff::Timestamp, _> = end.parse();
        read.map_err(|_| {
            say!(
                en: "{id}: token_expires {end}: an instant with its offset is needed",
                zh: "{id}：token_expires {end}：应为带时区的时刻"
            )
        })
    });
    let end = end.transpose()?;
    Ok(pb::PrincipalEntry {
        id: id.clone(),
        authority: text(&stated.authority),
        roles: stated.roles.iter().map(role).collect::<Result<_, _>>()?,
        rights: rights.collect::<Result<_, _>>()?,
        unseen: unseen.into(),
        certificate_uri: text(&stated.certificate),
        key_sha256: digest("key_sha256", &stated.key_sha256)?.into(),
        token_sha256: digest("token_sha256", &stated.token_sha256)?.into(),
        jwt_subject: text(&stated.jwt),
        token_expire_time: end.map(|end| crate::protocol::time::timestamp(end.as_microsecond())),
        managed_by: String::new(),
        jwt_issuer: text(&stated.jwt_issuer),
    })
}

fn right(id: &str, stated: &RightText) -> Result<pb::Right, String> {
    let action = match stated.action.get_ref().as_str() {
        "record" => pb::RightAction::Record,
        "approve" => pb::RightAction::Approve,
        "read" => pb::RightAction::Read,
        other => {
            return Err(say!(
                en: "{id}: action {other:?}: record, approve or read is needed",
                zh: "{id}：action {other:?}：应为 record、approve 或 read"
            ));
        }
    };
    let list = |values: &Option<Vec<toml::Spanned<String>>>| {
        values.iter().flatten().map(|value| value.get_ref().clone()).collect::<Vec<_>>()
    };
    let kind = |name: String| {
        let kind = Kind::from_name(&name).map(|kind| i32::from(kind.number()));
        kind.ok_or_else(
            || say!(en: "{id}: {name:?} is not a kind of event", zh: "{id}：{name:?} 不是事件类型"),
        )
    };
    Ok(pb::Right {
        action: action.into(),
        authorities: list(&stated.authorities),
        region: stated.region.as_ref().map(|region| region.get_ref().clone()).unwrap_or_default(),
        programmes: list(&stated.programmes),
        kinds: list(&stated.kinds).into_iter().map(kind).collect::<Result<_, _>>()?,
        own: stated.own,
    })
}

fn row(entry: &pb::PrincipalEntry) -> [Cell; 6] {
    let roles: Vec<_> = entry.roles().map(Worded::machine).collect();
    let rights: Vec<_> = entry.rights.iter().map(super::whoami::may).collect();
    let credentials = [
        (!entry.certificate_uri.is_empty()).then(|| entry.certificate_uri.clone()),
        (!entry.key_sha256.is_empty()).then(|| "key".to_owned()),
        (!entry.token_sha256.is_empty()).then(|| "token".to_owned()),
        (!entry.jwt_subject.is_empty()).then(|| format!("jwt {}", entry.jwt_subject)),
    ];
    let credentials: Vec<_> = credentials.into_iter().flatten().collect();
    [
        entry.id.as_str().into(),
        entry.authority.as_str().into(),
        Cell::of(roles.join(", "), human_list(entry.roles())),
        Cell::of(machine_rights(entry), rights.join("\n")),
        Cell::of(credentials.join(" "), credentials.join("\n")),
        entry.token_expire_time.as_ref().map(|end| instant(Some(end))).unwrap_or_default().into(),
    ]
}

/// The actions of its rights, for programs; the bounds are in the JSON.
fn machine_rights(entry: &pb::PrincipalEntry) -> String {
    let actions = entry.rights.iter().map(|right| right.action().machine());
    actions.collect::<Vec<_>>().join(", ")
}
