"""The course of one follower, without any I/O: what to ask, what to expect, how long to pause."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import DecodeError

from tidu.v1 import event_pb2, ledger_service_pb2
from tidu_client.errors import TiduError, broken_check

# The digest of a copy that holds nothing.
EMPTY_DIGEST = bytes(32)
# The ceiling of the pause before a repeat doubles from the first to the second.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 10.0
# A server that lives sends a message each heartbeat.
HEARTBEATS_MISSED_MAX = 2

log = logging.getLogger("tidu_client")


@dataclass(frozen=True)
class Batch:
    """One message of the stream. Store its events and `next_position` in one transaction.

    Heartbeats come too, without events: they show that the connection lives.
    """

    # Everything below was delivered or does not match. Resume here.
    next_position: int
    # The history in which positions count. Store it with the position.
    log_id: str
    events: tuple[event_pb2.RecordedEvent, ...] = ()
    # The stored bytes of the events, which are the Merkle leaves.
    leaves: tuple[bytes, ...] = ()
    # The place of an event whose content is not shown.
    withheld: event_pb2.Withheld | None = None
    # The epoch of the node: a promotion raises it. Store it too, and give it to follow again.
    epoch: int = 0
    # The digest of the copy after this batch, if one was given to follow. Store it too.
    digest: bytes | None = None
    # Size of the log, and whether the stream has reached it, as last reported.
    log_size: int = 0
    caught_up: bool = False
    # The rights reach further now: events from here on may match that did not before.
    scope_changed_from: int | None = None


class FollowOptions(TypedDict, total=False):
    """The options of follow; none is required."""

    # The stored next_position, or 0.
    from_position: int
    # The log of the caller's copy. Empty: that of the first answer.
    log_id: str
    # The highest epoch that was stored. A node of a lower one has been succeeded, and is left.
    epoch: int
    # The events to deliver. None: all.
    filter: ledger_service_pb2.EventFilter | None
    # The digest of the copy below from_position, EMPTY_DIGEST for an empty one. None: no check.
    digest: bytes | None
    # 1 to 300. After twice as long without a message, follow connects again.
    heartbeat_seconds: float
    # End before this position. None: never.
    stop_position: int | None
    # Positions may have gaps without a filter, too: some events are hidden from this reader.
    gaps: bool
    # Called before each pause. None: a warning of the logger `tidu_client`.
    on_retry: Callable[[TiduError, float], None] | None


class Backoff:
    """Pauses with full jitter, so that all clients of a server do not come back at once."""

    def __init__(self, on_retry: Callable[[TiduError, float], None] | None = None) -> None:
        self.on_retry = on_retry or warn
        self.ceiling = PAUSE_SECONDS_MIN

    def reset(self) -> None:
        self.ceiling = PAUSE_SECONDS_MIN

    def pause(
        self, error: TiduError, longest: float | None = None, has_others: bool = False
    ) -> float:
        """The seconds to wait before a repeat, at another node if there are others. Raises the
        error if a repeat cannot help."""
        seconds = max(random.uniform(0, self.ceiling), error.retry_after or 0)
        is_final = error.is_final and not (has_others and error.is_for_another_node)
        if is_final or (longest is not None and seconds >= longest):
            raise error
        self.ceiling = min(self.ceiling * 2, PAUSE_SECONDS_MAX)
        self.on_retry(error, seconds)
        return seconds


def warn(error: TiduError, seconds: float) -> None:
    log.warning("%s; connecting again in %.1f s", error, seconds)


class Course:
    """The place of a follower. It moves by messages, and outlives connections."""

    def __init__(
        self,
        *,
        from_position: int = 0,
        log_id: str = "",
        epoch: int = 0,
        filter: ledger_service_pb2.EventFilter | None = None,
        digest: bytes | None = None,
        heartbeat_seconds: float = 10,
        stop_position: int | None = None,
        gaps: bool = False,
        on_retry: Callable[[TiduError, float], None] | None = None,
    ) -> None:
        self.next_position, self.log_id, self.digest = from_position, log_id, digest
        self.epoch = epoch
        self.filter, self.stop_position = filter, stop_position
        self.gaps = gaps or bool(filter and filter.ListFields())
        self.heartbeat_seconds = heartbeat_seconds
        self.silence_seconds_max = heartbeat_seconds * HEARTBEATS_MISSED_MAX
        self.backoff = Backoff(on_retry)
        self.log_size, self.caught_up = 0, False

    def request(self) -> ledger_service_pb2.SubscribeRequest:
        """Begins an attempt."""
        self._named, self._began, self._began_at = False, time.monotonic(), self.next_position
        heartbeat = duration_pb2.Duration()
        heartbeat.FromNanoseconds(round(self.heartbeat_seconds * 1e9))
        return ledger_service_pb2.SubscribeRequest(
            from_position=self.next_position,
            log_id=self.log_id,
            filter=self.filter,
            digest=self.digest,
            heartbeat_interval=heartbeat,
            stop_position=self.stop_position,
            raw=True,
        )

    def take(self, message: ledger_service_pb2.SubscribeResponse) -> Batch:
        """Checks a message and moves past it."""
        payload = message.WhichOneof("payload")
        if payload == "progress":
            return self._take_progress(message.progress)
        if not self._named:
            raise broken_check("PROTOCOL", "the stream did not begin with the name of its log")
        if payload == "raw_events":
            return self._take_events(message.raw_events)
        if payload == "withheld":
            withheld = message.withheld
            self._pass(withheld.position, withheld.leaf_hash)
            return self._batch(self.next_position, withheld=withheld)
        raise broken_check("PROTOCOL", f"a message of an unknown kind came: {payload}")

    def _take_progress(self, progress: ledger_service_pb2.Progress) -> Batch:
        if self.log_id and progress.log_id != self.log_id:
            raise broken_check(
                "LOG_ID_MISMATCH",
                f"the server has the log {progress.log_id}, not the one named, {self.log_id}",
                log_id=progress.log_id,
                expected=self.log_id,
            )
        if progress.epoch < self.epoch:
            raise TiduError(
                f"the node is of epoch {progress.epoch} and has been succeeded: epoch "
                f"{self.epoch} is known",
                reason="STALE_EPOCH",
                metadata={"epoch": str(progress.epoch), "known_epoch": str(self.epoch)},
                code=grpc.StatusCode.FAILED_PRECONDITION,
            )
        self.log_id, self._named, self.epoch = progress.log_id, True, progress.epoch
        self.log_size, self.caught_up = progress.log_size, progress.caught_up
        if self.digest is not None and progress.digest != self.digest:
            raise broken_check(
                "DIGEST_MISMATCH",
                f"the copy differs from the log below position {progress.next_position}",
                digest=progress.digest.hex(),
                expected=self.digest.hex(),
                next_position=progress.next_position,
            )
        return self._batch(progress.next_position)

    def _take_events(self, batch: ledger_service_pb2.RawEventBatch) -> Batch:
        leaves, events = tuple(batch.leaves), []
        for leaf in leaves:
            try:
                event = event_pb2.RecordedEvent.FromString(leaf)
            except DecodeError as error:
                text = f"the event after position {self.next_position} does not decode"
                raise broken_check("PROTOCOL", text) from error
            self._pass(event.position, hashlib.sha256(b"\0" + leaf).digest())
            events.append(event)
        return self._batch(batch.next_position, events=tuple(events), leaves=leaves)

    def _pass(self, position: int, leaf_hash: bytes) -> None:
        self._require_expected(position)
        self.next_position = position + 1
        if self.digest is not None:
            self.digest = hashlib.sha256(self.digest + leaf_hash).digest()

    def _require_expected(self, position: int) -> None:
        expected = self.next_position
        if position < expected or (position > expected and not self.gaps):
            raise broken_check(
                "POSITION_UNEXPECTED",
                f"position {position} came, {expected} was expected",
                position=position,
                expected=expected,
            )

    def _batch(
        self,
        next_position: int,
        *,
        events: tuple[event_pb2.RecordedEvent, ...] = (),
        leaves: tuple[bytes, ...] = (),
        withheld: event_pb2.Withheld | None = None,
        scope_changed_from: int | None = None,
    ) -> Batch:
        self._require_expected(next_position)
        self.next_position = next_position
        return Batch(
            next_position=next_position,
            log_id=self.log_id,
            events=events,
            leaves=leaves,
            withheld=withheld,
            epoch=self.epoch,
            digest=self.digest,
            log_size=self.log_size,
            caught_up=self.caught_up,
            scope_changed_from=scope_changed_from,
        )

    def is_done(self) -> bool:
        """True where a stream that ends without an error has ended as it should."""
        return self.stop_position is not None and self.next_position >= self.stop_position

    def silence(self) -> TiduError:
        text = f"no message came for {self.silence_seconds_max:g} s"
        return TiduError(text, code=grpc.StatusCode.DEADLINE_EXCEEDED)

    def scope_changed(self, error: TiduError) -> Batch | None:
        """The batch that tells of wider rights. Narrower ones end the course."""
        if error.reason != "SCOPE_CHANGED" or error.code != grpc.StatusCode.ABORTED:
            return None
        reached = int(error.metadata.get("from_position", self.next_position))
        return self._batch(self.next_position, scope_changed_from=reached)

    def pause(self, error: TiduError, has_others: bool = False) -> float:
        """Ends an attempt: the seconds until the next one, at another node if there are others.
        Raises a final error."""
        lived = time.monotonic() - self._began
        if self.next_position > self._began_at or lived >= PAUSE_SECONDS_MAX:
            self.backoff.reset()
        return self.backoff.pause(error, has_others=has_others)
