/* SPDX-License-Identifier: MIT */
/* inspect.c - looking into a VM: what it holds and where it waits.
 *
 * The guest makes the report (guest/inspect.c), in a copy of the VM that has
 * room to spare: so the VM stays as it is, and may have used up its memory. The
 * report is checked here: well-formed CBOR, all texts UTF-8, no larger than
 * INSPECT_LARGEST.
 *
 *  (1) No code of the program runs.
 *  (2) A VM whose memory contradicts itself harms only the copy, which a trap
 *      or the watchdog ends. */
#include "vm/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/cbor.h"
#include "common/utf8.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/vm.h"

#define INSPECT_LARGEST (UINT64_C(4) << 20)
/* How long a report may take; a fuzzer sets less. */
#ifndef TORPOR__INSPECT_MS
#define TORPOR__INSPECT_MS 30000
#endif
#define INSPECT_ENTRIES 20 /* deadlines of the VM, if it has one */
#define INSPECT_NAMED 5    /* functions in a sentence */

/* ---- The copy -------------------------------------------------------------*/

/* Twice as much as the VM may have, and 16 MiB. */
static uint64_t copy_memory(const torpor_vm *vm) {
  uint64_t memory = vm->memory_max * 2 + (UINT64_C(16) << 20);
  return memory < TORPOR_MEMORY_LARGEST ? memory : TORPOR_MEMORY_LARGEST;
}

/* A VM with a short deadline gets less time for its report, too. */
static uint64_t copy_deadline(const torpor_vm *vm) {
  uint64_t deadline = vm->deadline_ms;
  if (deadline == 0 || deadline > TORPOR__INSPECT_MS / INSPECT_ENTRIES)
    return TORPOR__INSPECT_MS;
  return deadline * INSPECT_ENTRIES;
}

/* A copy that keeps its handles, and is not woken. */
static torpor_status copy_open(torpor_vm *vm, torpor_vm **out) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_status status;
  options.memory_max = copy_memory(vm);
  options.deadline_ms = copy_deadline(vm);
  status = torpor_vm_fork(vm, &options, out);
  if (status == TORPOR_OK) (*out)->asleep = false;
  return status;
}

/* Says what went wrong in the copy as the VM's sentence. */
static torpor_status fail_copy(torpor_vm *vm, torpor_vm *copy,
                               torpor_status status) {
  if (status == TORPOR_NOMEM || status == TORPOR_LIMIT)
    return torpor__fail(vm, status, "looking into the VM: %s",
                        torpor_last_error(copy));
  return torpor__fail(vm, TORPOR_FORMAT,
                      "the VM's memory contradicts itself and cannot be looked "
                      "into (%s); restore a snapshot",
                      torpor_last_error(copy));
}

/* ---- Checking -------------------------------------------------------------*/

/* Whether 'report' is one item of CBOR without dangling or malformed text. */
static bool check_report(const torpor_bytes *report) {
  torpor__cbor_reader reader = torpor__cbor_read(report->data, report->size);
  torpor__cbor_item item;
  if (!torpor__cbor_skip(&reader) || reader.at != reader.end) return false;
  reader.at = reader.start;
  while (torpor__cbor_next(&reader, &item))
    if (item.indefinite || (item.major == TORPOR__CBOR_TEXT &&
                            !torpor__utf8_valid(item.data, item.value)))
      return false;
  return reader.at == reader.end;
}

static torpor_status take_report(torpor_vm *copy, uint32_t what,
                                 torpor_bytes *out) {
  torpor_status status = torpor__begin(copy);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(copy, inspect, what);
  if (status == TORPOR_OK && copy->result[1] > INSPECT_LARGEST)
    status = torpor__fail_damaged(copy, "its report");
  if (status == TORPOR_OK) status = torpor__text_take(copy, out);
  if (status == TORPOR_OK && !check_report(out)) {
    torpor_bytes_free(out);
    status = torpor__fail_damaged(copy, "its report");
  }
  return torpor__end(copy, status);
}

static torpor_status inspect(torpor_vm *vm, uint32_t what, torpor_bytes *out) {
  torpor_vm *copy;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_bytes){NULL, 0};
  TORPOR__REQUIRE(vm, vm);
  status = copy_open(vm, &copy);
  if (status != TORPOR_OK) return status;
  status = take_report(copy, what, out);
  if (status != TORPOR_OK) status = fail_copy(vm, copy, status);
  torpor_vm_close(copy);
  return status;
}

torpor_status torpor_vm_inspect(torpor_vm *vm, torpor_bytes *out) {
  return inspect(vm, TORPOR_ABI_INSPECT_ALL, out);
}

torpor_status torpor__inspect_waiting(torpor_vm *vm, torpor_bytes *out) {
  return inspect(vm, TORPOR_ABI_INSPECT_WAITING, out);
}

/* ---- As a sentence --------------------------------------------------------*/

typedef struct place {
  torpor__cbor_item function, file, kind;
  uint64_t line, column;
} place;

/* One map of the list; false: it is none. */
static bool read_place(torpor__cbor_reader *reader, place *out) {
  torpor__cbor_item map, key, value;
  *out = (place){0};
  if (!torpor__cbor_next(reader, &map) || map.major != TORPOR__CBOR_MAP)
    return false;
  for (uint64_t i = 0; i < map.value; i++) {
    if (!torpor__cbor_next(reader, &key) || !torpor__cbor_next(reader, &value))
      return false;
    if (torpor__cbor_is_text(&key, "function")) out->function = value;
    if (torpor__cbor_is_text(&key, "file")) out->file = value;
    if (torpor__cbor_is_text(&key, "kind")) out->kind = value;
    if (torpor__cbor_is_text(&key, "line")) out->line = value.value;
    if (torpor__cbor_is_text(&key, "column")) out->column = value.value;
  }
  return out->function.major == TORPOR__CBOR_TEXT &&
         out->file.major == TORPOR__CBOR_TEXT;
}

/* "load (app.mjs:12:3)"; a module has no name. */
static void write_place(torpor__buffer *out, const place *at) {
  char numbers[48];
  bool named = at->function.value > 0;
  if (named) {
    torpor__buffer_add(out, at->function.data, at->function.value);
    torpor__buffer_add(out, " (", 2);
  }
  torpor__buffer_add(out, at->file.data, at->file.value);
  snprintf(numbers, sizeof(numbers), ":%" PRIu64 ":%" PRIu64 "%s", at->line,
           at->column, named ? ")" : "");
  torpor__buffer_add(out, numbers, strlen(numbers));
}

static bool write_places(const torpor_bytes *list, torpor__buffer *out) {
  torpor__cbor_reader reader = torpor__cbor_read(list->data, list->size);
  torpor__cbor_item array;
  uint64_t written = 0, left = 0;
  if (!torpor__cbor_next(&reader, &array) || array.major != TORPOR__CBOR_ARRAY)
    return false;
  for (uint64_t i = 0; i < array.value; i++) {
    place at;
    if (!read_place(&reader, &at)) return false;
    if (torpor__cbor_is_text(&at.kind, "generator"))
      continue; /* waits for nobody */
    if (written == INSPECT_NAMED) {
      left++;
      continue;
    }
    if (written++ > 0) torpor__buffer_add(out, ", ", 2);
    write_place(out, &at);
  }
  if (left > 0) {
    char more[48];
    snprintf(more, sizeof(more), " and %" PRIu64 " more", left);
    torpor__buffer_add(out, more, strlen(more));
  }
  return true;
}

torpor_status torpor_vm_waiting(torpor_vm *vm, torpor_bytes *out) {
  torpor__buffer text = {0};
  torpor_bytes list;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_bytes){NULL, 0};
  status = torpor__inspect_waiting(vm, &list);
  if (status != TORPOR_OK) return status;
  if (!write_places(&list, &text)) {
    torpor__buffer_free(&text);
    status = torpor__fail(vm, TORPOR_FORMAT,
                          "the VM's list of suspended functions is damaged; "
                          "restore a snapshot");
  } else if (torpor__buffer_finish(&text, out) != TORPOR_OK) {
    status = torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  }
  torpor_bytes_free(&list);
  return status;
}

/* The guest gives the numbers of torpor_heap in their order. */
#define HEAP_NUMBERS ((sizeof(torpor_heap) - sizeof(size_t)) / sizeof(uint64_t))

torpor_status torpor_vm_heap(torpor_vm *vm, torpor_heap *out) {
  torpor_heap heap = TORPOR_HEAP_INIT;
  torpor_bytes numbers = {NULL, 0};
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_HEAP_INIT");
  torpor__sized_give(out, &heap, sizeof(heap));
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, heap, 0);
  if (status == TORPOR_OK) status = torpor__text_take(vm, &numbers);
  if (status == TORPOR_OK && numbers.size == HEAP_NUMBERS * sizeof(uint64_t)) {
    memcpy(&heap.string_bytes, numbers.data, numbers.size);
    torpor__sized_give(out, &heap, sizeof(heap));
  } else if (status == TORPOR_OK) {
    status = torpor__fail_damaged(vm, "what its heap is made of");
  }
  torpor_bytes_free(&numbers);
  return torpor__end(vm, status);
}
