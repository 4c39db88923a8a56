#!/usr/bin/env bash
# Print the home of a Java that Spark runs on (17 or 21), or nothing, with exit code 1.
#
# Looked at in this order: JAVA_HOME, the `java` on PATH, the usual places of Linux, macOS and SDKMAN. The version is
# read from the `release` file that every JDK and JRE carries, so no JVM is started.
set -euo pipefail

major() { # the major version of the Java in folder $1: 17, 21, ...; empty where there is none
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] && sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" || true
}

on_path() { # the home of the `java` on PATH, links followed
  local java
  java=$(command -v java) || return 0
  while [ -L "$java" ]; do
    local target
    target=$(readlink "$java")
    case $target in /*) java=$target ;; *) java=$(dirname "$java")/$target ;; esac
  done
  dirname "$(dirname "$java")"
}

candidates() {
  [ -z "${JAVA_HOME:-}" ] || echo "$JAVA_HOME"
  on_path
  ls -d /usr/lib/jvm/* /usr/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home \
    /usr/local/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home \
    "${HOME:-/}"/.sdkman/candidates/java/* 2>/dev/null || true
}

case ${1:-home} in
  home)
    while read -r home; do
      case $(major "$home") in 17 | 21) echo "$home" && exit 0 ;; esac
    done < <(candidates)
    exit 1
    ;;
  others) # one line for each Java of another version, for the message
    candidates | sort -u | while read -r home; do
      version=$(major "$home")
      case $version in '' | 17 | 21) ;; *) echo "Java $version in $home" ;; esac
    done
    ;;
  *)
    echo "usage: setup/java.sh [home|others]" >&2
    exit 2
    ;;
esac
