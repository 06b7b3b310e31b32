#!/bin/bash
# Sets up, builds and runs every test. Takes the options of setup.sh and those of ctest:
#   tools/test.sh                       everything
#   tools/test.sh --sanitize -R lit     the lit suites with sanitizers
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

dir="" setup=() select=()
while (($#)); do
  case $1 in
    --build-dir) dir=${2:?--build-dir needs a folder}; shift ;;
    --build-dir=*) dir=${1#*=} ;;
    --sanitize) setup+=("$1"); dir=${dir:-$root/build-sanitize} ;;
    -h | --help) sed -n '2,/^set/s/^# \?//p' "$0"; exit ;;
    *) select+=("$1") ;;
  esac
  shift
done
dir=$(realpath -m "${dir:-$root/build}")
"$root/tools/setup.sh" --build-dir "$dir" "${setup[@]}"

rm -f "$dir"/test/*.xml
echo "test: ctest in $dir"
rc=0
"$root/.venv/bin/ctest" --test-dir "$dir" --output-on-failure --parallel "$(nproc)" \
  --output-junit "$dir/test/ctest.xml" "${select[@]}" || rc=$?
"$root/.venv/bin/python" "$root/test/summary.py" "$dir" || rc=${rc/#0/1}
exit "$rc"
