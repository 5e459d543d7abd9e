#!/bin/sh
# Whether the NEON kernel, cross-compiled and run by QEMU, makes the same bits as those of this machine.
# Usage: check_neon.sh CMAKE, with what CMAKE built of native/checks for this machine in build/checks.
set -eu
missing=""
command -v aarch64-linux-gnu-g++ >/dev/null || missing="$missing g++-aarch64-linux-gnu"
command -v qemu-aarch64 >/dev/null || missing="$missing qemu-user"
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "This needs the Debian packages$missing, or what your system calls them."
    exit 1
  fi
  echo "Installing$missing"
  apt-get update -qq
  # shellcheck disable=SC2086  # one word a package
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
fi

"$1" -S . -B build/neon -DLOGLOSS_CHECKS=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_EXE_LINKER_FLAGS=-static >/dev/null
"$1" --build build/neon --target bits >/dev/null
qemu-aarch64 build/neon/bits neon >build/neon/neon.txt

compared=""
for kernel in avx2 avx512; do
  build/checks/bits $kernel >build/neon/$kernel.txt 2>/dev/null || continue
  compared="$compared $kernel"
  if ! cmp -s build/neon/neon.txt build/neon/$kernel.txt; then
    differ=$(diff build/neon/neon.txt build/neon/$kernel.txt | grep -c '^<')
    echo "neon and $kernel differ in $differ of $(wc -l <build/neon/neon.txt) cases, the first of which is"
    diff build/neon/neon.txt build/neon/$kernel.txt | grep -m 1 '^<' | sed 's/^< //; s/: [0-9a-f]*$//'
    exit 1
  fi
done
if [ -z "$compared" ]; then
  echo "This processor has neither AVX2 nor AVX-512, so there is nothing to compare NEON with."
  exit 1
fi
echo "The same bits in $(wc -l <build/neon/neon.txt) cases: neon$compared"
