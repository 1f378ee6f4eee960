#!/bin/sh
# SPDX-License-Identifier: MIT
#
# patch.sh - puts our patches into the sources of the JavaScript engine.
#
# The patches are engine/patches/*.patch, taken in the order of their names. The
# lines before the first "diff" are the patch's head, which says:
#
#   Reason:    what is wrong in the engine, and why the guest cannot help it
#   Test:      the test that fails without the patch
#   Upstream:  whether the engine's own project has it
#
#  (1) No patch changes lines that another one changes or shows, so that each
#      can be looked for alone.
#  (2) Either all patches that are not in yet can go in, or nothing is changed.
#
# Usage: see usage below.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
patches=$here/patches

usage() {
  cat <<'END_OF_USAGE'
Usage: engine/patch.sh [--check | --undo] DIR
       engine/patch.sh --stamp

Puts the patches of engine/patches into the QuickJS-NG sources in DIR; those
that are in already are left alone.

  --check   change nothing, only say which are missing (exit 1 if one is)
  --undo    take out those that are in: the sources as they were released
  --stamp   print the hash of each patch, for what is made with them
  --help    this text

Exit codes: 0 all are in (with --undo: out), 1 one is missing or does not fit,
2 wrong usage.
END_OF_USAGE
}

fail() {
  printf 'patch.sh: %s\n' "$*" >&2
  exit 1
}

# Prints the names of the patches, which have no spaces.
list_patches() {
  for patch in "$patches"/*.patch; do
    [ ! -f "$patch" ] || basename "$patch"
  done
}

check_head() {
  for word in Reason Test Upstream; do
    sed '/^diff /,$d' "$patches/$1" | grep -q "^$word: *[^ ]" ||
      fail "engine/patches/$1 has no line '$word:' in its head"
  done
}

# Runs patch with $name in $folder, with further options.
run_patch() {
  patch --force --fuzz=0 -p1 --silent -d "$folder" "$@" <"$patches/$name"
}

fits() { run_patch --dry-run "$@" >/dev/null 2>&1; }

is_in() { fits --reverse; }

# Leaves in 'missing' what is not in yet.
find_missing() {
  missing=
  for name in $(list_patches); do
    check_head "$name"
    is_in || missing="$missing $name"
  done
}

say_missing() {
  for name in $missing; do
    printf 'patch.sh: engine/patches/%s is not in %s\n' \
      "$name" "$folder" >&2
  done
}

apply_missing() {
  for name in $missing; do
    fits --forward ||
      fail "engine/patches/$name does not fit the sources in $folder"
  done
  for name in $missing; do
    run_patch --forward --no-backup-if-mismatch ||
      fail "engine/patches/$name could not be applied"
  done
}

take_out() {
  for name in $(list_patches); do
    ! is_in || run_patch --reverse --no-backup-if-mismatch ||
      fail "engine/patches/$name could not be taken out"
  done
}

stamp() {
  names=$(list_patches)
  for name in $names; do
    check_head "$name"
  done
  # The list is meant to be split into words.
  # shellcheck disable=SC2086
  [ -z "$names" ] || (cd "$patches" && sha256sum $names | sed 's/  / /')
}

action=apply
case $#:${1:-} in
1:--stamp) stamp && exit 0 ;;
1:--help | 1:-h) usage && exit 0 ;;
2:--check) action=check && shift ;;
2:--undo) action=undo && shift ;;
1:-*) usage >&2 && exit 2 ;;
1:*) ;;
*) usage >&2 && exit 2 ;;
esac
folder=$1
[ -f "$folder/quickjs.c" ] || fail "there is no quickjs.c in '$folder'"
[ -z "$(list_patches)" ] || command -v patch >/dev/null 2>&1 ||
  fail "patch is not installed; run tools/setup"

case $action in
check)
  find_missing
  say_missing
  [ -z "$missing" ]
  ;;
undo) take_out ;;
apply)
  find_missing
  apply_missing
  ;;
esac
