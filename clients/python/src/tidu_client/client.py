"""The four verbs: connect, status, append, follow."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc

from tidu.v1 import (
    access_service_pb2_grpc,
    admin_service_pb2,
    admin_service_pb2_grpc,
    cursor_service_pb2_grpc,
    event_pb2,
    ledger_service_pb2,
    ledger_service_pb2_grpc,
    proof_service_pb2_grpc,
    register_service_pb2_grpc,
)
from tidu_client.connection import Address, Nodes
from tidu_client.course import Backoff, Batch, Course, FollowOptions
from tidu_client.errors import TiduError

if TYPE_CHECKING:
    from typing_extensions import Unpack

STATUS_SECONDS_MAX = 10.0
APPEND_ATTEMPT_SECONDS_MAX = 30.0


def connect(
    server: str = "127.0.0.1:50051",
    *,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    token_file: str | None = None,
) -> Client:
    """Names a server and who calls it; the first call opens the connection.

    `https://HOST:PORT` speaks TLS and nothing else, `HOST:PORT` plaintext. Several nodes of one log
    stand with commas between them: `follow`, `append` and `status` move to the next one when one
    does not answer. The files are in PEM. The token is read from its file for each call.
    """
    return Client(Nodes(server, ca_file, cert_file, key_file, token_file))


class Client:
    """A server. The stubs of each service are there too; `TiduError.of` decodes their errors."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        # The stubs below are those of the first node.
        self._first = nodes.address
        self._channel = channel = self._first.open()
        self.access = access_service_pb2_grpc.AccessServiceStub(channel)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(channel)
        self.cursors = cursor_service_pb2_grpc.CursorServiceStub(channel)
        self.ledger = ledger_service_pb2_grpc.LedgerServiceStub(channel)
        self.proofs = proof_service_pb2_grpc.ProofServiceStub(channel)
        self.register = register_service_pb2_grpc.RegisterServiceStub(channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def status(self) -> admin_service_pb2.GetStatusResponse:
        """The identity, size and Merkle root of the log."""
        request = admin_service_pb2.GetStatusRequest()
        for left in reversed(range(len(self._nodes.all))):
            address = self._nodes.address
            try:
                with self._channel_to(address) as channel:
                    stub = admin_service_pb2_grpc.AdminServiceStub(channel)
                    return stub.GetStatus(request, timeout=STATUS_SECONDS_MAX)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
                if left == 0 or error.is_final:
                    raise error from broken
            self._nodes.leave(address)
        raise AssertionError("there is no server")

    def append(
        self,
        events: Iterable[event_pb2.Event],
        *,
        request_id: str | None = None,
        timeout: float = 60,
    ) -> ledger_service_pb2.AppendResponse:
        """Records events as one commit, once.

        An attempt whose outcome is unknown is repeated with the same `request_id`. For a
        precondition or a trial, call `ledger.Append`.
        """
        request = ledger_service_pb2.AppendRequest(
            request_id=request_id or str(uuid.uuid4()), events=events
        )
        backoff, end = Backoff(), time.monotonic() + timeout
        while True:
            try:
                seconds = min(APPEND_ATTEMPT_SECONDS_MAX, end - time.monotonic())
                with self._ledger_of(address := self._nodes.address) as ledger:
                    return ledger.Append(request, timeout=seconds)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            seconds = backoff.pause(error, end - time.monotonic(), self._nodes.has_others)
            self._nodes.leave(address)
            time.sleep(seconds)

    def follow(self, **options: Unpack[FollowOptions]) -> Iterator[Batch]:
        """Follows the log from a position on, over broken connections, until the caller stops.

        Ends at `stop_position`, or with a TiduError that a new connection cannot cure.
        """
        course = Course(**options)
        while True:
            address = self._nodes.address
            try:
                with contextlib.closing(self._attempt(course, address)) as messages:
                    for message in messages:
                        yield course.take(message)
                if course.is_done():
                    return
                error = TiduError("the stream ended")
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            except OSError as unreadable:  # a file of credentials that is being replaced
                error = TiduError(str(unreadable))
            except TiduError as raised:
                error = raised
            if batch := course.scope_changed(error):
                yield batch
            else:
                self._nodes.leave(address)
            time.sleep(course.pause(error, self._nodes.has_others))

    @contextlib.contextmanager
    def _channel_to(self, address: Address) -> Iterator[grpc.Channel]:
        """The connection to a node: the own one to the first, a new one to another."""
        if address is self._first:
            yield self._channel
            return
        with contextlib.closing(address.open()) as channel:
            yield channel

    @contextlib.contextmanager
    def _ledger_of(self, address: Address) -> Iterator[ledger_service_pb2_grpc.LedgerServiceStub]:
        with self._channel_to(address) as channel:
            yield ledger_service_pb2_grpc.LedgerServiceStub(channel)

    def _attempt(
        self, course: Course, address: Address
    ) -> Generator[ledger_service_pb2.SubscribeResponse, None, None]:
        """The messages of one stream, on a connection of its own."""
        request = course.request()
        with contextlib.closing(address.open()) as channel:
            stream: Any = ledger_service_pb2_grpc.LedgerServiceStub(channel).Subscribe(request)
            while True:
                message, silent = _next(stream, course.silence_seconds_max)
                if silent:
                    raise course.silence()
                if message is None:
                    return
                yield message


def _next(stream: Any, seconds: float) -> tuple[Any, bool]:
    """The next message, and true if none came in time. gRPC gives no deadline to one message."""
    silent = threading.Event()

    def give_up() -> None:
        silent.set()
        stream.cancel()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        return next(stream, None), False
    except grpc.RpcError:
        if silent.is_set():
            return None, True
        raise
    finally:
        timer.cancel()
