"""Kills the server and the example subscribers at seeded places while a log grows, and compares what they hold with it.

Usage: kills.py [SEED]; tests/examples/run.sh brings what it needs.
"""

import base64
import hashlib
import itertools
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from google.protobuf import json_format
from tidu.v1 import event_pb2

TIDU = "target/release/tidu"
PROGRAMMES = {
    "rust": ["target/debug/examples/subscriber"],
    "python": [sys.executable, "examples/python/subscriber.py"],
    "node": ["node", "examples/node/subscriber.js"],
}
FILTERS = {"whole": [], "part": ["--programme", "specialised-sme", "--region", "440000"]}
# Lists of made-up enterprises: authority, programme, rows. The part holds the first and nothing else.
LISTS = [("440000", "specialised-sme"), ("330000", "specialised-sme"), ("440000", "innovative-sme")]
ROWS = 1_500
COMMIT_SIZE = 25
LOG_SIZE = ROWS * len(LISTS)
SUBSCRIBER_KILLS, SERVER_KILLS = 5, 4
# The position of an event that is erased at the end. It is in the part.
ERASED = 700
# A kill comes up to this long after its place was reached, so that it also falls inside of transactions.
KILL_DELAY_SECONDS_MAX = 0.01
SECONDS_MAX = 120
POLL_SECONDS = 0.002


def until(what, holds, seconds=SECONDS_MAX):
    """Waits for a condition, with a bound."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(POLL_SECONDS)
    return found


class Server:
    """The real server, on a port that stays the same over restarts."""

    def __init__(self, work, name, address="127.0.0.1:0"):
        self.work, self.data, self.address = work, work / name, address
        self.process, self.options = None, []
        self.start()

    def start(self):
        log = open(self.work / "server.log", "a")
        command = [TIDU, "serve", "--listen", self.address, "--operations-listen", "off", "--data-dir", self.data]
        command += self.options
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"https?://(\S+)", line)
        assert found, f"the server did not start: see its log\n{(self.work / 'server.log').read_text()[-2000:]}"
        self.address = found[1]

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Subscriber:
    """One example with one filter, its database and the places at which it will be killed."""

    def __init__(self, work, language, part, server, chance, options=()):
        self.name, self.language, self.part = f"{language}-{part}", language, part
        self.db_path, self.log_path = work / f"{self.name}.db", work / f"{self.name}.log"
        self.command = PROGRAMMES[language] + ["--server", server, "--db", self.db_path, *FILTERS[part], *options]
        self.chance, self.db, self.process, self.erased = chance, None, None, None
        self.places = sorted(chance.sample(range(1, LOG_SIZE), SUBSCRIBER_KILLS))
        self.start()

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(timeout=30)

    def place(self):
        """The place it has reached; none before it stored one. Events and place must fit at every moment."""
        if self.db is None and self.db_path.exists():
            self.db = sqlite3.connect(self.db_path, timeout=30, isolation_level=None)
        try:
            # One statement sees one state: what a kill at this moment would leave.
            query = "SELECT (SELECT max(position) FROM events), log_id, next_position FROM (SELECT 1) LEFT JOIN place"
            newest, *place = self.db.execute(query).fetchone() if self.db else (None, None, None)
        except sqlite3.OperationalError:  # the tables are not there yet
            return None
        stored = 0 if newest is None else newest + 1
        reached = place[1] or 0
        passed = self.erased is not None and (stored, reached) == (self.erased, self.erased + 1)
        fits = stored == reached or passed if self.part == "whole" else stored <= reached
        assert fits, f"{self.name}: holds events below {stored}, and the place is {reached}"
        return tuple(place) if place[0] else None

    def next_position(self):
        place = self.place()
        return place[1] if place else 0

    def look_after(self):
        """Kills it where it is due; it may not end by itself."""
        status = self.process.poll()
        assert status is None, f"{self.name} ended with {status}:\n{self.log_path.read_text()[-2000:]}"
        if self.places and self.next_position() >= self.places[0]:
            del self.places[0]
            time.sleep(self.chance.uniform(0, KILL_DELAY_SECONDS_MAX))
            self.end(signal.SIGKILL)
            self.start()
            return 1
        return 0


def tidu(*arguments):
    """The output of a command that must succeed."""
    return subprocess.run([TIDU, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Recorder(threading.Thread):
    """Records lists in the background, each again until it is answered: what is recorded is not recorded twice."""

    def __init__(self, work, server, seed):
        super().__init__(daemon=True)
        self.error = None
        self.commands = []
        for number, (authority, programme) in enumerate(LISTS):
            path = work / f"list-{number}.csv"
            tidu("generate", "--rows", ROWS, "--authority", authority, "--seed", seed + number, "--to", path)
            options = ["--authority", authority, "--programme", programme, "--batch", "2024-1", "--date", "2024-03-01"]
            target = ["--server", f"http://{server}", "--commit-size", str(COMMIT_SIZE)]
            self.commands.append([TIDU, "record", path, *options, *target])

    def run(self):
        try:
            for command in self.commands:
                until(f"{command[2].name} is recorded", lambda: self.attempt(command))
        except Exception as error:
            self.error = error

    @staticmethod
    def attempt(command):
        done = subprocess.run(command, capture_output=True, text=True)
        # 1: the connection broke; 4: the server was away.
        assert done.returncode in (0, 1, 4), done.stderr
        return done.returncode == 0


def merkle_root(leaves):
    """RFC 6962."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle_root(leaves[:half]) + merkle_root(leaves[half:])).digest()


def held(subscriber):
    """What a subscriber stored, as protobuf JSON, and the leaves where it keeps them."""
    column = "json" if subscriber.language == "python" else "leaf"
    rows = subscriber.db.execute(f"SELECT position, {column} FROM events ORDER BY position").fetchall()
    if column == "json":
        return [(position, json.loads(text)) for position, text in rows], None
    decoded = [(p, json_format.MessageToDict(event_pb2.RecordedEvent.FromString(leaf))) for p, leaf in rows]
    return decoded, [leaf for _, leaf in rows]


def positioned(lines):
    """Events in canonical JSON as this machine's protobuf writes it, with their positions."""
    events = (json_format.ParseDict(json.loads(line), event_pb2.RecordedEvent()) for line in lines)
    return [(event.position, json_format.MessageToDict(event)) for event in events]


def compare(subscriber, expected, log_id, root):
    """Every position once, none missing, contents equal; the whole log also byte for byte."""
    found, leaves = held(subscriber)
    assert subscriber.place() == (log_id, LOG_SIZE), f"{subscriber.name}: {subscriber.place()}"
    assert [p for p, _ in found] == [p for p, _ in expected], f"{subscriber.name}: positions differ"
    for (position, one), (_, other) in zip(found, expected):
        assert one == other, f"{subscriber.name}: position {position} differs:\n{one}\n{other}"
    if leaves and len(leaves) == LOG_SIZE:
        assert merkle_root(leaves) == root, f"{subscriber.name}: the leaves have another root"


def pass_over_an_erased_event(work, server, running):
    """Copies that begin after a redaction hold every event but the erased one."""
    day = {"year": 2024, "month": 4, "day": 1}
    annulled = {"position": ERASED, "reason": "listed by mistake"}
    line = json.dumps({"authority": "440000", "effectiveDate": day, "annulled": annulled})
    (work / "annulment.jsonl").write_text(line + "\n")
    url = f"http://{server.address}"
    tidu("record", work / "annulment.jsonl", "--server", url)
    server.end(signal.SIGTERM)
    tidu("redact", ERASED, "--reason", "listed by mistake", "--data-dir", server.data, "--yes")
    server.start()
    later = work / "later"
    later.mkdir()
    subscribers = []
    for language, part in itertools.product(PROGRAMMES, FILTERS):
        subscribers.append(Subscriber(later, language, part, server.address, random.Random(0)))
        subscribers[-1].places, subscribers[-1].erased = [], ERASED
        running.append(subscribers[-1])

    def everybody_is_there():
        for subscriber in subscribers:
            subscriber.look_after()
        return all(subscriber.next_position() == LOG_SIZE + 1 for subscriber in subscribers)

    until("everybody passed the erased event", everybody_is_there)
    for subscriber in subscribers:
        subscriber.end(signal.SIGTERM)
        options = [*FILTERS[subscriber.part], "-n", LOG_SIZE + 1, "-o", "json", "--server", url]
        lines = [json.loads(line) for line in tidu("events", *options).splitlines()]
        expected = [int(line["position"]) for line in lines if "event" in line]
        assert len(expected) == len(lines) - 1 and ERASED not in expected
        found = [position for position, _ in held(subscriber)[0]]
        assert found == expected, f"{subscriber.name}: positions differ after a redaction"


def refuses(command, log, words):
    """A start that must end by itself, with a failure that says why."""
    with open(log, "w") as out:
        status = subprocess.run(command, stdout=out, stderr=out, timeout=30).returncode
    text = log.read_text()
    assert status == 1 and words in text and "Traceback" not in text, f"{command}: {status}, {text}"


def follow_over_tls(work, server, running):
    """The server gets TLS and principals; a new subscriber of each language follows as one of them."""
    later, certificates = work / "over-tls", work / "certificates"
    later.mkdir()
    tidu("dev-certs", "--dir", certificates)
    server.end(signal.SIGTERM)
    server.options = ["--config", certificates / "tidu.toml"]
    server.start()
    ca = ["--tls-ca", certificates / "ca.pem"]
    auditor = [*ca, "--tls-cert", certificates / "auditor.pem", "--tls-key", certificates / "auditor.key"]
    portal = [*ca, "--token-file", certificates / "guangdong.portal.token"]
    url = "https://localhost:" + server.address.rsplit(":", 1)[1]
    size = json.loads(tidu("status", "-o", "json", "--server", url, *auditor))["logSize"]
    for language, options in (("rust", auditor), ("python", portal), ("node", auditor)):
        subscriber = Subscriber(later, language, "part", url, random.Random(0), options)
        subscriber.places = []
        running.append(subscriber)
        until(f"{language} follows over TLS", lambda: subscriber.next_position() == int(size))
        subscriber.look_after()
        subscriber.end(signal.SIGTERM)
        stranger = [*PROGRAMMES[language], "--server", server.address, "--db", later / "none.db", *options]
        said = subprocess.run(list(map(str, stranger)), capture_output=True, text=True, timeout=30)
        assert said.returncode != 0 and "https://" in said.stderr, f"{language}: {said}"


def grow(seed, work, server, subscribers):
    """Lets the log grow while both sides are killed; returns when everybody holds all of it."""
    chance = random.Random(seed)
    server_places = sorted(chance.sample(range(1, LOG_SIZE), SERVER_KILLS))
    recorder = Recorder(work, server.address, seed)
    recorder.start()
    kills = 0

    def everybody_is_there():
        nonlocal kills
        kills += sum(subscriber.look_after() for subscriber in subscribers)
        reached = max(subscriber.next_position() for subscriber in subscribers)
        if server_places and reached >= server_places[0]:
            del server_places[0]
            # Most are killed; one in four drains, which ends streams with DRAINING.
            server.end(signal.SIGTERM if len(server_places) % 4 == 3 else signal.SIGKILL)
            server.start()
            kills += 1
        if recorder.error:
            raise recorder.error
        if server_places or any(subscriber.places for subscriber in subscribers):
            return False
        return all(subscriber.next_position() == LOG_SIZE for subscriber in subscribers)

    until("everybody holds the log", everybody_is_there)
    recorder.join()
    due = len(subscribers) * SUBSCRIBER_KILLS + SERVER_KILLS
    assert kills == due, f"only {kills} of {due} kills took place"
    return kills


def main(seed):
    print(f"seed {seed} (repeat with tests/examples/run.sh {seed})", flush=True)
    began = time.monotonic()
    running = []
    with tempfile.TemporaryDirectory(prefix="tidu-examples-") as directory:
        work = Path(directory)
        try:
            server = Server(work, "tidu-data")
            running.append(server)
            subscribers = []
            for language, part in itertools.product(PROGRAMMES, FILTERS):
                own = random.Random(f"{seed} {language} {part}")
                subscribers.append(Subscriber(work, language, part, server.address, own))
                running.append(subscribers[-1])
            kills = grow(seed, work, server, subscribers)

            header, *lines = tidu("export", "--server", f"http://{server.address}").splitlines()
            log = json.loads(header)
            log_id, root = log["logId"], base64.b64decode(log["rootHash"])
            part = tidu("events", *FILTERS["part"], "-n", LOG_SIZE, "-o", "json", "--server", f"http://{server.address}")
            expected = {"whole": positioned(lines), "part": positioned(part.splitlines())}
            assert [len(found) for found in expected.values()] == [LOG_SIZE, ROWS]
            for subscriber in subscribers:
                subscriber.end(signal.SIGTERM)
                compare(subscriber, expected[subscriber.part], log_id, root)

            pass_over_an_erased_event(work, server, running)
            follow_over_tls(work, server, running)
            server.end(signal.SIGTERM)
            running.append(Server(work, "another-log", server.address))
            for subscriber in subscribers:
                refuses(subscriber.command, subscriber.log_path, "not the one named")
                other_filter = [*subscriber.command, "--programme", "little-giant"]
                refuses(other_filter, subscriber.log_path, "take another for this filter")
                assert subscriber.place() == (log_id, LOG_SIZE), subscriber.name
        finally:
            for one in running:
                if one.process and one.process.poll() is None:
                    one.end(signal.SIGKILL)
    seconds = time.monotonic() - began
    print(f"{len(subscribers)} subscribers hold {LOG_SIZE} events, or their part, after {kills} kills; {seconds:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(1 << 32))
