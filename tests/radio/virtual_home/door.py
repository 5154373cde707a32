"""The door between guest and host: passes the guest's connections on to the relay, and notes when an upload has come in.

In: connections to a port of the host's loopback. Out: the same bytes at the relay, and the times of uploads.
"""

import asyncio
import contextlib
import time

# Uploading an envelope is the only PUT to a mailbox.
UPLOAD = b"PUT /v1/mailboxes/"


class Door:
    def __init__(self) -> None:
        self.uploads: list[float] = []
        self.passing: set[asyncio.Task] = set()

    async def open(self, relay_port: int) -> int:
        """Opens; gives the port."""
        self.relay_port = relay_port
        self.server = await asyncio.start_server(self.enter, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self.server.close()
        for task in self.passing:
            task.cancel()
        await asyncio.gather(*self.passing, return_exceptions=True)

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passing.add(task := asyncio.current_task())
        task.add_done_callback(self.passing.discard)
        relay_reader, relay_writer = await asyncio.open_connection("127.0.0.1", self.relay_port)
        upload = Upload(self.uploads)
        await asyncio.gather(
            copy(reader, relay_writer, upload.asked),
            copy(relay_reader, writer, upload.answered),
            return_exceptions=True,
        )


class Upload:
    """The upload under way on one connection: it has come in with its last byte before the answer."""

    def __init__(self, uploads: list[float]) -> None:
        self.uploads = uploads
        self.last: float | None = None

    def asked(self, content: bytes) -> None:
        if self.last is not None or content.startswith(UPLOAD):
            self.last = time.monotonic()

    def answered(self, _content: bytes) -> None:
        if self.last is not None:
            self.uploads.append(self.last)
            self.last = None


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen) -> None:
    try:
        while content := await reader.read(1 << 16):
            seen(content)
            writer.write(content)
            await writer.drain()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
