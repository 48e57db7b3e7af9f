"""What every client must do with a real server."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import tidu_client
from tidu.v1 import access_service_pb2

from world import (
    Database,
    Postgres,
    Program,
    Proxy,
    Server,
    matching,
    merkle_root,
    sqlite_file,
    tidu,
    until,
)

# Lists of made-up enterprises: authority and programme. The part holds the first and no other.
LISTS = [
    ("440000", "specialised-sme"),
    ("330000", "specialised-sme"),
    ("440000", "innovative-sme"),
]
ROWS, COMMIT_SIZE = 600, 25
LOG_SIZE = ROWS * len(LISTS)
PART = ["--programme", "specialised-sme", "--authority", "440000"]
PART_FILTER = tidu_client.EventFilter(programmes=["specialised-sme"], authorities=["440000"])
PROGRAM_KILLS, SERVER_KILLS = 4, 4
# A kill comes up to this long after its place, so that it also falls inside of transactions.
KILL_DELAY_SECONDS_MAX = 0.01


class World:
    """One scenario's server, programs and databases."""

    def __init__(
        self,
        binary: Path,
        work: Path,
        command: list[str],
        chance: random.Random,
        postgres: Postgres | None,
    ) -> None:
        self.binary, self.work, self.command = binary, work, command
        self.chance, self.postgres = chance, postgres
        self.ending: list[Any] = []

    def server(self, name: str = "data", address: str = "127.0.0.1:0") -> Server:
        server = Server(self.binary, self.work, name, address)
        self.ending.append(lambda: server.process.poll() is None and server.end(signal.SIGKILL))
        return server

    def program(self, name: str, database: Database | None = None) -> Program:
        program = Program(
            self.command, self.work, name, database or sqlite_file(self.work / f"{name}.db")
        )
        self.ending += [program.database.close, program.end]
        return program

    def proxy(self, server: Server, treat: Any) -> Proxy:
        proxy = Proxy(server.address, treat)
        self.ending.append(proxy.close)
        return proxy

    def close(self) -> None:
        for end in reversed(self.ending):
            end()

    def record(self, number: int, server: Server, rows: int = ROWS, *options: object) -> Any:
        """The command that records one of the lists. It may be repeated."""
        authority, programme = LISTS[number]
        path = self.work / f"list-{number}.csv"
        if not path.exists():
            arguments = ["--rows", rows, "--authority", authority, "--seed", number]
            tidu(self.binary, "generate", *arguments, "--to", path)
        command = [self.binary, "record", path, "--authority", authority, "--programme", programme]
        command += ["--batch", "2024-1", "--date", "2024-03-01", "--commit-size", COMMIT_SIZE]
        command += list(options) or ["--server", server.url]
        return [str(part) for part in command]

    def fill(self, server: Server, rows: int = ROWS) -> None:
        for number in range(len(LISTS)):
            subprocess.run(self.record(number, server, rows), check=True, capture_output=True)


def require_whole(program: Program, size: int, root: bytes) -> None:
    """Every position once, none missing, byte for byte; and the digest fits."""
    rows = program.database.rows("SELECT position, kind, leaf FROM events ORDER BY position")
    assert [row[0] for row in rows] == list(range(size)), f"{program.name}: positions differ"
    leaves = [bytes(row[2]) for row in rows]
    assert merkle_root(leaves) == root, f"{program.name}: the leaves have another root"
    assert all(row[1] for row in rows), f"{program.name}: a kind is missing"
    require_digest(program, leaves)


def require_digest(program: Program, leaves: list[bytes]) -> None:
    digest = bytes(32)
    for leaf in leaves:
        digest = hashlib.sha256(digest + hashlib.sha256(b"\0" + leaf).digest()).digest()
    stored = bytes(program.database.rows("SELECT digest FROM place")[0][0])
    assert stored == digest, f"{program.name}: the digest differs"


def first_event(world: World) -> None:
    """A short log, copied up to a position; a second start goes on there."""
    server = world.server()
    world.fill(server, rows=20)
    program = world.program("whole")
    for stop in (7, 60):
        program.start("--server", server.address, "--stop", stop)
        program.ends(0, "next position")
        assert program.database.next_position() == stop
    with tidu_client.connect(server.address) as client:
        require_whole(program, 60, client.status().root_hash)
    # Both forms of an address mean the same.
    program.start("--server", server.url, "--stop", 60)
    program.ends(0, "")


def resumes_after_kills_of_both_sides(world: World) -> None:
    """Programs and server are killed at random places while the log grows."""
    server = world.server()
    recorder = Recorder(world, server)
    recorder.start()
    programs: list[Program] = []
    places: dict[str, list[int]] = {}
    for kind in ("sqlite", "postgres") if world.postgres else ("sqlite",):
        for part in ("whole", "part"):
            name = f"{kind}_{part}"
            own = world.postgres.database(name) if kind == "postgres" and world.postgres else None
            program = world.program(name, own)
            program.start("--server", server.address, *(PART if part == "part" else []))
            programs.append(program)
            places[name] = sorted(world.chance.sample(range(1, LOG_SIZE), PROGRAM_KILLS))
    server_places = sorted(world.chance.sample(range(1, LOG_SIZE), SERVER_KILLS))

    def everybody_is_there() -> bool:
        if recorder.error:
            raise recorder.error
        reached = [program.database.next_position() for program in programs]
        for program, position in zip(programs, reached, strict=True):
            program.require_running()
            due = places[program.name]
            if due and position >= due[0]:
                del due[0]
                time.sleep(world.chance.uniform(0, KILL_DELAY_SECONDS_MAX))
                program.end(signal.SIGKILL)
                program.restart()
        if server_places and max(reached) >= server_places[0]:
            del server_places[0]
            # Most are killed; one drains, which ends streams with DRAINING.
            server.end(signal.SIGTERM if len(server_places) == 1 else signal.SIGKILL)
            server.start()
        return not server_places and not any(places.values()) and min(reached) == LOG_SIZE

    until("everybody holds the log", everybody_is_there)
    recorder.join()
    with tidu_client.connect(server.address) as client:
        root, part = client.status().root_hash, list(matching(client, PART_FILTER))
    assert len(part) == ROWS
    for program in programs:
        program.end()
        if program.name.endswith("whole"):
            require_whole(program, LOG_SIZE, root)
            leaves = dict(program.database.rows("SELECT position, leaf FROM events"))
    for program in programs:
        if program.name.endswith("part"):
            rows = program.database.rows("SELECT position, leaf FROM events ORDER BY position")
            assert [row[0] for row in rows] == part, f"{program.name}: positions differ"
            assert all(bytes(row[1]) == bytes(leaves[row[0]]) for row in rows)
            require_digest(program, [bytes(row[1]) for row in rows])


class Recorder(threading.Thread):
    """Records the lists, each again until it is answered: a row is not recorded twice."""

    def __init__(self, world: World, server: Server) -> None:
        super().__init__(daemon=True)
        self.commands = [world.record(number, server) for number in range(len(LISTS))]
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for command in self.commands:
                until("a list is recorded", lambda command=command: self._attempt(command))
        except Exception as error:
            self.error = error

    @staticmethod
    def _attempt(command: list[str]) -> bool:
        return subprocess.run(command, capture_output=True).returncode == 0


def waits_for_a_server_that_is_not_there_yet(world: World) -> None:
    server = world.server()
    world.fill(server, rows=5)
    server.end()
    program = world.program("early")
    program.start("--server", server.address, "--stop", 15)
    until("it says so", lambda: "connecting again in" in program.said())
    server.start()
    program.ends(0, "next position 15")


def leaves_a_silent_server(world: World) -> None:
    """The first connection is silent from the start, the second one after a part of the log."""
    server = world.server()
    world.fill(server)
    passed = 0

    def treat(number: int, data: bytes) -> bytes | None:
        nonlocal passed
        passed += len(data) if number == 2 else 0
        return None if number == 1 or (number == 2 and passed > 100_000) else data

    proxy = world.proxy(server, treat)
    program = world.program("patient")
    program.start("--server", proxy.address, "--heartbeat", 1, "--stop", LOG_SIZE)
    program.ends(0, f"next position {LOG_SIZE}")
    said = program.said()
    assert said.count("no message came for 2 s") == 2, said
    assert passed > 100_000 and proxy.connections >= 3, f"{proxy.connections} connections"
    with tidu_client.connect(server.address) as client:
        require_whole(program, LOG_SIZE, client.status().root_hash)


def heartbeats_keep_a_quiet_connection(world: World) -> None:
    server = world.server()
    world.fill(server, rows=5)
    program = world.program("quiet")
    heard = 0

    def treat(number: int, data: bytes) -> bytes | None:
        nonlocal heard
        heard += 1
        return data

    proxy = world.proxy(server, treat)
    program.start("--server", proxy.address, "--heartbeat", 1)
    until("it holds the log", lambda: program.database.next_position() == 15)
    before = heard
    # Three silent limits' worth of heartbeats.
    until("heartbeats come", lambda: heard >= before + 6)
    program.require_running()
    assert "connecting again" not in program.said(), program.said()


def refuses_another_log(world: World) -> None:
    server = world.server()
    world.fill(server, rows=5)
    stranger = world.program("stranger")
    stranger.start("--server", server.address, "--log-id", uuid.uuid4())
    stranger.ends(1, "LOG_ID_MISMATCH")
    program = world.program("copy")
    program.start("--server", server.address, "--stop", 15)
    program.ends(0, "next position 15")
    place = program.database.place()
    server.end()
    other = world.server("other", server.address)
    world.fill(other, rows=5)
    program.start("--server", server.address)
    program.ends(1, "LOG_ID_MISMATCH")
    assert program.database.place() == place


def refuses_a_position_beyond_the_log(world: World) -> None:
    """The log was restored to an older state: the copy holds events that it does not have."""
    server = world.server()
    world.fill(server, rows=5)
    program = world.program("copy")
    program.start("--server", server.address, "--stop", 15)
    program.ends(0, "next position 15")
    program.database.rows("UPDATE place SET next_position = 99")
    program.start("--server", server.address)
    program.ends(1, "POSITION_BEYOND_LOG")


def refuses_a_filter_that_the_server_refuses(world: World) -> None:
    server = world.server()
    program = world.program("nonsense")
    program.start("--server", server.address, "--programme", "no-such-programme")
    program.ends(1, "PROGRAMME_UNKNOWN")
    assert "connecting again" not in program.said()


def refuses_another_filter_than_that_of_the_copy(world: World) -> None:
    server = world.server()
    world.fill(server, rows=5)
    program = world.program("copy")
    program.start("--server", server.address, "--stop", 15)
    program.ends(0, "next position 15")
    program.start("--server", server.address, *PART)
    program.ends(1, "take another database for this filter")


def notices_an_event_that_was_changed_on_the_way(world: World) -> None:
    server = world.server()
    world.fill(server, rows=5)

    def treat(number: int, data: bytes) -> bytes | None:
        return data.replace(b"innovative-sme", b"innovative-smf")

    proxy = world.proxy(server, treat)
    program = world.program("deceived")
    program.start("--server", proxy.address, "--heartbeat", 1)
    program.ends(1, "DIGEST_MISMATCH")


def passes_an_erased_event(world: World) -> None:
    server = world.server()
    world.fill(server, rows=20)
    erased = 7
    day = {"year": 2024, "month": 4, "day": 1}
    annulled = {"position": erased, "reason": "listed by mistake"}
    line = {"authority": "440000", "effectiveDate": day, "annulled": annulled}
    path = world.work / "annulment.jsonl"
    path.write_text(json.dumps(line) + "\n")
    tidu(world.binary, "record", path, "--server", server.url)
    server.end()
    why = ["--reason", "listed by mistake", "--data-dir", server.data, "--yes"]
    tidu(world.binary, "redact", erased, *why)
    server.start()
    for name, options in (("whole", []), ("part", PART)):
        program = world.program(name)
        program.start("--server", server.address, "--stop", 61, *options)
        program.ends(0, "next position")
        assert program.database.next_position() == 61
        held = [row[0] for row in program.database.rows("SELECT position FROM events")]
        assert erased not in held and len(held) == (60 if name == "whole" else 20), held


class Secured:
    """A server with TLS and principals."""

    def __init__(self, world: World) -> None:
        self.world, self.files = world, world.work / "certificates"
        tidu(world.binary, "dev-certs", "--dir", self.files)
        self.server = world.server()
        self.server.end()
        self.server.options = ["--config", self.files / "tidu.toml"]
        self.server.start()
        self.url = "https://localhost:" + self.server.address.rsplit(":", 1)[1]
        self.ca = ["--ca-file", self.files / "ca.pem"]
        self.token = ["--token-file", self.files / "guangdong.portal.token"]
        for number, recorder in ((0, "guangdong.recorder"), (2, "guangdong.recorder")):
            command = world.record(
                number, self.server, 20, "--server", self.url, "--tls-ca", self.files / "ca.pem"
            )
            command += ["--tls-cert", str(self.files / f"{recorder}.pem")]
            command += ["--tls-key", str(self.files / f"{recorder}.key")]
            subprocess.run(command, check=True, capture_output=True)

    def certificate(self, name: str) -> list[Any]:
        files = self.files
        return ["--cert-file", files / f"{name}.pem", "--key-file", files / f"{name}.key"]

    def auditor(self) -> tidu_client.Client:
        ca, certificate, key = (
            str(self.files / name) for name in ("ca.pem", "auditor.pem", "auditor.key")
        )
        return tidu_client.connect(self.url, ca_file=ca, cert_file=certificate, key_file=key)

    def put_principals(self, text: str) -> None:
        """Returns once the server has taken the file."""

        def generation() -> int:
            return auditor.access.WhoAmI(access_service_pb2.WhoAmIRequest()).policy_generation

        with self.auditor() as auditor:
            before, path = generation(), self.files / "principals.toml"
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(path)
            self.server.process.send_signal(signal.SIGHUP)
            until("the server has the new rights", lambda: generation() > before)


def follows_over_tls_with_a_certificate_or_a_token(world: World) -> None:
    secured = Secured(world)
    ways = {"auditor": secured.certificate("auditor"), "portal": secured.token}
    for name, credentials in ways.items():
        program = world.program(name)
        program.start("--server", secured.url, *secured.ca, *credentials, "--stop", 40)
        program.ends(0, "next position 40")
        assert program.database.rows("SELECT count(*) FROM events")[0][0] == 40
    nobody = world.program("nobody")
    nobody.start("--server", secured.url, *secured.ca)
    nobody.ends(1, "CREDENTIAL_MISSING")
    wrong = world.work / "wrong.token"
    wrong.write_text("bm9ib2R5IGdhdmUgdGhpcyB0b2tlbiB0byBhbnlib2R5IQ==\n")
    impostor = world.program("impostor")
    impostor.start("--server", secured.url, *secured.ca, "--token-file", wrong)
    impostor.ends(1, "CREDENTIAL_INVALID")
    # A server that cannot prove its name gets nothing.
    doubter = world.program("doubter")
    doubter.start("--server", secured.url, *secured.token)
    until("it doubts the server", lambda: "connecting again in" in doubter.said())
    assert doubter.database.place() is None


def refuses_credentials_in_plaintext(world: World) -> None:
    token = world.work / "token"
    token.write_text("c2VjcmV0\n")
    program = world.program("careless")
    for options in (
        ("--server", "example.invalid:50051", "--token-file", token),
        ("--server", "127.0.0.1:50051", "--ca-file", token),
        ("--server", "https://127.0.0.1:50051", "--cert-file", token),
        ("--server", "grpc://127.0.0.1:50051"),
    ):
        program.start(*options)
        program.ends(2, "")


def reads_renewed_files(world: World) -> None:
    """Each attempt reads the files. While one is away, attempts fail and are repeated."""
    secured = Secured(world)
    mine = {suffix: world.work / f"mine.{suffix}" for suffix in ("pem", "key")}
    for suffix, path in mine.items():
        shutil.copy(secured.files / f"guangdong.reader.{suffix}", path)
    program = world.program("renewed")
    program.start(
        *("--server", secured.url, *secured.ca),
        *("--cert-file", mine["pem"], "--key-file", mine["key"]),
    )
    until("it holds the log", lambda: program.database.next_position() == 40)
    mine["key"].unlink()
    secured.server.end()
    secured.server.start()
    until("it cannot read the key", lambda: program.said().count("connecting again in") >= 3)
    for suffix, path in mine.items():
        shutil.copy(secured.files / f"auditor.{suffix}", path)
    with secured.auditor() as auditor:
        until("it is connected again", lambda: auditor.status().subscriber_count == 1)
    program.require_running()


def heeds_changes_of_its_rights(world: World) -> None:
    """Wider rights: it goes on by itself. Narrower ones: it ends, and says why."""
    secured = Secured(world)
    wide = (secured.files / "principals.toml").read_text()
    narrow = wide + '\n[[principal.right]]\naction = "read"\nprogrammes = ["specialised-sme"]\n'
    secured.put_principals(narrow)
    program = world.program("portal")
    program.start("--server", secured.url, *secured.ca, *secured.token)
    until("it holds its part", lambda: program.database.next_position() == 40)
    # The other half is withheld: its places are passed, and it counts in the digest.
    assert program.database.rows("SELECT count(*) FROM events")[0][0] == 20
    with secured.auditor() as auditor:
        secured.put_principals(wide)
        until("it hears of wider rights", lambda: "from position 20" in program.said())
        until("it is connected again", lambda: auditor.status().subscriber_count == 1)
        program.require_running()
        secured.put_principals(narrow)
        program.ends(1, "SCOPE_CHANGED")


ALL = [
    first_event,
    resumes_after_kills_of_both_sides,
    waits_for_a_server_that_is_not_there_yet,
    leaves_a_silent_server,
    heartbeats_keep_a_quiet_connection,
    refuses_another_log,
    refuses_a_position_beyond_the_log,
    refuses_a_filter_that_the_server_refuses,
    refuses_another_filter_than_that_of_the_copy,
    notices_an_event_that_was_changed_on_the_way,
    passes_an_erased_event,
    follows_over_tls_with_a_certificate_or_a_token,
    refuses_credentials_in_plaintext,
    reads_renewed_files,
    heeds_changes_of_its_rights,
]
