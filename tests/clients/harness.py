"""Runs the copy program of a client through every scenario, against a real server.

    python harness.py --name python --tidu target/release/tidu [--postgres DIR] -- PROGRAM...

All clients promise the same (docs/clients.md), so one harness judges them all. It needs the Python
client with `postgres`; tests/clients/run.sh brings it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import liar
import scenarios
from world import Postgres


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--tidu", type=Path, required=True)
    parser.add_argument("--postgres", type=Path, help="directory of initdb and pg_ctl")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument(
        "--only", default="", help="scenarios whose name holds one of these, by commas"
    )
    parser.add_argument("--real-only", action="store_true", help="leave out the scripted server")
    parser.add_argument("program", nargs="+")
    arguments = parser.parse_args()
    print(f"{arguments.name}: seed {arguments.seed}", flush=True)
    if arguments.postgres is None:
        print(f"{arguments.name}: SKIPPED: everything with PostgreSQL: it is not installed")
    passed = 0
    with tempfile.TemporaryDirectory(prefix="tidu-clients-") as directory:
        base = Path(directory)
        base.chmod(0o755)
        postgres = Postgres(arguments.postgres, base) if arguments.postgres else None
        try:
            chosen = scenarios.ALL + ([] if arguments.real_only else liar.ALL)
            for number, scenario in enumerate(chosen):
                name = scenario.__name__.replace("_", " ")
                if not any(words in name for words in arguments.only.split(",")):
                    continue
                began = time.monotonic()
                work = base / str(number)
                work.mkdir(mode=0o755)
                world = scenarios.World(
                    arguments.tidu.resolve(),
                    work,
                    arguments.program,
                    random.Random(f"{arguments.seed} {name}"),
                    postgres,
                )
                try:
                    scenario(world)
                except BaseException:
                    print(f"{arguments.name}: FAILED: {name}", flush=True)
                    raise
                finally:
                    world.close()
                passed += 1
                print(f"{arguments.name}: {name}: {time.monotonic() - began:.1f} s", flush=True)
        finally:
            if postgres:
                postgres.close()
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"{error}\n0 passed, 1 failed")
