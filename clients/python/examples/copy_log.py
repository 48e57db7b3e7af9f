"""Keeps a copy of the log, or of a part of it, in SQLite or PostgreSQL. It may be killed at any
moment: each event is stored exactly once.

    python copy_log.py --sqlite copy.db --programme little-giant
    python copy_log.py --postgres postgresql://localhost/copy
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar, cast

from google.protobuf import json_format

import tidu_client

# Without OR IGNORE, an event that comes twice is an error and is not dropped silently.
TABLES = (
    "CREATE TABLE IF NOT EXISTS events (position {number} PRIMARY KEY, designee TEXT NOT NULL,"
    " kind TEXT NOT NULL, leaf {bytes} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1),"
    " log_id TEXT NOT NULL, filter TEXT NOT NULL, next_position {number} NOT NULL,"
    " digest {bytes} NOT NULL)",
)
INSERT = "INSERT INTO events (position, designee, kind, leaf) VALUES (?, ?, ?, ?)"
MOVE = (
    "INSERT INTO place (id, log_id, filter, next_position, digest) VALUES (1, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET next_position = excluded.next_position,"
    " digest = excluded.digest"
)


class OtherFilterError(Exception):
    """The database holds a copy under another filter."""


class Sqlite:
    """The database of a file."""

    types: ClassVar = {"number": "INTEGER", "bytes": "BLOB"}

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA journal_mode = WAL")

    def transaction(self) -> AbstractContextManager[Any]:
        return self.connection

    def statement(self, text: str) -> str:
        return text


class Postgres:
    """The database of a server. Needs `pip install 'psycopg[binary]'`."""

    types: ClassVar = {"number": "BIGINT", "bytes": "BYTEA"}

    def __init__(self, url: str) -> None:
        import psycopg

        self.connection: Any = psycopg.connect(url, autocommit=True)

    def transaction(self) -> AbstractContextManager[Any]:
        return cast(AbstractContextManager[Any], self.connection.transaction())

    def statement(self, text: str) -> str:
        return text.replace("?", "%s")


class Copy:
    """The copy, and the place that it has reached."""

    def __init__(self, database: Sqlite | Postgres, chosen: tidu_client.EventFilter) -> None:
        self.database, self.connection = database, database.connection
        self.filter = json_format.MessageToJson(chosen, indent=None, sort_keys=True)
        with database.transaction():
            for table in TABLES:
                self.connection.execute(table.format(**database.types))
            query = "SELECT log_id, filter, next_position, digest FROM place"
            row: Any = self.connection.execute(query).fetchone()
        if row is None:
            row = ("", self.filter, 0, tidu_client.EMPTY_DIGEST)
        self.log_id, stored, self.next_position, digest = row
        self.digest = bytes(digest)
        # A position is valid for one filter: a wider one would miss the events passed over so far.
        if stored != self.filter:
            raise OtherFilterError(
                f"the copy holds {stored}: take another database for this filter"
            )

    def store(self, batch: tidu_client.Batch) -> None:
        """Stores events and position in one transaction: both or neither."""
        if batch.next_position == self.next_position and self.log_id:
            return
        move = (batch.log_id, self.filter, batch.next_position, batch.digest)
        with self.database.transaction():
            cursor = self.connection.cursor()
            rows = [
                (recorded.position, recorded.event.designee, kind_of(recorded), leaf)
                for recorded, leaf in zip(batch.events, batch.leaves, strict=True)
            ]
            if rows:
                cursor.executemany(self.database.statement(INSERT), rows)
            cursor.execute(self.database.statement(MOVE), move)
        self.log_id, self.next_position = batch.log_id, batch.next_position


def kind_of(recorded: tidu_client.RecordedEvent) -> str:
    return recorded.event.WhichOneof("fact") or ""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Follow a Tidu log into a database.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--sqlite", metavar="FILE")
    where.add_argument("--postgres", metavar="URL")
    server = os.environ.get("TIDU_SERVER", "127.0.0.1:50051")
    parser.add_argument("--server", default=server, metavar="[https://]HOST:PORT")
    for option in ("--ca-file", "--cert-file", "--key-file", "--token-file"):
        parser.add_argument(option, metavar="FILE")
    parser.add_argument("--programme", action="append", default=[], metavar="ID")
    parser.add_argument("--authority", action="append", default=[], metavar="CODE")
    parser.add_argument("--log-id", default="", help="the log that an empty copy must be of")
    parser.add_argument("--heartbeat", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--stop", type=int, metavar="POSITION")
    return parser.parse_args()


class Task:
    """What the arguments ask for."""

    def __init__(self) -> None:
        arguments = parse()
        self.server: str = arguments.server
        self.credentials = {
            name: getattr(arguments, name)
            for name in ("ca_file", "cert_file", "key_file", "token_file")
        }
        chosen = tidu_client.EventFilter(
            programmes=arguments.programme, authorities=arguments.authority
        )
        database = Sqlite(arguments.sqlite) if arguments.sqlite else Postgres(arguments.postgres)
        self.copy = Copy(database, chosen)
        self.options = tidu_client.FollowOptions(
            from_position=self.copy.next_position,
            log_id=self.copy.log_id or arguments.log_id,
            filter=chosen,
            digest=self.copy.digest,
            heartbeat_seconds=arguments.heartbeat,
            stop_position=arguments.stop,
        )

    def take(self, batch: tidu_client.Batch) -> None:
        self.copy.store(batch)
        if batch.events:
            print(f"{len(batch.events)} events, next position {batch.next_position}", flush=True)
        if (earlier := batch.scope_changed_from) is not None:
            print(f"SCOPE_CHANGED: more is to be read from position {earlier}", flush=True)


@contextlib.contextmanager
def faults_as_sentences() -> Iterator[None]:
    logging.basicConfig(format="%(message)s")
    try:
        yield
    except tidu_client.TiduError as error:
        sys.exit(str(error))
    except (OtherFilterError, OSError) as error:
        sys.exit(f"copy_log: {error}")
    except ValueError as error:
        print(f"copy_log: {error}", file=sys.stderr)
        sys.exit(2)


def main() -> None:
    with faults_as_sentences():
        task = Task()
        with tidu_client.connect(task.server, **task.credentials) as client:
            for batch in client.follow(**task.options):
                task.take(batch)


if __name__ == "__main__":
    main()
