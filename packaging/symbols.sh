#!/bin/sh
# Fails if a binary needs a newer glibc: sh packaging/symbols.sh BINARY VERSION
set -eu
needed=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
newest=$(printf '%s\n%s\n' "$needed" "$2" | sort -V | tail -n 1)
if [ "$newest" != "$2" ]; then
  echo "symbols: $1 needs glibc $needed; $2 is the newest it may need:" >&2
  objdump -T "$1" | grep -F "GLIBC_$needed" >&2
  exit 1
fi
echo "symbols: $1 runs on glibc ${needed:-of any version} and newer"
