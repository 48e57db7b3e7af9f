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
        print::{Printer, eprint_line, instant, print_line, word},
    },
    domain::{
        access::Role,
        catalogue::{Catalogue, Catalogues},
        kind::Kind,
        text::counted,
    },
    files,
    limits::CATALOGUE_BYTES_MAX,
    protocol::pb,
    service::principal_message,
};

const HEADER: [&str; 6] = ["id", "authority", "roles", "rights", "credential", "until"];

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
                CliError::Refused(format!("{}: {error}", path.display()))
            };
            let text = files::read_text(path, CATALOGUE_BYTES_MAX).map_err(|e| named(&e))?;
            Catalogues::new(Arc::new(Catalogue::parse(&text).map_err(|e| named(&e))?))
        }
    };
    let checked = access::check_files(&args.path, &catalogues).map_err(|error| {
        let faults: Vec<_> = error.faults.iter().map(ToString::to_string).collect();
        let more =
            Some(error.more).filter(|more| *more > 0).map(|more| format!("\nand {more} more"));
        CliError::Refused(format!("{}{}", faults.join("\n"), more.unwrap_or_default()))
    })?;
    for warning in &checked.warnings {
        eprint_line(&format!("warning: {warning}"));
    }
    let mut printer = Printer::new(args.output, HEADER)?;
    for entry in &checked.entries {
        printer.add("PrincipalEntry", &principal_message(entry, &catalogues), row)?;
    }
    let warnings = counted(checked.warnings.len(), "warning");
    let summary = format!("{}, {warnings}", counted(checked.entries.len(), "principal"));
    printer.finish(Some(&summary))
}

async fn list(args: ListArgs) -> Result<(), CliError> {
    let client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADER)?;
    let fetch = async |page_size: i32, page_token: String| {
        let request = pb::ListPrincipalsRequest { page_size, page_token };
        let answer = client.access.clone().list_principals(request).await?.into_inner();
        Ok((answer.principals, answer.next_page_token))
    };
    let add = |entry: &pb::PrincipalEntry| printer.add("PrincipalEntry", entry, row);
    let listed = paged(usize::MAX, fetch, add).await?;
    printer.finish(Some(&counted(listed.count, "principal")))
}

async fn put(args: PutArgs) -> Result<(), CliError> {
    let refused = |error: &dyn std::fmt::Display| CliError::Refused(error.to_string());
    let stated = access::read_principals(&args.file).map_err(|error| refused(&error))?;
    let entries = stated.iter().map(message).collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(CliError::Refused)?;
    let mut client = Client::to(&args.common.server).await?;
    for entry in entries {
        let id = entry.id.clone();
        let request = pb::PutPrincipalRequest { principal: Some(entry) };
        let answer = client.access.put_principal(request).await?.into_inner();
        print_line(&format!("{id} is known, policy generation {}", answer.policy_generation))?;
    }
    Ok(())
}

async fn delete(args: DeleteArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::DeletePrincipalRequest { id: args.id.clone() };
    let answer = client.access.delete_principal(request).await;
    let answer = answer.map_err(|status| match status.code() {
        Code::NotFound => CliError::Refused(format!("{}: {}", args.id, status.message())),
        _ => status.into(),
    })?;
    let generation = answer.into_inner().policy_generation;
    print_line(&format!("{} is removed, policy generation {generation}", args.id))
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
        Some(digits) => access::unhex(digits.get_ref())
            .map(Vec::from)
            .ok_or_else(|| format!("{id}: {key}: not a SHA-256 of 64 hexadecimal digits")),
    };
    let role = |name: &toml::Spanned<String>| {
        let role = Role::from_name(name.get_ref());
        role.map(|role| role as i32)
            .ok_or_else(|| format!("{id}: {:?} is not a role", name.get_ref()))
    };
    let unseen = match text(&stated.unseen).as_str() {
        "" | "withheld" => pb::Unseen::Withheld,
        "hidden" => pb::Unseen::Hidden,
        other => return Err(format!("{id}: unseen {other:?}: neither withheld nor hidden")),
    };
    let rights = stated.right.iter().map(|stated| right(id, stated.get_ref()));
    let end = stated.token_expires.as_ref().map(|end| {
        let end = end.get_ref().to_string();
        let read: Result<jiff::Timestamp, _> = end.parse();
        read.map_err(|_| format!("{id}: token_expires {end}: an instant with its offset is needed"))
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
        other => return Err(format!("{id}: action {other:?}: record, approve or read is needed")),
    };
    let list = |values: &Option<Vec<toml::Spanned<String>>>| {
        values.iter().flatten().map(|value| value.get_ref().clone()).collect::<Vec<_>>()
    };
    let kind = |name: String| {
        let kind = Kind::from_name(&name).map(|kind| i32::from(kind.number()));
        kind.ok_or_else(|| format!("{id}: {name:?} is not a kind of event"))
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

fn row(entry: &pb::PrincipalEntry) -> [String; 6] {
    let roles = entry.roles().map(|role| word(role.as_str_name(), "ROLE_"));
    let rights: Vec<_> = entry.rights.iter().map(super::whoami::may).collect();
    let credentials = [
        (!entry.certificate_uri.is_empty()).then(|| entry.certificate_uri.clone()),
        (!entry.key_sha256.is_empty()).then(|| "key".to_owned()),
        (!entry.token_sha256.is_empty()).then(|| "token".to_owned()),
        (!entry.jwt_subject.is_empty()).then(|| format!("jwt {}", entry.jwt_subject)),
    ];
    [
        entry.id.clone(),
        entry.authority.clone(),
        roles.collect::<Vec<_>>().join(", "),
        rights.join("\n"),
        credentials.into_iter().flatten().collect::<Vec<_>>().join("\n"),
        entry.token_expire_time.as_ref().map(|end| instant(Some(end))).unwrap_or_default(),
    ]
}
