#!/usr/bin/env python3
"""check_images.py NNCC [MODEL...]: what ptxas makes of the kernels of whole models.

Compiles each model for a GPU, assembles its PTX and reads the report: a kernel that spills
registers or has a stack, or whose blocks do not fit a multiprocessor as often as it says (twice, if
not once), fails. Prints, for each kind of kernel of each model, how many there are and the most
registers and shared memory of one. "<model>:f16" and "<model>:bf16" are models in 16 bits
(models/halves.py). Exits with 77 where there is no ptxas.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from images import ptx_of

ROOT = Path(__file__).resolve().parents[3]
MODELS = ["digits_cnn", "mobilenetv2", "mobilenetv2.int8", "minilm", "crnn_ocr", "unet_small",
          "gpt2_decode.w4", "minilm:bf16", "unet_small:f16", "llama_tiny:f16"]  # fmt: skip
CHIP = "sm_90a"
REGISTERS, SHARED = 65536, 227 << 10  # of a multiprocessor
ENTRY = re.compile(
    r"Compiling entry function '(?P<name>\S+)'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers"
    r"(?:[^\n]*?, (?P<shared>\d+) bytes smem)?", re.S)  # fmt: skip


def find_ptxas() -> str | None:
    packaged = list(Path(sys.prefix).glob("lib/python*/site-packages/nvidia/cuda_nvcc/bin/ptxas"))
    for path in [*packaged, Path("/usr/local/cuda/bin/ptxas")]:
        if path.is_file():
            path.chmod(path.stat().st_mode | 0o111)
            return str(path)
    return None


def launches_of(ptx: str) -> dict[str, tuple[int, int]]:
    """The threads of a block, and how many blocks are on a multiprocessor."""
    pattern = re.compile(r"\.entry (\S+?)\(.*?\.maxntid (\d+).*?\.minnctapersm (\d+)", re.S)
    return {name: (int(threads), int(blocks)) for name, threads, blocks in pattern.findall(ptx)}


def shared_of(nncc: str, library: Path) -> dict[str, int]:
    """The shared memory that kernels ask for when they are started."""
    report = subprocess.run([nncc, "inspect", str(library), "--json"], check=True,
                            capture_output=True, text=True).stdout  # fmt: skip
    return {kernel["name"]: kernel["shared_bytes"] for kernel in json.loads(report)["kernels"]}


def path_of(model: str, folder: Path) -> str:
    name, _, element = model.partition(":")
    path = subprocess.run(
        [sys.executable, str(ROOT / "models/models.py"), "get", name],
        check=True, capture_output=True, text=True).stdout.split()[-1]  # fmt: skip
    if not element:
        return path
    narrow = str(folder / "narrow.onnx")
    subprocess.run([sys.executable, str(ROOT / "models/halves.py"), path, element, narrow], check=True)
    return narrow


def kind_of(name: str) -> str:
    """"nncc_m_contract_3$conv1" -> "contract"."""
    return re.sub(r"_\d+$", "", name.split("$")[0].removeprefix("nncc_m_"))


def check(nncc: str, ptxas: str, model: str, folder: Path) -> list[str]:
    path = path_of(model, folder)
    library = folder / "m.so"
    subprocess.run([nncc, "compile", path, "-o", str(library), "--name=m", f"--target=nvptx:{CHIP}",
                    "--gpu-images=ptx"], check=True)  # fmt: skip
    source = ptx_of(library, "m")
    (folder / "m.ptx").write_bytes(source)
    report = subprocess.run(
        [ptxas, "-v", f"-arch={CHIP}", "-o", str(folder / "m.cubin"), str(folder / "m.ptx")],
        check=True, capture_output=True, text=True).stderr  # fmt: skip
    launches, asked, problems = launches_of(source.decode()), shared_of(nncc, library), []
    kinds: dict[str, list[tuple[int, int]]] = {}
    for entry in ENTRY.finditer(report):
        name, registers = entry["name"], int(entry["registers"])
        shared = int(entry["shared"] or 0) + asked[name]
        threads, blocks = launches[name]
        kinds.setdefault(kind_of(name), []).append((registers, shared))
        if any(int(entry[field]) for field in ("stack", "stores", "loads")):
            problems.append(f"{name}: a stack of {entry['stack']} bytes, {entry['stores']} spilled")
        if blocks * registers * threads > REGISTERS or blocks * shared > SHARED:
            problems.append(f"{name}: {registers} registers x {threads} threads and {shared} bytes "
                            f"of shared memory: fewer than {blocks} blocks on a multiprocessor")
    found = sum(len(all_of) for all_of in kinds.values())
    if not launches or found != len(launches):
        problems.append(f"{len(launches)} kernels, {found} in the report of ptxas")
    for kind, all_of in sorted(kinds.items()):
        print(f"{model}: {len(all_of):3} {kind}, at most {max(r for r, _ in all_of)} registers, "
              f"{max(s for _, s in all_of)} bytes shared")
    return [f"{model}: {problem}" for problem in problems]


def main() -> int:
    nncc, models = sys.argv[1], sys.argv[2:] or MODELS
    ptxas = find_ptxas()
    if not ptxas:
        print("no ptxas")
        return 77
    problems = []
    for model in models:
        with tempfile.TemporaryDirectory(prefix="nncc-images-") as folder:
            problems += check(nncc, ptxas, model, Path(folder))
    for problem in problems:
        print(f"FAIL {problem}")
    print(f"{len(models)} models, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
