"""The same verbs for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

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
from tidu_client.client import APPEND_ATTEMPT_SECONDS_MAX, STATUS_SECONDS_MAX
from tidu_client.connection import Address, Nodes
from tidu_client.course import Backoff, Batch, Course, FollowOptions
from tidu_client.errors import TiduError

if TYPE_CHECKING:
    from typing_extensions import Unpack


def connect(
    server: str = "127.0.0.1:50051",
    *,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    token_file: str | None = None,
) -> AsyncClient:
    """As tidu_client.connect. Call it where an event loop runs."""
    return AsyncClient(Nodes(server, ca_file, cert_file, key_file, token_file))


class AsyncClient:
    """As tidu_client.Client."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        # The stubs below are those of the first node.
        self._first = nodes.address
        self._channel = channel = self._first.open_aio()
        self.access = access_service_pb2_grpc.AccessServiceStub(channel)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(channel)
        self.cursors = cursor_service_pb2_grpc.CursorServiceStub(channel)
        self.ledger = ledger_service_pb2_grpc.LedgerServiceStub(channel)
        self.proofs = proof_service_pb2_grpc.ProofServiceStub(channel)
        self.register = register_service_pb2_grpc.RegisterServiceStub(channel)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._channel.close()

    async def status(self) -> admin_service_pb2.GetStatusResponse:
        """As Client.status."""
        request = admin_service_pb2.GetStatusRequest()
        for left in reversed(range(len(self._nodes.all))):
            address = self._nodes.address
            try:
                async with self._channel_to(address) as channel:
                    stub = admin_service_pb2_grpc.AdminServiceStub(channel)
                    return await stub.GetStatus(request, timeout=STATUS_SECONDS_MAX)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
                if left == 0 or error.is_final:
                    raise error from broken
            self._nodes.leave(address)
        raise AssertionError("there is no server")

    async def append(
        self,
        events: Iterable[event_pb2.Event],
        *,
        request_id: str | None = None,
        timeout: float = 60,
    ) -> ledger_service_pb2.AppendResponse:
        """As Client.append."""
        request = ledger_service_pb2.AppendRequest(
            request_id=request_id or str(uuid.uuid4()), events=events
        )
        backoff, end = Backoff(), time.monotonic() + timeout
        while True:
            try:
                seconds = min(APPEND_ATTEMPT_SECONDS_MAX, end - time.monotonic())
                async with self._ledger_of(address := self._nodes.address) as ledger:
                    return await ledger.Append(request, timeout=seconds)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            seconds = backoff.pause(error, end - time.monotonic(), self._nodes.has_others)
            self._nodes.leave(address)
            await asyncio.sleep(seconds)

    async def follow(self, **options: Unpack[FollowOptions]) -> AsyncIterator[Batch]:
        """As Client.follow."""
        course = Course(**options)
        while True:
            address = self._nodes.address
            try:
                async with contextlib.aclosing(self._attempt(course, address)) as messages:
                    async for message in messages:
                        yield course.take(message)
                if course.is_done():
                    return
                error = TiduError("the stream ended")
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            except OSError as unreadable:
                error = TiduError(str(unreadable))
            except TiduError as raised:
                error = raised
            if batch := course.scope_changed(error):
                yield batch
            else:
                self._nodes.leave(address)
            await asyncio.sleep(course.pause(error, self._nodes.has_others))

    @contextlib.asynccontextmanager
    async def _channel_to(self, address: Address) -> AsyncIterator[grpc.aio.Channel]:
        if address is self._first:
            yield self._channel
            return
        async with address.open_aio() as channel:
            yield channel

    @contextlib.asynccontextmanager
    async def _ledger_of(
        self, address: Address
    ) -> AsyncIterator[ledger_service_pb2_grpc.LedgerServiceAsyncStub]:
        async with self._channel_to(address) as channel:
            yield ledger_service_pb2_grpc.LedgerServiceStub(channel)

    async def _attempt(
        self, course: Course, address: Address
    ) -> AsyncGenerator[ledger_service_pb2.SubscribeResponse, None]:
        request = course.request()
        async with address.open_aio() as channel:
            stream: Any = ledger_service_pb2_grpc.LedgerServiceStub(channel).Subscribe(request)
            while True:
                try:
                    message = await asyncio.wait_for(stream.read(), course.silence_seconds_max)
                except asyncio.TimeoutError:
                    raise course.silence() from None
                if message is grpc.aio.EOF:
                    return
                yield message
