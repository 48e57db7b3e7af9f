"""Keeps a copy of the log, or of a part of it, in SQLite. It may be killed at any moment: each event is stored
exactly once.

    python subscriber.py --server 127.0.0.1:50051 --db copy.db --programme little-giant

Needs requirements.txt and the generated modules: see ../README.md.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import sys

import grpc
from google.protobuf import json_format

from tidu.v1 import admin_service_pb2, admin_service_pb2_grpc, ledger_service_pb2, ledger_service_pb2_grpc

# The server sends a message at least every 10 s. After twice as long the program reconnects.
SILENCE_SECONDS_MAX = 20
# First and longest pause before a reconnection. The pause doubles each time.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 5
# Codes after which a retry cannot help. All others are retried, because a broken connection has several.
FATAL = {
    grpc.StatusCode.INVALID_ARGUMENT,  # an unknown programme or region in the filter
    grpc.StatusCode.FAILED_PRECONDITION,  # another log
    grpc.StatusCode.OUT_OF_RANGE,  # a position beyond the log: it was restored to an older state
    grpc.StatusCode.UNIMPLEMENTED,  # another API
    grpc.StatusCode.DATA_LOSS,  # a damaged log
    grpc.StatusCode.PERMISSION_DENIED,  # the rights do not reach so far, or not any more
}
CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC pauses between connections too; by default its pause grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
]
# Without OR IGNORE, an event that comes twice is an error and is not dropped silently.
SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, designee TEXT NOT NULL, json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY CHECK (only = 1), log_id TEXT NOT NULL,
        filter TEXT NOT NULL, next_position INTEGER NOT NULL);
"""


class StopError(Exception):
    """A fault after which the program must stop."""


class Copy:
    """The database and the position that it has reached."""

    def __init__(self, path, chosen):
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA)
        self.chosen = chosen
        self.filter = json_format.MessageToJson(chosen, indent=None)
        place = self.db.execute("SELECT log_id, next_position, filter FROM place").fetchone()
        # The log id is empty until the first connection to a server.
        self.log_id, self.next_position, stored = place or ("", 0, self.filter)
        # next_position is valid for one filter: a wider one would miss the events passed over so far.
        if stored != self.filter:
            raise StopError(f"the database holds {stored}, not {self.filter}; take another for this filter")

    async def follow(self, channel, headers):
        """Follows until the connection breaks."""
        if not self.log_id:
            # First, because batches do not name their log, and no position is stored without it.
            admin = admin_service_pb2_grpc.AdminServiceStub(channel)
            status = await admin.GetStatus(admin_service_pb2.GetStatusRequest(), timeout=10, metadata=headers)
            self.log_id = status.log_id
        request = ledger_service_pb2.SubscribeRequest(
            from_position=self.next_position, log_id=self.log_id, filter=self.chosen
        )
        stream = ledger_service_pb2_grpc.LedgerServiceStub(channel).Subscribe(request, metadata=headers)
        while (message := await asyncio.wait_for(stream.read(), SILENCE_SECONDS_MAX)) is not grpc.aio.EOF:
            match message.WhichOneof("payload"):
                case "events":
                    self.store(message.events.events, message.events.next_position)
                case "progress":
                    self.store([], message.progress.next_position)
                case "withheld":
                    # The content of this event is erased: only its place is left to pass.
                    position = message.withheld.position
                    self.store([], position + 1, withheld=position)

    def store(self, events, next_position, withheld=None):
        """Stores events and position in one transaction: both or neither."""
        expected = self.next_position
        if withheld is not None:
            self.check(withheld, expected, "position")
            expected = withheld + 1
        with self.db:
            for recorded in events:
                self.check(recorded.position, expected, "position")
                text = json_format.MessageToJson(recorded, indent=None, ensure_ascii=False)
                row = (recorded.position, recorded.event.designee, text)
                self.db.execute("INSERT INTO events (position, designee, json) VALUES (?, ?, ?)", row)
                expected = recorded.position + 1
            self.check(next_position, expected, "next_position")
            self.db.execute(
                "INSERT INTO place (only, log_id, filter, next_position) VALUES (1, ?, ?, ?)"
                " ON CONFLICT (only) DO UPDATE SET next_position = excluded.next_position",
                (self.log_id, self.filter, next_position),
            )
        self.next_position = next_position
        if events:
            print(f"{len(events)} events, next position {next_position}", flush=True)

    def check(self, found, expected, what):
        """With a filter, positions have gaps; they never decrease."""
        if found < expected or (found > expected and not self.chosen.ListFields()):
            raise StopError(f"{what} {found} came, {expected} was expected")


def connect(arguments):
    """The channel. The files are read for each connection, so that a renewed certificate counts at once."""
    secure, address = split(arguments.server)
    if not secure:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    files = (arguments.tls_ca, arguments.tls_key, arguments.tls_cert)
    credentials = grpc.ssl_channel_credentials(*(read(path) if path else None for path in files))
    return grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def headers_of(arguments):
    """The token of each call, if there is one. It comes from a file: everybody sees arguments."""
    if not arguments.token_file:
        return ()
    return (("authorization", "Bearer " + read(arguments.token_file).decode("ascii").strip()),)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def split(server):
    """True for https://, and HOST:PORT."""
    return server.startswith("https://"), server.removeprefix("https://")


async def run(arguments):
    chosen = ledger_service_pb2.EventFilter(programmes=arguments.programme, region_under=arguments.region)
    copy = Copy(arguments.db, chosen)
    pause = PAUSE_SECONDS_MIN
    while True:
        before = copy.next_position
        try:
            async with connect(arguments) as channel:
                await copy.follow(channel, headers_of(arguments))
            why = "the stream ended"
        except grpc.aio.AioRpcError as error:
            why = f"{error.code().name}: {error.details()}"
            if error.code() in FATAL:
                raise StopError(why) from error
        except asyncio.TimeoutError:
            why = f"no message came for {SILENCE_SECONDS_MAX} s"
        except OSError as error:
            raise StopError(error) from error
        if copy.next_position > before:
            pause = PAUSE_SECONDS_MIN
        # A random part keeps all subscribers of a server from coming back at once.
        pause_now = pause * random.uniform(0.5, 1)
        print(f"{why}; connecting again in {pause_now:.1f} s", file=sys.stderr)
        await asyncio.sleep(pause_now)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


def address(text):
    """Refuses a scheme that the program does not speak; without one the connection is in plaintext."""
    if "://" in split(text)[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: give https://HOST:PORT, or HOST:PORT for plaintext")
    return text


def require_sense(parser, arguments):
    """A token does not cross the network in plaintext, and certificates do not go unused."""
    secure, server = split(arguments.server)
    if secure:
        return
    local = server.rsplit(":", 1)[0] in ("127.0.0.1", "localhost", "[::1]")
    if arguments.token_file and not local:
        parser.error("everybody on the way could read the token: use https://HOST:PORT")
    if arguments.tls_ca or arguments.tls_cert or arguments.tls_key:
        parser.error("plaintext uses neither CAs nor certificates: use https://HOST:PORT")


def main():
    parser = argparse.ArgumentParser(description="Follow a Tidu log into an SQLite database.")
    parser.add_argument("--server", type=address, default="127.0.0.1:50051", metavar="[https://]HOST:PORT")
    for option, variable, text in (
        ("--tls-ca", "TIDU_TLS_CA", "CAs of the server, in PEM; without it those of gRPC"),
        ("--tls-cert", "TIDU_CLIENT_CERT", "client certificate, in PEM"),
        ("--tls-key", "TIDU_CLIENT_KEY", "its key, in PEM"),
        ("--token-file", "TIDU_TOKEN_FILE", "file with a token"),
    ):
        parser.add_argument(option, default=os.environ.get(variable), metavar="FILE", help=f"{text} [{variable}]")
    parser.add_argument("--db", default="copy.db", metavar="FILE")
    parser.add_argument("--programme", action="append", default=[], metavar="ID", help="may be repeated")
    parser.add_argument("--region", default="", metavar="CODE", help="this region and the regions under it")
    arguments = parser.parse_args()
    require_sense(parser, arguments)
    try:
        asyncio.run(run(arguments))
    except StopError as error:
        sys.exit(f"subscriber: {error}")


if __name__ == "__main__":
    main()
