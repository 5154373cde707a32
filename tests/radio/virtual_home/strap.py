"""A virtual heart rate strap (Heart Rate Service 1.0): notifies one value after the other to whoever subscribes."""

import struct

from .peripheral import NOTIFY, Sender, readable

CHEST = 1


class Strap(Sender):
    NAME = "Virtual Strap"
    MODEL = "VH-1"
    SERVICE = 0x180D
    MEASUREMENT = 0x2A37
    HOW = NOTIFY

    def features(self):
        return [readable(0x2A38, bytes([CHEST]))]

    def beat(self, per_minute: int, intervals_ms: tuple[int, ...] = ()) -> bytes:
        """A value, with the intervals between the beats since the last one (sent in 1/1024 s). Skin contact."""
        flags = 0x06 | (0x10 if intervals_ms else 0)
        frame = bytes([flags, per_minute])
        frame += b"".join(struct.pack("<H", round(ms * 1024 / 1000)) for ms in intervals_ms)
        self.memory.append(frame)
        return frame
