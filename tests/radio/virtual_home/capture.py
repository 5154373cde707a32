"""Reads btmon's capture: what crossed the HCI of the guest's kernel, and whether it may have.

The file is btsnoop, datalink 2001 (Linux monitor): RFC 1761's record layout with the adapter and the kind of packet in
the flags. The HCI packets are those of Core 5.4, Vol 4 Part E; frames of L2CAP are put together from their fragments.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HEADER = struct.pack(">8sII", b"btsnoop\0", 1, 2001)
NEW_INDEX, DEL_INDEX, EVENT, ACL_SENT, ACL_RECEIVED = 0, 1, 3, 4, 5
ENCRYPTION_CHANGE = (0x08, 0x59)
DISCONNECTION_COMPLETE = 0x05
ATT, SMP = 0x0004, 0x0006
NOTIFICATION, INDICATION, CONFIRMATION = 0x1B, 0x1D, 0x1E
# SMP, Core 5.4 Vol 3 Part H 3.3: only LE Secure Connections exchange a public key.
PUBLIC_KEY = 0x0C


@dataclass
class Record:
    """One record of the file; `whole` is the record with its header."""

    adapter: int
    kind: int
    packet: bytes
    whole: bytes


@dataclass
class Capture:
    """What matters of it."""

    encrypted: int = 0
    public_keys: int = 0
    values: list[bytes] = field(default_factory=list)
    """Indicated or notified on an encrypted link."""
    plain_values: list[bytes] = field(default_factory=list)
    confirmations: int = 0


def records(content: bytes) -> Iterator[Record]:
    if content[: len(HEADER)] != HEADER:
        raise ValueError(f"not a capture of btmon: {content[:16]!r}")
    at = len(HEADER)
    while at + 24 <= len(content):
        _, length, flags, _, _ = struct.unpack_from(">IIIIQ", content, at)
        end = at + 24 + length
        yield Record(flags >> 16, flags & 0xFFFF, content[at + 24 : end], content[at:end])
        at = end


def read(content: bytes) -> Capture:
    capture = Capture()
    secure: set[tuple[int, int]] = set()
    parts: dict[tuple[int, int, int], bytes] = {}
    for record in records(content):
        if record.kind in (NEW_INDEX, DEL_INDEX):
            # An adapter that came or went has no links.
            secure = {link for link in secure if link[0] != record.adapter}
            parts = {link: part for link, part in parts.items() if link[0] != record.adapter}
        elif record.kind == EVENT:
            event(capture, secure, record)
        elif record.kind in (ACL_SENT, ACL_RECEIVED) and len(record.packet) >= 4:
            data(capture, secure, parts, record)
    return capture


def is_encryption(record: Record) -> bool:
    return record.kind == EVENT and record.packet[:1] != b"" and record.packet[0] in ENCRYPTION_CHANGE


def event(capture: Capture, secure: set[tuple[int, int]], record: Record) -> None:
    if is_encryption(record):
        status, handle, enabled = struct.unpack_from("<BHB", record.packet, 2)
        if status == 0 and enabled:
            capture.encrypted += 1
            secure.add((record.adapter, handle & 0x0FFF))
        else:
            secure.discard((record.adapter, handle & 0x0FFF))
    elif record.packet[:1] == bytes([DISCONNECTION_COMPLETE]):
        _, handle, _ = struct.unpack_from("<BHB", record.packet, 2)
        secure.discard((record.adapter, handle & 0x0FFF))


def data(
    capture: Capture, secure: set[tuple[int, int]], parts: dict[tuple[int, int, int], bytes], record: Record
) -> None:
    handle, _ = struct.unpack_from("<HH", record.packet)
    key = (record.adapter, record.kind, handle & 0x0FFF)
    # Packet boundary flag 1: the next part of the frame that began before.
    begun = parts.pop(key, b"") if handle >> 12 & 3 == 1 else b""
    frame = begun + record.packet[4:]
    if len(frame) < 4:
        return
    length, channel = struct.unpack_from("<HH", frame)
    if len(frame) < 4 + length:
        parts[key] = frame
        return
    body = frame[4 : 4 + length]
    if channel == SMP and body[:1] == bytes([PUBLIC_KEY]):
        capture.public_keys += 1
    elif channel == ATT and body[:1] in (bytes([INDICATION]), bytes([NOTIFICATION])):
        is_secure = (record.adapter, handle & 0x0FFF) in secure
        kept = capture.values if is_secure else capture.plain_values
        kept.append(body[3:])
    elif channel == ATT and body[:1] == bytes([CONFIRMATION]):
        capture.confirmations += 1


def complaints(content: bytes, sent: list[bytes], confirmed: int) -> list[str]:
    """Why this capture does not prove that these frames crossed the HCI, confirmed, on links that were encrypted after a
    pairing over SMP; nothing when it does."""
    seen = read(content)
    found = []
    if seen.plain_values:
        found.append(f"{len(seen.plain_values)} values on a link without encryption")
    if seen.values != sent:
        found.append(f"of {len(sent)} values that were sent, {len(seen.values)} are there, or not in this order")
    if seen.confirmations < confirmed:
        found.append(f"{seen.confirmations} confirmations, and the devices had {confirmed}")
    if not seen.encrypted:
        found.append("no link became encrypted")
    # Each side sends one.
    if seen.public_keys < 2:
        found.append("no pairing by LE Secure Connections")
    return found


def without(content: bytes, unwanted: Callable[[Record], bool]) -> bytes:
    """The capture without some records: what a checker must not be content with."""
    return HEADER + b"".join(record.whole for record in records(content) if not unwanted(record))
