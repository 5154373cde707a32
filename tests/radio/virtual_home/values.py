"""Numbers and times as home devices send them (IEEE 11073-20601 floats, GSS Date Time, Elapsed Time), for the virtual ones.

Written from the layouts, apart from the product's own encoders: a fault that both share would show nowhere else.
"""

import struct
from datetime import datetime, timezone
from decimal import Decimal

NOT_A_NUMBER = 0x07FF
EPOCH_2000 = datetime(2000, 1, 1, tzinfo=timezone.utc)


def digits(value: str) -> tuple[int, int]:
    """Mantissa and exponent of a number, digit for digit: "5.60" is 560 and -2."""
    sign, figures, exponent = Decimal(value).as_tuple()
    mantissa = int("".join(map(str, figures)))
    return (-mantissa if sign else mantissa), exponent


def sfloat(value: str | None) -> bytes:
    """SFLOAT: 12 bits of mantissa, 4 of exponent; nothing is the special NaN."""
    if value is None:
        return struct.pack("<H", NOT_A_NUMBER)
    return sfloat_of(*digits(value))


def sfloat_of(mantissa: int, exponent: int) -> bytes:
    if not (-0x7FD <= mantissa <= 0x7FD and -8 <= exponent <= 7):
        raise ValueError(f"{mantissa}e{exponent} is no SFLOAT")
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def float32(value: str) -> bytes:
    """FLOAT: 24 bits of mantissa, 8 of exponent."""
    mantissa, exponent = digits(value)
    if not (-0x7FFFFD <= mantissa <= 0x7FFFFD and -128 <= exponent <= 127):
        raise ValueError(f"{value} is no FLOAT")
    return struct.pack("<I", (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def date_time(at: datetime) -> bytes:
    """GSS Date Time: no zone."""
    return struct.pack("<HBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second)


def elapsed_time(at: datetime) -> bytes:
    """Elapsed Time (9 bytes): UTC seconds since 2000 on the current timeline, source NTP, offset 0 in use."""
    seconds = int((at - EPOCH_2000).total_seconds())
    return bytes([0x32]) + seconds.to_bytes(6, "little") + bytes([1, 0])


def crc(content: bytes) -> bytes:
    """The E2E-CRC (CRC-16/MCRF4XX), little-endian."""
    register = 0xFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return struct.pack("<H", register)
