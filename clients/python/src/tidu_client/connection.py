"""The address and the credentials of a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio

OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC pauses between connections too; by default its pause grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 10_000),
    # Otherwise two channels to one address share a connection, also one that is dead.
    ("grpc.use_local_subchannel_pool", 1),
)
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


class Nodes:
    """The nodes of one log, of which a client talks to one. It leaves one that does not do."""

    def __init__(
        self,
        server: str,
        ca_file: str | None,
        cert_file: str | None,
        key_file: str | None,
        token_file: str | None,
    ) -> None:
        files = (ca_file, cert_file, key_file, token_file)
        self.all = [Address(one.strip(), *files) for one in server.split(",")]
        self.turn = 0

    @property
    def address(self) -> Address:
        """The node whose turn it is."""
        return self.all[self.turn % len(self.all)]

    @property
    def has_others(self) -> bool:
        return len(self.all) > 1

    def leave(self, address: Address) -> None:
        """Ends the turn of a node, if it is still its turn: several who find the same leave one."""
        if address is self.address:
            self.turn += 1


@dataclass(frozen=True, eq=False)
class Address:
    """Where the server is, and who calls. The files are in PEM, and read for each connection."""

    server: str
    ca_file: str | None
    cert_file: str | None
    key_file: str | None
    token_file: str | None

    def __post_init__(self) -> None:
        if "://" in self.host_and_port or ":" not in self.host_and_port.rpartition("]")[2]:
            raise ValueError(
                f"server {self.server!r}: give https://HOST:PORT, or HOST:PORT for plaintext"
            )
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file: give both, or neither")
        if self.secure:
            return
        if self.ca_file or self.cert_file:
            raise ValueError("plaintext uses neither CAs nor certificates: use https://HOST:PORT")
        if self.token_file and self.host_and_port.rpartition(":")[0] not in LOOPBACK:
            raise ValueError("everybody on the way could read the token: use https://HOST:PORT")

    @property
    def secure(self) -> bool:
        return self.server.startswith("https://")

    @property
    def host_and_port(self) -> str:
        bare = self.server.removeprefix("https://" if self.secure else "http://")
        return bare.rstrip("/")

    def credentials(self) -> grpc.ChannelCredentials:
        files = (self.ca_file, self.key_file, self.cert_file)
        return grpc.ssl_channel_credentials(*(Path(f).read_bytes() if f else None for f in files))

    def open(self) -> grpc.Channel:
        """A new connection."""
        if self.secure:
            channel = grpc.secure_channel(self.host_and_port, self.credentials(), OPTIONS)
        else:
            channel = grpc.insecure_channel(self.host_and_port, OPTIONS)
        return grpc.intercept_channel(channel, Token(self)) if self.token_file else channel

    def open_aio(self) -> grpc.aio.Channel:
        """A new connection for asyncio."""
        tokens: Any = [AioUnaryToken(self), AioStreamToken(self)] if self.token_file else None
        options: Any = OPTIONS
        if not self.secure:
            return grpc.aio.insecure_channel(self.host_and_port, options, interceptors=tokens)
        return grpc.aio.secure_channel(
            self.host_and_port, self.credentials(), options, interceptors=tokens
        )

    def with_token(self, details: Any) -> CallDetails:
        """The details of a call with the token as it is in its file now."""
        token = Path(self.token_file or "").read_text(encoding="ascii").strip()
        metadata = [*(details.metadata or ()), ("authorization", f"Bearer {token}")]
        return CallDetails(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
        )


class CallDetails(NamedTuple):
    """What gRPC's interceptors pass on."""

    method: Any
    timeout: float | None
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None


@dataclass
class Token(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Puts the token into each call."""

    address: Address

    def intercept_unary_unary(self, go_on: Callable[..., Any], details: Any, request: Any) -> Any:
        return go_on(self.address.with_token(details), request)

    def intercept_unary_stream(self, go_on: Callable[..., Any], details: Any, request: Any) -> Any:
        return go_on(self.address.with_token(details), request)


@dataclass
class AioUnaryToken(grpc.aio.UnaryUnaryClientInterceptor):
    """Puts the token into each call. gRPC takes one kind of call from each aio interceptor."""

    address: Address

    async def intercept_unary_unary(
        self, go_on: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        return await go_on(grpc.aio.ClientCallDetails(*self.address.with_token(details)), request)


@dataclass
class AioStreamToken(grpc.aio.UnaryStreamClientInterceptor):
    """See AioUnaryToken."""

    address: Address

    async def intercept_unary_stream(
        self, go_on: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        return await go_on(grpc.aio.ClientCallDetails(*self.address.with_token(details)), request)
