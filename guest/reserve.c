/* SPDX-License-Identifier: MIT */
/* reserve.c - memory for what must not fail.
 *
 * RESERVE_BYTES below the limit are kept for allocations whose failure nobody
 * could be told of:
 *
 *   the error that says that memory ran out
 *   what stands between torpor__sure_begin and torpor__sure_end: jobs, and
 *   rejections that nobody handles; lost, they would be lost silently
 *   the compiler's, which mostly goes on as if they had not failed, with code
 *   that is wrong. It stops at its next token once it has used the reserve, and
 *   throws; so it takes little
 *
 * When the reserve does not suffice either, the guest traps and says why. The
 * engine calls the macros below where engine/patches put them; one without the
 * patches never does.
 *
 *  (1) Outside of entries nothing may use the reserve.
 *  (2) An allocation that may use the reserve never returns NULL. */
#include "guest.h"

enum {
  RESERVE_BYTES = 64 << 10,
  /* The compiler sees larger ones fail: copies of the source, and texts that
   * grow; the code of one function hardly ever grows so far. */
  COMPILE_SMALL = 16 << 10,
  COMPILE_GROWN = 1 << 20,
};

static struct {
  uint32_t sure;      /* depth of code in which no allocation may fail */
  uint32_t compiling; /* depth of compilations */
  bool full;          /* the compilation took of the reserve */
  bool open;          /* an allocation is taking of it */
  bool refused;       /* the engine was given NULL, since this was cleared */
} reserve;

#define JS_COMPILE_BEGIN() torpor__compile_begin()
#define JS_COMPILE_END() torpor__compile_end()
#define JS_COMPILE_FULL() reserve.full
#define JS_NO_FAIL_BEGIN() torpor__sure_begin()
#define JS_NO_FAIL_END() torpor__sure_end()

static void torpor__compile_begin(void) {
  reserve.compiling++;
}

static void torpor__compile_end(void) {
  reserve.compiling--;
  reserve.full = false;
}

static void torpor__sure_begin(void) {
  reserve.sure++;
}

static void torpor__sure_end(void) {
  reserve.sure--;
}

/* Whether the engine is making the error that memory ran out. */
static bool torpor__exhausted(void);

/* Whether an allocation that failed may use the reserve. 'grows': it makes
 * a block larger, as lists of the compiler do. */
static bool reserve_serves(size_t size, bool grows) {
  if (reserve.sure > 0 || torpor__exhausted()) return true;
  reserve.full = reserve.compiling > 0;
  reserve.refused =
      !reserve.full || size > (uint32_t)(grows ? COMPILE_GROWN : COMPILE_SMALL);
  return !reserve.refused;
}

static _Noreturn void reserve_end(void) {
  static const char text[] = "memory ran out where no error can be thrown";
  torpor__host_trap(TORPOR_ABI_TRAP_MEMORY, text, sizeof(text) - 1);
}
