//! The help in the language of its reader.
//!
//! The English texts stand beside the arguments that they explain. The Chinese ones are in
//! `zh.txt`, each below the English text that it says again: an English text that changes has no
//! Chinese one any more, and a test fails.

mod table;

use clap::{Arg, ArgAction, Command, CommandFactory as _, builder::StyledStr};
use textwrap::{Options, WordSplitter};

use self::table::Texts;
use super::{Cli, print::columns_of_terminal};
use crate::lang::Lang;

/// Columns of a help where no terminal tells.
const COLUMNS: usize = 80;
/// Columns beyond which a line is hard to read.
const COLUMNS_MAX: usize = 100;
/// Columns by which clap indents the help of an argument.
const INDENT: usize = 10;
/// A Chinese help: as clap arranges an English one.
const TEMPLATE: &str = "\
{before-help}{about-with-newline}
用法：{usage}

{all-args}{after-help}";

/// The command line with the help in the language of the process.
pub(super) fn command() -> Command {
    let command = flowing(Cli::command().max_term_width(COLUMNS_MAX));
    match Lang::current() {
        Lang::En => command,
        Lang::Zh => {
            let mut command = command;
            command.build();
            chinese(command, &Texts::read())
        }
    }
}

/// The command with texts whose paragraphs flow: their lines in the source are as long as those of
/// the source, and a terminal would break them once more.
fn flowing(mut command: Command) -> Command {
    if let Some(text) = command.get_after_help().map(ToString::to_string) {
        command = command.after_help(paragraphs(&text));
    }
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, flowing))
}

/// The text with each paragraph in one line. Lines that are indented are commands, and stay.
fn paragraphs(text: &str) -> String {
    let mut flowing = String::with_capacity(text.len());
    let mut flows = false;
    for line in text.lines() {
        let is_prose = !line.is_empty() && !line.starts_with(' ');
        match flowing.is_empty() {
            true => {}
            false if flows && is_prose => flowing.push(' '),
            false => flowing.push('\n'),
        }
        flowing.push_str(line);
        flows = is_prose;
    }
    flowing
}

/// The command and those below it in Chinese.
fn chinese(mut command: Command, texts: &Texts) -> Command {
    let columns = columns_of_terminal().unwrap_or(COLUMNS).min(COLUMNS_MAX);
    let has_commands = command.has_subcommands();
    let said = |text: Option<&StyledStr>| text.map(|text| texts.chinese(&text.to_string()));
    command = command
        .help_template(TEMPLATE)
        // A list of commands is read line by line, an argument by itself.
        .next_line_help(!has_commands)
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令");
    if let Some(about) = said(command.get_about()) {
        command = command.about(about);
    }
    if let Some(about) = said(command.get_long_about()) {
        command = command.long_about(wrapped(&about, columns));
    }
    if let Some(help) = said(command.get_after_help()) {
        command = command.after_help(wrapped(&help, columns));
    }
    command = command.mut_args(|argument| argument_in_chinese(argument, texts, columns));
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |below| chinese(below, texts)))
}

fn argument_in_chinese(argument: Arg, texts: &Texts, columns: usize) -> Arg {
    let mut help = match argument.get_action() {
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong => "显示帮助".to_owned(),
        ArgAction::Version => "显示版本".to_owned(),
        _ => {
            let english = argument.get_help().map_or_else(String::new, ToString::to_string);
            texts.chinese(&english)
        }
    };
    let takes_values = argument.get_action().takes_values();
    if takes_values && !argument.is_hide_default_value_set() {
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        let defaults = defaults.collect::<Vec<_>>().join(" ");
        if !defaults.is_empty() {
            help.push_str(&format!(" [默认：{defaults}]"));
        }
    }
    if takes_values && !argument.is_hide_possible_values_set() {
        let values = argument.get_possible_values();
        let shown: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).collect();
        let lines = shown.iter().map(|value| {
            let meaning = value.get_help().map(|text| texts.chinese(&text.to_string()));
            let meaning = meaning.map_or_else(String::new, |meaning| format!("：{meaning}"));
            format!("\n- {}{meaning}", value.get_name())
        });
        help.extend(lines);
    }
    let heading = match argument.get_help_heading() {
        Some(_) => "连接",
        None if argument.is_positional() => "参数",
        None => "选项",
    };
    let help = wrapped(&help, columns.saturating_sub(INDENT));
    argument
        .help(help.clone())
        .long_help(help)
        .help_heading(heading)
        .hide_default_value(true)
        .hide_possible_values(true)
        .hide_env(true)
}

/// The text in lines of at most as many columns. Chinese may break between any two characters,
/// which clap does not know. Lines that are indented are commands, and stay.
fn wrapped(text: &str, columns: usize) -> String {
    let options = Options::new(columns.max(INDENT)).word_splitter(WordSplitter::NoHyphenation);
    let lines = text.lines().map(|line| match line.starts_with(' ') {
        true => line.to_owned(),
        false => textwrap::fill(line, &options),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every text of a command and of those below it.
    fn texts_of(command: &Command, texts: &mut BTreeSet<String>) {
        let own = [command.get_about(), command.get_long_about(), command.get_after_help()];
        texts.extend(own.into_iter().flatten().map(ToString::to_string));
        for argument in command.get_arguments() {
            // The library has its own texts for these.
            if !matches!(argument.get_action(), ArgAction::Help | ArgAction::Version) {
                texts.extend(argument.get_help().map(ToString::to_string));
            }
            if argument.get_action().takes_values() && !argument.is_hide_possible_values_set() {
                let values = argument.get_possible_values();
                let shown = values.iter().filter(|value| !value.is_hide_set());
                texts.extend(shown.filter_map(|value| value.get_help()).map(ToString::to_string));
            }
        }
        command.get_subcommands().for_each(|below| texts_of(below, texts));
    }

    fn english() -> BTreeSet<String> {
        let mut command = flowing(Cli::command());
        command.build();
        let mut texts = BTreeSet::new();
        texts_of(&command, &mut texts);
        texts.remove("");
        texts
    }

    #[test]
    fn every_text_of_the_help_has_a_chinese_one() {
        let texts = Texts::read();
        let missing: Vec<_> =
            english().into_iter().filter(|text| texts.find(text).is_none()).collect();
        assert!(missing.is_empty(), "add to src/cli/help/zh.txt:\n{}", missing.join("\n===\n"));
    }

    #[test]
    fn no_chinese_text_is_left_over() {
        let english = english();
        let over: Vec<_> =
            Texts::read().english().filter(|text| !english.contains(*text)).collect();
        assert!(over.is_empty(), "no help says this any more:\n{}", over.join("\n===\n"));
    }

    #[test]
    fn both_languages_show_the_same_commands() {
        let texts = Texts::read();
        for english in english() {
            let commands = |text: &str| {
                let lines = text.lines().filter(|line| line.starts_with("  "));
                let without_note = lines.map(|line| line.split("  #").next().unwrap_or_default());
                without_note.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
            };
            let chinese = texts.find(&english).unwrap_or_default();
            assert_eq!(commands(chinese), commands(&english));
        }
    }

    #[test]
    fn a_paragraph_flows_and_a_command_stays() {
        let text = "One\ntwo.\n\nExamples:\n  tidu a\n  tidu b\nThree\nfour";
        assert_eq!(paragraphs(text), "One two.\n\nExamples:\n  tidu a\n  tidu b\nThree four");
    }

    #[test]
    fn a_chinese_line_is_as_wide_as_the_terminal() {
        use unicode_width::UnicodeWidthStr as _;
        let text = "日志".repeat(60);
        let lines = wrapped(&text, 40);
        assert!(lines.lines().all(|line| line.width() <= 40), "{lines}");
        assert_eq!(lines.replace('\n', ""), text);
    }
}
