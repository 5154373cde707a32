"""A virtual device that keeps records and is asked for them: the Record Access Control Point (0x2A52), with its faults.

In: what a central writes there. Out: the records as notifications or indications, and the indicated answer. Written from
GLS 1.0.1, CGMS 1.0.2 and the GHSS: requests report, delete, abort, count and combined report; operators all, up to, from,
range, first, last; the operand's filter is 1 in each service, and as wide as the service's numbers.
"""

import asyncio
import time
from dataclasses import dataclass, field

from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, Service

from .peripheral import GONE, INDICATE, NOTIFY, Peripheral

REPORT, DELETE, ABORT, COUNT, COUNTED, RESPONSE, COMBINED, COMBINED_RESPONSE = range(1, 9)
NULL, ALL, UP_TO, FROM, RANGE, FIRST, LAST = range(7)
SUCCESS, OP_NOT_SUPPORTED, BAD_OPERATOR, OPERATOR_NOT_SUPPORTED, BAD_OPERAND, NO_RECORDS = range(1, 7)
ABORTED, NOT_COMPLETED, OPERAND_NOT_SUPPORTED, BUSY = range(7, 11)
NUMBER_FILTER = 1


@dataclass
class Kept:
    """A record in memory: its number, and what carries it, in this order."""

    number: int
    packets: list[tuple[int, bytes]]
    """Characteristic and value of each."""


@dataclass
class Faults:
    """What goes wrong while records are asked for; each is over once it happened."""

    busy: int = 0
    """So many requests are answered with "busy" (the code 0x0A)."""
    not_completed: int = 0
    """So many reports end with "not completed" half-way."""
    miscount: list[int] = field(default_factory=list)
    """Added to the count of each next answer to a count."""
    drop_after: list[int] = field(default_factory=list)
    """The link breaks after so many packets of each next transfer."""
    silent_after: list[int] = field(default_factory=list)
    """After so many packets of each next transfer nothing more comes until it is aborted."""
    lose: set[int] = field(default_factory=set)
    """Packets of the next transfer that never leave the device."""
    twice: bool = False
    """Each packet comes twice."""


@dataclass
class Asked:
    """What was asked of the control point."""

    requests: list[bytes] = field(default_factory=list)
    busy: int = 0
    aborts: int = 0
    drops: int = 0
    """Links that the device broke."""


class Keeper(Peripheral):
    """A device with a memory. It deletes only when it is asked to."""

    RECORDS = 0
    """The characteristic of the records."""
    MORE: tuple[int, ...] = ()
    """Other characteristics that carry a part of them."""
    HOW = NOTIFY
    WIDTH = 2
    """Bytes of a number. 0: records have none, and no filter is known."""
    REQUESTS = (REPORT, DELETE, ABORT, COUNT)

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.memory: list[Kept] = []
        self.faults = Faults()
        self.asked = Asked()
        self.transfer: asyncio.Task | None = None
        self.transfers: list[tuple[float, float]] = []
        """When each transfer began and when its answer was confirmed."""
        self.untaken = False
        """Whether the newest record was in no transfer that came to its end."""

    def has_more(self) -> bool:
        return self.untaken

    def add(self, kept: Kept) -> None:
        self.memory.append(kept)
        self.untaken = True

    # What it offers

    def services(self) -> list[Service]:
        self.carriers = {uuid: self.sending(uuid, self.HOW) for uuid in (self.RECORDS, *self.MORE)}
        self.control_point = self.commands_by(0x2A52, self.asked_for)
        return [Service(UUID.from_16_bits(self.SERVICE), [*self.carriers.values(), self.control_point, *self.features()])]

    def features(self) -> list[Characteristic]:
        """What its service has beside the records."""
        return []

    # Requests

    def asked_for(self, connection: Connection, request: bytes) -> None:
        self.asked.requests.append(request)
        op = request[0] if request else 0
        if op == ABORT:
            self.asked.aborts += 1
            self.keep(self.abort(connection))
        elif self.transfer is not None and not self.transfer.done():
            # GLS 1.0.1, 3.3.2: procedure already in progress.
            raise ATT_Error(ErrorCode.PROCEDURE_ALREADY_IN_PROGRESS)
        else:
            self.transfer = asyncio.ensure_future(self.serve(connection, request))
            self.keep(self.transfer)

    async def abort(self, connection: Connection) -> None:
        if self.transfer is not None and not self.transfer.done():
            self.transfer.cancel()
            await asyncio.gather(self.transfer, return_exceptions=True)
        await self.answer(connection, bytes([RESPONSE, NULL, ABORT, SUCCESS]))

    async def serve(self, connection: Connection, request: bytes) -> None:
        op = request[0] if request else 0
        said = lambda code: self.answer(connection, bytes([RESPONSE, NULL, op, code]))  # noqa: E731
        if self.faults.busy:
            self.faults.busy -= 1
            self.asked.busy += 1
            return await said(BUSY)
        if op not in self.REQUESTS:
            return await said(OP_NOT_SUPPORTED)
        chosen = self.chosen(request[1:])
        if isinstance(chosen, int):
            return await said(chosen)
        if op == COUNT:
            count = len(chosen) + (self.faults.miscount.pop(0) if self.faults.miscount else 0)
            return await self.answer(connection, bytes([COUNTED, NULL]) + self.number(max(count, 0), least=2))
        if not chosen:
            return await said(NO_RECORDS)
        if op == DELETE:
            self.memory = [kept for kept in self.memory if kept not in chosen]
            return await said(SUCCESS)
        began = time.monotonic()
        whole = await self.send(connection, chosen)
        if whole is None:
            self.untaken = True
            return
        if not whole:
            return await said(NOT_COMPLETED)
        if op == COMBINED:
            counted = self.number(len(chosen), least=2)
            done = await self.answer(connection, bytes([COMBINED_RESPONSE, NULL]) + counted)
        else:
            done = await said(SUCCESS)
        if done:
            self.transfers.append((began, time.monotonic()))
            self.untaken = self.untaken and chosen[-1] is not self.memory[-1]

    def number(self, number: int, least: int = 0) -> bytes:
        return number.to_bytes(max(self.WIDTH, least), "little")

    def chosen(self, rest: bytes) -> list[Kept] | int:
        """The records that are meant, or the code why not."""
        if not rest:
            return BAD_OPERATOR
        operator, operand = rest[0], rest[1:]
        if operator in (ALL, FIRST, LAST):
            if operand:
                return BAD_OPERAND
            return {ALL: self.memory[:], FIRST: self.memory[:1], LAST: self.memory[-1:]}[operator]
        bounds = {UP_TO: 1, FROM: 1, RANGE: 2}.get(operator)
        if bounds is None:
            return BAD_OPERATOR
        if not self.WIDTH:
            return OPERATOR_NOT_SUPPORTED
        if operand[:1] != bytes([NUMBER_FILTER]):
            return OPERAND_NOT_SUPPORTED
        if len(operand) != 1 + bounds * self.WIDTH:
            return BAD_OPERAND
        numbers = [int.from_bytes(operand[at : at + self.WIDTH], "little") for at in range(1, len(operand), self.WIDTH)]
        low, high = {UP_TO: (0, numbers[0]), FROM: (numbers[0], None), RANGE: (numbers[0], numbers[-1])}[operator]
        if high is not None and low > high:
            return BAD_OPERAND
        return [kept for kept in self.memory if low <= kept.number and (high is None or kept.number <= high)]

    # Answers

    async def send(self, connection: Connection, chosen: list[Kept]) -> bool | None:
        """Sends records: true when all have left, false when it stopped half-way, nothing when the link is gone."""
        faults = self.faults
        drop_after = faults.drop_after.pop(0) if faults.drop_after else None
        silent_after = faults.silent_after.pop(0) if faults.silent_after else None
        lost, faults.lose = faults.lose, set()
        half = len(chosen) // 2 if faults.not_completed else None
        faults.not_completed -= half is not None
        at = 0
        for place, kept in enumerate(chosen):
            if place == half:
                return False
            for uuid, value in kept.packets:
                if at == silent_after:
                    # Until the abort cancels it.
                    await asyncio.get_running_loop().create_future()
                if at not in lost and not await self.send_packet(connection, uuid, value):
                    return None
                at += 1
                if at == drop_after:
                    self.asked.drops += 1
                    self.drop_link()
                    return None
        return True

    async def send_packet(self, connection: Connection, uuid: int, value: bytes) -> bool:
        for _ in range(2 if self.faults.twice else 1):
            if not await self.transmit(connection, self.carriers[uuid], self.HOW, value):
                return False
        return True

    async def answer(self, connection: Connection, value: bytes, by: Characteristic | None = None) -> bool:
        """Indicates an answer, by the Record Access Control Point or another one."""
        if not self.is_linked(connection):
            return False
        self.air.log.append(value)
        try:
            await self.device.indicate_subscriber(connection, by or self.control_point, value)
        except GONE:
            return False
        return self.is_linked(connection)

    def on_disconnection(self, connection: Connection) -> None:
        if self.transfer is not None and not self.transfer.done() and self.transfer is not asyncio.current_task():
            self.transfer.cancel()
            self.untaken = True
        super().on_disconnection(connection)
