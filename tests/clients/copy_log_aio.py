"""The copy program of the Python client, with the verbs for asyncio."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "clients/python/examples"))
import copy_log
from tidu_client import aio


async def follow(task: copy_log.Task) -> None:
    async with aio.connect(task.server, **task.credentials) as client:
        async for batch in client.follow(**task.options):
            task.take(batch)


if __name__ == "__main__":
    with copy_log.faults_as_sentences():
        asyncio.run(follow(copy_log.Task()))
