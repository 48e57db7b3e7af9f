//! The command line: a client of the service, and the way to start one.
//!
//! The top floor. Commands talk to a server through the protocol's clients. Those that work on a
//! log, a backup or a copy without a server (`import`, `verify`, `backup`, `compact`, `diff`) use
//! the floors below for reading, hashing and checking. Only `import` and `compact` write a log: a
//! new one.

mod append;
mod args;
mod assignments;
mod batch_entries;
mod catalogues;
mod client;
mod commands;
mod contexts;
mod cursor_file;
mod designees;
mod destination;
mod error;
mod help;
pub mod history;
mod lists;
mod memory;
mod names;
mod operations;
mod paged;
mod print;
mod proposal_file;
mod repairs;
mod stop;
mod tables;
mod target;
mod throwaway;
mod usage;

use std::{env, ffi::OsString, io, panic::catch_unwind, process::ExitCode};

use clap::{FromArgMatches as _, Parser, ValueEnum, builder::PossibleValue};
use tokio::runtime::Runtime;

pub use self::commands::generate;
use self::{
    commands::Command,
    error::CliError,
    print::{eprint_error, eprint_json, eprint_line},
};
use crate::{
    files,
    lang::{Lang, io_cause, say},
    limits::STORE_THREADS_TRIED,
    server::telemetry,
    threads,
};

/// System of record for enterprise designations.
///
/// Authorities record events: a notice, a batch of designations, a review, a revocation, a
/// correction. Tidu keeps them in a durable log and streams them to subscribers.
#[derive(Debug, Parser)]
#[command(name = "tidu", version, after_help = AFTER_HELP)]
struct Cli {
    /// Language of what people read [default: that of the locale]
    #[arg(long, env = LANGUAGE, hide_env_values = true, value_enum, global = true,
        value_name = "LANGUAGE")]
    lang: Option<Lang>,
    #[command(subcommand)]
    command: Command,
}

/// The variable that names a language.
const LANGUAGE: &str = "TIDU_LANG";

impl ValueEnum for Lang {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::En, Self::Zh]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::En => PossibleValue::new("en").help("English"),
            Self::Zh => PossibleValue::new("zh").help("中文"),
        })
    }
}

/// The language that the arguments, the environment or the locale ask for. It must be known before
/// the arguments are parsed, because the help is in it. A word that names none is refused then.
fn language(arguments: &[OsString]) -> Lang {
    let words = || arguments.iter().map(|argument| argument.to_string_lossy());
    let apart = words().zip(words().skip(1)).find(|(flag, _)| flag == "--lang");
    let joined = words().find_map(|word| word.strip_prefix("--lang=").map(str::to_owned));
    let stated = joined.or_else(|| apart.map(|(_, word)| word.into_owned()));
    let variable = |name: &str| env::var(name).ok();
    let stated = stated.or_else(|| variable(LANGUAGE));
    stated.and_then(|word| Lang::named(&word)).unwrap_or_else(|| Lang::of_locale(variable))
}

/// A line fits into 80 columns, so that no terminal breaks a command.
const AFTER_HELP: &str = "\
First steps:
  tidu demo                   # the main job on real data, in a temporary server

  tidu serve                  # 127.0.0.1:50051, data in ./tidu-data; keeps running

  tidu generate --to list.csv                      # 9,271 made-up enterprises
  tidu record list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu list --as-of 2026-03-01 -n 5
  tidu count --by industry --as-of 2026-03-01
  tidu show 91440800YY0000001X --as-of 2026-03-01  # a code of the list

  tidu watch --programme specialised-sme           # keeps running

Exit codes: 0 success; 1 failure; 2 wrong usage; 3 refused, or not confirmed;
4 no server answers, try again; 6 a damaged copy; 7 another log or root;
8 a full disk; 9 a newer version; 10 another history, or an epoch that has
ended. `serve`, `doctor` and `mirror` have some of their own.";

/// Starts the runtime. `None` if that fails; the reason is printed.
///
/// tokio panics without a descriptor for its signal pipe; the panic itself prints the cause.
/// Without a thread for each worker it would wait for ever.
fn runtime() -> Option<Runtime> {
    let build = || {
        threads::require(STORE_THREADS_TRIED)?;
        tokio::runtime::Builder::new_multi_thread().enable_all().build()
    };
    let why = match catch_unwind(build) {
        Ok(Ok(runtime)) => return Some(runtime),
        Ok(Err(error)) => io_cause(&error),
        Err(_) => {
            say!(en: "the runtime found no file descriptor", zh: "没有可用的文件描述符")
        }
    };
    eprint_line(&say!(en: "tidu: cannot start: {why}", zh: "tidu：无法启动：{why}"));
    None
}

/// True if the arguments ask for JSON: then errors are JSON, too, and in English.
fn is_for_programs(arguments: &[OsString]) -> bool {
    let words = || arguments.iter().map(|argument| argument.to_string_lossy());
    let is_json = |word: &str| matches!(word, "json" | "plain-json");
    let is_flag = |word: &str| matches!(word, "-o" | "--output");
    let joined = |word: &str| {
        let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"));
        value.is_some_and(|value| is_json(value.trim_start_matches('=')))
    };
    let apart = words().zip(words().skip(1)).any(|(flag, word)| is_flag(&flag) && is_json(&word));
    apart || words().any(|word| joined(&word))
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().collect();
    let for_programs = is_for_programs(&arguments);
    if for_programs { Lang::En } else { language(&arguments) }.set();
    let parsed = help::command().try_get_matches_from(arguments);
    let command = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Cli { command, .. }) => command,
        Err(error) if error.use_stderr() => {
            usage::print(error, for_programs);
            return usage::EXIT_USAGE.into();
        }
        Err(help) => help.exit(),
    };
    // Not for `watch`, whose commands make files of their own, nor for pages that all may read.
    if !matches!(command, Command::Watch(_) | Command::Man(_)) {
        files::make_private();
    }
    let Some(runtime) = runtime() else { return ExitCode::FAILURE };
    // A server starts its log lines once it knows its settings.
    if !matches!(command, Command::Serve(_)) {
        telemetry::start();
    }
    let outcome = runtime.block_on(commands::run(command));
    // A blocked read of standard input must not delay the exit.
    runtime.shutdown_background();
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe closed it because it had enough.
        Err(CliError::Io(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(CliError::Findings(code)) => code.into(),
        Err(error) => {
            if for_programs {
                eprint_json(&error.json());
            } else {
                eprint_error(&error, "");
            }
            error.exit_code().into()
        }
    };
    telemetry::finish();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_tell_whether_a_program_reads_the_output() {
        for (line, for_programs) in [
            ("list -o json", true),
            ("list -ojson", true),
            ("list --output plain-json", true),
            ("list --output=json", true),
            ("list -o=plain-json", true),
            ("list -o csv", false),
            ("list --output human", false),
            ("show json", false),
            ("list -o", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            assert_eq!(is_for_programs(&words), for_programs, "{line}");
        }
    }
}
