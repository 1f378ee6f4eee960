#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=300
"""Building extensions: what comes out computes the same with polls, polls in each
loop and circle of calls, and has the same bytes in any folder; what is missing
is named."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
import extension  # noqa: E402
from extension import PLAIN, TEMPLATE, build, build_text, run_plain  # noqa: E402

import instrument  # noqa: E402
import side_module  # noqa: E402

# Much of what clang makes of C: tables of jumps, numbers of all types, calls
# through pointers, bulk memory, conversions that saturate, loops of all kinds.
MIXED = PLAIN + r"""
#include <string.h>
static uint8_t bytes[4096];
static const char *const words[] = {"zero", "one", "two", "three"};
static int add(int a, int b) { return a + b; }
static int multiply(int a, int b) { return a * b; }
static int (*const operations[])(int, int) = {add, multiply};
struct pair { int64_t first; double second; };
static __attribute__((noinline)) struct pair split(int n) {
  return (struct pair){n * 3000000000LL, n / 7.0};
}
EXPORT int mixed(int n, double x) {
  uint32_t hash = 2166136261u;
  for (int i = 0; i < n; i++) {
    switch (i % 7) {
      case 0: hash ^= (uint32_t)(x * i); break;
      case 1: hash += (uint32_t)(int8_t)i; break;
      case 2: hash *= 16777619u; break;
      case 3: hash = hash << 5 | hash >> 27; break;
      case 4: hash += words[i % 4][1]; break;
      case 5: hash ^= (uint32_t)operations[i & 1]((int)hash, i); break;
      default: { struct pair p = split(i); hash += (uint32_t)(p.first >> 3); hash ^= (uint32_t)(int)p.second; }
    }
    memset(bytes + i % 64, (int)hash, 64);
    memmove(bytes + 100, bytes, 128);
    do { hash ^= bytes[hash % 4096]; } while ((hash = hash * 5 + 1) % 3 != 0);
  }
  return (int)hash;
}
EXPORT int64_t wide(int64_t n) {
  int64_t value = n;
  while (value > 1000) value = value % 3 ? value / 3 : value - 7;
  return value * 1000003 ^ (int64_t)((float)n * 0.1f);
}
"""
LOOPS = PLAIN + r"""
static int (*volatile next)(int);
static volatile int sink;
static int down(int n);
static int step(int n) {
  sink++;
  return n <= 0 ? 0 : down(n - 1) + down(n - 1);
}
static __attribute__((noinline)) int down(int n) { return step(n); }
static int pointed(int n) { return n <= 0 ? 0 : next(n - 1) + next(n - 1); }
EXPORT int spin(void) { for (volatile int i = 0;; i++); }
EXPORT int nested(int n) {
  volatile int sum = 0;
  for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) sum += j;
  return sum;
}
EXPORT int recurse(int n) { return down(n); }
EXPORT int through_pointers(int n) { next = pointed; return next(n); }
EXPORT int straight(int n) { return n * 3; }
"""


class Test(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def both(self, text, **rest):
        """The module of a source as it was linked, and with polls."""
        linked = self.plain(text, "--uninstrumented", **rest)
        polling = linked.with_suffix(".polls.wasm")
        polling.write_bytes(instrument.instrument(linked.read_bytes()))
        return linked, polling

    def plain(self, text, *words, **rest):
        init = "EXPORT int qjs_ext_a_init(void *ctx, void *rt) { return 0; }\n"
        return build_text(self.folder, "a", text + init, "--name=a", *words,
                          **rest)


class Polls(Test):
    def test_same_results(self):
        calls = [["mixed", n, x] for n in (0, 1, 9, 100, 3000)
                 for x in (0, 1.5, -1e300, 4e9)]
        calls += [["wide", str(n)] for n in (0, 1, 10**15, -5, 2**62)]
        for level in ("-O0", "-O1", "-O2", "-O3", "-Os"):
            before, after = run_plain(self.both(MIXED, flags=[level]), calls)
            self.assertEqual(before["said"], after["said"], level)
            self.assertEqual(before["polls"], 0)
            self.assertNotIn("unreachable", before["said"])

    def test_what_goes_on_for_ever_polls(self):
        for level in ("-O1", "-O2", "-O3"):
            _, polling = self.both(LOOPS, flags=[level])
            for call in (["spin"], ["recurse", 10000], ["nested", 1 << 20],
                         ["through_pointers", 10000]):
                done, = run_plain([polling], [call], most=20)
                self.assertEqual(done["said"], ["polled enough"],
                                 f"{call} {level}")
                self.assertEqual(done["polls"], 21)

    def test_how_much_is_counted(self):
        """A poll at the first turn and at each 16th one, 10,000 to a call."""
        _, polling = self.both(LOOPS, flags=["-O1"])
        done, = run_plain([polling], [["nested", 4000]])
        turns = 4000 * 4000 + 4000
        self.assertAlmostEqual(done["polls"], turns / 16 / 10000, delta=2)
        done, = run_plain([polling], [["straight", 7]] * 50000)
        self.assertEqual(done["polls"], 0)

    def test_numbers_of_what_is_imported_stay(self):
        linked, polling = self.both(MIXED)
        before, after = (side_module.SideModule(path.read_bytes())
                         for path in (linked, polling))
        self.assertEqual(
            [one.name for one in after.imports],
            [one.name for one in before.imports] +
            ["__torpor_poll_counter", "torpor_extension_poll"])
        self.assertEqual(sorted(after.exports), sorted(before.exports))
        self.assertIn("torpor.instrumented", after.customs)

    def test_twice(self):
        _, polling = self.both(LOOPS)
        with self.assertRaisesRegex(Exception, "instrumented already"):
            instrument.instrument(polling.read_bytes())

    def test_code_that_polls_itself(self):
        _, polling = self.both(
            PLAIN + "void torpor_extension_poll(void);\n"
            "EXPORT int run(int n) { torpor_extension_poll();"
            " for (volatile int i = 0; i < n; i++); return n; }\n")
        done, = run_plain([polling], [["run", 3], ["run", 1000000]])
        self.assertEqual(done["said"], ["3", "1000000"])
        self.assertIn(done["polls"], (8, 9))


class Bytes(Test):
    SAYS_WHERE = """
#include <torpor-extension.h>
#include <assert.h>
TORPOR_EXTENSION("where", "1")
TORPOR_EXTENSION_INIT(where) {
  assert(ctx != 0);
  return __FILE__[0] == '/' || JS_IsException(JS_NewString(ctx, __FILE__));
}
"""

    def test_the_same_in_any_folder(self):
        made = []
        for place in ("one", "two/three and four"):
            folder = self.folder / place
            folder.mkdir(parents=True)
            for kind in ("c", "cpp"):
                text = (TEMPLATE / f"{kind}/example.{kind}").read_text()
                (folder / f"example.{kind}").write_text(
                    text.replace("example-name", "example"))
            made.append([
                build_text(folder, "where", self.SAYS_WHERE,
                           flags=["-UNDEBUG", "-g"]).read_bytes()])
            for kind in ("c", "cpp"):
                out = folder / f"{kind}.wasm"
                name = f"example.{kind}"
                build(out, [folder / name if place == "one" else name],
                      cwd=folder)
                made[-1].append(out.read_bytes())
        self.assertEqual(made[0], made[1])
        for code in made[0]:
            self.assertNotIn(str(self.folder).encode(), code)

    def test_zeros_are_left_out(self):
        module = self.plain(PLAIN + "static char zeros[100000];\n"
                            "EXPORT char *run(void) { return zeros; }\n")
        self.assertLess(module.stat().st_size, 1000)
        read = side_module.SideModule(module.read_bytes())
        self.assertGreaterEqual(read.dylink.memory_size, 100000)


class Size(Test):
    POINTERS = PLAIN + """
#define ROW(n) {&numbers[n % 7], twice, &numbers[3], n, once, {n, n}}
static int twice(int n) { return 2 * n; }
static int once(int n) { return n + 1; }
static int numbers[] = {3, 1, 4, 1, 5, 9, 2};
static char large[GAP] = {1};
static struct { int *a; int (*f)(int); int *b; short c; int (*g)(int);
                char d[2]; } rows[] = {
  ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8)};
extern void *malloc(unsigned long);
static void *(*imported[])(unsigned long) = {malloc, malloc};
static int *far = &numbers[5];
static char zeros[100];
EXPORT int nonzero(void) {
  int count = 0;
  for (int i = 0; i < 100; i++) count += ((volatile char *)zeros)[i] != 0;
  return count;
}
EXPORT int run(int n) {
  *rows[n].a += 1;
  rows[0].d[1]++;
  return rows[n].f(*rows[n].a) * 1000 + rows[n].g(*rows[n].b) + *far +
         large[n] + (imported[0] == imported[1]) * 100000 + rows[n].d[1];
}
"""

    def test_pointers(self):
        """As many as are worth a loop, with a gap that fits and one that does
        not; what takes the address of an imported function stays code."""
        for gap, fits in ((10, True), (60000, True), (300000, False)):
            linked = self.plain(self.POINTERS, "--uninstrumented",
                                flags=[f"-DGAP={gap}"])
            small = linked.read_bytes()
            module = side_module.SideModule(small)
            number = module.exports["__wasm_apply_data_relocs"][1]
            body = module.code[number - len(module.by_kind[0])][1]
            self.assertEqual(body.end - body.at < 150, fits, gap)
            self.assertNotIn("__wasm_call_ctors", module.exports)
            done, = run_plain([linked], [["nonzero"]] +
                              [["run", n] for n in range(9)])
            self.assertEqual(done["said"].pop(0), "0")
            numbers = [3, 1, 4, 1, 5, 9, 2]
            for n, said in enumerate(done["said"]):
                numbers[n % 7] += 1
                self.assertEqual(int(said), 2000 * numbers[n % 7] +
                                 numbers[3] + 1 + numbers[5] + (n == 0) +
                                 100000 + (1 if n == 0 else n), (gap, n))

    def test_few_pointers(self):
        module = self.plain(PLAIN + "static int n; static int *volatile p = &n;\n"
                            "EXPORT int *run(void) { return p; }\n")
        self.assertIn(b"__wasm_apply_data_relocs", module.read_bytes())


class Linking(Test):
    def test_what_is_missing_is_named(self):
        said = self.plain(
            PLAIN + "#include <stdlib.h>\nint gone(int);\n"
            "EXPORT int run(char *s) { return gone((int)strtol(s, 0, 10)); }\n",
            code=1)
        self.assertIn("gone (a.c) is not a function of the engine, and nothing "
                      "has it", said)
        self.assertIn("strtol (a.c) is not a function of the engine, and that of "
                      "the C library needs __intscan, which is not compiled for "
                      "side modules", said)
        self.assertNotIn("snprintf", said)
        said = self.plain(PLAIN + "#include <stdio.h>\n"
                          'EXPORT void run(void) { puts("a"); }\n', code=1)
        self.assertIn("make text with snprintf", said)
        (self.folder / "b.cpp").write_text(
            '#include <iostream>\n#include <torpor-extension.h>\n'
            'TORPOR_EXTENSION_INIT(b) { std::cout << 1; return 0; }\n')
        said = build(self.folder / "b.wasm", [self.folder / "b.cpp"], code=1)
        self.assertIn("but no streams", said)
        self.assertNotIn("snprintf", said)

    def test_the_c_library(self):
        module = self.plain(
            PLAIN + "#include <stdlib.h>\n#include <string.h>\n"
            "EXPORT int run(int n) { static char text[20] = \"12\";"
            " strcpy(text + 2, n ? \"34\" : \"56\");"
            " return atoi(text) + (int)strcspn(text, \"4\"); }\n")
        done, = run_plain([module], [["run", 1], ["run", 0]])
        self.assertEqual(done["said"], ["1237", "1260"])

    def test_sources_that_do_not_compile(self):
        self.assertIn("error:", self.plain("int 5;", code=1))
        self.assertIn("a source is named .c", build(
            self.folder / "a.wasm", [__file__], code=1))
        self.assertIn("No such file", build(
            self.folder / "a.wasm", [self.folder / "none.c"], code=1))
        self.assertIn("check the flags", self.plain(PLAIN, flags=["-E"],
                                                    code=1))

    def test_what_would_not_load(self):
        for text, words, flags in (
                ("typedef int v __attribute__((vector_size(16)));\n"
                 "EXPORT void run(v *a) { *a = *a + *a; }",
                 "vector instructions", ["-msimd128"]),
                ("EXPORT int run(int n) { return (int)"
                 "__builtin_wasm_memory_grow(0, (unsigned long)n); }",
                 "grows the memory", []),
                ("void free(int, int);\n"
                 "EXPORT void run(void) { free(1, 2); }",
                 "calls free as (i32 i32) -> (), and the engine has it as (i32) "
                 "-> ()", ["-fno-builtin", "-w"]),
                ("int write(int, void *, int) __attribute__((import_module("
                 "\"wasi_snapshot_preview1\"), import_name(\"fd_write\")));\n"
                 "EXPORT int run(void) { return write(1, 0, 0); }",
                 "calls the operating system (fd_write)", [])):
            said = self.plain(PLAIN + text + "\n", flags=flags, code=1)
            self.assertIn(words, said)

    def test_several_sources(self):
        (self.folder / "b.c").write_text("int three(void) { return THREE; }\n")
        (self.folder / "c.h").write_text("int three(void);\n")
        (self.folder / "c.c").write_text(
            PLAIN + "#include \"c.h\"\n"
            "EXPORT int run(void) { return FOUR + three(); }\n"
            "EXPORT int qjs_ext_c_init(void *ctx, void *rt) { return 0; }\n")
        out = self.folder / "c.wasm"
        build(out, [self.folder / "c.c", self.folder / "b.c"], "--depfile",
              self.folder / "c.d", flags=["-DFOUR=5", "c.c:-UFOUR",
                                          "c.c:-DFOUR=4", "b.c:-DTHREE=3"])
        done, = run_plain([out], [["run"]])
        self.assertEqual(done["said"], ["7"])
        self.assertIn("c.h", (self.folder / "c.d").read_text())

    def test_c_plus_plus(self):
        module = build_text(self.folder, "a", """
#include <torpor-extension.h>
#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>
struct shape { virtual ~shape() = default; virtual int area() const = 0; };
struct square : shape {
  int side;
  explicit square(int side) : side(side) {}
  int area() const override { return side * side; }
};
static std::vector<std::string> words = {"pear", "apple", "fig"};
static std::unordered_map<std::string, int> counts{{"a", 1}, {"b", 2}};
static int run(int n) {
  static int calls = 40;
  std::vector<std::unique_ptr<shape>> shapes;
  for (int i = 0; i < n; i++) shapes.push_back(std::make_unique<square>(i));
  std::vector<int> areas;
  for (const auto &one : shapes) areas.push_back(-one->area());
  std::sort(areas.begin(), areas.end());
  std::sort(words.begin(), words.end());
  std::map<int, std::string> names{{1, "one"}, {2, "two"}};
  auto shared = std::make_shared<std::string>(std::to_string(areas.front()));
  std::weak_ptr<std::string> weak = shared;
  for (int i = 0; i < 100; i++) counts[std::to_string(i)] += i;
  return std::accumulate(areas.begin(), areas.end(), 0) + calls++ +
         static_cast<int>(words[0].size() + names[2].size() +
                          weak.lock()->size() + counts.size());
}
static JSValue call(JSContext *ctx, JSValueConst, int, JSValueConst *args) {
  int n;
  if (JS_ToInt32(ctx, &n, args[0]) < 0) return JS_EXCEPTION;
  return JS_NewInt32(ctx, run(n));
}
TORPOR_EXTENSION_INIT(a) {
  JSValue global = JS_GetGlobalObject(ctx);
  JS_SetPropertyStr(ctx, global, "run", JS_NewCFunction(ctx, call, "run", 1));
  JS_FreeValue(ctx, global);
  return 0;
}
""", ending=".cpp")
        build(self.folder / "a.so", [module])
        done = subprocess.run(
            [os.environ["TORPOR"], "eval", "-p",
             f"--extension={self.folder}/a.so", "[run(10), run(10)].join()"],
            capture_output=True, text=True, check=False)
        # Areas, calls, "apple", "two", "-81", counts of "a", "b", "0" to "99".
        first = -285 + 40 + 5 + 3 + 3 + 102
        self.assertEqual(done.stdout, f"{first},{first + 1}\n", done.stderr)


class ByHand(Test):
    """Which functions the native code of one that ships may have by hand."""

    BLOCKS = PLAIN + r"""
    static int zero;
    EXPORT void good(int *to, const int *from) {
      for (int i = 0; i < 100; i++) to[i] = to[i] * 3 ^ from[i];
    }
    EXPORT int gives(int *to) { return *to; }
    EXPORT void straight(int *to) { *to += 3; }
    EXPORT void calls(int *to, const int *from) {
      for (int i = 0; i < 100; i++) good(to + i, from);
    }
    EXPORT void twice(int *to) {
      for (int i = 0; i < 100; i++) to[i] *= to[i / 2];
      for (int i = 0; i < 100; i++) to[i] ^= to[i * 2];
    }
    EXPORT void keeps(int *to) {
      for (int i = 0; i < 100; i++) to[i] ^= zero++;
    }
    EXPORT void stacks(int n, int *to) {
      volatile int some[100];
      for (int i = 0; i < n; i++) some[i] = to[i];
    }
    """

    def name(self, *names):
        """The exit code, what was said, and what was made."""
        done = subprocess.run(
            [sys.executable, "-B",
             extension.SOURCE / "engine/translate_extension.py",
             "--only-c", *(f"--native={name}" for name in names),
             self.module, self.folder],
            capture_output=True, text=True, check=False)
        made = self.folder / "extension-native.h"
        return done.returncode, done.stderr, made.exists() and made.read_text()

    def test_which(self):
        flags = ["-fno-inline", "-fno-vectorize", "-fno-unroll-loops"]
        self.module = self.plain(self.BLOCKS, flags=flags)
        code, said, made = self.name("good")
        self.assertEqual((code, said), (0, ""))
        self.assertIn("native_good(instance, p0, p1)", made)
        self.assertEqual(self.name()[2].count("\n"), 1)
        for name, why in (("none", "it exports no function none"),
                          ("zero", "it exports no function zero"),
                          ("gives", "it exports no function gives"),
                          ("straight", "straight has 0 loops and 0 calls"),
                          ("calls", "calls has 1 loops and 2 calls"),
                          ("twice", "twice has 2 loops and 2 calls"),
                          ("keeps", "instance->Z_envZ___memory_base"),
                          ("stacks", "instance->Z_envZ___stack_pointer")):
            code, said, _ = self.name("good", name)
            self.assertEqual(code, 1)
            self.assertIn(why, said)


class Shipped(unittest.TestCase):
    """Those that ship are no larger than those of quickjs-wasi 3.7.0, whose files
    had these bytes."""

    PEER = {"url": 397332, "crypto": 120228, "headers": 8896,
            "encoding": 7715, "structured-clone": 6007}

    def test_sizes(self):
        sizes = {path.stem: path.stat().st_size
                 for path in (extension.BUILD / "extensions").glob("*.wasm")}
        self.assertLessEqual(self.PEER.keys(), sizes.keys())
        for name, peer in self.PEER.items():
            self.assertLessEqual(sizes[name], peer, name)


if __name__ == "__main__":
    unittest.main()
