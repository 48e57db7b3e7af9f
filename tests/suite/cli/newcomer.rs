//! A newcomer copies commands from the READMEs, the docs, `tidu demo` and `--help`. All of them run
//! as they are printed, in their order, in a fresh directory.
//!
//! A command that cannot run here is marked in the Markdown, just above its block, with a reason:
//! `<!-- not run: needs grpcurl -->`. A command that keeps running stays alone in its block; it is
//! started in the background and ended by its process id.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::{TIDU, directory};

const PATIENCE: Duration = Duration::from_secs(120);
const MARK: &str = "<!-- not run:";

/// A fenced block of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    /// The line of its first command, from 1.
    line: usize,
    text: String,
    /// The reason why it is not run here.
    not_run: Option<String>,
}

/// The blocks of commands in a Markdown text. Fails on a mark without a reason or a block.
fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut mark: Option<String> = None;
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if let Some(rest) = line.trim().strip_prefix(MARK) {
            let reason = rest.trim_end().strip_suffix("-->").unwrap_or_default().trim();
            if reason.is_empty() {
                return Err(format!("line {number}: the mark gives no reason"));
            }
            mark = Some(reason.to_owned());
            continue;
        }
        if let Some(language) = line.trim().strip_prefix("```") {
            let is_shell = ["sh", "bash", "shell", "console"].contains(&language.trim());
            let body: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .map(|line| line.strip_prefix("$ ").unwrap_or(line))
                .collect();
            if is_shell {
                let (line, not_run) = (number + 1, mark.take());
                blocks.push(Block { line, text: body.join("\n"), not_run });
            }
        }
        if mark.is_some() && !line.trim().is_empty() {
            return Err(format!("line {number}: the mark above has no block of commands"));
        }
    }
    if mark.is_some() {
        Err("the last mark has no block of commands".to_owned())
    } else {
        Ok(blocks)
    }
}

/// The commands that a text for terminals shows: lines that begin with two spaces and `tidu `, with
/// the lines that continue them. An empty line between two ends a block.
fn shown_blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut goes_on, mut continued) = (false, false);
    for (line, text) in (1..).zip(text.lines()) {
        let is_command = text.starts_with("  tidu ") || text.trim() == "tidu serve";
        if !is_command && !continued {
            goes_on = false;
            continue;
        }
        continued = text.ends_with('\\');
        match blocks.last_mut().filter(|_| goes_on) {
            Some(block) => block.text = format!("{}\n{text}", block.text),
            None => blocks.push(Block { line, text: text.to_owned(), not_run: None }),
        }
        goes_on = true;
    }
    blocks
}

/// The commands of a block without comments and without spaces that do not matter.
fn commands(block: &Block) -> Vec<String> {
    let joined = block.text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.map(words).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// True for a command that ends only when it is told to.
fn keeps_running(command: &str) -> bool {
    let follows = command.starts_with("tidu watch") && !command.contains(" --until");
    command.starts_with("tidu serve") || command.starts_with("tidu demo --keep") || follows
}

/// A terminal in a fresh directory, with `tidu` on its path.
struct Terminal {
    dir: TempDir,
    path: String,
    server: Option<String>,
    /// What keeps running, each with the command that started it.
    running: Vec<(String, Running)>,
}

/// A process with all that it started; ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It leads a group of its own, so a shell's children end too.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

impl Terminal {
    fn open() -> Self {
        let dir = directory();
        let bin = dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        symlink(TIDU, bin.join("tidu")).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        Self { dir, path, server: None, running: Vec::new() }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Puts files of the repository there, as in a clone.
    fn clone_of(self, names: &[&str]) -> Self {
        for name in names {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            symlink(from, self.work().join(name)).unwrap();
        }
        self
    }

    fn shell(&self, script: &str) -> Command {
        // The server of a test listens on a port of its own.
        let server = self.server.as_deref().unwrap_or("http://127.0.0.1:50051");
        let script = script.replace("http://127.0.0.1:50051", server);
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &script]).current_dir(self.work());
        command.env("PATH", &self.path).env("TIDU_LISTEN", "127.0.0.1:0").env_remove("TIDU_SERVER");
        command.env("TIDU_OPERATIONS_LISTEN", "127.0.0.1:0");
        command.env("XDG_CONFIG_HOME", self.work());
        if let Some(server) = &self.server {
            command.env("TIDU_SERVER", server);
        }
        command
    }

    /// Runs blocks in their order; `place` names them in errors.
    fn run(&mut self, place: &str, blocks: &[Block]) {
        for block in blocks.iter().filter(|block| block.not_run.is_none()) {
            let place = format!("{place}, line {}", block.line);
            let commands = commands(block);
            assert!(!commands.is_empty(), "{place}: the block has no command");
            match commands.iter().find(|command| keeps_running(command)) {
                None => self.finish(&place, &block.text),
                Some(command) => {
                    assert_eq!(commands.len(), 1, "{place}: nothing runs after {command:?}");
                    self.start(&place, command, &block.text);
                }
            }
        }
        for (command, running) in &mut self.running {
            let ended = running.0.try_wait().unwrap();
            assert_eq!(ended, None, "{place}: {command:?} ended by itself");
        }
    }

    /// Runs a block that ends by itself.
    fn finish(&self, place: &str, script: &str) {
        let output = self.shell(script).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{place}: {}\n{script}\n{said}{complained}",
            output.status
        );
    }

    /// Starts a block that keeps running, and waits for its first line.
    fn start(&mut self, place: &str, command: &str, script: &str) {
        let mut child = self
            .shell(script)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let first = first_line(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        let is_server = command.starts_with("tidu serve");
        self.running.push((command.to_owned(), Running(child)));
        // A follower may have nothing to tell before the next commands record something.
        if !is_server {
            return;
        }
        let line = first.recv_timeout(PATIENCE).unwrap_or_default();
        let address = line.split_whitespace().find(|word| word.starts_with("http"));
        let Some(address) = address else {
            let why: Vec<_> = BufReader::new(stderr).lines().map_while(Result::ok).collect();
            panic!("{place}: the server did not start: {line}{}", why.join("\n"));
        };
        self.server = Some(address.to_owned());
    }
}

/// Sends the first line of a pipe, and reads the rest so that its writer is not held up.
fn first_line(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The blocks of a page, which must have some.
fn page(path: &str) -> Vec<Block> {
    blocks(&read(path)).unwrap_or_else(|why| panic!("{path}, {why}"))
}

fn run_page(path: &str) {
    let blocks = page(path);
    assert!(!blocks.is_empty(), "{path} has no commands");
    Terminal::open().clone_of(&["examples", "proto", "docs"]).run(path, &blocks);
}

#[test]
fn the_commands_of_the_readme_run() {
    run_page("README.md");
}

#[test]
fn the_commands_of_the_chinese_readme_run() {
    run_page("README.zh-CN.md");
}

#[test]
fn the_commands_of_the_examples_run() {
    run_page("examples/README.md");
}

#[test]
fn the_commands_of_the_docs_run() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut names: Vec<_> = fs::read_dir(docs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // A page in Chinese has the same commands, which another test checks.
        .filter(|name| name.ends_with(".md") && !name.ends_with(".zh-CN.md"))
        // Its commands need an incident; tests/runbooks/run.sh makes each.
        .filter(|name| name != "runbooks.md")
        .collect();
    names.sort();
    let with_commands: Vec<_> = names
        .iter()
        .map(|name| format!("docs/{name}"))
        .filter(|path| !page(path).is_empty())
        .collect();
    assert!(with_commands.iter().any(|path| path.ends_with("backup.md")), "{with_commands:?}");
    with_commands.iter().for_each(|path| run_page(path));
}

#[test]
fn both_readmes_show_the_same_commands() {
    let all = |path: &str| -> Vec<_> {
        let shown = |block: &Block| (commands(block), block.not_run.is_some());
        page(path).iter().map(shown).collect()
    };
    assert_eq!(all("README.md"), all("README.zh-CN.md"));
}

#[test]
fn the_commands_that_the_demo_prints_run() {
    let mut terminal = Terminal::open();
    let demo = terminal.shell("tidu demo").output().unwrap();
    assert!(demo.status.success(), "{demo:?}");
    let blocks = shown_blocks(&String::from_utf8(demo.stdout).unwrap());
    let all: Vec<_> = blocks.iter().flat_map(commands).collect();
    for expected in ["tidu serve", "tidu watch", "tidu record", "tidu show", "tidu explain"] {
        assert!(all.iter().any(|command| command.starts_with(expected)), "{expected}: {all:?}");
    }
    terminal.run("tidu demo", &blocks);
}

/// The `--help` of a command on a terminal of 80 columns.
fn help(command: &[&str]) -> String {
    let mut tidu = Command::new(TIDU);
    let output = tidu.args(command).arg("--help").env("COLUMNS", "80").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_commands_of_every_help_run() {
    let main = help(&[]);
    let listed = main.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.len() > 20 && names.contains(&"record"), "{names:?}");
    let first_steps = shown_blocks(&main);
    assert!(first_steps.iter().flat_map(commands).count() > 6, "{first_steps:?}");
    Terminal::open().run("tidu --help", &first_steps);
    let mut run = 0;
    for name in names {
        let blocks = shown_blocks(&help(&[name]));
        if !blocks.is_empty() {
            run += 1;
            let mut terminal = Terminal::open();
            // These texts take a running server for granted.
            terminal.start(name, "tidu serve", "tidu serve");
            terminal.run(&format!("tidu {name} --help"), &blocks);
        }
    }
    assert!(run > 0, "no help shows a command");
}

#[test]
fn blocks_and_marks_are_read_as_described() {
    let text = "a\n```sh\nx  # c\ny \\\n  z\n```\n<!-- not run: needs x -->\n```console\n\
                $ w\n```\n```rust\nq\n```";
    let found = blocks(text).unwrap();
    let all: Vec<_> = found.iter().flat_map(commands).collect();
    assert_eq!(all, ["x", "y z", "w"]);
    assert_eq!((found[0].line, found[1].not_run.as_deref()), (3, Some("needs x")));
    for wrong in [
        "<!-- not run: -->\n```sh\nx\n```",
        "<!-- not run: reason -->\ntext\n```sh\nx\n```",
        "<!-- not run: reason -->\n```json\n1\n```",
        "<!-- not run: reason -->",
    ] {
        blocks(wrong).unwrap_err();
    }
    let shown = shown_blocks("Steps:\n  tidu a \\\n    --b\n  tidu c\n\n  tidu serve\n  --flag\n");
    let shown: Vec<_> = shown.iter().map(commands).collect();
    assert_eq!(shown, [vec!["tidu a --b", "tidu c"], vec!["tidu serve"]]);
}

#[test]
fn a_command_that_fails_or_blocks_its_block_is_noticed() {
    let run = |text: &str| {
        let blocks = [Block { line: 1, text: text.to_owned(), not_run: None }];
        let run = move || Terminal::open().run("here", &blocks);
        thread::spawn(run).join().map_err(|panic| *panic.downcast::<String>().unwrap())
    };
    for (text, why) in [
        ("tidu show 瑞普(天津)", "here, line 1"),
        ("tidu nonsense\ntrue", "exit status: 2"),
        ("tidu serve\ntidu status", "nothing runs after"),
        ("# nothing", "no command"),
    ] {
        let said = run(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
    run("tidu config > tidu.toml\ntest -s tidu.toml").unwrap();
}
