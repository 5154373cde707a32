"""The generated interface as it is kept: the public declarations of each language, one a line, in `bindings/api/`.

A change of the interface shows here before an app meets it. `tests/bindings/run api --update` keeps a wanted one.
"""

import ast
import re
from pathlib import Path

from . import ROOT
from .packages import LANGUAGES, generated

KEPT = ROOT / "bindings" / "api"
# Scaffolding of the generator, which no app may use.
NOT_OURS = re.compile(
    r"uniffi|(?<!o)ffi|callback|handle|pointer|buffer|structure|\bjna|rustcall|destroy|disposable|cleaner|cleanable|checksum"
    r"|allocationSize|\b(?:lift|lower|clone|clean|insert|toUtf8|isError|isPanic|isSuccess)\(|\b(?:into|from) buf\b|ByValue|ByReference"
    r"|InternalException|InternalError|bootstrap|\boverride fun (?:run|close|toString)\(",
    re.IGNORECASE,
)
# Variables within a function, and branches.
LOCAL = re.compile(r"^va[lr] \w+ = |^va[lr] \w+: Int$|^case .*:")
PRIVATE = re.compile(r"\b(?:private|fileprivate|internal)\b")


def declarations(language: str, source: Path) -> list[str]:
    text = source.read_text()
    if language == "python":
        return python(text)
    starts = {
        "kotlin": r"^\s*(?:public |open |override |sealed |data |suspend |enum |abstract )*(?:class|interface|object|fun|va[lr]) .*|^\s*[A-Z][A-Z_]+[,;]$",
        "swift": r"^\s*(?:@\w+ )*(?:public |open |convenience )+.*|^\s*case \w+.*|^\s*func \w+.*",
    }
    lines = [match[0].strip().rstrip("{ ").rstrip() for match in re.finditer(starts[language], text, re.MULTILINE)]
    return [line for line in lines if not any(wrong.search(line) for wrong in (NOT_OURS, PRIVATE, LOCAL))]


def python(text: str) -> list[str]:
    """Classes with their methods and members, and functions, without those that begin with an underscore."""
    tree = ast.parse(text)
    exported = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            exported = set(ast.literal_eval(node.value))
    lines = []
    for node in tree.body:
        if getattr(node, "name", None) in exported and not NOT_OURS.search(node.name):
            lines.extend(described(node, ""))
    return lines


def described(node: ast.stmt, indent: str) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return [f"{indent}{kind} {node.name}({ast.unparse(node.args)}){result}"]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [f"{indent}{node.target.id}: {ast.unparse(node.annotation)}"]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and indent:
        return [f"{indent}{node.targets[0].id}"]
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        lines = [f"{indent}class {node.name}({bases})"]
        for member in node.body:
            name = getattr(member, "name", None) or getattr(getattr(member, "target", None), "id", "")
            if name == "__init__" or not name.startswith("_"):
                lines.extend(described(member, indent + "    "))
        return lines
    return []


def compare(update: bool) -> list[str]:
    """What differs, in words; with `update`, what was found is kept instead."""
    wrong = []
    folder = generated()
    for language, name in LANGUAGES.items():
        found = "\n".join(declarations(language, folder / language / name)) + "\n"
        kept = KEPT / f"{language}.txt"
        if update:
            KEPT.mkdir(exist_ok=True)
            kept.write_text(found)
        elif not kept.exists() or kept.read_text() != found:
            old = set(kept.read_text().splitlines()) if kept.exists() else set()
            new = set(found.splitlines())
            gone = [f"  - {line}" for line in sorted(old - new)]
            come = [f"  + {line}" for line in sorted(new - old)]
            wrong.append("\n".join([f"{language}: not what bindings/api/{language}.txt says", *gone, *come]))
    return wrong
