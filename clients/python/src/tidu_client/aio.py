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
from tidu_client.connection import Address
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
    return AsyncClient(Address(server, ca_file, cert_file, key_file, token_file))


class AsyncClient:
    """As tidu_client.Client."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._channel = channel = address.open_aio()
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
        try:
            request = admin_service_pb2.GetStatusRequest()
            return await self.admin.GetStatus(request, timeout=STATUS_SECONDS_MAX)
        except grpc.RpcError as error:
            raise TiduError.of(error) from error

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
                return await self.ledger.Append(request, timeout=seconds)
            except grpc.RpcError as broken:
                error = TiduError.of(broken)
            await asyncio.sleep(backoff.pause(error, longest=end - time.monotonic()))

    async def follow(self, **options: Unpack[FollowOptions]) -> AsyncIterator[Batch]:
        """As Client.follow."""
        course = Course(**options)
        while True:
            try:
                async with contextlib.aclosing(self._attempt(course)) as messages:
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
            await asyncio.sleep(course.pause(error))

    async def _attempt(
        self, course: Course
    ) -> AsyncGenerator[ledger_service_pb2.SubscribeResponse, None]:
        request = course.request()
        async with self._address.open_aio() as channel:
            stream: Any = ledger_service_pb2_grpc.LedgerServiceStub(channel).Subscribe(request)
            while True:
                try:
                    message = await asyncio.wait_for(stream.read(), course.silence_seconds_max)
                except asyncio.TimeoutError:
                    raise course.silence() from None
                if message is grpc.aio.EOF:
                    return
                yield message
