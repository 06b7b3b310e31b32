#!/usr/bin/env bash
# From a fresh clone to answers that a person can check: sets the machine up, builds nncc, fetches
# two pretrained networks, compiles them, and lets them read a line of text out of a picture and
# tell which sentences mean the same. Exit status: 0 if every answer is right, 1 if one is wrong,
# 2 if something failed.
#
#   ./tools/demo.sh [options of models/demo.py, e.g. --image my-line-of-text.png]
#
# NNCC_BUILD: the build folder (default: build). PYTHON: an interpreter with numpy, onnx, pillow.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${NNCC_BUILD:-build}
python=${PYTHON:-$PWD/.venv/bin/python}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { # what it says is shown only if it fails
  printf '%s ... ' "$1"
  local begin=$SECONDS
  if ! "${@:2}" >"$log" 2>&1; then
    printf 'failed\n'
    tail -n 40 "$log" >&2
    exit 2
  fi
  printf '%s s\n' $((SECONDS - begin))
}

quietly "Setting up (tools, Python packages)" ./tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
quietly "Building nncc" cmake --build "$build" --target nncc
quietly "Fetching pretrained models" "$python" models/models.py get ppocr_rec minilm
echo
exec "$python" models/demo.py short --nncc "$build/bin/nncc" "$@"
