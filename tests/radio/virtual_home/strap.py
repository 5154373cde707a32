"""A virtual heart rate strap (Heart Rate Service 1.0): notifies one value after the other to whoever subscribes, and as
long as it is worn, one each second."""

import asyncio
import struct

from bumble.device import Connection

from .peripheral import NOTIFY, Sender, readable

CHEST = 1
BEAT_S = 1.0


class Strap(Sender):
    NAME = "Virtual Strap"
    MODEL = "VH-1"
    SERVICE = 0x180D
    MEASUREMENT = 0x2A37
    HOW = NOTIFY

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.worn: int | None = None
        """The rate of who wears it."""

    def has_more(self) -> bool:
        return super().has_more() or self.worn is not None

    async def send(self, connection: Connection) -> None:
        await super().send(connection)
        while self.worn is not None and await self.transmit(connection, self.measurement, self.HOW, frame_of(self.worn)):
            await asyncio.sleep(BEAT_S)

    def features(self):
        return [readable(0x2A38, bytes([CHEST]))]

    def beat(self, per_minute: int, intervals_ms: tuple[int, ...] = ()) -> bytes:
        """A value, with the intervals between the beats since the last one (sent in 1/1024 s). Skin contact."""
        frame = frame_of(per_minute, intervals_ms)
        self.memory.append(frame)
        return frame


def frame_of(per_minute: int, intervals_ms: tuple[int, ...] = ()) -> bytes:
    flags = 0x06 | (0x10 if intervals_ms else 0)
    return bytes([flags, per_minute]) + b"".join(struct.pack("<H", round(ms * 1024 / 1000)) for ms in intervals_ms)
