//! Runs a workload in a process of its own under strace, and adds its calls to the model of the
//! disk.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{disk::Disk, trace};
use crate::support::{
    tools,
    workload::{Place, run},
};

const PLAN: &str = "TIDU_WORKLOAD_PLAN";
const PLACE: &str = "TIDU_WORKLOAD_PLACE";
/// The test that is the process.
const WORKLOAD: &str = "chaos::power_loss::record::workload";
const CALLS: &str = "openat,creat,close,dup,dup2,dup3,fcntl,write,pwrite64,pwritev,\
     pwritev2,writev,truncate,ftruncate,\
     fallocate,copy_file_range,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,\
     link,linkat,unlink,unlinkat,\
     mkdir,mkdirat,rmdir";

/// True if strace is there. A test that needs it says so loudly where it is not.
pub fn strace_is_there() -> bool {
    tools::is_there(&["strace", "-V"], "no power loss was tried")
}

/// The disk of a place, before anything was written to it.
pub fn model(place: &Place) -> Disk {
    Disk::new(&place.disk(), &place.voice())
}

/// Runs a plan under strace and adds its calls to the model.
pub fn record(place: &Place, disk: &mut Disk, plan: &str) {
    let trace = place.directory.join("trace");
    let status = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-xx", "-s", "4000000", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", WORKLOAD, "--ignored", "--nocapture"])
        .env(PLAN, plan)
        .env(PLACE, &place.directory)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the workload failed: {plan}");
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    let calls = trace::read(&text, disk.end);
    let end = disk.end + text.lines().count() + 1;
    disk.follow(&calls, end);
}

/// Runs a plan in a process of its own that is not recorded.
pub fn run_apart(place: &Place, plan: &str) {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", WORKLOAD, "--ignored", "--nocapture"])
        .env(PLAN, plan)
        .env(PLACE, &place.directory)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the workload failed: {plan}");
}

#[test]
#[ignore = "the process that is recorded; the tests start it"]
fn workload() {
    let (Ok(plan), Ok(place)) = (env::var(PLAN), env::var(PLACE)) else { return };
    let place = Place::new(Path::new(&place));
    run(&place, &plan);
}
