"""The rules of the tree that a machine can check: structure.py CHECK (or `all`).

  includes   dependencies point one way: tools -> compiler -> {targets, passes} -> dialects; the
             runtime stands alone
  sizes      no source file above 600 lines, no tool's main file above 80, no function above 60
  names      no two headers define a type of one name in one namespace: the linker would not tell
  passes     every pass has a summary, a description, a source file and a test of its name
  options    options of the command line are declared by the tools or in compiler/Options.h only
  paths      no tracked file speaks of the paths of one machine
  format     clang-format changes nothing (skipped where there is no clang-format >= 14)
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77

# Who may include what, by the first folder of the path. The ABI is the contract between the
# compiler and the runtime, and free of dependencies.
ABI = "runtime/include/nncc/abi.h"
LAYERS = {
    "dialects": {"dialects"},
    "passes": {"dialects", "passes", "targets/Target.h"},
    "targets": {"dialects", "passes", "targets", ABI},
    "compiler": {"dialects", "passes", "targets", "compiler", ABI},
    "runtime": {"runtime", "nncc"},
}
OURS = {"dialects", "passes", "targets", "compiler", "tools", "runtime", "nncc"}
OUTSIDE = re.compile(r"(mlir|llvm|llvm-c|mlir-c|onnx|google)/")
SOURCES = (".cpp", ".c", ".h", ".td")


def files(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Path and text of every file of the project, tracked by git or about to be."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    if listing.returncode == 0:
        names = listing.stdout.splitlines()
    else:  # an unpacked archive
        ours = OURS | {"test", "models", "CMakeLists.txt"}
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.relative_to(ROOT).parts[0] in ours]
    for name in sorted(names):
        path = ROOT / name
        if (suffixes and path.suffix not in suffixes) or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield name, data.decode(errors="replace")


def lines(text: str, pattern: str) -> Iterator[tuple[int, re.Match]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.search(pattern, line):
            yield number, match


def includes() -> Iterator[str]:
    for name, text in files(*SOURCES):
        layer = name.split("/")[0]
        if layer not in LAYERS:
            continue
        for number, match in lines(text, r'^\s*#?\s*include\s+["<]([^">]+)[">]'):
            included = match[1]
            top = included.split("/")[0]
            if layer == "runtime" and OUTSIDE.match(included):
                yield f"{name}:{number}: the runtime includes {included}"
            if top in OURS and "/" in included and not {top, included} & LAYERS[layer]:
                yield f"{name}:{number}: {layer}/ must not know of {included}"


def functions(text: str) -> Iterator[tuple[int, int]]:
    """First line and length of every function that begins and ends at the start of a line."""
    head = None  # the line where a declaration at the left margin begins
    body = False
    for number, line in enumerate(text.splitlines(), 1):
        if line == "}" and body:
            yield head, number - head + 1
        if line.startswith("}") or (not body and line.endswith(";")):
            head, body = None, False
        elif not body and re.match(r"(namespace|extern|struct|class|enum|union|using|#|//)", line):
            head = None
        elif head is None and re.match(r"[A-Za-z_\[~]", line):
            head = number
        if head is not None and line.endswith("{"):
            body = True


def sizes() -> Iterator[str]:
    for name, text in files(*SOURCES):
        count = text.count("\n")
        if count > 600:
            yield f"{name}: {count} lines, at most 600"
        if name.startswith("tools/") and re.search(r"^int main\(", text, re.M) and count > 80:
            yield f"{name}: {count} lines, at most 80 in a tool's main file"
        if name.endswith((".cpp", ".c")):
            for number, length in functions(text):
                if length > 60:
                    yield f"{name}:{number}: a function of {length} lines, at most 60"


def types(text: str) -> Iterator[str]:
    """Types that a header defines at its left margin, with their namespaces."""
    space = ""
    for _, match in lines(text, r"^namespace ([\w:]*) ?\{|^(?:struct|class|enum class) (\w+)[^;]*\{"):
        if match[2]:
            yield f"{space}::{match[2]}"
        else:
            space = match[1]


def names() -> Iterator[str]:
    defined: dict[str, str] = {}
    for name, text in files(".h"):
        if name.split("/")[0] not in ("dialects", "passes", "targets", "compiler"):
            continue
        for kind in types(text):
            if kind in defined:
                yield f"{name}: {kind} is defined in {defined[kind]} as well"
            defined[kind] = name


def pass_definitions(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, command line flag and body of every pass that a Passes.td defines."""
    for match in re.finditer(r'^def (\w+)\s*:\s*Pass<"([^"]+)".*?\{(.*?)^\}', text, re.M | re.S):
        yield match[1], match[2], match[3]


def passes() -> Iterator[str]:
    for name, text in files(".td"):
        if not name.endswith("/Passes.td"):
            continue
        folder = Path(name).parent
        prefix = f"nncc-{folder.name}-" if folder.parts[0] == "targets" else "nncc-"
        for definition, flag, body in pass_definitions(text):
            where = f"{name}: {definition}"
            if not flag.startswith(prefix):
                yield f"{where}: '{flag}' should begin with '{prefix}'"
            stem = flag.removeprefix(prefix)
            if stem.replace("-", "") != definition.lower():
                yield f"{where}: its flag is '{flag}'"
            for field in ("summary", "description"):
                if not re.search(rf"let {field} = (\[\{{\s*\S|\"\S)", body):
                    yield f"{where}: no {field}"
            if not list((ROOT / folder).rglob(f"{definition}.cpp")):
                yield f"{where}: no {definition}.cpp below {folder}"
            if not list((ROOT / "test" / folder).rglob(f"{stem}.mlir")):
                yield f"{where}: no test {stem}.mlir below test/{folder}"


def options() -> Iterator[str]:
    for name, text in files(*SOURCES):
        if name.startswith(("tools/", "test/")) or name == "compiler/Options.h":
            continue
        for number, _ in lines(text, r"\bcl::(opt|list|bits|alias)\b"):
            yield f"{name}:{number}: an option of the command line"


def paths() -> Iterator[str]:
    for name, text in files():
        if name.endswith(".json"):
            continue
        for number, match in lines(text, r"(?<![\w.$}>*:/-])/(home|root|work|mnt|Users|tmp)/\w+"):
            yield f"{name}:{number}: '{match[0]}' is the path of one machine"


def format() -> Iterator[str]:
    program = shutil.which("clang-format")
    version = program and subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    if not version or int(re.search(r"version (\d+)", version)[1]) < 14:
        print("no clang-format >= 14")
        sys.exit(SKIPPED)
    names = [name for name, _ in files(".cpp", ".c", ".h")]
    run = subprocess.run([program, "--dry-run", *names], cwd=ROOT, capture_output=True, text=True)
    yield from (line for line in run.stderr.splitlines() if "warning:" in line)


CHECKS = {f.__name__: f for f in (includes, sizes, names, passes, options, paths, format)}


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) == 2 else None
    if wanted not in (*CHECKS, "all"):
        print(__doc__, file=sys.stderr)
        return 2
    complaints = [c for name in CHECKS if wanted in (name, "all") for c in CHECKS[name]()]
    print("\n".join(complaints))
    return bool(complaints)


sys.exit(main())
