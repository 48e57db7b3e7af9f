"""What every client must do with a server that breaks its promises or fails."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from tidu.v1 import event_pb2, ledger_service_pb2, ledger_service_pb2_grpc
from tidu.v1.ledger_service_pb2 import Progress, RawEventBatch, SubscribeResponse

from scenarios import PART, World
from world import Program, until

LOG, OTHER = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10", "7c1e2f10-3a54-4c8e-9d58-6b8c9b1e0d9b"
# One step of a script: a message to send, or something to do with the call, which ends it.
Step = SubscribeResponse | Callable[[grpc.ServicerContext], None]


def leaf(position: int) -> bytes:
    event = event_pb2.Event(authority="440000", annulled=event_pb2.Annulled(reason="made up"))
    return event_pb2.RecordedEvent(position=position, event=event).SerializeToString()


def events(*positions: int, then: int | None = None) -> SubscribeResponse:
    next_position = positions[-1] + 1 if then is None else then
    batch = RawEventBatch(leaves=map(leaf, positions), next_position=next_position)
    return SubscribeResponse(raw_events=batch)


def progress(
    next_position: int, log_id: str = LOG, digest: bytes = b"", epoch: int = 0
) -> SubscribeResponse:
    named = Progress(
        next_position=next_position, log_id=log_id, log_size=9, digest=digest, epoch=epoch
    )
    return SubscribeResponse(progress=named)


def fails(
    code: grpc.StatusCode,
    reason: str = "",
    retry_after: float | None = None,
    **metadata: str,
) -> Step:
    """Ends the call with an error as the server of Tidu makes it."""
    status = status_pb2.Status(code=code.value[0], message="as the script has it")
    if reason:
        info = error_details_pb2.ErrorInfo(reason=reason, domain="tidu", metadata=metadata)
        status.details.append(pack(info))
    if retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(retry_after * 1e9))
        status.details.append(pack(error_details_pb2.RetryInfo(retry_delay=delay)))

    def end(context: grpc.ServicerContext) -> None:
        if status.details:
            details = ("grpc-status-details-bin", status.SerializeToString())
            context.set_trailing_metadata((details,))
        context.abort(code, status.message)

    return end


def pack(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def stays_silent(context: grpc.ServicerContext) -> None:
    while context.is_active():
        time.sleep(0.01)


class Liar(ledger_service_pb2_grpc.LedgerServiceServicer):
    """Plays one script for each call, and the last one for all calls that follow.

    The digests of its progress are right if the script does not state them.
    """

    def __init__(self, world: World, *scripts: list[Step]) -> None:
        self.scripts = list(scripts)
        self.requests: list[ledger_service_pb2.SubscribeRequest] = []
        self.times: list[float] = []
        server = grpc.server(ThreadPoolExecutor(8))
        ledger_service_pb2_grpc.add_LedgerServiceServicer_to_server(self, server)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        world.ending.append(lambda: server.stop(0).wait())

    def Subscribe(
        self, request: ledger_service_pb2.SubscribeRequest, context: grpc.ServicerContext
    ) -> Iterator[SubscribeResponse]:
        self.requests.append(request)
        self.times.append(time.monotonic())
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        digest = Digest(request.digest)
        for step in script:
            if callable(step):
                step(context)
                return
            yield digest.after(step)


class Digest:
    """The running digest of a stream."""

    def __init__(self, start: bytes) -> None:
        self.value = start

    def after(self, step: SubscribeResponse) -> SubscribeResponse:
        for one in step.raw_events.leaves:
            leaf_hash = hashlib.sha256(b"\0" + one).digest()
            self.value = hashlib.sha256(self.value + leaf_hash).digest()
        if step.HasField("progress") and not step.progress.digest:
            told = SubscribeResponse()
            told.CopyFrom(step)
            told.progress.digest = self.value
            return told
        return step


def started(world: World, name: str, liar: Liar, *options: object) -> Program:
    program = world.program(name)
    program.start("--server", liar.address, "--stop", 9, *options)
    return program


def asks_as_agreed(world: World) -> None:
    liar = Liar(
        world,
        [progress(0), events(0, 1), fails(grpc.StatusCode.UNAVAILABLE)],
        [progress(2), events(*range(2, 9))],
    )
    program = started(world, "asking", liar, "--heartbeat", 3, *PART)
    program.ends(0, "next position 9")
    first, second = liar.requests
    assert (first.from_position, first.log_id) == (0, ""), first
    assert (second.from_position, second.log_id) == (2, LOG), second
    assert first.digest == bytes(32) and second.digest not in (b"", bytes(32))
    for request in liar.requests:
        assert request.raw and request.heartbeat_interval.seconds == 3
        assert request.stop_position == 9
        assert list(request.filter.programmes) == ["specialised-sme"]
        assert list(request.filter.authorities) == ["440000"]


def ends_at_a_broken_promise(world: World) -> None:
    broken: dict[str, tuple[str, list[Step]]] = {
        "a gap between batches": ("POSITION_UNEXPECTED", [events(0), events(2)]),
        "a gap within a batch": ("POSITION_UNEXPECTED", [events(0, 2)]),
        "a repeat": ("POSITION_UNEXPECTED", [events(0, 1), events(1)]),
        "a wrong order": ("POSITION_UNEXPECTED", [events(1, 0)]),
        "a next position too far": ("POSITION_UNEXPECTED", [events(0, then=2)]),
        "a next position too near": ("POSITION_UNEXPECTED", [events(0, 1, then=1)]),
        "progress too far": ("POSITION_UNEXPECTED", [events(0), progress(2)]),
        "progress backwards": ("POSITION_UNEXPECTED", [events(0), progress(0)]),
        "another log": ("LOG_ID_MISMATCH", [events(0), progress(1, log_id=OTHER)]),
        "another digest": ("DIGEST_MISMATCH", [events(0), progress(1, digest=bytes(32))]),
        "an unknown message": ("PROTOCOL", [SubscribeResponse()]),
        "bytes that are not an event": (
            "PROTOCOL",
            [SubscribeResponse(raw_events=RawEventBatch(leaves=[b"\xff\xff"], next_position=1))],
        ),
    }
    for name, (reason, script) in broken.items():
        liar = Liar(world, [progress(0), *script, stays_silent])
        program = started(world, name.replace(" ", "-"), liar)
        program.ends(1, reason)
        assert len(liar.requests) == 1, name
        # What was good before stays; nothing of the bad message is stored.
        held = [row[0] for row in program.database.rows("SELECT position FROM events")]
        assert held == list(range(program.database.next_position())), f"{name}: {held}"
    liar = Liar(world, [events(0), stays_silent])
    started(world, "unnamed", liar).ends(1, "PROTOCOL")


def passes_gaps_under_a_filter(world: World) -> None:
    withheld = SubscribeResponse(withheld=event_pb2.Withheld(position=6, leaf_hash=bytes(32)))
    liar = Liar(world, [progress(0), events(1, 3, then=5), withheld, events(7, then=9)])
    program = started(world, "gaps", liar, *PART)
    program.ends(0, "next position 9")
    held = [row[0] for row in program.database.rows("SELECT position FROM events")]
    assert held == [1, 3, 7], held
    backwards = Liar(world, [progress(0), events(1, 3, then=5), events(4)])
    started(world, "backwards", backwards, *PART).ends(1, "POSITION_UNEXPECTED")


def ends_at_final_errors(world: World) -> None:
    code = grpc.StatusCode
    final: list[tuple[str, Step]] = [
        ("INVALID_ARGUMENT", fails(code.INVALID_ARGUMENT)),
        ("CURSOR_NOT_FOUND", fails(code.NOT_FOUND, "CURSOR_NOT_FOUND")),
        ("ALREADY_EXISTS", fails(code.ALREADY_EXISTS)),
        ("NOT_ENTITLED", fails(code.PERMISSION_DENIED, "NOT_ENTITLED")),
        ("SCOPE_CHANGED", fails(code.PERMISSION_DENIED, "SCOPE_CHANGED")),
        ("LOG_ID_MISMATCH", fails(code.FAILED_PRECONDITION, "LOG_ID_MISMATCH")),
        ("POSITION_BEYOND_LOG", fails(code.OUT_OF_RANGE, "POSITION_BEYOND_LOG")),
        ("METHOD_UNKNOWN", fails(code.UNIMPLEMENTED, "METHOD_UNKNOWN")),
        ("LOG_DAMAGED", fails(code.DATA_LOSS, "LOG_DAMAGED")),
        ("CREDENTIAL_INVALID", fails(code.UNAUTHENTICATED, "CREDENTIAL_INVALID")),
        ("LIMIT_EXCEEDED", fails(code.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")),
    ]
    for number, (words, step) in enumerate(final):
        liar = Liar(world, [progress(0), step])
        program = started(world, f"final-{number}", liar)
        program.ends(1, words)
        assert len(liar.requests) == 1 and "connecting again" not in program.said(), words
        # Narrower rights end it. They do not tell of more to read, as wider ones do.
        assert "from position" not in program.said(), program.said()


def repeats_after_every_other_error(world: World) -> None:
    code = grpc.StatusCode
    delay = 0.4
    passing: list[list[Step]] = [
        [progress(0), fails(code.UNAVAILABLE)],
        [fails(code.UNAVAILABLE, "DRAINING")],
        [progress(0), events(0), fails(code.CANCELLED)],
        [progress(1), events(1), fails(code.INTERNAL, "INTERNAL")],
        [progress(2), events(2), fails(code.UNKNOWN)],
        [progress(3), events(3), fails(code.DEADLINE_EXCEEDED, "DEADLINE_PASSED")],
        [progress(4), events(4), fails(code.ABORTED)],
        [progress(5), fails(code.UNAUTHENTICATED, "CREDENTIAL_EXPIRED")],
        [progress(5), fails(code.RESOURCE_EXHAUSTED)],
        [progress(5), fails(code.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", retry_after=0.01)],
        # It moved, so only the server's own delay makes the pause as long as it is.
        [progress(5), events(5), fails(code.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after=delay)],
        # The end of a stream before its stop position.
        [progress(6), events(6)],
        [progress(7), fails(code.ABORTED, "SCOPE_CHANGED", next_position="7", from_position="2")],
        [progress(7), events(7, 8), progress(9)],
    ]
    liar = Liar(world, *passing)
    program = started(world, "patient", liar)
    program.ends(0, "next position 9")
    expected = [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 7, 7]
    assert [request.from_position for request in liar.requests] == expected
    assert "from position 2" in program.said(), program.said()
    waited = liar.times[11] - liar.times[10]
    assert waited >= delay, f"it came again after {waited} s, and the server asked for {delay} s"
    held = [row[0] for row in program.database.rows("SELECT position FROM events")]
    assert held == list(range(9))


def pauses_grow_and_begin_again(world: World) -> None:
    down = fails(grpc.StatusCode.UNAVAILABLE)
    liar = Liar(
        world, *[[down]] * 5, [progress(0), events(0), down], [progress(1), events(*range(1, 9))]
    )
    program = started(world, "pausing", liar)
    program.ends(0, "next position 9")
    pauses = [
        float(found) for found in re.findall(r"connecting again in ([0-9.]+) s", program.said())
    ]
    ceilings = [0.1, 0.2, 0.4, 0.8, 1.6, 0.1]
    assert len(pauses) == len(ceilings), program.said()
    for pause, ceiling in zip(pauses, ceilings, strict=True):
        assert pause <= ceiling + 0.05, f"{pauses} against {ceilings}"
    # Jitter: pauses are drawn, not computed.
    assert pauses[:5] != ceilings[:5]


def leaves_a_stream_that_falls_silent(world: World) -> None:
    liar = Liar(world, [progress(0), events(0), stays_silent], [progress(1), events(*range(1, 9))])
    program = started(world, "silent", liar, "--heartbeat", 1)
    until("it leaves", lambda: "no message came for 2 s" in program.said(), seconds=20)
    program.ends(0, "next position 9")


def moves_on_at_the_next_node(world: World) -> None:
    """Each attempt is at the next node, and a node that has been succeeded is left."""
    down = fails(grpc.StatusCode.UNAVAILABLE)
    first = Liar(
        world,
        [progress(0, epoch=1), events(0, 1), down],
        [progress(2, epoch=1), events(2, 3), progress(4, epoch=2), down],
        [progress(4, epoch=2), events(*range(4, 9))],
    )
    second = Liar(world, [down], [progress(4, epoch=1), events(4), stays_silent])
    program = world.program("moving")
    program.start("--server", f"{first.address},{second.address}", "--stop", 9)
    program.ends(0, "next position 9")
    assert "STALE_EPOCH" in program.said(), program.said()
    assert [request.from_position for request in first.requests] == [0, 2, 4]
    assert [request.from_position for request in second.requests] == [2, 4]
    held = [row[0] for row in program.database.rows("SELECT position FROM events")]
    assert held == list(range(9)), held
    alone = Liar(world, [progress(0, epoch=2), down], [progress(0, epoch=1), events(0)])
    started(world, "succeeded", alone).ends(1, "STALE_EPOCH")


ALL = [
    moves_on_at_the_next_node,
    asks_as_agreed,
    ends_at_a_broken_promise,
    passes_gaps_under_a_filter,
    ends_at_final_errors,
    repeats_after_every_other_error,
    pauses_grow_and_begin_again,
    leaves_a_stream_that_falls_silent,
]
