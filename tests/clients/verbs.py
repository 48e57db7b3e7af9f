"""status and append of the Python client, for threads and for asyncio, against the real server."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import uuid
from pathlib import Path

import grpc
import tidu_client
from google.protobuf import json_format
from tidu.v1 import ledger_service_pb2, ledger_service_pb2_grpc
from tidu_client import aio

from world import Server, tidu


def designation(name: str) -> tidu_client.Event:
    day = {"year": 2024, "month": 1, "day": 1}
    designated = {"programme": "specialised-sme", "batch": "2024-1", "profile": {"name": name}}
    text = {
        "authority": "440000",
        "designee": f"provisional:440000/{name}",
        "effectiveDate": day,
        "designated": designated,
    }
    return json_format.ParseDict(text, tidu_client.Event())


class Unsure(ledger_service_pb2_grpc.LedgerServiceServicer):
    """Hands appends on to the real server, and loses the first two answers."""

    def __init__(self, target: str) -> None:
        self.ledger = ledger_service_pb2_grpc.LedgerServiceStub(grpc.insecure_channel(target))
        self.seen: list[str] = []

    def Append(
        self, request: ledger_service_pb2.AppendRequest, context: grpc.ServicerContext
    ) -> ledger_service_pb2.AppendResponse:
        self.seen.append(request.request_id)
        answer = self.ledger.Append(request)
        if len(self.seen) <= 2:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
        return answer


def serve(unsure: Unsure) -> tuple[grpc.Server, str]:
    from concurrent.futures import ThreadPoolExecutor

    server = grpc.server(ThreadPoolExecutor(2))
    ledger_service_pb2_grpc.add_LedgerServiceServicer_to_server(unsure, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


def threads(server: Server) -> None:
    with tidu_client.connect(server.address) as client:
        assert client.status().log_size == 0
        request_id = str(uuid.uuid4())
        first = client.append([designation("甲")], request_id=request_id)
        again = client.append([designation("甲")], request_id=request_id)
        assert (first.next_position, first.replayed) == (1, False)
        assert (again.next_position, again.replayed) == (1, True)
        try:
            client.append([tidu_client.Event(authority="440000")])
            raise AssertionError("an event without a fact was recorded")
        except tidu_client.TiduError as error:
            assert error.is_final and error.reason and error.metadata["field"], repr(error)
            assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    unsure = Unsure(server.address)
    proxy, address = serve(unsure)
    with tidu_client.connect(address) as client:
        answer = client.append([designation("乙")])
        assert (answer.next_position, answer.replayed) == (2, True)
        assert len(unsure.seen) == 3 and len(set(unsure.seen)) == 1
    proxy.stop(0).wait()
    with tidu_client.connect(address) as client:
        try:
            client.append([designation("丙")], timeout=0.5)
            raise AssertionError("nobody was there")
        except tidu_client.TiduError as error:
            assert error.code == grpc.StatusCode.UNAVAILABLE and not error.is_final


async def loop(server: Server) -> None:
    async with aio.connect(server.address) as client:
        assert (await client.status()).log_size == 2
        answer = await client.append([designation("丁")])
        assert answer.next_position == 3
        batches = [batch async for batch in client.follow(stop_position=3, digest=bytes(32))]
    events = [recorded for batch in batches for recorded in batch.events]
    assert [recorded.position for recorded in events] == [0, 1, 2]
    assert events[2].event.designee == "provisional:440000/丁"


def nodes(first: Server, second: Server) -> None:
    """Two nodes with one log: the client moves when one dies, and misses nothing."""
    seen: list[int] = []
    with tidu_client.connect(f"{first.address}, {second.address}") as client:
        for batch in client.follow(stop_position=4, on_retry=lambda error, seconds: None):
            seen += [recorded.position for recorded in batch.events]
            if batch.next_position == 3 and first.process.poll() is None:
                first.end(signal.SIGKILL)
                answer = client.append([designation("戊")], request_id="one")
                assert (answer.next_position, answer.replayed) == (4, False)
                assert client.append([designation("戊")], request_id="one").replayed
                assert client.status().log_size == 4
    assert seen == [0, 1, 2, 3], seen


async def nodes_aio(away: str, second: Server) -> None:
    async with aio.connect(f"{away},{second.address}") as client:
        assert (await client.status()).log_size == 4
        answer = await client.append([designation("己")])
        assert answer.next_position == 5
    async with aio.connect(f"{away},{second.address}") as client:
        options = {"stop_position": 5, "on_retry": lambda error, seconds: None}
        batches = [batch async for batch in client.follow(**options)]
    assert [recorded.position for b in batches for recorded in b.events] == [0, 1, 2, 3, 4]


def main() -> None:
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="tidu-verbs-") as directory:
        work = Path(directory)
        server = Server(binary, work, "data")
        try:
            threads(server)
            asyncio.run(loop(server))
            tidu(binary, "backup", work / "backup", "--server", server.address)
            tidu(binary, "restore", work / "backup", "--data-dir", work / "second")
            second = Server(binary, work, "second")
            try:
                nodes(server, second)
                asyncio.run(nodes_aio(server.address, second))
            finally:
                second.end()
        finally:
            if server.process.poll() is None:
                server.end()
    print("python: status and append")


if __name__ == "__main__":
    main()
