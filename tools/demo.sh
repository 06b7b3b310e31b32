#!/bin/bash
# From a fresh clone to answers that a person can check: sets the machine up, builds nncc, fetches
# two pretrained networks, compiles them, and lets them read a line of text out of a picture and
# tell which sentences mean the same. Takes the options of models/demo.py:
#   tools/demo.sh --image my-line-of-text.png
# Exit status: 0 every answer is right, 1 one is wrong, 2 something failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python

tools/setup.sh || exit 2
echo "demo: fetching pretrained networks (100 MB, once)"
$python models/models.py get ppocr_rec minilm >/dev/null || exit 2
echo
exec $python models/demo.py short --nncc build/bin/nncc "$@"
