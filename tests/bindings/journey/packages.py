"""Builds the library, generates the packages, compiles the Kotlin programs.

Needs (Debian): openjdk-17-jdk-headless libjna-java libjna-jni; and npm for the Kotlin compiler, a pinned package.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from . import HERE, ROOT

CACHE = Path(os.environ.get("TELEWARD_BINDINGS_CACHE", Path.home() / ".cache/teleward/bindings"))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# A folder where library and generator lie built already, such as the optimised ones of a bench.
BUILT = os.environ.get("TELEWARD_BUILT")
PROGRAMS = Path(BUILT) if BUILT else TARGET / "debug"
LIBRARY = PROGRAMS / "libteleward.so"
KOTLIN = "2.4.20"
JNA = Path("/usr/share/java/jna.jar")
LANGUAGES = {"kotlin": "org/teleward/teleward.kt", "swift": "Teleward.swift", "python": "teleward.py"}


class Missing(Exception):
    """This machine lacks something that the test needs; the text says what to install."""


def generated() -> Path:
    """The folder with the packages of all languages, made from the library as it is now."""
    if not BUILT:
        # The build of all tests: with fewer packages cargo would choose other features, and build all dependencies anew.
        run(["cargo", "build", "--quiet", "--workspace", "--all-targets"], cwd=ROOT)
    out = CACHE / f"generated-{print_of([LIBRARY, ROOT / 'bindings/uniffi.toml'])}"
    if out.exists():
        return out
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob("generated-*"):
        shutil.rmtree(old)
    new = out.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for language in LANGUAGES:
        words = [str(PROGRAMS / "teleward-bindgen"), "generate", str(LIBRARY), "--language", language]
        run([*words, "--out-dir", str(new / language), "--no-format"], cwd=ROOT)
    (new / "python" / LIBRARY.name).symlink_to(LIBRARY)
    new.rename(out)
    return out


def python_shell() -> tuple[list[str], dict[str, str]]:
    """The words that start the Python shell, and its environment."""
    return ["python3", str(HERE / "python/shell.py")], {**os.environ, "PYTHONPATH": str(generated() / "python")}


def kotlin_shell() -> tuple[list[str], dict[str, str]]:
    """The words that start the Kotlin shell, and its environment."""
    return kotlin("ShellKt")


def kotlin(main: str) -> tuple[list[str], dict[str, str]]:
    """The words that start a Kotlin program of this folder, and its environment."""
    natives = [path.parent for path in Path("/usr/lib").glob("*/jni/libjnidispatch.system.so")]
    if not shutil.which("java") or not JNA.exists() or not natives:
        raise Missing("the JVM or JNA is not here: apt-get install openjdk-17-jdk-headless libjna-java libjna-jni")
    package = generated() / "kotlin" / LANGUAGES["kotlin"]
    programs = sorted((HERE / "kotlin").glob("*.kt"))
    lib = kotlin_compiler()
    path = ":".join(str(lib / jar) for jar in ["kotlin-stdlib.jar", "kotlinx-coroutines-core-jvm.jar"]) + f":{JNA}"
    classes = CACHE / f"classes-{content_of([package, *programs])}"
    if not classes.exists():
        for old in CACHE.glob("classes-*"):
            shutil.rmtree(old)
        new = classes.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        own = ["kotlin-compiler", "kotlin-stdlib", "kotlin-reflect", "kotlin-script-runtime", "kotlinx-coroutines-core-jvm",
               "annotations-13.0"]  # fmt: skip
        compiler = ":".join(str(lib / f"{jar}.jar") for jar in own)
        run(["java", "-Xmx1g", "-cp", compiler, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-reflect", "-no-stdlib",
             "-jvm-target", "17", "-nowarn", "-cp", path, "-d", str(new), str(package), *map(str, programs)])  # fmt: skip
        new.rename(classes)
    natives_of = [f"-Djna.library.path={LIBRARY.parent}", f"-Djna.boot.library.path={natives[0]}"]
    return ["java", "-Xmx256m", *natives_of, "-cp", f"{classes}:{path}", main], dict(os.environ)


def kotlin_compiler() -> Path:
    """The Kotlin compiler's jars, fetched from npm at the first time."""
    lib = CACHE / f"kotlin-{KOTLIN}" / "package" / "lib"
    if not lib.exists():
        if not shutil.which("npm"):
            raise Missing("npm is not here: install Node")
        CACHE.mkdir(parents=True, exist_ok=True)
        run(["npm", "pack", "--silent", f"kotlin-compiler@{KOTLIN}"], cwd=CACHE)
        archive = CACHE / f"kotlin-compiler-{KOTLIN}.tgz"
        new = CACHE / f"kotlin-{KOTLIN}.new"
        shutil.rmtree(new, ignore_errors=True)
        with tarfile.open(archive) as packed:
            packed.extractall(new, filter="data")
        new.rename(CACHE / f"kotlin-{KOTLIN}")
        archive.unlink()
    return lib


def run(words: list[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Missing(f"{words[0]} is not here") from error
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def print_of(files: list[Path]) -> str:
    states = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:16]


def content_of(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
