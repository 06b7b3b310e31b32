#!/bin/bash
# On a machine with a GPU: is everything right, and how fast is it?
set -euo pipefail
shopt -s inherit_errexit

usage() {
  cat <<'EOF'
usage: tools/gpu-check.sh pack FOLDER [options of test/gpu-check/pack.py]
       FOLDER/check.py [--seconds N] [--out FOLDER]
       tools/gpu-check.sh [--seconds N] [--out FOLDER]

`pack` compiles here, where LLVM is, and puts all that is needed into one folder, to be carried to a machine with a GPU:
libraries, stored inputs and results, the runtime. `check.py` in it is the one command there; it needs Python with NumPy.
Without `pack` it does both here, for the GPU of this machine, and the quantized products of test/ops before.

It prints one table in Markdown: every operator and model against stored results, compute-sanitizer on small ones, times
beside a measured copy, PyTorch, cuBLAS and ONNX Runtime, where these are installed. It takes at most eight minutes
(--seconds), keeps what it has when it is ended, and writes gpu-check.md and the raw numbers, gpu-check.json, to --out.
EOF
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$PWD/.venv/bin/python
case ${1:-} in
  -h | --help) usage; exit ;;
  pack)
    shift
    (($#)) || { usage >&2; exit 1; }
    exec "$python" test/gpu-check/pack.py "$@"
    ;;
esac
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
chip=sm_$capability
((capability < 90)) || chip+=a
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" test/ops/test_quantized.py build/bin/nncc --target="nvptx:$chip"
"$python" test/gpu-check/pack.py "$folder" --chip "$chip" --limit 16384
"$python" "$folder/check.py" "$@"
