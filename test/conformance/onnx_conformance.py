#!/usr/bin/env python3
"""Run the ONNX backend test suite against a command-line compiler or runtime.

The suite is the one inside the installed ``onnx`` package.  It is written out
once as plain files (``--suite DIR``, by default a cache directory), laid out as
ONNX data sets always are::

    SUITE/<kind>/<case>/model.onnx
    SUITE/<kind>/<case>/test_data_set_<i>/input_<n>.pb     n-th graph input
    SUITE/<kind>/<case>/test_data_set_<i>/output_<n>.pb    n-th graph output

Any directory of that shape can be given as the suite, so the same program also
runs private or third-party cases.

``--nncc PATH`` runs every case as ``nncc run model.onnx --inputs DIR --outputs DIR``. Anything else
is driven by command templates (no shell is involved):

``--run``      once per data set.  ``{model}``, ``{inputs}``, ``{outputs}`` (and
               ``{out}`` with ``--compile``) are replaced by paths.  It reads
               ``{inputs}/input_<n>.pb`` and writes ``{outputs}/output_<n>.pb``:
               a serialized TensorProto, SequenceProto or OptionalProto, whichever
               the graph input or output is declared to be.  Input <n> is the n-th
               graph input that is not an initializer.
``--compile``  optional, once per case before any ``--run``:
               ``'nncc compile {model} -o {out}'``.

``--variant`` changes the models first: ``dynamic`` makes every dimension of every input
symbolic, so that sizes are known at run time only (with ``--nncc`` the model is then compiled
without its inputs at hand), ``constant`` turns the inputs into initializers, so that the whole
graph is known at compile time.

How a command says what happened:

    exit 0            done; the outputs are compared with the expected ones
    exit 3 + message  the model uses something not supported -> "unsupported"
    killed by signal  -> "crash" (also exit 132, 134, 135, 136, 139: a shell's
                      way of reporting one)
    anything else     -> "error" (as is exit 3 without a message on stderr)

Comparison follows onnx.backend.test: same number of outputs, same shape, same
element type, |got - want| <= atol + rtol * |want| with NaN equal to NaN and
infinities exact, strings exact; rtol and atol are the case's own (1e-3 and 1e-7
where it names none), and bfloat16 gets rtol 2**-6.

Examples::

    onnx_conformance.py --nncc build/bin/nncc --baseline passing.txt          # a ratchet
    onnx_conformance.py --nncc build/bin/nncc --baseline passing.txt --only-baseline
    onnx_conformance.py --nncc build/bin/nncc --baseline passing.txt --update-baseline
    onnx_conformance.py --nncc build/bin/nncc --filter '_conv' --variant dynamic -v
    onnx_conformance.py --list --filter '_cast_'

Exit status: 0 all well; 1 something failed (with ``--baseline``: something in
the baseline no longer passes); 2 bad usage.

Needs Python 3.9+, onnx and numpy.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx

from compare import check_outputs
from report import (
    FAILURES,
    Result,
    check_baseline,
    print_summary,
    read_names,
    update_baseline,
    write_junit,
    write_tsv,
)
from suite import KINDS, Case, default_suite, describe_cases, export_suite, find_cases, free_inputs

EXIT_UNSUPPORTED = 3
SHELL_CRASH_CODES = {
    128 + s
    for s in (signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)
}
MESSAGE_LIMIT = 300
# --------------------------------------------------------------------------
# Running the commands


@dataclass
class Commands:
    """The command templates and how long one command may take."""

    run: str
    compile: str | None
    timeout: float
    variant: str = "static"

    def argv(self, template: str, **paths: Path) -> list[str]:
        """Split a template into words and put the paths in (braces stay literal)."""
        words = shlex.split(template)
        for name, path in paths.items():
            words = [w.replace("{" + name + "}", str(path)) for w in words]
        return words


def last_lines(raw: bytes) -> str:
    """The end of a command's output, on one line, for messages."""
    text = " | ".join(raw.decode("utf-8", "replace").split("\n")).strip(" |")
    return text if len(text) <= MESSAGE_LIMIT else "..." + text[-MESSAGE_LIMIT:]


def execute(argv: list[str], timeout: float, cwd: Path) -> tuple[str, str]:
    """Run one command to its end: ("ok", "") or (status, message).

    The command gets its own session, so that a timeout also ends whatever
    processes it started.
    """
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd=cwd, start_new_session=True)
        except OSError as problem:
            return "error", f"cannot start {argv[0]}: {problem}"
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.seek(0)
        said = last_lines(log.read())
    if code is None:
        return "timeout", f"no end after {timeout:g} s"
    if code == 0:
        return "ok", ""
    if code == EXIT_UNSUPPORTED:
        return ("unsupported", said) if said else ("error", "exit 3 without a message")
    if code < 0 or code in SHELL_CRASH_CODES:
        number = -code if code < 0 else code - 128
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return "crash", f"{name}: {said}"
    return "error", f"exit {code}: {said}"


def write_variant(case: Case, variant: str, folder: Path) -> tuple[Path, Path | None]:
    """The changed model, and the folder to read inputs from where that is not the data set's."""
    model = onnx.load(case.model)
    path, given = folder / "model.onnx", None
    inputs = free_inputs(model.graph)
    if variant == "dynamic":
        for i, value in enumerate(inputs):
            if value.type.HasField("tensor_type"):
                for d, dim in enumerate(value.type.tensor_type.shape.dim):
                    dim.dim_param = f"size_{i}_{d}"
        del model.graph.value_info[:]
    else:
        given = folder / "inputs"
        given.mkdir()
        kept = 0
        for n, value in enumerate(inputs):
            file = case.data_sets()[0] / f"input_{n}.pb"
            if not file.exists():  # an optional input that is absent
                continue
            if not value.type.HasField("tensor_type"):
                shutil.copy(file, given / f"input_{kept}.pb")
                kept += 1
                continue
            tensor = onnx.TensorProto.FromString(file.read_bytes())
            tensor.name = value.name
            model.graph.initializer.append(tensor)
            if model.ir_version >= 4:  # else an initializer has to be an input as well
                model.graph.input.remove(value)
    onnx.save(model, path)
    return path, given


def run_case(case: Case, commands: Commands, scratch_root: Path, keep: bool) -> Result:
    """Compile (if asked), run every data set, compare: one case's result."""
    began = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix=f"{case.name[:60]}.", dir=scratch_root))
    out = scratch / "model.so"
    model, given = case.model, None
    if commands.variant != "static":
        model, given = write_variant(case, commands.variant, scratch)
    status, message = "ok", ""
    if commands.compile:
        argv = commands.argv(commands.compile, model=model, out=out)
        status, message = execute(argv, commands.timeout, scratch)
        if message:
            message = f"compile: {message}"
    data_sets = case.data_sets()
    if not data_sets:
        status, message = "error", "the case has no data set"
    if status == "ok":
        for data_set in data_sets:
            outputs = scratch / data_set.name
            outputs.mkdir()
            argv = commands.argv(commands.run, model=model, out=out,
                                 inputs=given or data_set, outputs=outputs)
            status, message = execute(argv, commands.timeout, scratch)
            if status == "ok":
                status, message = check_outputs(case, data_set, outputs)
            if status != "pass":
                break
    if not keep:
        shutil.rmtree(scratch, ignore_errors=True)
    return Result(case, status, time.monotonic() - began, message)


def run_all(cases: list[Case], commands: Commands, jobs: int, keep: Path | None,
            verbose: bool) -> list[Result]:
    """Run the cases ``jobs`` at a time; results in the order of the cases."""
    scratch_root = keep or Path(tempfile.mkdtemp(prefix="onnx_conformance."))
    scratch_root.mkdir(parents=True, exist_ok=True)
    results: list[Result | None] = [None] * len(cases)
    done = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_case, case, commands, scratch_root, keep is not None): n
                   for n, case in enumerate(cases)}
        try:
            for future in concurrent.futures.as_completed(futures):
                result = results[futures[future]] = future.result()
                done += 1
                if verbose or (result.status != "pass" and result.status != "unsupported"):
                    print(f"[{done}/{len(cases)}] {result.status.upper():11} "
                          f"{result.case.id}  {result.message}", file=sys.stderr)
                elif done % 100 == 0:
                    print(f"[{done}/{len(cases)}]", file=sys.stderr)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            if keep is None:
                shutil.rmtree(scratch_root, ignore_errors=True)
    return [r for r in results if r is not None]


# --------------------------------------------------------------------------


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_argument_group("what to run")
    what.add_argument("--run", metavar="TEMPLATE",
                      help="command for one data set; see above")
    what.add_argument("--compile", metavar="TEMPLATE",
                      help="command run once per case before --run")
    what.add_argument("--nncc", type=Path, metavar="PATH", help="this nncc is the thing under test")
    what.add_argument("--option", action="append", default=[], metavar="OPTION",
                      help="one more option for that nncc, e.g. --option=-O1")
    what.add_argument("--variant", choices=("static", "dynamic", "constant"), default="static",
                      help="change the models first; see above")
    what.add_argument("--suite", type=Path, metavar="DIR",
                      help="the cases (default: those of the installed onnx, in .cache)")
    what.add_argument("--kind", action="append", default=[], metavar="KIND",
                      help=f"only this kind ({', '.join(KINDS)}); may be repeated")
    what.add_argument("--filter", metavar="REGEX", help="only cases whose kind/name matches")
    what.add_argument("--skip", type=Path, metavar="FILE",
                      help="leave out the cases listed in FILE (kind/name, one a line)")
    what.add_argument("--list", action="store_true", help="list the cases and stop")
    what.add_argument("--export", type=Path, metavar="DIR",
                      help="write the installed onnx's suite to DIR (new) and stop")
    how = parser.add_argument_group("how to run it")
    how.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                     help="cases run at a time (default: %(default)s)")
    how.add_argument("--timeout", type=float, default=20, metavar="S",
                     help="seconds for one command (default: %(default)s)")
    how.add_argument("--keep", type=Path, metavar="DIR",
                     help="leave compiled models and outputs in DIR")
    how.add_argument("-v", "--verbose", action="store_true", help="a line for every case")
    report = parser.add_argument_group("reports")
    report.add_argument("--tsv", type=Path, metavar="FILE", help="write a line per case")
    report.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    report.add_argument("--all-ops", action="store_true",
                        help="list every operator, not only those with failures")
    report.add_argument("--baseline", type=Path, metavar="FILE",
                        help="cases that must pass (kind/name, one a line); only these "
                             "then decide the exit status")
    report.add_argument("--only-baseline", action="store_true",
                        help="run the baseline's cases only")
    report.add_argument("--update-baseline", action="store_true",
                        help="write the cases that pass now to the baseline file")
    args = parser.parse_args(argv)
    if args.nncc:
        use_nncc(args, parser)
    if not (args.run or args.list or args.export):
        parser.error("one of --nncc, --run, --list, --export is needed")
    if args.only_baseline and (args.update_baseline or not args.baseline):
        parser.error("--only-baseline needs --baseline, and cannot update it")
    if args.update_baseline and not args.baseline:
        parser.error("--update-baseline needs --baseline")
    if args.baseline and not args.update_baseline and not args.baseline.exists():
        parser.error(f"no such file: {args.baseline}")
    if args.export and args.export.exists():
        parser.error(f"{args.export} already exists")
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    if args.filter:
        try:
            re.compile(args.filter)
        except re.error as problem:
            parser.error(f"--filter: {problem}")
    return args


def use_nncc(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """The command templates of nncc."""
    if args.run or args.compile:
        parser.error("--nncc stands for --run and --compile")
    if not args.nncc.exists():
        parser.error(f"no such file: {args.nncc}")
    nncc, options = shlex.quote(str(args.nncc.resolve())), shlex.join(args.option)
    ends = "--inputs {inputs} --outputs {outputs}"
    if args.variant == "dynamic":  # `run model.onnx` would compile for the sizes of the inputs
        args.compile = f"{nncc} compile {{model}} -o {{out}} {options}"
        args.run = f"{nncc} run {{out}} {ends}"
    else:
        args.run = f"{nncc} run {{model}} {ends} {options}"


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.export:
        counts = export_suite(args.export)
        print(", ".join(f"{n} {kind}" for kind, n in counts.items()))
        return 0

    suite = (args.suite or default_suite()).resolve()
    cases = find_cases(suite, args.kind, args.filter)
    skipped = 0
    if args.skip:
        left_out = set(read_names(args.skip))
        skipped = sum(case.id in left_out for case in cases)
        cases = [case for case in cases if case.id not in left_out]
    if args.only_baseline:
        wanted = set(read_names(args.baseline))
        cases = [case for case in cases if case.id in wanted]
        if not wanted:
            print("the baseline is empty\n0 passed, 0 failed, 0 skipped")
            return 0
    if not cases:
        print("no case selected", file=sys.stderr)
        return 2
    if args.list:
        for case in cases:
            print(case.id)
        return 0

    describe_cases(cases)
    commands = Commands(args.run, args.compile, args.timeout, args.variant)
    results = run_all(cases, commands, args.jobs, args.keep and args.keep.resolve(),
                      args.verbose)
    print_summary(results, args.all_ops)
    if args.tsv:
        write_tsv(args.tsv, results)
    if args.junit:
        write_junit(args.junit, results)

    regressions = 0
    if args.update_baseline:
        update_baseline(args.baseline, results)
    elif args.baseline:
        whole_suite = not (args.filter or args.kind or args.skip)
        regressions = check_baseline(args.baseline, results, whole_suite)
    count = Counter(r.status for r in results)
    failed = sum(count[s] for s in FAILURES)
    print(f"{count['pass']} passed, {failed} failed, {count['unsupported'] + skipped} skipped")
    return 1 if (regressions if args.baseline else failed) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
