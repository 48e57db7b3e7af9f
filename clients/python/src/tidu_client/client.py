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
from tidu_client.connection import Address
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

    `https://HOST:PORT` speaks TLS and nothing else, `HOST:PORT` plaintext. The files are in PEM.
    The token is read from its file for each call.
    """
    return Client(Address(server, ca_file, cert_file, key_file, token_file))


class Client:
    """A server. The stubs of each service are there too; `TiduError.of` decodes their errors."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._channel = channel = address.open()
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
        try:
            request = admin_service_pb2.GetStatusRequest()
            return self.admin.GetStatus(request, timeout=STATUS_SECONDS_MAX)
        except grpc.RpcError as error:
            raise TiduError.of(error) from error

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
                return self.ledger.Append(request, timeout=seconds)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            time.sleep(backoff.pause(error, longest=end - time.monotonic()))

    def follow(self, **options: Unpack[FollowOptions]) -> Iterator[Batch]:
        """Follows the log from a position on, over broken connections, until the caller stops.

        Ends at `stop_position`, or with a TiduError that a new connection cannot cure.
        """
        course = Course(**options)
        while True:
            try:
                with contextlib.closing(self._attempt(course)) as messages:
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
            time.sleep(course.pause(error))

    def _attempt(
        self, course: Course
    ) -> Generator[ledger_service_pb2.SubscribeResponse, None, None]:
        """The messages of one stream, on a connection of its own."""
        request = course.request()
        with contextlib.closing(self._address.open()) as channel:
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
