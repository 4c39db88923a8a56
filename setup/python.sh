#!/usr/bin/env bash
# Print the path of a Python that weft runs on (3.11 or newer), or nothing, with exit code 1.
#
# WEFT_PYTHON=/path/to/python chooses. Otherwise `python3` where it is new enough, then the others by name; each is
# started, because a name on PATH may be a version manager's stand-in for a Python that is not there.
set -euo pipefail

for name in ${WEFT_PYTHON:-python3 python3.12 python3.11 python3.13 python3.14 python}; do
  path=$("$name" -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "")' 2>/dev/null) || continue
  [ -z "$path" ] || { echo "$path" && exit 0; }
done
exit 1
