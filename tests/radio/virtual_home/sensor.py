"""A virtual Generic Health Sensor (GHSS 1.0) with stored observations in segments, and the Elapsed Time Service."""

import struct
from datetime import datetime

from bumble.core import UUID
from bumble.gatt import Characteristic, CharacteristicValue, Service

from .keeper import ABORT, COMBINED, COUNT, DELETE, Keeper, Kept
from .peripheral import ENCRYPTED, ENCRYPTED_WRITE, INDICATE, READ, WRITE, readable
from .values import elapsed_time, float32

MDC_SPO2, MDC_PULSE = 150456, 149530
UNIT_PERCENT, UNIT_PER_MINUTE = 544, 2720
NUMERIC = 1
HAS_TYPE, HAS_TIME = 1 << 0, 1 << 1
PIECE = 19
"""What fits behind the segment's header into the smallest ATT MTU."""
START_LIVE, STOP_LIVE, SUCCESS, NOT_SUPPORTED = 0x01, 0x02, 0x80, 0x81


class Sensor(Keeper):
    NAME = "Virtual Sensor"
    MODEL = "VX-1"
    SERVICE = 0x1840
    RECORDS = 0x2BDD
    WIDTH = 4
    REQUESTS = (COMBINED, DELETE, ABORT, COUNT)

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.next_number = 0
        self.counter = 0

    def features(self):
        self.live = self.sending(0x2B8B, INDICATE)
        self.control = self.commands_by(0x2BF4, self.commanded)
        return [readable(0x2BF3, bytes([0, 2]) + struct.pack("<II", MDC_SPO2, MDC_PULSE)), self.live, self.control]

    def usual_services(self):
        clock = Characteristic(
            UUID.from_16_bits(0x2BF2),
            READ | WRITE,
            ENCRYPTED | Characteristic.WRITEABLE | ENCRYPTED_WRITE,
            CharacteristicValue(read=self.read_elapsed, write=self.write_elapsed),
        )
        # It has the Elapsed Time Service in place of Current Time.
        others = [one for one in super().usual_services() if one.uuid != UUID.from_16_bits(0x1805)]
        return [*others, Service(UUID.from_16_bits(0x183F), [clock])]

    def read_elapsed(self, _connection) -> bytes:
        # Clock status: needs no setting; capabilities: none.
        return elapsed_time(self.now()) + bytes(2)

    def write_elapsed(self, _connection, value: bytes) -> None:
        self.told.clock_set.append(value)

    def commanded(self, connection, command: bytes) -> None:
        code = SUCCESS if command[:1] in (bytes([START_LIVE]), bytes([STOP_LIVE])) else NOT_SUPPORTED
        self.keep(self.answer(connection, bytes([code]), self.control))

    def observe(self, kind: int, value: str, unit: int, at: datetime | None = None) -> Kept:
        """A numeric observation that goes into the memory."""
        number = self.next_number
        self.next_number += 1
        body = struct.pack("<HI", HAS_TYPE | HAS_TIME, kind) + elapsed_time(at or self.now())
        body += struct.pack("<H", unit) + float32(value)
        record = struct.pack("<I", number) + bytes([NUMERIC]) + struct.pack("<H", len(body)) + body
        kept = Kept(number, [(self.RECORDS, segment) for segment in self.segments(record)])
        self.add(kept)
        return kept

    def segments(self, record: bytes) -> list[bytes]:
        """The record in pieces, each with its header. The counter runs on over all records."""
        pieces = [record[at : at + PIECE] for at in range(0, len(record), PIECE)]
        made = []
        for place, piece in enumerate(pieces):
            header = (place == 0) | (place == len(pieces) - 1) << 1 | self.counter << 2
            self.counter = (self.counter + 1) % 64
            made.append(bytes([header]) + piece)
        return made
