"""A virtual pulse oximeter with a memory (Pulse Oximeter Service 1.0.1): spot checks, which have no numbers."""

import struct
from datetime import datetime

from .keeper import ABORT, COUNT, DELETE, REPORT, Keeper, Kept
from .peripheral import INDICATE, readable
from .values import date_time, sfloat

FROM_STORAGE = 1 << 9


class Oximeter(Keeper):
    NAME = "Virtual Oximeter"
    MODEL = "VO-1"
    SERVICE = 0x1822
    RECORDS = 0x2A5E
    HOW = INDICATE
    WIDTH = 0
    REQUESTS = (REPORT, DELETE, ABORT, COUNT)

    def features(self):
        # Measurement status, storage, time stamps; the supported measurement status bits.
        return [readable(0x2A60, struct.pack("<HH", 1 | 1 << 2 | 1 << 3, FROM_STORAGE))]

    def check(self, spo2: int, pulse: int, at: datetime | None = None) -> Kept:
        """A spot check that goes into the memory."""
        # With time and measurement status.
        frame = b"\x03" + sfloat(str(spo2)) + sfloat(str(pulse)) + date_time(at or self.now())
        kept = Kept(len(self.memory), [(0x2A5E, frame + struct.pack("<H", FROM_STORAGE))])
        self.add(kept)
        return kept
