"""What the fuzz tests share: running a tool on a model and judging how it fails."""
import os
import subprocess

TIMEOUT_S = 120
CODES = {0: "accepted", 1: "I/O error", 2: "invalid", 3: "unsupported"}
# A finding of a sanitizer must not look like an exit code of the tool.
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=1:allocator_may_return_null=1",
              "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1"}  # fmt: skip


def run(command, *, timeout=TIMEOUT_S, folder=None):
    """(exit code, message) of `command`; the code is negative for a signal, None for a hang."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False,
                              cwd=folder, env={**SANITIZERS, **os.environ})  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"no answer within {timeout} s"
    return done.returncode, done.stderr.decode(errors="replace").strip()


def fault(code, message):
    """What is wrong with the way the tool ended, or an empty string."""
    if code is None:
        return message
    if code not in CODES:
        return f"exit code {code}: {message[-600:]}"
    if code and "nncc: error: " not in message:
        return f"exit code {code} without a message"
    return ""
