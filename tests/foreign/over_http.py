"""Plain HTTP, judged by what others wrote: a validator of OpenAPI documents and a reader of server-sent events.

Usage: over_http.py ADDRESS   (HOST:PORT of a server that holds at least 9,000 events, as client.py leaves it)

Validates /openapi.json, reads the events as lines and as server-sent events, and resumes at a few places. Exits with 0
if all holds.
"""

import json
import sys

import httpx
from httpx_sse import connect_sse
from openapi_spec_validator import validate


def sent(client, known=None):
    """The positions of the server-sent events, and the id of each."""
    headers = {"Last-Event-ID": str(known)} if known is not None else {}
    found = []
    with connect_sse(client, "GET", "/v1/events?follow=false", headers=headers) as source:
        if source.response.status_code == 204:
            return found
        for event in source.iter_sse():
            if event.event == "message":
                found.append((int(json.loads(event.data)["position"]), int(event.id)))
            else:
                assert event.event == "progress", event
    return found


def main(address):
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        document = client.get("/openapi.json").json()
        validate(document)
        assert document["openapi"].startswith("3.1"), document["openapi"]
        print(f"the description of {len(document['paths'])} paths is valid")

        lines = client.get("/v1/events", params={"follow": "false"}).text.splitlines()
        positions = [int(json.loads(line)["position"]) for line in lines]
        assert len(positions) > 9_000 and positions == list(range(len(positions))), len(positions)
        events = sent(client)
        assert [position for position, _ in events] == positions
        for cut in (1, 4_000, len(positions) - 1, len(positions)):
            assert [position for position, _ in sent(client, events[cut - 1][1])] == positions[cut:], cut
        print(f"{len(positions)} events came as lines and as server-sent events, and once after each cut")


main(sys.argv[1])
