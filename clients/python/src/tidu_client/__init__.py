"""Client of Tidu, the system of record for enterprise designations.

    with tidu_client.connect("127.0.0.1:50051") as client:
        for batch in client.follow():
            for recorded in batch.events:
                print(recorded.position, recorded.event.designee)

`tidu_client.aio` has the same for asyncio, and `tidu.v1` the generated messages.
"""

from tidu.v1.event_pb2 import Event, RecordedEvent, Withheld
from tidu.v1.ledger_service_pb2 import EventFilter
from tidu_client.client import Client, connect
from tidu_client.course import EMPTY_DIGEST, Batch, FollowOptions
from tidu_client.errors import TiduError

__all__ = [
    "EMPTY_DIGEST",
    "Batch",
    "Client",
    "Event",
    "EventFilter",
    "FollowOptions",
    "RecordedEvent",
    "TiduError",
    "Withheld",
    "connect",
]
