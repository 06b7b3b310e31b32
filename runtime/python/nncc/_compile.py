"""The compiler, through its executable."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any, Union

from ._runtime import Error, Status

# By exit code of the executable.
_REASONS = {
    1: (Status.INVALID_ARGUMENT, "usage or I/O error"),
    2: (Status.DATA_ERROR, "invalid model"),
    3: (Status.NOT_SUPPORTED, "not supported"),
    4: (Status.DATA_ERROR, "results differ"),
    5: (Status.INTERNAL, "internal error"),
}


class CompileError(Error):
    """The compiler refused a model; ``exit_code`` is its class: 1 usage or I/O, 2 invalid model,
    3 unsupported, 4 results differ, 5 internal error."""

    def __init__(self, message: str, exit_code: int):
        status, reason = _REASONS.get(exit_code, (Status.INTERNAL, f"ended with {exit_code}"))
        super().__init__(message.strip() or f"nncc: {reason}", status)
        self.exit_code = exit_code


def _find() -> str:
    """$NNCC, or `nncc` where builds and installations have it, or by $PATH."""
    if os.environ.get("NNCC"):
        return os.environ["NNCC"]
    package = pathlib.Path(os.path.abspath(__file__)).parent  # links are not followed
    for place in (package, package.parent / "bin", package.parent.parent / "bin",
                  package.parent.parent.parent / "bin"):
        if os.access(place / "nncc", os.X_OK) and (place / "nncc").is_file():
            return str(place / "nncc")
    found = shutil.which("nncc")
    if not found:
        raise Error("the executable nncc is neither beside the package nor in $PATH nor named by "
                    "$NNCC", Status.IO_ERROR)
    return found


def _arguments(options: dict[str, Any]) -> list[str]:
    result = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if name == "O":
            result.append(f"-O{value}")
        elif value is True:
            result.append(option)
        elif isinstance(value, (list, tuple)):
            result += [f"{option}={item}" for item in value]
        elif value is not None and value is not False:
            result.append(f"{option}={value}")
    return result


def compile(  # noqa: A001: the name of what the tool does
    model: Any,
    output: Union[str, os.PathLike, None] = None,
    **options: Any,
) -> str:
    """Compiles an ONNX model, a path or an ``onnx.ModelProto``, and returns the path of the library
    (by default beside the model, with the suffix ``.so``). Options are those of the executable:
    ``O=3`` is ``-O3``, ``target_cpu="x"`` is ``--target-cpu=x``, True gives the option alone, a list
    gives it once for each item, False and None not at all."""
    if hasattr(model, "SerializeToString"):
        if output is None:
            raise Error("a model in memory needs an output path")
        with tempfile.TemporaryDirectory(prefix="nncc-") as folder:
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as file:
                file.write(model.SerializeToString())
            return compile(path, output, **options)
    source = os.fspath(model)
    target = os.fspath(output) if output is not None else os.path.splitext(source)[0] + ".so"
    command = [_find(), source, "-o", target, *_arguments(options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise Error(f"cannot run {command[0]}: {error.strerror}", Status.IO_ERROR) from None
    if done.returncode:
        raise CompileError(done.stderr or done.stdout, done.returncode)
    return target
