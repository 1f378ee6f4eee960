#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=240
#
# What 'make install' puts down is enough to build C and C++ programs with,
# found by pkg-config and by find_package, linked against the shared or the
# static libraries; also when the installed tree is moved, and with DESTDIR. Each
# library shows what programs call and nothing else, and needs what it needs and
# nothing else.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "test_install: $*" >&2
  exit 1
}

# For each library, a program that says the version and 42; C and C++ as well.
cat >"$work/torpor.c" <<'END'
#include <stdio.h>
#include <torpor.h>

int main(void) {
  torpor_vm *vm;
  torpor_value answer;
  if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return 1;
  if (torpor_eval(vm, "6 * 7", 5, "answer.js", TORPOR_SCRIPT, &answer) !=
      TORPOR_OK)
    return 1;
  printf("%s %g\n", torpor_version(), torpor_value_number(answer));
  torpor_vm_close(vm);
  return 0;
}
END

cat >"$work/torpor-loop.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <torpor-loop.h>

int main(void) {
  static const char source[] =
      "globalThis.answer = await new Promise(done => setTimeout(done, 1, 42))";
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  torpor_loop *loop;
  torpor_vm *vm;
  torpor_value value;
  if (torpor_loop_open(NULL, &loop) || torpor_vm_open(NULL, &vm) ||
      torpor_loop_attach(loop, vm, &world) ||
      torpor_eval(vm, source, strlen(source), "answer.mjs", TORPOR_MODULE,
                  &value) ||
      torpor_loop_finish(loop, vm, value, &value) ||
      torpor_eval(vm, "answer", 6, "answer.js", TORPOR_SCRIPT, &value))
    return 1;
  printf("%s %g\n", torpor_version(), torpor_value_number(value));
  torpor_loop_detach(loop, vm);
  torpor_vm_close(vm);
  torpor_loop_close(loop);
  return 0;
}
END

cat >"$work/torpor-run.c" <<'END'
#include <stdio.h>
#include <torpor-run.h>

static void print_line(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_LINE)
    printf("%s %s\n", torpor_version(), event->text);
}

int main(void) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_worker_options worker_options = TORPOR_WORKER_OPTIONS_INIT;
  torpor_store *store;
  torpor_worker *worker;
  char id[TORPOR_RUN_ID_SIZE];
  options.file = "answer.mjs";
  worker_options.event = print_line;
  remove("torpor.db");
  if (torpor_store_open("torpor.db", NULL, &store) ||
      torpor_run_add(store, &options, id) ||
      torpor_worker_open(store, &worker_options, &worker) ||
      torpor_worker_add(worker, id) || torpor_worker_run(worker))
    return 1;
  torpor_worker_close(worker);
  torpor_store_close(store);
  return 0;
}
END
echo 'console.log(6 * 7);' >"$work/answer.mjs"

cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(answer LANGUAGES C)
find_package(torpor 0.1 REQUIRED COMPONENTS loop OPTIONAL_COMPONENTS run moon)
if(torpor_moon_FOUND OR NOT torpor_run_FOUND)
  message(FATAL_ERROR "find_package(torpor) finds a moon, or no runs")
endif()
find_package(torpor QUIET COMPONENTS moon)
if(torpor_FOUND)
  message(FATAL_ERROR "find_package(torpor) finds what there is not")
endif()
foreach(part IN ITEMS torpor loop run)
  set(source torpor-${part}.c)
  if(part STREQUAL torpor)
    set(source torpor.c)
  endif()
  add_executable(${part} ${source})
  target_link_libraries(${part} torpor::${part})
  add_executable(${part}_static ${source})
  target_link_libraries(${part}_static torpor::${part}_static)
endforeach()
END

expect_answer() {
  said=$(cd "$work" && "$@") || fail "'$*' failed"
  [[ $said =~ ^[0-9]+\.[0-9]+\.[0-9]+\ 42$ ]] || fail "'$*' said '$said'"
}

DESTDIR=$work/image cmake --install "$TORPOR_BUILD" --prefix /opt/torpor \
  >"$work/log" || { cat "$work/log"; fail "installing failed"; }
mv "$work/image/opt/torpor" "$work/moved"
libs=$(dirname "$(find "$work/moved" -name libtorpor.a)")

for header in "$TORPOR_SOURCE"/include/*.h "$TORPOR_SOURCE"/include/*/*.h; do
  cmp "$header" "$work/moved/include/${header#"$TORPOR_SOURCE/include/"}" ||
    fail "$header was not installed"
done
[ -f "$libs/torpor/engine.wasm" ] || fail "engine.wasm was not installed"
[ "$("$work/moved/bin/torpor" eval -p '6 * 7')" = 42 ] ||
  fail "the installed command does not evaluate"

# The manual page and completion are those of the command that is installed.
share=$work/moved/share
for page in "man/man1/torpor.1 help --man" \
  "bash-completion/completions/torpor completion bash" \
  "zsh/site-functions/_torpor completion zsh" \
  "fish/vendor_completions.d/torpor.fish completion fish"; do
  read -r file words <<<"$page"
  # shellcheck disable=SC2086
  "$work/moved/bin/torpor" $words | cmp - "$share/$file" ||
    fail "$file was not installed, or not this version's"
done

# What makes extensions is installed with all that it needs; so is the header
# that they include, for editors.
(cd "$work" && "$work/moved/bin/torpor" extension new --cpp made &&
  cd made && "$work/moved/bin/torpor" extension build made.cpp &&
  export XDG_CACHE_HOME=$work/cache &&
  "$work/moved/bin/torpor" extension build --quick made.wasm &&
  "$work/moved/bin/torpor" eval --extension=made.wasm "$(cat test/test.js)") \
  >"$work/log" 2>&1 || { cat "$work/log"; fail "no extension can be made"; }
# Modules of those that ship are installed: a run keeps them.
echo 'export default new TextDecoder("shift_jis").encoding' >"$work/legacy.mjs"
"$work/moved/bin/torpor" run "$work/legacy.mjs" --store="$work/legacy.db" \
  --quiet --extension=encoding --extension=encoding-legacy >"$work/log" 2>&1 ||
  { cat "$work/log"; fail "a run cannot keep an extension that ships"; }
echo '#include <torpor-extension.h>' | "$TORPOR_CC" -fsyntax-only -x c \
  "-I$work/moved/include" "-I$work/moved/include/torpor/quickjs" - ||
  fail "torpor-extension.h cannot be included"

# --- What a library shows and needs ------------------------------------------

# The names that LIBRARY shows, shared (-D) or static (-g).
shown() {
  nm "$1" --defined-only "$2" | awk 'NF == 3 { print $3 }' | sort
}

# expect_needs NAME LIBRARY...: besides the system's, it needs these.
expect_needs() {
  name=$1
  shift
  needs=$(readelf -d "$libs/lib$name.so" |
    sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*/\1/p' | sort |
    grep -vxE 'c|m|dl|pthread|' | tr '\n' ' ' || true)
  [ "$needs" = "$*${*:+ }" ] || fail "lib$name.so needs $needs"
}

expect_needs torpor crypto deflate zstd
expect_needs torpor-loop torpor uv
expect_needs torpor-run crypto sqlite3 torpor torpor-loop
for name in torpor torpor-loop torpor-run; do
  inner=$(shown -D "$libs/lib$name.so" | grep -v '^torpor_[a-z]' || true)
  [ -z "$inner" ] || fail "lib$name.so shows: $inner"
  # test_api.py has that these are the names in the headers.
  diff <(shown -D "$libs/lib$name.so") <(shown -g "$libs/lib$name.a") ||
    fail "lib$name.so and lib$name.a do not show the same"
done

# --- Programs found by pkg-config --------------------------------------------

# As a user would: with nothing said but where the packages are.
export PKG_CONFIG_PATH=$libs/pkgconfig
unset LD_LIBRARY_PATH

# link PROGRAM PACKAGE FLAG...: compiles PROGRAM.c with what pkg-config says.
link() {
  # shellcheck disable=SC2046
  "$TORPOR_CC" -o "$work/$1-by-pkg-config" "$work/$1.c" "${@:3}" \
    $(pkg-config --cflags --libs "$2") || fail "'$1' cannot be linked with $2"
}

for name in torpor torpor-loop torpor-run; do
  link "$name" "$name"
  expect_answer "$work/$name-by-pkg-config"

  # g++ takes it for C++.
  TORPOR_CC=g++ link "$name" "$name" -std=c++11 -Wall -Wextra -Werror
  expect_answer "$work/$name-by-pkg-config"

  link "$name" "$name-static"
  ! readelf -d "$work/$name-by-pkg-config" | grep -q libtorpor ||
    fail "what is linked with $name-static needs libtorpor.so"
  expect_answer "$work/$name-by-pkg-config"

  # Nothing but static libraries; ld warns of what glibc does with some of them.
  # shellcheck disable=SC2046
  "$TORPOR_CC" -static -o "$work/whole" "$work/$name.c" \
    $(pkg-config --static --cflags --libs "$name") 2>"$work/log" ||
    { cat "$work/log"; fail "$name cannot be linked with -static"; }
  ! readelf -d "$work/whole" | grep -q NEEDED ||
    fail "what is linked with -static needs shared libraries"
  expect_answer "$work/whole"
done

# A C module, as its own Makefile makes it, for the installed command.
cp -r "$TORPOR_SOURCE/examples/process-module" "$work/module"
make --silent -C "$work/module" CC="$TORPOR_CC" TORPOR="$work/moved/bin/torpor" \
  run >"$work/log" 2>&1 && grep -q '^sorted: 0$' "$work/log" ||
  { cat "$work/log"; fail "examples/process-module does not run"; }

# A program may have every inner name of ours itself: the linker takes them from
# nowhere else, and the library calls its own.
grep -v '/cli/' "$TORPOR_BUILD/test/objects.txt" |
  cat - <(find "$TORPOR_BUILD/engine" -path '*/torpor_engine.dir/*.o') |
  xargs nm -g --defined-only |
  awk 'NF == 3 && $3 !~ /^torpor_[a-z]/ { print $3 }' | sort -u >"$work/inner"
[ "$(wc -l <"$work/inner")" -gt 300 ] || fail "there are no inner names"
sed 's/.*/void &(void);\nvoid &(void) { __builtin_trap(); }/' "$work/inner" \
  >"$work/inner.c"
for package in torpor-run torpor-run-static; do
  link torpor-run "$package" "$work/inner.c"
  expect_answer "$work/torpor-run-by-pkg-config"
done

# --- Programs found by CMake -------------------------------------------------

cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" \
  -DCMAKE_C_COMPILER="$TORPOR_CC" >"$work/log" &&
  cmake --build "$work/build" >>"$work/log" ||
  { cat "$work/log"; fail "find_package(torpor) does not work"; }
for part in torpor loop run; do
  expect_answer "$work/build/$part"
  expect_answer "$work/build/${part}_static"
done

# --- Other builds ------------------------------------------------------------

# As packages for Debian are configured; there, programs are not told where to
# look. And the library alone: libuv and SQLite are not even looked for.
cmake -S "$TORPOR_SOURCE" -B "$work/odd" -DCMAKE_C_COMPILER="$TORPOR_CC" \
  -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib/odd \
  -DTORPOR_ENGINE_DIR="$TORPOR_BUILD/generated" -DTORPOR_VM_ONLY=ON \
  >"$work/log" || { cat "$work/log"; fail "it cannot be configured"; }
mkdir -p "$work/usr/lib/odd/pkgconfig"
cp "$work"/odd/*.pc "$work/usr/lib/odd/pkgconfig"
export PKG_CONFIG_PATH=$work/usr/lib/odd/pkgconfig
[ "$(realpath "$(pkg-config --variable=libdir torpor)")" = \
  "$work/usr/lib/odd" ] || fail "torpor.pc does not have lib/odd"
! pkg-config --libs torpor | grep rpath ||
  fail "with the prefix /usr, programs are told where to look"
! grep -E '^TORPOR_(UV|SQLITE)' "$work/odd/CMakeCache.txt" ||
  fail "the library alone needs more than it should"
grep -q '/vm/vm[.]c"' "$work/odd/compile_commands.json" ||
  fail "the library alone is not compiled"
! grep -E '"file":.*/(loop|run|cli)/[^/]*[.]c"' \
  "$work/odd/compile_commands.json" || fail "the library alone is not alone"
