//! What the machine allows a server: file descriptors and tasks.

use std::{num::NonZeroUsize, path::Path};

use rustix::process::{Resource, Rlimit, getrlimit};

use super::finding::{Finding, word};
use crate::{
    files,
    lang::{say, word as said},
    limits::{CONNECTIONS_MAX, DESCRIPTORS_BESIDE_CONNECTIONS, DOCTOR_TASKS, DOCTOR_TASKS_MIN},
};

/// Most bytes of a file of /proc that is read.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The limits of one process: of the server that runs, or else of this one, which a server that is
/// started from here would have.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// The server's process id.
    pub(super) server: Option<u32>,
    /// Most open files, as it is and as far as the process may raise it. `None`: no limit.
    pub(super) descriptors: (Option<u64>, Option<u64>),
    /// Most tasks of its user, and of its control group.
    pub(super) tasks: Option<u64>,
    pub(super) group: Option<Group>,
}

/// A control group with a limit of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) tasks_max: u64,
    pub(super) tasks: u64,
}

pub(super) fn look(server: Option<u32>) -> Machine {
    let process = server.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let limits = server.and_then(|_| read(&format!("/proc/{process}/limits")));
    let limits = limits.as_deref();
    let own = |resource| {
        let Rlimit { current, maximum } = getrlimit(resource);
        (current, maximum)
    };
    let of =
        |row: &str, resource| limits.and_then(|text| limit(text, row)).unwrap_or(own(resource));
    let group = read(&format!("/proc/{process}/cgroup")).and_then(|text| group(&text));
    Machine {
        server: server.filter(|_| limits.is_some()),
        descriptors: of("Max open files", Resource::Nofile),
        tasks: of("Max processes", Resource::Nproc).0,
        group,
    }
}

fn read(path: &str) -> Option<String> {
    files::read_text(Path::new(path), TEXT_BYTES_MAX).ok()
}

/// The soft and the hard limit in a row of `/proc/PID/limits`.
fn limit(text: &str, row: &str) -> Option<(Option<u64>, Option<u64>)> {
    let line = text.lines().find_map(|line| line.strip_prefix(row))?;
    let mut numbers = line.split_whitespace();
    let mut next = || numbers.next().map(|number| number.parse().ok());
    Some((next()?, next()?))
}

/// The control group with the lowest limit of tasks, from a process's group upwards.
fn group(text: &str) -> Option<Group> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let groups = Path::new(path).ancestors();
    let limited = groups.filter_map(|group| {
        let directory = Path::new("/sys/fs/cgroup").join(group);
        let number = |file: &str| read(directory.join(file).to_str()?)?.trim().parse().ok();
        let name = group.file_name().and_then(|name| name.to_str()).unwrap_or("/").to_owned();
        Some(Group { name, tasks_max: number("pids.max")?, tasks: number("pids.current")? })
    });
    limited.min_by_key(|group| group.tasks_max.saturating_sub(group.tasks))
}

impl Machine {
    fn subject(&self) -> String {
        self.server.map_or_else(
            || said!(en: "a server started from here", zh: "从这里启动的服务器").to_owned(),
            |pid| say!(en: "the server (process {pid})", zh: "服务器（进程 {pid}）"),
        )
    }
}

/// `descriptors`: there are enough for the connections that were asked for, or for all.
pub(super) fn check_descriptors(machine: &Machine, asked: Option<NonZeroUsize>) -> Finding {
    let id = "descriptors";
    let connections = asked.map_or(CONNECTIONS_MAX, NonZeroUsize::get);
    let needed = connections.saturating_add(DESCRIPTORS_BESIDE_CONNECTIONS) as u64;
    let (soft, hard) = machine.descriptors;
    let shown = |limit: Option<u64>| {
        let any = || said!(en: "any number", zh: "不限").to_owned();
        limit.map_or_else(any, |limit| limit.to_string())
    };
    let (subject, now, most) = (machine.subject(), shown(soft), shown(hard));
    let text = say!(
        en: "{subject} may open {now} files now and raises that to {most}; {connections} \
             connections need {needed}",
        zh: "{subject}目前可打开的文件数为 {now}，最多可提高到 {most}；{connections} 个连接需要 {needed}"
    );
    if hard.is_none_or(|hard| hard >= needed) {
        return Finding::ok(id, text);
    }
    // A limit of this shell holds for what is started from it.
    let run = format!("sudo prlimit --pid $$ --nofile={needed}:{needed}");
    if asked.is_some() && machine.server.is_none() {
        let found = say!(en: "{text}, and a start refuses that", zh: "{text}，启动时会被拒绝");
        return Finding::error(id, found, run);
    }
    let found = say!(
        en: "{text}; it serves fewer until it is started with more",
        zh: "{text}；提高限额并重新启动之前，只能服务较少的连接"
    );
    Finding::warn(id, found, run)
}

/// `tasks`: threads can be started.
pub(super) fn check_tasks(machine: &Machine) -> Finding {
    let id = "tasks";
    let subject = machine.subject();
    let of_group = machine.group.as_ref();
    let of_group = of_group.map(|group| (group, group.tasks_max.saturating_sub(group.tasks)));
    if let Some((group, left)) = of_group.filter(|(_, left)| *left < DOCTOR_TASKS) {
        let Group { name, tasks_max, tasks } = group;
        let text = say!(
            en: "{subject} is in the control group {name}, which has {tasks} of at most \
                 {tasks_max} tasks; a server needs up to {DOCTOR_TASKS}",
            zh: "{subject}所在的控制组 {name} 已有 {tasks} 个任务，最多 {tasks_max} 个；服务器最多\
                 需要 {DOCTOR_TASKS} 个"
        );
        let enough = tasks.saturating_add(DOCTOR_TASKS);
        let unit = word(Path::new(name));
        return short(left, text, format!("sudo systemctl set-property {unit} TasksMax={enough}"));
    }
    match machine.tasks {
        Some(limit) if limit < DOCTOR_TASKS => {
            let text = say!(
                en: "the user of {subject} may have {limit} tasks; a server needs up to \
                     {DOCTOR_TASKS}",
                zh: "{subject}的用户最多可有 {limit} 个任务；服务器最多需要 {DOCTOR_TASKS} 个"
            );
            short(limit, text, format!("sudo prlimit --pid $$ --nproc={DOCTOR_TASKS}"))
        }
        limit => {
            let left = [limit, of_group.map(|(_, left)| left)].into_iter().flatten().min();
            let found = match left {
                Some(left) => say!(
                    en: "{subject} may have {left} tasks more", zh: "{subject}还可有 {left} 个任务"
                ),
                None => say!(
                    en: "{subject} may have any number of tasks more", zh: "{subject}的任务数不限"
                ),
            };
            Finding::ok(id, found)
        }
    }
}

fn short(left: u64, text: String, run: String) -> Finding {
    if left < DOCTOR_TASKS_MIN {
        Finding::error("tasks", text, run)
    } else {
        Finding::warn("tasks", text, run)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, one_told},
        *,
    };

    fn machine(hard: u64) -> Machine {
        let descriptors = (Some(1_024), Some(hard));
        Machine { server: None, descriptors, tasks: None, group: None }
    }

    #[test]
    fn descriptors_are_compared_with_the_connections() {
        let enough = (CONNECTIONS_MAX + DESCRIPTORS_BESIDE_CONNECTIONS) as u64;
        let level = |machine: &Machine, asked| {
            one_told(|| check_descriptors(machine, NonZeroUsize::new(asked))).level
        };
        assert_eq!(level(&machine(enough), 0), Level::Ok);
        assert_eq!(level(&machine(enough - 1), 0), Level::Warn);
        assert_eq!(level(&machine(356), 100), Level::Ok);
        assert_eq!(level(&machine(355), 100), Level::Error, "a start refuses that");
        let running = Machine { server: Some(9), ..machine(355) };
        assert_eq!(level(&running, 100), Level::Warn);
        let unlimited = Machine { descriptors: (None, None), ..machine(0) };
        assert_eq!(level(&unlimited, usize::MAX), Level::Ok);
    }

    #[test]
    fn tasks_are_compared_with_the_threads_of_a_server() {
        let judged = |machine: &Machine| one_told(|| check_tasks(machine));
        let of_user = |tasks| judged(&Machine { tasks: Some(tasks), ..machine(0) }).level;
        let of_group = |left: u64| {
            let group = Group { name: "a.service".to_owned(), tasks_max: 10 + left, tasks: 10 };
            judged(&Machine { group: Some(group), ..machine(0) })
        };
        for (left, expected) in [
            (DOCTOR_TASKS, Level::Ok),
            (DOCTOR_TASKS - 1, Level::Warn),
            (DOCTOR_TASKS_MIN, Level::Warn),
            (DOCTOR_TASKS_MIN - 1, Level::Error),
        ] {
            assert_eq!(of_user(left), expected, "{left}");
            assert_eq!(of_group(left).level, expected, "{left}");
        }
        assert_eq!(judged(&machine(0)).level, Level::Ok);
        let run = of_group(0).run.unwrap();
        assert_eq!(
            run,
            format!("sudo systemctl set-property a.service TasksMax={}", 10 + DOCTOR_TASKS)
        );
    }

    #[test]
    fn limits_of_a_process_are_read() {
        let text = "Limit          Soft Limit  Hard Limit  Units\n\
                    Max processes  96365       unlimited   processes\n\
                    Max open files 1024        524288      files\n";
        assert_eq!(limit(text, "Max open files"), Some((Some(1_024), Some(524_288))));
        assert_eq!(limit(text, "Max processes"), Some((Some(96_365), None)));
        assert_eq!(limit(text, "Max locked memory"), None);
        let own = look(Some(std::process::id()));
        assert_eq!(own.server, Some(std::process::id()));
        assert_eq!(own.descriptors, look(None).descriptors);
        assert_eq!(look(Some(u32::MAX)).server, None, "there is no such process");
    }
}
