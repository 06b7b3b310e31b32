"""What the fuzz tests share: running a tool on a model and judging how it fails."""
import subprocess

TIMEOUT_S = 120
CODES = {0: "accepted", 1: "I/O error", 2: "invalid", 3: "unsupported"}


def run(tool, model):
    """(exit code, message) of `tool model`; the code is negative for a signal, None for a hang."""
    try:
        done = subprocess.run([*tool, model], capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {TIMEOUT_S} s"
    return done.returncode, done.stderr.decode(errors="replace").strip()


def fault(code, message):
    """What is wrong with the way the tool ended, or an empty string."""
    if code is None:
        return message
    if code not in CODES:
        return f"exit code {code}: {message[-300:]}"
    if code and not message:
        return f"exit code {code} without a message"
    return ""
