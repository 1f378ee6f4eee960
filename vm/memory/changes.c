/* SPDX-License-Identifier: MIT */
/* changes.c - finding what differs from the baseline, or from what a VM
 * remembers (remember.c), and writing it as runs (runs.h).
 *
 * Only pages that may have been written can differ (wasm/runtime.h), and those
 * in which the image that the VM started from differs from the baseline. They
 * are compared in lines of 64 bytes, and lines that differ in words, since most
 * of a page is unchanged.
 *
 *     0          stack_size        host part            heap break
 *     | left out | compared        | left out | compared | left out ...
 *
 * When a large VM is written whole, pages behind the end of the baseline are
 * taken whole as well, unless they are zero: they are looked at only as far as
 * to their first byte that is not, and then copied.
 *
 * The stack is empty between entries, the host's part of the control block is
 * written by each host anew, and beyond the break all is zero. A break below
 * the end of the baseline does not count: up to there all is compared. */
#include "vm/memory/changes.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"
#include "vm/common/bytes.h"
#include "vm/common/threshold.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/memory/remember.h"
#include "vm/memory/runs.h"
#include "vm/vm.h"
#include "wasm/os.h"

/* From so many bytes behind the baseline on a VM is a large one. In the format:
 * docs/snapshot-format.md. */
TORPOR__THRESHOLD(whole_from, UINT32_C(1) << 20);

#define LINE 64u
#define WORD 8u
#define VARINT_LARGEST 10u
/* Bytes of a run; of memory that is lent, shorter runs are copied. */
#define LENT_SMALLEST 4096u
/* Runs of whole pages end where addresses are multiples of this, which is in
 * the format. */
#define WHOLE_LARGEST (UINT32_C(256) << 10)

_Static_assert(TORPOR__RUN_GAP > WORD, "stretches a word apart are one run");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the lowest bits of a word are its first byte");

/* Two words, which processors compare at once. */
typedef uint64_t pair
    __attribute__((vector_size(2 * WORD), aligned(2 * WORD), may_alias));

typedef struct scan {
  const torpor__image *image;     /* what is compared with */
  const torpor_vm *remembers;     /* or what this remembers; NULL: nothing */
  const torpor__image *unwritten; /* what pages that were not written are */
  const uint8_t *memory;
  uint32_t limit;      /* nothing is compared from here on */
  uint32_t whole;      /* pages are taken whole from here on */
  uint32_t page;       /* the first that was not looked at */
  uint32_t start, end; /* the run that is being found; empty when equal */
  unsigned head, tail; /* bytes at its ends that do not differ */
  uint32_t written;    /* end of the last run in 'out' */
  torpor__buffer *out;
  torpor__pieces *pieces; /* whose 'out' is, where the VM lends its memory: */
  uint32_t lent_from;     /* they get runs of at least so many bytes as lent */
  torpor__running_checksum *sum; /* NULL: it is added up later */
} scan;

/* What the page that holds 'address' is compared with. */
static const uint8_t *base_page(const scan *s, uint32_t address) {
  uint32_t page = address / TORPOR__PAGE;
  if (s->remembers) return torpor__remember_page(s->remembers, page);
  return torpor__image_page(s->image, page);
}

static uint8_t base_byte(const scan *s, uint32_t address) {
  return base_page(s, address)[address % TORPOR__PAGE];
}

/* ---- Writing --------------------------------------------------------------*/

static uint8_t *put_varint(uint8_t *to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = (uint8_t)(value | 0x80);
  *to++ = (uint8_t)value;
  return to;
}

/* There is room for what is not lent. */
static void add_content(scan *s, const uint8_t *bytes, size_t size) {
  if (size >= s->lent_from) {
    torpor__pieces_lend(s->pieces, bytes, size);
  } else if (s->sum) {
    torpor__checksum_add(s->sum, s->out, bytes, size);
  } else {
    memcpy(s->out->data + s->out->size, bytes, size);
    s->out->size += size;
  }
}

/* Writes [start, end), whose bytes are at 'bytes'; NULL: they are zero. */
static void write_run(scan *s, uint32_t start, uint32_t end,
                      const uint8_t *bytes) {
  size_t size = end - start, copied = size < s->lent_from ? size : 0;
  assert(s->written <= start && start < end);
  if (torpor__buffer_reserve(s->out, 2 * VARINT_LARGEST + copied)) {
    uint8_t *to = s->out->data + s->out->size;
    to = put_varint(to, start - s->written);
    to = put_varint(to, (uint64_t)size << 1 | !bytes);
    s->out->size = (size_t)(to - s->out->data);
    if (bytes) add_content(s, bytes, size);
  }
  s->written = end;
}

/* Writes the run that was found, without equal bytes at its ends. */
static void flush_run(scan *s) {
  uint32_t start = s->start + s->head, end = s->end - s->tail;
  const uint8_t *bytes = s->memory + start;
  if (s->start == s->end) return;
  write_run(s, start, end,
            torpor__bytes_are_zero(bytes, end - start) ? NULL : bytes);
  s->start = s->end;
}

/* Adds words [start, end), of which the first and the last differ in these
 * bits, to the run before them, or begins one. */
static inline void add_words(scan *s, uint32_t start, uint32_t end,
                             uint64_t first, uint64_t last) {
  if (s->start == s->end || start - s->end >= TORPOR__RUN_GAP) {
    flush_run(s);
    s->start = start;
    s->head = (unsigned)__builtin_ctzll(first) / 8;
  }
  s->end = end;
  s->tail = (unsigned)__builtin_clzll(last) / 8;
}

/* ---- Comparing ------------------------------------------------------------*/

/* Words [at, end) of 'page'. */
static void scan_words(scan *s, uint32_t page, const uint8_t *bytes,
                       const uint8_t *base, uint32_t at, uint32_t end) {
  for (; at < end; at += WORD) {
    uint64_t word, before;
    uint32_t start = page + at;
    memcpy(&word, bytes + at, WORD);
    memcpy(&before, base + at, WORD);
    if (word != before)
      add_words(s, start, start + WORD, word ^ before, word ^ before);
  }
}

/* Whether the lines at 'a' and 'b', which are aligned, differ. */
static inline bool line_differs(const uint8_t *a, const uint8_t *b) {
  const pair *x = (const pair *)a, *y = (const pair *)b;
  pair bits = (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]);
  return (bits[0] | bits[1]) != 0;
}

/* A line that differs. */
static void scan_line(scan *s, uint32_t address, const uint8_t *bytes,
                      const uint8_t *base) {
  uint64_t bits[LINE / WORD];
  unsigned differ = 0;
  for (unsigned i = 0; i < LINE / WORD; i++) {
    uint64_t word, before;
    memcpy(&word, bytes + i * WORD, WORD);
    memcpy(&before, base + i * WORD, WORD);
    bits[i] = word ^ before;
    differ |= (unsigned)(bits[i] != 0) << i;
  }
  differ |= differ << 1 & differ >> 1; /* one word alone is no gap */
  while (differ != 0) {
    unsigned first = (unsigned)__builtin_ctz(differ);
    unsigned end = first + (unsigned)__builtin_ctz(~(differ >> first));
    add_words(s, address + first * WORD, address + end * WORD, bits[first],
              bits[end - 1]);
    differ &= ~0u << end;
  }
}

/* 'start' and 'end' are multiples of a word, in one page. */
static void scan_page(scan *s, uint32_t start, uint32_t end) {
  uint32_t page = start & ~(TORPOR__PAGE - 1);
  const uint8_t *base = base_page(s, page), *bytes = s->memory + page;
  uint32_t at = start - page, stop = end - page;
  uint32_t head = (at + LINE - 1) & ~(LINE - 1), tail = stop & ~(LINE - 1);
  if (head > tail) head = tail = stop;
  scan_words(s, page, bytes, base, at, head);
  for (at = head; at < tail; at += LINE)
    if (line_differs(bytes + at, base + at))
      scan_line(s, page + at, bytes + at, base + at);
  scan_words(s, page, bytes, base, tail, stop);
}

static void scan_pages(scan *s, uint32_t start, uint32_t end) {
  while (start < end) {
    uint32_t stop = (start & ~(TORPOR__PAGE - 1)) + TORPOR__PAGE;
    if (stop > end) stop = end;
    scan_page(s, start, stop);
    start = stop;
  }
}

/* The part of [start, end) that lies in [low, high). */
static void scan_part(scan *s, uint32_t start, uint32_t end, uint32_t low,
                      uint32_t high) {
  if (start < low) start = low;
  if (end > high) end = high;
  if (start < end) scan_pages(s, start, end);
}

/* Takes the pages of [start, end) whole, but for those that are zero. */
static void take_pages(scan *s, uint32_t start, uint32_t end) {
  while (start < end) {
    uint32_t stop = end - start < TORPOR__PAGE ? end : start + TORPOR__PAGE;
    if (!torpor__bytes_are_zero(s->memory + start, stop - start)) {
      if (s->start == s->end || start != s->end) {
        flush_run(s);
        s->start = start;
        s->head = 0;
      }
      s->end = stop;
      s->tail = 0;
    }
    if (stop % WHOLE_LARGEST == 0) flush_run(s);
    start = stop;
  }
}

static void scan_range(scan *s, uint32_t start, uint32_t end) {
  const torpor__image *image = s->image;
  uint32_t exact = s->limit < s->whole ? s->limit : s->whole;
  scan_part(s, start, end, image->stack_size, image->host_start);
  scan_part(s, start, end, image->host_end, exact);
  if (start < s->whole) start = s->whole;
  if (end > s->limit) end = s->limit;
  take_pages(s, start, end);
}

/* Pages that nobody wrote are the image's, which may differ from the baseline,
 * and from the zeros that are remembered beyond a limit. */
static void scan_unwritten(scan *s, uint32_t end) {
  uint32_t limit = s->unwritten->size / TORPOR__PAGE;
  if (limit > s->limit / TORPOR__PAGE + 1) limit = s->limit / TORPOR__PAGE + 1;
  if (end > limit) end = limit;
  for (uint32_t page = s->page; page < end; page++)
    if (torpor__image_page_use(s->unwritten, page) & TORPOR__PAGE_OTHER)
      scan_range(s, page * TORPOR__PAGE, (page + 1) * TORPOR__PAGE);
}

static void scan_written(void *user, uint32_t start, uint32_t end) {
  scan *s = user;
  if (s->unwritten) scan_unwritten(s, start / TORPOR__PAGE);
  scan_range(s, start, end);
  if (s->page < end / TORPOR__PAGE) s->page = end / TORPOR__PAGE;
}

/* Makes room for what 'vm', a large one, may need. Its program can only make it
 * too small or as large as its memory. */
static void make_room(const torpor_vm *vm, uint32_t limit,
                      torpor__buffer *out) {
  uint64_t room = (uint64_t)vm->image->baseline->size + vm->control->heap_used;
  if (room > limit) room = limit;
  if (torpor__buffer_reserve(out, (size_t)room))
    torpor__os_expect(out->data + out->size, (size_t)room);
}

static scan scan_whole(const torpor_vm *vm, torpor__buffer *out) {
  scan s = {.image = vm->image->baseline,
            .memory = vm->memory,
            .out = out,
            .limit = torpor__memory_limit(vm),
            .whole = UINT32_MAX,
            .lent_from = UINT32_MAX};
  if (s.limit >= s.image->size + torpor__whole_from) s.whole = s.image->size;
  if (vm->image != s.image) s.unwritten = vm->image;
  return s;
}

static bool is_large(const scan *s) {
  return s->whole != UINT32_MAX;
}

static void scan_all(torpor_vm *vm, scan *s) {
  torpor__region_written(vm->region, scan_written, s);
  if (s->unwritten) scan_unwritten(s, UINT32_MAX / TORPOR__PAGE);
  flush_run(s);
}

void torpor__changes_write(torpor_vm *vm, torpor__buffer *out,
                           torpor__running_checksum *sum) {
  scan s = scan_whole(vm, out);
  if (is_large(&s)) make_room(vm, s.limit, out);
  if (is_large(&s)) s.sum = sum;
  scan_all(vm, &s);
}

void torpor__changes_lend(torpor_vm *vm, torpor__pieces *pieces) {
  scan s = scan_whole(vm, &pieces->own);
  if (is_large(&s)) s.lent_from = LENT_SMALLEST;
  s.pieces = pieces;
  scan_all(vm, &s);
}

/* The first and the last byte in [start, end) that was not zero; empty when
 * all were. */
static void find_used(scan *s, uint32_t start, uint32_t end) {
  s->start = s->end = end;
  for (uint32_t at = start; at < end; at += WORD) {
    const uint8_t *base = base_page(s, at);
    if (at % TORPOR__PAGE == 0 && base == torpor__zero_page) {
      at += TORPOR__PAGE - WORD;
    } else if (!torpor__bytes_are_zero(base + at % TORPOR__PAGE, WORD)) {
      if (s->start == end) s->start = at;
      s->end = at + WORD;
    }
  }
  if (s->start == end) return;
  while (base_byte(s, s->start) == 0) s->start++;
  while (base_byte(s, s->end - 1) == 0) s->end--;
}

/* Writes what the program gave back since as one run of zeros. */
static void write_dropped(scan *s, uint32_t start, uint32_t end) {
  flush_run(s);
  if (start >= end) return;
  find_used(s, start, end);
  if (s->start < s->end) write_run(s, s->start, s->end, NULL);
}

void torpor__changes_write_since(torpor_vm *vm, torpor__buffer *out) {
  scan s = {.image = vm->image,
            .memory = vm->memory,
            .remembers = vm,
            .out = out,
            .page = vm->remembered.limit / TORPOR__PAGE,
            .limit = torpor__memory_limit(vm),
            .whole = UINT32_MAX,
            .lent_from = UINT32_MAX};
  if (vm->image->size > vm->remembered.limit) s.unwritten = vm->image;
  torpor__region_written_since(vm->region, scan_written, &s);
  if (s.unwritten) scan_unwritten(&s, UINT32_MAX / TORPOR__PAGE);
  write_dropped(&s, s.limit, vm->remembered.limit);
}
