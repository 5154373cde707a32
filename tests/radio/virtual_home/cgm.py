"""A virtual continuous glucose monitor (CGM Service 1.0.2) with a memory, a running session and the E2E-CRC everywhere."""

import struct
from datetime import datetime

from bumble.core import UUID
from bumble.gatt import Characteristic, CharacteristicValue

from .keeper import Keeper, Kept
from .peripheral import ENCRYPTED, ENCRYPTED_WRITE, READ, WRITE, readable
from .values import crc, date_time, sfloat_of

CRC_SUPPORTED = 1 << 12
INTERSTITIAL_SUBCUTANEOUS = 0x59
OP_CODE_RESPONSE = 0x1C
START, STOP, GET_INTERVAL, INTERVAL = 0x1A, 0x1B, 0x02, 0x03
SUCCESS, OP_NOT_SUPPORTED, BAD_OPERAND = 1, 2, 3


class Cgm(Keeper):
    NAME = "Virtual CGM"
    MODEL = "VM-1"
    SERVICE = 0x181F
    RECORDS = 0x2AA7

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.started = self.now()
        self.commands: list[bytes] = []

    def features(self):
        feature = struct.pack("<I", CRC_SUPPORTED)[:3] + bytes([INTERSTITIAL_SUBCUTANEOUS])
        self.control = self.commands_by(0x2AAC, self.commanded)
        start = Characteristic(
            UUID.from_16_bits(0x2AAA),
            READ | WRITE,
            ENCRYPTED | Characteristic.WRITEABLE | ENCRYPTED_WRITE,
            CharacteristicValue(read=self.read_start, write=self.write_start),
        )
        status = Characteristic(UUID.from_16_bits(0x2AA9), READ, ENCRYPTED, CharacteristicValue(read=self.read_status))
        run_time = struct.pack("<H", 14 * 24)
        return [readable(0x2AA8, feature + crc(feature)), status, start, readable(0x2AAB, run_time + crc(run_time)), self.control]

    def minute(self, at: datetime | None = None) -> int:
        """Minutes since the start of the session."""
        return int(((at or self.now()) - self.started).total_seconds() // 60)

    def measure(self, mg_per_dl: int, minute: int) -> Kept:
        """A measurement so many minutes after the start."""
        record = bytes([0, 0]) + sfloat_of(mg_per_dl, 0) + struct.pack("<H", minute)
        record = bytes([len(record) + 2]) + record[1:]
        kept = Kept(minute, [(0x2AA7, record + crc(record))])
        self.add(kept)
        return kept

    def read_status(self, _connection) -> bytes:
        status = struct.pack("<H", self.minute()) + bytes(3)
        return status + crc(status)

    def read_start(self, _connection) -> bytes:
        # UTC, without daylight saving.
        start = date_time(self.started) + bytes([0, 0])
        return start + crc(start)

    def write_start(self, _connection, value: bytes) -> None:
        self.told.clock_set.append(value)

    def commanded(self, connection, command: bytes) -> None:
        self.commands.append(command)
        self.keep(self.reply(connection, command))

    async def reply(self, connection, command: bytes) -> None:
        body, check = command[:-2], command[-2:]
        op = command[0] if command else 0
        if check != crc(body):
            answer = bytes([OP_CODE_RESPONSE, op, BAD_OPERAND])
        elif op == GET_INTERVAL:
            answer = bytes([INTERVAL, 5])
        elif op in (START, STOP):
            answer = bytes([OP_CODE_RESPONSE, op, SUCCESS])
        else:
            answer = bytes([OP_CODE_RESPONSE, op, OP_NOT_SUPPORTED])
        await self.answer(connection, answer + crc(answer), self.control)
