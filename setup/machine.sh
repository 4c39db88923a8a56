#!/usr/bin/env bash
# What the machine itself must have: Python 3.11 or newer, a C++ compiler with Python's headers (fastText is compiled),
# and Java 17 or 21 (Spark runs on it).
#
#   setup/machine.sh [java] [python] [compiler]     make sure of these
#
# What is missing is installed by the machine's package manager, where that is agreed to: WEFT_INSTALL_JAVA=1 or CI means
# yes, on a terminal it asks, else it stops with the one command that the person needs.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v apt-get >/dev/null; then manager=apt
elif command -v dnf >/dev/null; then manager=dnf
elif command -v brew >/dev/null; then manager=brew
else manager=none; fi
sudo=""
[ "$(id -u)" = 0 ] || [ "$manager" = brew ] || ! command -v sudo >/dev/null || sudo="sudo "

java_package() {
  case $manager in
    apt) # Debian 12 has 17 only, Debian 13 has 21 only, Ubuntu has both; the lists know best once they are fetched
      for package in openjdk-21-jre-headless openjdk-17-jre-headless; do
        if apt-cache policy $package 2>/dev/null | grep -q 'Candidate: [0-9]'; then echo $package && return; fi
      done
      if grep -q '^VERSION_ID="12"' /etc/os-release; then echo openjdk-17-jre-headless; else echo openjdk-21-jre-headless; fi
      ;;
    dnf) echo java-21-openjdk-headless ;;
    brew) echo openjdk@21 ;;
  esac
}

compiler_packages() {
  local python version
  python=$(setup/python.sh) || python=/usr/bin/python3
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo 3)
  case $manager in
    apt) [ "$(readlink -f /usr/bin/python3)" = "$(readlink -f "$python")" ] && version=3; echo "g++ python$version-dev" ;;
    dnf) echo gcc-c++ python3-devel ;;
  esac
}

has_compiler() {
  { command -v c++ || command -v g++ || command -v clang++; } >/dev/null 2>&1 || return 1
  local python
  python=$(setup/python.sh) || return 1
  "$python" -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(s.get_path("include") + "/Python.h"))'
}

has_python() { setup/python.sh >/dev/null; }
has_java() { setup/java.sh home >/dev/null; }

missing=() packages=()
look() { # what is missing, as words and as packages
  missing=() packages=()
  local part
  for part in "$@"; do
    "has_$part" && continue
    case $part in
      python) missing+=("Python 3.11 or newer"); case $manager in apt) packages+=(python3 python3-venv python3-dev) ;; dnf) packages+=(python3 python3-devel) ;; brew) packages+=(python@3.12) ;; esac ;;
      compiler) missing+=("a C++ compiler with Python's headers"); packages+=($(compiler_packages)) ;;
      java) missing+=("Java 17 or 21"); packages+=($(java_package)) ;;
    esac
  done
}

command_line() {
  case $manager in
    apt) echo "${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages[*]}" ;;
    dnf) echo "${sudo}dnf install -y ${packages[*]}" ;;
    brew) if [ ${#packages[@]} = 0 ]; then echo "xcode-select --install"; else echo "brew install ${packages[*]}"; fi ;;
    none) echo "" ;;
  esac
}

agreed() {
  [ "${WEFT_INSTALL_JAVA:-}" = 1 ] && return 0
  case ${CI:-} in '' | 0 | false) ;; *) return 0 ;; esac
  [ -t 0 ] && [ -t 2 ] || return 1
  local answer
  read -r -p "Install with: $(command_line)  [y/N] " answer
  case $answer in [yYjJ]*) return 0 ;; *) return 1 ;; esac
}

install() {
  case $manager in
    apt) # the lists first: on a bare machine there are none, and which Java there is, is known after
      ${sudo}apt-get update -q && look "$@" && DEBIAN_FRONTEND=noninteractive ${sudo}apt-get install -y -q --no-install-recommends "${packages[@]}" ;;
    dnf) ${sudo}dnf install -y -q "${packages[@]}" ;;
    brew) brew install -q "${packages[@]}" ;;
  esac
}

look "$@"
[ ${#missing[@]} = 0 ] && exit 0
printf 'weft needs %s; this machine has none.\n' "${missing[@]}" >&2
case " $* " in *" java "*) has_java || setup/java.sh others | sed 's/^/  (found, but Spark does not run on it: /; s/$/)/' >&2 ;; esac
if [ $manager = none ]; then
  echo "No package manager that this script knows (apt-get, dnf, brew): install it yourself and run the command again." >&2
  exit 2
fi
if agreed; then
  install "$@" >&2
  look "$@"
  [ ${#missing[@]} = 0 ] && exit 0
  echo "Still missing after the installation: ${missing[*]}" >&2
  exit 2
fi
cat >&2 <<MESSAGE
Install it with

  $(command_line)

and run the command again (or set WEFT_INSTALL_JAVA=1 to have it done).
MESSAGE
exit 2
