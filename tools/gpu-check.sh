#!/bin/bash
# On a machine with a GPU: the tests that otherwise run on the emulator, then times.
set -euo pipefail
shopt -s inherit_errexit

usage() {
  cat <<'EOF'
usage: tools/gpu-check.sh [--build-dir DIR] [--seconds N] [MODEL...]

Compiles for the GPU of this machine, as nvidia-smi names it, and runs there: every operator, quantized models, whole
models against ONNX Runtime; compute-sanitizer on one of them, where it is installed; then `nncc bench` of each MODEL
(default: some of models/manifest.json). Exits with 0 where all tests passed.
EOF
}

build=build seconds=1 models=()
while (($#)); do
  case $1 in
    --build-dir) build=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; exit 1 ;;
    *) models+=("$1") ;;
  esac
  shift
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
((${#models[@]})) || models=(resnet50 mobilenetv2 resnet50.int8 bert_base gpt2_decode unet_small)
python=.venv/bin/python nncc=$PWD/$build/bin/nncc
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
chip=sm_$capability
[[ $capability == 90 || $capability == 100 ]] && chip+=a
target=nvptx:$chip
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
echo "target $target"

failed=0
check() {
  echo "== $*"
  "$@" || failed=$((failed + 1))
}
check $python test/ops/test_ops.py "$nncc" --option=target="$target"
check $python test/ops/test_quantized.py "$nncc" --target="$target"
check $python test/targets/nvptx/check_models.py "$nncc" --target="$target"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if command -v compute-sanitizer >/dev/null; then
  "$nncc" compile models/digits/digits_cnn.onnx -o "$folder/m.so" --target="$target" --dim batch=4
  for tool in memcheck racecheck synccheck; do
    check compute-sanitizer --tool "$tool" --error-exitcode 1 "$nncc" run "$folder/m.so" --random
  done
fi
for model in "${models[@]}"; do
  path=$($python models/models.py get "$model" | tail -n 1)
  "$nncc" compile "$path" -o "$folder/$model.so" --target="$target"
  $python models/models.py inputs "$model" -o "$folder/in.npz"
  echo "== $model"
  "$nncc" bench "$folder/$model.so" --inputs "$folder/in.npz" --duration "$seconds"
done
echo "$failed of the checks failed"
((failed == 0))
