#!/bin/bash
# From a fresh Debian 12 to a built nncc. Does only what is not done yet; asks nothing.
set -euo pipefail
shopt -s inherit_errexit

usage() {
  cat <<'EOF'
usage: tools/setup.sh [options]

Installs what nncc needs (Debian packages, Python packages in .venv, the ONNX library), configures
and builds it. What is already there is left alone.

  --no-build        install only
  --build-dir DIR   where to build (default: build, with --sanitize build-sanitize)
  --sanitize        build with AddressSanitizer and UndefinedBehaviorSanitizer
  --bench           also install what the benchmark compares with (OpenVINO, 300 MB)
  -h, --help        this text
EOF
}

die() {
  echo "setup: error: $*" >&2
  exit 1
}
say() { echo "setup: $*"; }

build=1 dir="" sanitize="" bench=""
while (($#)); do
  case $1 in
    --no-build) build="" ;;
    --build-dir) [[ ${2:-} ]] || die "--build-dir needs a folder"; dir=$(realpath -m "$2"); shift ;;
    --build-dir=*) dir=$(realpath -m "${1#*=}") ;;
    --sanitize) sanitize=1 ;;
    --bench) bench=1 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; die "unknown option '$1'" ;;
  esac
  shift
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
dir=${dir:-$root/build${sanitize:+-sanitize}}

llvm_version=22.1.8
llvm=/usr/lib/llvm-22
onnx_version=$(sed -n 's/^onnx==//p' tools/requirements.txt)
onnx_sha256=008cb0467b2bbee41448acc7da8b6f4e704624cb0d327a2d5adafc7ce19bc5b8
onnx=$root/build/third-party/onnx/$onnx_version
# Precompiled headers are cached only if ccache is told what it may overlook.
sloppiness=pch_defines,time_macros,include_file_mtime,include_file_ctime
ccache="env;CCACHE_SLOPPINESS=$sloppiness;ccache"
compilers=(-G Ninja
  -DCMAKE_C_COMPILER=$llvm/bin/clang -DCMAKE_CXX_COMPILER=$llvm/bin/clang++
  "-DCMAKE_C_COMPILER_LAUNCHER=$ccache" "-DCMAKE_CXX_COMPILER_LAUNCHER=$ccache")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command without its output, unless it fails.
quietly() {
  "$@" >"$log" 2>&1 && return
  tail -n 40 "$log" >&2
  die "failed: $*"
}

# LLVM 22 is in Debian 12's security archive.
debian_packages() {
  local packages=(clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
    libclang-rt-22-dev ccache libprotobuf-dev protobuf-compiler zlib1g-dev libzstd-dev
    python3-venv ca-certificates)
  local installed missing=() package as_root=()
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    [[ $'\n'$installed$'\n' == *$'\n'"$package installed"$'\n'* ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID)); then
    command -v sudo >/dev/null ||
      die "neither root nor sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  quietly "${as_root[@]}" update
  apt-cache show "${missing[@]}" >/dev/null 2>"$log" ||
    die "this system does not offer all of them (Debian 12 with its security archive does): $(
      sed -n 's/^[NE]: //p' "$log" | paste -sd ' ')"
  quietly "${as_root[@]}" install --yes --no-install-recommends "${missing[@]}"
}

llvm_is_expected() {
  local found
  found=$(dpkg-query -W -f '${Version}' libmlir-22-dev)
  [[ $found == *"$llvm_version"* ]] ||
    say "note: MLIR $found is installed; nncc is developed with $llvm_version"
}

# A copy of the requirements in .venv says what is installed there.
python_packages() {
  local list
  for list in requirements ${bench:+requirements-bench}; do
    ! cmp -s "tools/$list.txt" ".venv/$list.txt" || continue
    if ! [[ -x .venv/bin/pip ]]; then
      say "creating .venv"
      quietly python3 -m venv .venv
    fi
    say "installing Python packages: $(grep -v '^#' "tools/$list.txt" | paste -sd ' ')"
    quietly .venv/bin/pip install --disable-pip-version-check -q -r "tools/$list.txt"
    cp "tools/$list.txt" ".venv/$list.txt"
  done
}

# Debian's ONNX is too old: built once from PyPI's source distribution.
onnx_library() {
  [[ ! -e $onnx/lib/cmake/ONNX/ONNXConfig.cmake ]] || return 0
  local work=$onnx.part archive=$onnx.part/onnx-$onnx_version.tar.gz
  say "building the ONNX library $onnx_version (minutes, once)"
  rm -rf "$work"
  mkdir -p "$work"
  quietly .venv/bin/pip download --disable-pip-version-check -q -d "$work" \
    --no-deps --no-binary onnx "onnx==$onnx_version"
  quietly sha256sum --check --status <<<"$onnx_sha256  $archive"
  tar -xzf "$archive" -C "$work"
  quietly .venv/bin/cmake -S "$work/onnx-$onnx_version" -B "$work/build" "${compilers[@]}" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DCMAKE_MAKE_PROGRAM="$root/.venv/bin/ninja" -DPython3_EXECUTABLE="$root/.venv/bin/python" \
    -DONNX_ML=ON -DONNX_BUILD_PYTHON=OFF -DONNX_BUILD_TESTS=OFF -DONNX_USE_UNITY_BUILD=ON \
    -DONNX_BUILD_CUSTOM_PROTOBUF=OFF -DONNX_USE_PROTOBUF_SHARED_LIBS=ON \
    -DONNX_GEN_PB_TYPE_STUBS=OFF -DCMAKE_INSTALL_PREFIX="$work/install"
  quietly .venv/bin/cmake --build "$work/build" --target install
  mv "$work/install" "$onnx"
  rm -rf "$work"
}

# Configures anew only if the options changed: CMake's own files are ninja's business.
configure() {
  local type=Release sanitizers=""
  [[ ! $sanitize ]] || type=RelWithDebInfo sanitizers="address;undefined"
  local options=("${compilers[@]}" -DCMAKE_BUILD_TYPE=$type "-DNNCC_SANITIZE=$sanitizers"
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld
    -DCMAKE_MODULE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_MAKE_PROGRAM="$root/.venv/bin/ninja"
    -DMLIR_DIR=$llvm/lib/cmake/mlir -DCMAKE_PREFIX_PATH="$onnx"
    -DPython3_EXECUTABLE="$root/.venv/bin/python")
  local stamp=$dir/configured-with
  [[ ! -e $dir/build.ninja || "$(cat "$stamp" 2>/dev/null)" != "${options[*]}" ]] || return 0
  say "configuring $dir"
  quietly .venv/bin/cmake -S . -B "$dir" "${options[@]}"
  echo "${options[*]}" >"$stamp"
}

debian_packages
llvm_is_expected
python_packages
onnx_library
if [[ $build ]]; then
  configure
  say "building $dir/bin/nncc"
  options=()
  [[ -t 1 ]] || options=(--quiet) # a terminal sees the progress
  .venv/bin/ninja -C "$dir" "${options[@]}"
else
  say "done"
fi
