"""A client that knows nothing of Tidu but what its reflection service tells.

Usage: client.py ADDRESS REFLECTION   (REFLECTION: v1 or v1alpha)

Appends 9,271 rows in one commit and streams them back with the library's default settings (a client receives at most
4 MiB a message), resumes in the middle, reads a title, and checks one error with its details. Exits with 0 if all holds.
"""

import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_reflection.v1alpha import reflection_pb2 as v1alpha

ROWS = 9_271
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def code(serial):
    """A made-up unified social credit code with a valid check character."""
    organisation = "YX" + "".join(ALPHABET[serial // 31**i % 31] for i in range(6))
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(w * int(c, 36) for w, c in zip(weights, organisation)) % 11
    body = "91440600" + organisation + {10: "X", 11: "0"}.get(rest, str(rest))
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


class Tidu:
    """Services and messages, found by reflection."""

    def __init__(self, channel, reflection):
        self.channel = channel
        if reflection == "v1":
            database = V1Database(channel)
        else:
            database = ProtoReflectionDescriptorDatabase(channel)
        assert "tidu.v1.LedgerService" in database.get_services(), database.get_services()
        self.pool = descriptor_pool.DescriptorPool(database)

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"tidu.v1.{name}"))

    def call(self, service, method):
        found = self.pool.FindServiceByName(f"tidu.v1.{service}").FindMethodByName(method)
        answer = message_factory.GetMessageClass(found.output_type)
        kind = self.channel.unary_stream if found.server_streaming else self.channel.unary_unary
        return kind(
            f"/tidu.v1.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )


class V1Database(ProtoReflectionDescriptorDatabase):
    """The same protocol under its newer name."""

    def __init__(self, channel):
        super().__init__(channel)
        self._stub = type("Stub", (), {})()
        self._stub.ServerReflectionInfo = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=v1alpha.ServerReflectionRequest.SerializeToString,
            response_deserializer=v1alpha.ServerReflectionResponse.FromString,
        )


def event(tidu, serial):
    made = tidu.message("Event")(authority="440000", designee=code(serial))
    made.effective_date.year, made.effective_date.month, made.effective_date.day = 2024, 1, 1
    made.evidence.document_number = "粤工信函[2024]1号"
    made.designated.programme = "specialised-sme"
    made.designated.batch = "2024-1"
    made.designated.profile.name = f"示例{serial}精密机械有限公司"
    return made


def subscribe(tidu, start, stop):
    request = tidu.message("SubscribeRequest")(from_position=start, stop_position=stop)
    for message in tidu.call("LedgerService", "Subscribe")(request, timeout=60):
        yield from message.events.events


def check_error(tidu):
    bad = tidu.message("AppendRequest")(events=[event(tidu, ROWS)])
    bad.events[0].designee = "914403001922038217"
    try:
        tidu.call("LedgerService", "Append")(bad)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in status.details), status
        assert (info.domain, info.reason) == ("tidu", "USCC_CHECK_CHARACTER"), info
        return
    raise AssertionError("a wrong code was recorded")


def main(address, reflection):
    with grpc.insecure_channel(address) as channel:
        tidu = Tidu(channel, reflection)
        status = tidu.call("AdminService", "GetStatus")(tidu.message("GetStatusRequest")())
        if status.log_size == 0:
            rows = [event(tidu, serial) for serial in range(ROWS)]
            request = tidu.message("AppendRequest")(request_id="foreign-1", events=rows)
            answer = tidu.call("LedgerService", "Append")(request, timeout=60)
            assert (answer.first_position, answer.next_position) == (0, ROWS), answer
            again = tidu.call("LedgerService", "Append")(request, timeout=60)
            assert again.replayed and again.recorded_time == answer.recorded_time
        positions = [recorded.position for recorded in subscribe(tidu, 0, ROWS)]
        assert positions == list(range(ROWS)), len(positions)
        tail = [recorded.position for recorded in subscribe(tidu, 4_321, ROWS)]
        assert tail == list(range(4_321, ROWS)), len(tail)
        request = tidu.message("GetDesigneeRequest")(designee=code(7))
        day = request.as_of.valid_on
        day.year, day.month, day.day = 2026, 12, 31
        request.as_of.known_at = ROWS
        answer = tidu.call("RegisterService", "GetDesignee")(request)
        assert answer.designee.titles[0].status == 4, answer
        assert (answer.as_of.valid_on, answer.as_of.known_at) == (day, ROWS), answer
        check_error(tidu)
        print(f"{address}: {ROWS} rows appended, streamed and resumed through reflection {reflection}")


if __name__ == "__main__":
    main(*sys.argv[1:])
