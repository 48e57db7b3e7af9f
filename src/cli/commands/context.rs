//! `tidu context`: servers with the credentials for them, by name.

use std::path::{self, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::{
    CliError,
    args::{Output, ServerAddress},
    contexts::{Context, Contexts},
    print::{print_json, print_line, print_table, table},
    target::Target,
};

#[derive(Debug, Args)]
#[command(after_help = "\
The contexts are in $XDG_CONFIG_HOME/tidu/contexts.toml (or ~/.config/tidu), which only you can
read. It holds paths, never a key or a token. Every command takes a value from its flags, else from
the environment, else from the context, else from its defaults.

--context NAME or TIDU_CONTEXT selects a context. Otherwise the one in use counts, and only for its
own server: with --server and another address, nothing of it is sent there.

Examples:
  tidu dev-certs
  tidu context add province --server https://localhost:50051 \\
    --tls-ca tidu-dev/ca.pem --tls-cert tidu-dev/guangdong.reader.pem \\
    --tls-key tidu-dev/guangdong.reader.key
  tidu context list
  tidu context use province
  tidu whoami
  tidu context remove province")]
pub(crate) struct ContextArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a context; the first one is in use from then on
    Add(AddArgs),
    /// List the contexts
    List(ListArgs),
    /// Use a context from now on
    Use(NameArgs),
    /// Remove a context; its files stay
    Remove(NameArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Its name
    name: String,
    /// Server: https://HOST:PORT, or http://HOST:PORT in plaintext
    #[arg(long, value_name = "URL")]
    server: ServerAddress,
    /// CAs that may have signed the server's certificate, in PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Client certificate with its chain, in PEM; may hold its key as well
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Key of the client certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// File with a token or a JSON Web Token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Replace the context of this name
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

#[derive(Debug, Args)]
struct NameArgs {
    /// Its name
    name: String,
}

/// A context as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    current: bool,
    #[serde(flatten)]
    context: &'a Context,
}

pub(super) fn run(args: ContextArgs) -> Result<(), CliError> {
    match args.action {
        Action::Add(args) => add(args),
        Action::List(args) => list(args.output),
        Action::Use(NameArgs { name }) => {
            let server = Contexts::change(|contexts| contexts.switch(&name))?;
            print_line(&format!("using {name}: {server}"))
        }
        Action::Remove(NameArgs { name }) => {
            let was_in_use = Contexts::change(|contexts| contexts.remove(&name))?;
            let now = if was_in_use { "; no context is in use now" } else { "" };
            print_line(&format!("removed {name}{now}"))
        }
    }
}

/// Adds a context whose files can be used. Its paths do not depend on the directory of a command.
fn add(args: AddArgs) -> Result<(), CliError> {
    let absolute = |file: Option<PathBuf>| {
        let made = |path: PathBuf| {
            let name = path.display().to_string();
            path::absolute(path).map_err(|error| CliError::Io(name, error))
        };
        file.map(made).transpose()
    };
    if args.server.is_empty() {
        return Err(CliError::Message("--server: the form is https://HOST:PORT".to_owned()));
    }
    let context = Context {
        server: args.server,
        tls_ca: absolute(args.tls_ca)?,
        tls_cert: absolute(args.tls_cert)?,
        tls_key: absolute(args.tls_key)?,
        token_file: absolute(args.token_file)?,
    };
    Target::of(context.clone())?.require_usable()?;
    let (name, replace) = (args.name, args.replace);
    let is_in_use = Contexts::change(|contexts| contexts.add(&name, context, replace))?;
    let use_it = format!("; use it: tidu context use {name}");
    let next = if is_in_use { ", which is in use" } else { use_it.as_str() };
    print_line(&format!("added {name}{next}"))
}

fn list(output: Output) -> Result<(), CliError> {
    let contexts = Contexts::read()?;
    if !output.is_human() {
        let line = |name, context, current| serde_json::to_string(&Line { name, current, context });
        return contexts.all().try_for_each(|(name, context, current)| {
            let line = line(name, context, current);
            print_json(&line.map_err(|error| CliError::Message(error.to_string()))?)
        });
    }
    let mut rows = table(["in use", "name", "server", "CAs", "certificate", "token"]);
    let mut count = 0;
    for (name, context, is_current) in contexts.all() {
        let shown = |path: &Option<PathBuf>| {
            path.as_ref().map_or_else(String::new, |path| path.display().to_string())
        };
        rows.add_row([
            if is_current { "*" } else { "" }.to_owned(),
            name.to_owned(),
            context.server.to_string(),
            shown(&context.tls_ca),
            shown(&context.tls_cert),
            shown(&context.token_file),
        ]);
        count += 1;
    }
    if count == 0 {
        return print_line("there are no contexts; tidu context add NAME --server URL adds one");
    }
    print_table(&rows)
}
