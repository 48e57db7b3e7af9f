#!/usr/bin/env python3
"""Types the commands of a client's README, in order, in one shell; `tidu serve` runs beside it.

Usage: readme.py TIDU CLIENT   (CLIENT: go). Its README in Chinese must have the same commands, and
each link of both must lead somewhere.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1:50051"
SERVE = "tidu serve\n"
SECONDS_MAX = 900


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def require_links(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert "://" in link or (page.parent / link).exists(), f"{page}: {link} is not there"


def run(tidu: Path, commands: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="tidu-readme-") as directory:
        work = Path(directory)
        for name in ("clients", "docs", "examples"):
            (work / name).symlink_to(ROOT / name)
        # Maven does not look behind a link.
        shutil.copytree(ROOT / "proto", work / "proto")
        (work / "bin").mkdir()
        (work / "bin" / "tidu").symlink_to(tidu)
        environment = os.environ | {
            "PATH": f"{work / 'bin'}:{os.environ['PATH']}",
            "TIDU_LISTEN": address,
            "TIDU_OPERATIONS_LISTEN": "off",
            "TIDU_SERVER": f"http://{address}",
        }
        serve = subprocess.Popen(
            SERVE.split(), cwd=work, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            assert "listening" in serve.stdout.readline()
            script = "set -euxo pipefail\n" + "".join(one for one in commands if one != SERVE)
            subprocess.run(
                ["bash", "-c", script.replace(ADDRESS, address)],
                check=True,
                cwd=work,
                env=environment,
                timeout=SECONDS_MAX,
            )
        finally:
            serve.terminate()
            serve.wait(timeout=30)


def main(tidu: str, client: str) -> None:
    pages = [ROOT / "clients" / client / name for name in ("README.md", "README.zh-CN.md")]
    english, chinese = (blocks(page, "sh") for page in pages)
    assert english == chinese, f"{client}: the READMEs have other commands:\n{english}\n{chinese}"
    assert SERVE in english
    for page in pages:
        require_links(page)
    run(Path(tidu).resolve(), english)
    print(f"{client}: {len(english)} blocks of the README run")


if __name__ == "__main__":
    main(*sys.argv[1:])
