//! `tidu context`: servers with the credentials for them, by name.

use std::path::{self, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    cli::{
        CliError,
        args::{Output, ServerAddresses},
        contexts::{Context, Contexts},
        print::{Cell, Heading, Printer, Tone, print_line},
        target::Target,
    },
    lang::{say, word},
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
    /// Server: https://HOST:PORT, or http://HOST:PORT in plaintext; several nodes of one log with
    /// commas between them
    #[arg(long, value_name = "URL")]
    server: ServerAddresses,
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
            print_line(&say!(
                en: "using {name}: {server}", zh: "正在使用 {name}：{server}"
            ))
        }
        Action::Remove(NameArgs { name }) => {
            let was_in_use = Contexts::change(|contexts| contexts.remove(&name))?;
            print_line(&match was_in_use {
                true => say!(
                    en: "removed {name}; no context is in use now",
                    zh: "已删除 {name}；目前没有使用中的上下文"
                ),
                false => say!(en: "removed {name}", zh: "已删除 {name}"),
            })
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
        let text = word!(
            en: "--server: the form is https://HOST:PORT",
            zh: "--server：格式为 https://主机:端口"
        );
        return Err(CliError::Message(text.to_owned()));
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
    print_line(&match is_in_use {
        true => say!(en: "added {name}, which is in use", zh: "已添加 {name}，正在使用"),
        false => say!(
            en: "added {name}; use it: tidu context use {name}",
            zh: "已添加 {name}；使用它：tidu context use {name}"
        ),
    })
}

const HEADINGS: [Heading; 6] = [
    Heading::new("current", "in use", "使用中"),
    Heading::new("name", "name", "名称"),
    Heading::new("server", "server", "服务器"),
    Heading::new("tls_ca", "CAs", "CA").drops(3),
    Heading::new("tls_cert", "certificate", "证书").drops(2),
    Heading::new("token_file", "token", "令牌").drops(1),
];

fn list(output: Output) -> Result<(), CliError> {
    let contexts = Contexts::read()?;
    let mut printer = Printer::new(output, HEADINGS)?;
    let mut count = 0;
    for (name, context, current) in contexts.all() {
        let line = serde_json::to_string(&Line { name, current, context })
            .map_err(|error| CliError::Message(error.to_string()))?;
        printer.add_line(&line, || row(name, context, current))?;
        count += 1;
    }
    if count == 0 && output.is_human() {
        return print_line(word!(
            en: "there are no contexts; tidu context add NAME --server URL adds one",
            zh: "没有上下文；请用 tidu context add 名称 --server 地址 添加"
        ));
    }
    printer.finish(None)
}

fn row(name: &str, context: &Context, is_current: bool) -> [Cell; 6] {
    let shown = |path: &Option<PathBuf>| {
        path.as_ref().map_or_else(String::new, |path| path.display().to_string())
    };
    let mark = if is_current { "*" } else { "" };
    [
        Cell::of(is_current.to_string(), mark).tone(Tone::Good),
        name.into(),
        context.server.to_string().into(),
        shown(&context.tls_ca).into(),
        shown(&context.tls_cert).into(),
        shown(&context.token_file).into(),
    ]
}
