"""A virtual scale (Weight Scale Service 1.0.1): one record a weighing, and no body composition."""

import struct

from .peripheral import Sender, readable
from .values import date_time


class Scale(Sender):
    NAME = "Virtual Scale"
    MODEL = "VS-1"
    SERVICE = 0x181D
    MEASUREMENT = 0x2A9D

    def features(self):
        # Time stamps; weight to 0.005 kg.
        return [readable(0x2A9E, struct.pack("<I", 1 | 7 << 3))]

    def weigh(self, grams: int) -> bytes:
        """A weighing, in steps of 5 g."""
        steps, rest = divmod(grams, 5)
        if rest:
            raise ValueError("a scale of this resolution shows steps of 5 g")
        frame = b"\x02" + struct.pack("<H", steps) + date_time(self.now())
        self.memory.append(frame)
        return frame
