"""The virtual machine: boots it, runs commands in it, and fetches files from it.

A command is one TCP connection to the guest's port 5000, which QEMU forwards from the host's loopback: one line goes
in, lines come out, the last says the exit code. Commands run side by side; hanging up ends what was started.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from . import image

APPEND = (
    "console=ttyS0 quiet loglevel=3 panic=-1 reboot=t mitigations=off nokaslr no_timer_check tsc=reliable "
    "cryptomgr.notests rcupdate.rcu_expedited=1"
)
# Software emulation on two cores needs 5 to 8 seconds; with twenty compilers beside it, minutes.
TO_BOOT = 600
TO_ANSWER = 300


class GuestError(Exception):
    """The virtual machine did not do what was asked; the text says what."""


class Guest:
    def __init__(self, work: Path, hci: Path) -> None:
        self.work = work
        self.hci = hci
        self.port = free_port()
        self.qemu: asyncio.subprocess.Process | None = None

    async def boot(self, program: Path) -> None:
        if not shutil.which("qemu-system-x86_64"):
            raise image.Missing("qemu-system-x86_64 is not here: apt-get install qemu-system-x86")
        vmlinuz, _ = image.kernel()
        initrd = image.archive(program, self.work)
        words = [
            "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2", "-m", "1024M",
            "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(vmlinuz), "-initrd", str(initrd), "-append", APPEND,
            "-serial", f"file:{self.console}",
            "-chardev", f"socket,id=hci,path={self.hci}", "-serial", "chardev:hci",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-10.0.2.15:5000",
            "-device", "virtio-net-pci,netdev=net,romfile=",
        ]  # fmt: skip
        with (self.work / "qemu.log").open("wb") as log:
            self.qemu = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)
        patience = 2.0
        try:
            async with asyncio.timeout(TO_BOOT):
                while True:
                    if self.qemu.returncode is not None:
                        raise GuestError(f"qemu ended: {(self.work / 'qemu.log').read_text(errors='replace')}")
                    with contextlib.suppress(GuestError, OSError):
                        await self.run("true", patience)
                        return
                    # A guest that is up but slow must not be asked anew each time before it can answer.
                    patience *= 1.5
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise GuestError(f"the guest did not boot in {TO_BOOT} s: {self.console.read_text(errors='replace')}") from None

    @property
    def console(self) -> Path:
        return self.work / "console.log"

    async def run(self, command: str, patience: float = TO_ANSWER) -> str:
        """A command's output; an exit code other than 0 is an error."""
        code, out = await self.try_run(command, patience)
        if code != 0:
            raise GuestError(f"`{command}` ended with {code}: {out.strip()}")
        return out

    async def try_run(self, command: str, patience: float = TO_ANSWER) -> tuple[int, str]:
        """A command's exit code and output."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(patience):
                async for line in self.stream(command + " 2>&1"):
                    lines.append(line)
        except TimeoutError:
            raise GuestError(f"`{command}` gave no answer in {patience} s; so far: {''.join(lines)}") from None
        return exit_code(command, lines)

    async def open(self, command: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Starts a command: its output with `exit CODE` at the end, and its input."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        writer.write(command.encode() + b"\n")
        await writer.drain()
        return reader, writer

    async def stream(self, command: str) -> AsyncIterator[str]:
        """A command's lines as they come; the last is `exit CODE`."""
        reader, writer = await self.open(command)
        try:
            while line := await reader.readline():
                yield line.decode(errors="replace")
        finally:
            writer.close()

    async def fetch(self, path: str) -> bytes:
        """A file of the guest."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"cat {shlex.quote(path)}\n".encode())
            content = await reader.read()
        finally:
            writer.close()
        body, found, code = content.rpartition(b"exit ")
        if not found or code.strip() != b"0":
            raise GuestError(f"{path} cannot be read in the guest")
        return body

    async def keep_logs(self) -> None:
        """Fetches what the guest's programs said and captured, as far as it is there."""
        for name in ["bluetoothd.log", "btattach.log", "btmon.log", "hub.log", "hci.snoop"]:
            with contextlib.suppress(GuestError, OSError):
                (self.work / name).write_bytes(await self.fetch(f"/tmp/{name}"))

    async def forward(self, port: int, host_port: int) -> None:
        """Makes a port of the guest's loopback lead to one of the host's."""
        await self.run(f"setsid nc -ll -p {port} -e nc 10.0.2.2 {host_port} >/dev/null 2>&1 </dev/null & true")

    async def adapter(self, state: str) -> None:
        """Plugs the adapter `on` or `off`."""
        await self.run(f"setsid /guest/adapter {state} >/dev/null 2>&1 </dev/null")

    async def sleep(self) -> None:
        """The machine goes to sleep and wakes: programs are frozen, the kernel ends Bluetooth links as before every sleep,
        devices are put off; five seconds later all of it goes on. The kernel's own test of it, which needs nothing to wake it."""
        slept = "cat /sys/power/suspend_stats/success"
        before = int(await self.run(slept))
        await self.run("echo devices >/sys/power/pm_test; echo freeze >/sys/power/state")
        if int(await self.run(slept)) != before + 1:
            raise GuestError("the guest did not sleep")

    async def restart_bluez(self) -> None:
        """BlueZ ends, and starts anew, as in an update."""
        await self.run("killall bluetoothd; while pidof bluetoothd; do sleep 0.1; done")
        await self.run("setsid /usr/libexec/bluetooth/bluetoothd -n >>/tmp/bluetoothd.log 2>&1 </dev/null & true")

    async def powered(self) -> None:
        """Waits until BlueZ has an adapter that is on."""
        ask = (
            "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 "
            "org.freedesktop.DBus.Properties.Get string:org.bluez.Adapter1 string:Powered"
        )
        async with asyncio.timeout(TO_ANSWER):
            while True:
                code, out = await self.try_run(ask)
                if code == 0 and "boolean true" in out:
                    return
                await asyncio.sleep(0.2)

    async def end(self) -> None:
        if self.qemu and self.qemu.returncode is None:
            self.qemu.terminate()
            await self.qemu.wait()


def exit_code(command: str, lines: list[str]) -> tuple[int, str]:
    text = "".join(lines)
    body, found, code = text.rpartition("exit ")
    if not found or not code.strip().isdigit():
        raise GuestError(f"the guest hung up on `{command}`: {text}")
    return int(code), body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program() -> Path:
    """The built product."""
    named = os.environ.get("TELEWARD_BIN")
    root = Path(__file__).resolve().parents[3]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    path = Path(named) if named else target / "debug" / "teleward"
    if not path.exists():
        raise image.Missing(f"{path} is not here: cargo build -p teleward-cli")
    return path.resolve()
