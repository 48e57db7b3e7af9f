#!/usr/bin/env python3
"""Changes one rule at a time and says which changes the register's own tests do not see.

    cargo install cargo-mutants
    python3 tests/mutants/run.py COUNT [SEED [NAME...]]

cargo-mutants lists the changes; COUNT of them, drawn by SEED, are made in a copy of the sources and
tested in the small package of this directory. A change that does not compile is not counted. With a
NAME, only changes whose names contain one of them: `titles.rs:292`.
"""

import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target", "mutants")
PLACE = os.path.join(TARGET, "sources")
ROOMS = ["rules", "fold", "batches", "identity"]
# The quick tests come first; the first failure ends the trial of a change.
TESTS = [
    ["cases::", "titles::", "fold::"],
    ["orders::", "trials::", "filters::", "rules_by_position::", "register::"],
    ["model::"],
    ["names::", "withheld::"],
    ["growth::"],
]
# Fixed stories only, so that a seed gives one result.
VARIABLES = {
    "TIDU_MODEL_CASES": "0",
    "TIDU_ORDERS_CASES": "0",
    "TIDU_TRIAL_CASES": "0",
    "TIDU_FILTERS_SEED": "1",
    "TIDU_RULES_SEED": "1",
    "PROPTEST_CASES": "64",
    "PROPTEST_RNG_SEED": "1",
}
# A change may make a loop endless: it gets a few times what the unchanged tests took.
MEMORY, SLACK_SECONDS, TIMES = 4 << 30, 10, 5


# The counters of work bound what a judgement may cost, and are no part of an answer.
WORK = re.compile(r"^-\s*(\*?read|[a-z.]*facts_read) \+= ", re.MULTILINE)


def listed():
    filters = [word for room in ROOMS for word in ("-f", f"src/register/{room}/**")]
    command = ["cargo", "mutants", "--list", "--json", "--diff", "-d", ROOT, *filters]
    changes = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [change for change in changes if not WORK.search(change["diff"])]


def copy():
    shutil.rmtree(PLACE, ignore_errors=True)
    for name in ["src", "tests", "proto", "data", "docs"]:
        # Not the times of the files: cargo must see a file that an earlier run left changed.
        source, copied = os.path.join(ROOT, name), os.path.join(PLACE, name)
        shutil.copytree(source, copied, copy_function=shutil.copy)


def apply(change, *more):
    patch = ["patch", "-s", *more, os.path.join(PLACE, change["file"])]
    subprocess.run(patch, input=change["diff"].encode(), check=True)


def built():
    """The binary with the tests, or None if the change does not compile."""
    command = ["cargo", "test", "--lib", "--no-run", "--quiet", "--message-format=json"]
    package = os.path.join(PLACE, "tests", "mutants")
    done = subprocess.run(command, cwd=package, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    lines = map(json.loads, done.stdout.splitlines())
    return next(line["executable"] for line in lines if line.get("executable"))


def passes(binary, tests, seconds):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    command = [binary, "--test-threads=1", *tests]
    package = os.path.join(PLACE, "tests", "mutants")
    environment = {**os.environ, **VARIABLES}
    try:
        done = subprocess.run(
            command,
            cwd=package,
            env=environment,
            capture_output=True,
            timeout=seconds,
            preexec_fn=limit,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def outcome(limits):
    binary = built()
    if binary is None:
        return "unviable", ""
    for tests, seconds in zip(TESTS, limits):
        if not passes(binary, tests, seconds):
            return "caught", tests[0]
    return "MISSED", ""


def limits_of(binary):
    """The seconds that each group may take, from those that it takes unchanged."""
    limits = []
    for tests in TESTS:
        began = time.monotonic()
        if binary is None or not passes(binary, tests, None):
            sys.exit(f"without a change these tests fail: {tests}")
        limits.append(TIMES * (time.monotonic() - began) + SLACK_SECONDS)
    return limits


def main():
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    names = sys.argv[3:] or [""]
    changes = [change for change in listed() if any(name in change["name"] for name in names)]
    print(f"{len(changes)} changes; seed {seed}", flush=True)
    random.Random(seed).shuffle(changes)
    copy()
    limits = limits_of(built())
    seen = {"caught": 0, "MISSED": 0, "unviable": 0}
    for change in changes:
        if seen["caught"] + seen["MISSED"] >= count:
            break
        began = time.monotonic()
        apply(change)
        what, where = outcome(limits)
        apply(change, "-R")
        seen[what] += 1
        took = time.monotonic() - began
        print(f"{what} {took:.0f}s {change['name']} {where}", flush=True)
    share = 100 * seen["caught"] / max(1, seen["caught"] + seen["MISSED"])
    print(f"{seen}; {share:.1f} % of the viable changes caught", flush=True)


main()
