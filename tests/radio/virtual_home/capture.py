"""Reads btmon's capture: what crossed the HCI of the guest's kernel.

The file is btsnoop, datalink 2001 (Linux monitor): RFC 1761's record layout with the adapter and the kind of packet in
the flags. The HCI packets are those of Core 5.4, Vol 4 Part E.
"""

import struct
from dataclasses import dataclass, field

EVENT, ACL_SENT, ACL_RECEIVED = 3, 4, 5
ENCRYPTION_CHANGE = (0x08, 0x59)
DISCONNECTION_COMPLETE = 0x05
ATT, SMP = 0x0004, 0x0006
INDICATION, CONFIRMATION = 0x1D, 0x1E


@dataclass
class Capture:
    """What matters of it."""

    encrypted: int = 0
    refused_encryption: list[int] = field(default_factory=list)
    disconnections: list[int] = field(default_factory=list)
    pairing_packets: int = 0
    indications: list[bytes] = field(default_factory=list)
    unencrypted_indications: list[bytes] = field(default_factory=list)
    confirmations: int = 0
    packets: int = 0


def read(content: bytes) -> Capture:
    magic, version, datalink = struct.unpack_from(">8sII", content)
    if (magic, version, datalink) != (b"btsnoop\0", 1, 2001):
        raise ValueError(f"not a capture of btmon: {magic!r} {version} {datalink}")
    capture = Capture()
    secure: set[int] = set()
    at = 16
    while at + 24 <= len(content):
        _, length, flags, _, _ = struct.unpack_from(">IIIIQ", content, at)
        packet = content[at + 24 : at + 24 + length]
        at += 24 + length
        kind = flags & 0xFFFF
        capture.packets += 1
        if kind == EVENT and len(packet) >= 2:
            event(capture, secure, packet)
        elif kind in (ACL_SENT, ACL_RECEIVED) and len(packet) >= 9:
            data(capture, secure, packet)
    return capture


def event(capture: Capture, secure: set[int], packet: bytes) -> None:
    code = packet[0]
    if code in ENCRYPTION_CHANGE:
        status, handle, enabled = struct.unpack_from("<BHB", packet, 2)
        if status == 0 and enabled:
            capture.encrypted += 1
            secure.add(handle & 0x0FFF)
        else:
            capture.refused_encryption.append(status)
    elif code == DISCONNECTION_COMPLETE:
        _, handle, reason = struct.unpack_from("<BHB", packet, 2)
        capture.disconnections.append(reason)
        secure.discard(handle & 0x0FFF)


def data(capture: Capture, secure: set[int], packet: bytes) -> None:
    handle, _, _, channel = struct.unpack_from("<HHHH", packet)
    body = packet[8:]
    if channel == SMP:
        capture.pairing_packets += 1
    elif channel == ATT and body[0] == INDICATION:
        kept = capture.indications if handle & 0x0FFF in secure else capture.unencrypted_indications
        kept.append(body[3:])
    elif channel == ATT and body[0] == CONFIRMATION:
        capture.confirmations += 1
