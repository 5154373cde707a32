"""What the virtual machine boots: Debian's kernel, and an archive with BlueZ, D-Bus and the product.

In: the files of this machine's Debian packages and the kernel package from its mirror. Out: two file names for QEMU.
The archive is kept in the cache and made anew when a file that goes into it has changed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
GUEST = HERE.parent / "guest"
CACHE = Path(os.environ["TELEWARD_RADIO_CACHE"])

PROGRAMS = [
    "/usr/bin/dbus-daemon",
    "/usr/bin/dbus-send",
    "/usr/bin/btattach",
    "/usr/bin/btmon",
    "/usr/libexec/bluetooth/bluetoothd",
    "/usr/bin/kmod",
]
# SMP takes its random numbers and ciphers from kernel modules, which the kernel loads by itself.
MODULES = [
    "crypto",
    "lib",
    "net/bluetooth",
    "net/rfkill",
    "net/core",
    "drivers/bluetooth",
    "drivers/hid",
    "drivers/virtio",
    "drivers/net/virtio_net.ko",
    "drivers/net/net_failover.ko",
]


# Not Debian 12's own 6.1: since 6.1.192 it crashes in hci_chan_del when BlueZ closes the channel of a link that is gone.
SERIES = "6.12"
META_PACKAGE = f"linux-image-{SERIES}-amd64"


class Missing(Exception):
    """This machine lacks something that the test needs; the text says what to install."""


def kernel() -> tuple[Path, str]:
    """The kernel file and its release; fetched from the Debian mirror at the first time."""
    known = sorted((CACHE / "boot").glob(f"vmlinuz-{SERIES}.*"))
    if known:
        return known[-1], known[-1].name.removeprefix("vmlinuz-")
    depends = run("apt-cache", "depends", META_PACKAGE)
    package = re.search(r"Depends: (linux-image-\S+)", depends)
    if not package:
        raise Missing(f"apt knows no {META_PACKAGE}: run apt-get update")
    release = package[1].removeprefix("linux-image-")
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        run("apt-get", "download", "--quiet", package[1], cwd=work)
        (archive,) = Path(work).glob("*.deb")
        run("dpkg-deb", "--extract", str(archive), str(CACHE))
    run("depmod", "--basedir", str(CACHE), release)
    return CACHE / "boot" / f"vmlinuz-{release}", release


def archive(program: Path, work: Path) -> Path:
    """The initial file system with the product in it."""
    _, release = kernel()
    out = work / "initrd"
    with out.open("wb") as file:
        file.write(base(release).read_bytes())
        file.write(product(program).read_bytes())
    return out


def base(release: str) -> Path:
    """Everything but the product."""
    for needed in [*PROGRAMS, "/usr/bin/busybox"]:
        if not Path(needed).exists():
            raise Missing(f"{needed} is not here: apt-get install busybox-static bluez dbus kmod")
    sources = [Path(__file__), *sorted(GUEST.iterdir()), *map(Path, PROGRAMS)]
    out = CACHE / f"base-{release}-{print_of(sources)}.cpio"
    if out.exists():
        return out
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        root = Path(work)
        merged(root)
        for folder in ["proc", "sys", "dev", "run", "root", "sbin", "guest", "usr/sbin", "usr/share", "etc/bluetooth",
                       "var/lib/bluetooth", "var/lib/dbus"]:
            (root / folder).mkdir(parents=True, exist_ok=True)
        bring(root, PROGRAMS)
        shutil.copy("/usr/bin/busybox", root / "usr/bin/busybox")
        shutil.copytree("/usr/share/dbus-1", root / "usr/share/dbus-1")
        shutil.copytree("/etc/dbus-1", root / "etc/dbus-1")
        for name in ["passwd", "group"]:
            shutil.copy(f"/etc/{name}", root / "etc" / name)
        (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        (root / "etc/bluetooth/main.conf").write_text("[Policy]\nAutoEnable=true\n")
        modules(root, release)
        for name in ["adapter", "answer"]:
            shutil.copy(GUEST / name, root / "guest" / name)
        shutil.copy(GUEST / "init", root / "init")
        pack(root, out)
    return out


def product(program: Path) -> Path:
    """The product alone, without debugging symbols, with the libraries it links to."""
    out = CACHE / f"product-{print_of([program])}.cpio"
    if out.exists():
        return out
    for old in CACHE.glob("product-*.cpio"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        root = Path(work)
        merged(root)
        bring(root, [str(program)])
        (root / str(program).lstrip("/")).unlink()
        run("strip", "-o", str(root / "usr/bin/teleward"), str(program))
        pack(root, out)
    return out


def modules(root: Path, release: str) -> None:
    source = CACHE / "lib/modules" / release
    target = root / "usr/lib/modules" / release
    for name in MODULES:
        place = source / "kernel" / name
        files = place.glob("*.ko*") if place.is_dir() else place.parent.glob(f"{place.name}*")
        for file in files:
            to = target / file.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)
    for name in ["modules.order", "modules.builtin", "modules.builtin.modinfo"]:
        shutil.copy(source / name, target / name)
    run("depmod", "--basedir", str(root), release)


def merged(root: Path) -> None:
    """Debian's merged /usr, in both archives: otherwise unpacking the second removes the links of the first."""
    for name in ["bin", "lib", "lib64"]:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")


def bring(root: Path, files: list[str]) -> None:
    wanted = set(files)
    for file in files:
        linked = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
        wanted.update(re.findall(r"(/\S+)", linked))
    for file in wanted:
        to = root / file.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(file), to)


def pack(root: Path, out: Path) -> None:
    new = out.with_suffix(".new")
    with new.open("wb") as file:
        subprocess.run("find . | cpio --create --format=newc --quiet", shell=True, check=True, cwd=root, stdout=file)
    new.rename(out)


def print_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        state = file.stat()
        digest.update(f"{file} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def run(*words: str, cwd: str | None = None) -> str:
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, cwd=cwd).stdout
    except FileNotFoundError as error:
        raise Missing(f"{words[0]} is not here: apt-get install cpio kmod binutils apt") from error
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(words)}: {error.stderr.strip()}") from error
