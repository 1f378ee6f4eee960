/* SPDX-License-Identifier: MIT */
/* failing.c - allocations that fail when a test says so.
 *
 * The engine allocates through a table of functions while that is not the
 * usual one (blocks.c). A test replaces it by one whose functions count calls,
 * and let one of them, or all from one on, find no memory (the reserve may
 * still serve it, as at the limit). So a test can visit every place that
 * allocates.
 *
 * Only the host can ask for it (torpor_allocation_fail). */

static struct {
  uint32_t left;  /* calls that succeed before one fails */
  uint32_t more;  /* 0: one fails; else all from that one on */
  uint32_t count; /* calls since it was asked for */
} failing;

/* Whether this call fails; 'grows': it resizes a block. */
static bool failing_now(size_t size, bool grows) {
  failing.count++;
  if (failing.left > 0) {
    failing.left--;
    return false;
  }
  if (failing.more == 0) failing.left = UINT32_MAX;
  return !reserve_serves(size, grows);
}

static void *failing_malloc(void *opaque, size_t size) {
  (void)opaque;
  return failing_now(size, false) ? NULL : malloc(size);
}

/* Sources without our patches call it. */
static void *failing_calloc(void *opaque, size_t count, size_t size) {
  size_t total;
  (void)opaque;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  return failing_now(total, false) ? NULL : malloc(total);
}

static void *failing_realloc(void *opaque, void *block, size_t size) {
  (void)opaque;
  return failing_now(size, true) ? NULL : realloc(block, size);
}

EXPORT(torpor_allocation_fail)
torpor_status export_allocation_fail(uint32_t n, uint32_t more) {
  uint32_t count = failing.count;
  memset(&failing, 0, sizeof(failing));
  torpor__rt->mf = def_malloc_funcs;
  if (n != UINT32_MAX) {
    failing.left = n;
    failing.more = more;
    torpor__rt->mf.js_malloc = failing_malloc;
    torpor__rt->mf.js_calloc = failing_calloc;
    torpor__rt->mf.js_realloc = failing_realloc;
  }
  return torpor__give_integer(count);
}
