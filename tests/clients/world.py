"""What the scenarios need: a real server, the program under test, a proxy, a PostgreSQL."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import tidu_client
from tidu.v1 import ledger_service_pb2

SECONDS_MAX = 180
POLL_SECONDS = 0.005


def until(what: str, holds: Callable[[], Any], seconds: float = SECONDS_MAX) -> Any:
    """Waits for a condition, with a bound."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(POLL_SECONDS)
    return found


def tidu(binary: Path, *arguments: object) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"tidu {arguments} ended with {done.returncode}: {done.stderr}"
    return done.stdout


class Server:
    """The real server, on a port that stays the same over restarts."""

    def __init__(self, binary: Path, work: Path, name: str, address: str = "127.0.0.1:0") -> None:
        self.binary, self.data, self.address = binary, work / name, address
        self.log, self.options = work / f"{name}.log", []
        self.process: Any = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        command = [self.binary, "serve", "--listen", self.address, "--operations-listen", "off"]
        command += ["--data-dir", self.data, *self.options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        found = re.search(r"https?://(\S+)", self.process.stdout.readline())
        assert found, f"the server did not start:\n{self.log.read_text()[-2000:]}"
        self.address = found[1]

    def end(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Database:
    """Where a copy lies: a file of SQLite, or a database of PostgreSQL."""

    def __init__(self, options: list[str], connect: Callable[[], Any], mark: str) -> None:
        self.options, self._connect, self.mark, self._connection = options, connect, mark, None

    def rows(self, query: str, *values: object) -> list[Any]:
        """Nothing while the program has not made its tables."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            found = self._connection.execute(query.replace("?", self.mark), values)
            return found.fetchall() if found.description else []
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return []

    def place(self) -> Any:
        """The log and the position that the copy has reached. They must fit what it holds."""
        # One statement sees one state: what a kill at this moment would leave.
        query = (
            "SELECT log_id, next_position, (SELECT count(*) FROM events),"
            " (SELECT max(position) FROM events) FROM place"
        )
        rows = self.rows(query)
        if not rows:
            assert not self.rows("SELECT position FROM events"), "events without a place"
            return None
        log_id, next_position, _, newest = rows[0]
        assert newest is None or newest < next_position, f"holds {newest} at {next_position}"
        return log_id, next_position

    def next_position(self) -> int:
        place = self.place()
        return place[1] if place else 0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def sqlite_file(path: Path) -> Database:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=30, isolation_level=None)

    return Database(["--sqlite", str(path)], connect, "?")


class Program:
    """The program under test with its database."""

    def __init__(self, command: list[str], work: Path, name: str, database: Database) -> None:
        self.name, self.database = name, database
        self.command = [*command, *database.options]
        self.log = work / f"{name}.log"
        self.process: Any = None

    def start(self, *options: object) -> None:
        self.options = [str(one) for one in options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*self.command, *self.options], stdout=log, stderr=log)

    def restart(self) -> None:
        self.start(*self.options)

    def end(self, how: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def require_running(self) -> None:
        status = self.process.poll()
        assert status is None, f"{self.name} ended with {status}:\n{self.said()[-2000:]}"

    def ends(self, status: int, words: str) -> None:
        """It must end by itself, and say why in a sentence."""
        found = self.process.wait(timeout=60)
        said = self.said()
        assert found == status and words in said, f"{self.name}: {found}, not {status}:\n{said}"
        for noise in ("Traceback", "    at ", "goroutine", 'Exception in thread "main"'):
            assert noise not in said, f"{self.name} shows its stack:\n{said}"


class Proxy:
    """Passes bytes between the program and the server, as `treat` has it for each connection.

    `treat(number, data)` gives the bytes to pass on towards the program, or None: from then on
    nothing passes, and the connection stays open.
    """

    def __init__(self, target: str, treat: Callable[[int, bytes], bytes | None]) -> None:
        host, port = target.rsplit(":", 1)
        self.target, self.treat, self.connections = (host, int(port)), treat, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self._open: list[socket.socket] = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.connections += 1
                far = socket.create_connection(self.target)
                self._open += [near, far]
                number = self.connections
                passed = threading.Thread(
                    target=self._pass, args=(near, far, lambda data: data), daemon=True
                )
                passed.start()
                threading.Thread(
                    target=self._pass,
                    args=(far, near, lambda data, number=number: self.treat(number, data)),
                    daemon=True,
                ).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, treat: Callable[..., Any]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                treated = treat(data)
                if treated is None:
                    return
                sink.sendall(treated)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for one in self._open:
            one.close()


class Postgres:
    """A PostgreSQL of its own, in a directory of its own."""

    def __init__(self, programs: Path, work: Path) -> None:
        self.programs, self.data = programs, work / "postgres"
        self.port = free_port()
        # It refuses to run as root.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.data.mkdir()
        if self.user:
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
            for parent in self.data.parents:
                if parent.stat().st_uid == os.geteuid() and parent.is_relative_to(work):
                    parent.chmod(0o755)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync")
        settings = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-o", settings, "start")

    def _run(self, program: str, *arguments: object) -> None:
        command = [self.programs / program, *map(str, arguments)]
        # Its output is no pipe: the server that pg_ctl leaves behind would keep that open.
        done = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}"

    def database(self, name: str) -> Database:
        url = f"postgresql://postgres@127.0.0.1:{self.port}/{{}}"
        with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())

        def connect() -> Any:
            return psycopg.connect(url.format(name), autocommit=True)

        return Database(["--postgres", url.format(name)], connect, "%s")

    def close(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    both = merkle_root(leaves[:half]) + merkle_root(leaves[half:])
    return hashlib.sha256(b"\1" + both).digest()


def matching(client: tidu_client.Client, chosen: tidu_client.EventFilter) -> Iterator[int]:
    """The positions that match a filter, as the server lists them."""
    request = ledger_service_pb2.ListEventsRequest(filter=chosen, page_size=1000)
    while True:
        page = client.ledger.ListEvents(request)
        yield from (event.position for event in page.events)
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return
