"""The error of every verb, and which errors a repeat can cure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "tidu"
DETAILS = "grpc-status-details-bin"

# Codes after which a repeat gives the same error. All others are repeated, because a broken
# connection has several.
FINAL = {
    grpc.StatusCode.INVALID_ARGUMENT,  # a malformed event, an unknown programme in a filter
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,  # the rights do not reach so far, or not any more
    grpc.StatusCode.FAILED_PRECONDITION,  # a rule, or another log
    grpc.StatusCode.OUT_OF_RANGE,  # a position beyond the log: it was restored to an older state
    grpc.StatusCode.UNIMPLEMENTED,  # another API
    grpc.StatusCode.DATA_LOSS,  # a damaged log
    grpc.StatusCode.UNAUTHENTICATED,
}


# Reasons of a node that takes no writes itself.
ELSEWHERE = {"FOLLOWER", "LOOPED", "RETIRED", "STALE_EPOCH"}


class TiduError(Exception):
    """A refusal of the server, a broken connection, or a check of this client that failed.

    `reason` and `metadata` are those of google.rpc.ErrorInfo (see error_reason.proto), or of a
    check of this client. Without either, `reason` is empty.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.code = code
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    @property
    def is_for_another_node(self) -> bool:
        """True if this node takes no writes: its leader, or its successor, does."""
        return self.code == grpc.StatusCode.FAILED_PRECONDITION and self.reason in ELSEWHERE

    @property
    def is_final(self) -> bool:
        """True if a repeat gives the same error."""
        if self.reason == "CREDENTIAL_EXPIRED":
            return False  # the file may have a new one
        if self.reason == "LIMIT_EXCEEDED" and self.retry_after is None:
            return True  # the request itself is too large
        return self.code in FINAL

    @classmethod
    def of(cls, error: Any) -> TiduError:
        """Decodes an error of a gRPC call."""
        reason, metadata, retry_after = "", {}, None
        for key, value in error.trailing_metadata() or ():
            if key != DETAILS:
                continue
            for detail in status_pb2.Status.FromString(value).details:
                info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
                if detail.Unpack(info) and info.domain == DOMAIN:
                    reason, metadata = info.reason, dict(info.metadata)
                elif detail.Unpack(retry):
                    retry_after = retry.retry_delay.ToNanoseconds() / 1e9
        return cls(
            error.details() or "the connection broke",
            reason=reason,
            metadata=metadata,
            code=error.code(),
            retry_after=retry_after,
        )


def broken_check(reason: str, message: str, **metadata: object) -> TiduError:
    """What the server sent contradicts what it promised, so going on would spoil the copy."""
    texts = {name: str(value) for name, value in metadata.items()}
    return TiduError(message, reason=reason, metadata=texts, code=grpc.StatusCode.DATA_LOSS)
