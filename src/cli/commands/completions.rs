//! `tidu completions` and `tidu man`: for shells and for man, made from the commands themselves.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use clap_complete::Shell;

use crate::{
    cli::{CliError, help, print::print_line},
    lang::say,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidu completions bash
  tidu completions zsh")]
pub(crate) struct CompletionsArgs {
    /// Shell to complete in
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The pages are in the language of --lang. A system finds them in the man1 directories of its MANPATH.

Example:
  tidu man --to .")]
pub(crate) struct ManArgs {
    /// Directory to write a page for each command to
    #[arg(long, value_name = "DIRECTORY")]
    to: PathBuf,
}

/// Writes the completions of a shell to standard output.
pub(super) fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    // The library ends the process when a reader of its output goes away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), "tidu", &mut script);
    let unwritable = |e| CliError::Io(say!(en: "cannot print", zh: "无法输出"), e);
    io::stdout().lock().write_all(&script).map_err(unwritable)
}

/// Writes a page for each command.
pub(super) fn man(args: &ManArgs) -> Result<(), CliError> {
    let unwritable = |path: &Path| {
        let path = path.display().to_string();
        move |e| CliError::Io(say!(en: "cannot write {path}", zh: "无法写入 {path}"), e)
    };
    clap_mangen::generate_to(help::command(), &args.to).map_err(unwritable(&args.to))?;
    let directory = args.to.display();
    print_line(&say!(en: "man pages are in {directory}", zh: "手册页已写入 {directory}"))
}
