/* SPDX-License-Identifier: MIT */
/* inspect.c - what a VM holds and where it waits, told as CBOR.
 *
 * The host asks in a copy: looking takes memory, and a VM must not change by
 * being looked at. docs/inspect.md describes the report.
 *
 *  (1) No code of the program runs: no getter, no proxy.
 *  (2) The report is bounded, whatever the program made. */

enum { FUNCTIONS_MOST = 1000 };

static uint32_t jobs_count(void) {
  const struct list_head *link;
  uint32_t count = 0;
  list_for_each(link, &torpor__rt->job_list) count++;
  return count;
}

static void functions_write(DynBuf *out) {
  uint32_t left = names.live < FUNCTIONS_MOST ? names.live : FUNCTIONS_MOST;
  report_head(out, CBOR_ARRAY, left);
  for (uint32_t i = 0; left > 0; i++) {
    if (name_table()[i].text == 0) continue;
    report_text(out, name_text(i), name_table()[i].size);
    left--;
  }
}

/* "heap" and "largest". False: no memory. */
static bool heap_write(DynBuf *out, uint64_t used, uint64_t unused) {
  holders nodes;
  census all = {0};
  bool fits = holders_find(&nodes) && census_take(&all, &nodes);
  if (fits) {
    report_literal(out, "heap");
    report_head(out, CBOR_MAP, 3);
    report_number(out, "used", used);
    report_number(out, "free", unused);
    report_literal(out, "classes");
    census_write_classes(&all, &nodes, out, used);
    report_literal(out, "largest");
    largest_write(&all, &nodes, out);
  }
  census_free(&all);
  holders_free(&nodes);
  return fits;
}

static bool report_write(DynBuf *out) {
  /* Before looking takes some. */
  uint64_t used = torpor_control.heap_used;
  uint64_t unused = torpor_control.heap_break - torpor_control.heap_base - used;
  report_head(out, CBOR_MAP, 6);
  report_literal(out, "waiting");
  if (!waiting_write(out) || !heap_write(out, used, unused)) return false;
  report_number(out, "operations", torpor_control.operation_count);
  report_number(out, "jobs", jobs_count());
  report_literal(out, "functions");
  functions_write(out);
  return true;
}

EXPORT(torpor_inspect)
torpor_status export_inspect(uint32_t what) {
  DynBuf report;
  bool fits;
  if (what != TORPOR_ABI_INSPECT_WAITING && what != TORPOR_ABI_INSPECT_ALL)
    return TORPOR_MISUSE;
  dbuf_init(&report);
  fits = what == TORPOR_ABI_INSPECT_WAITING ? waiting_write(&report)
                                            : report_write(&report);
  if (fits) return report_give(&report);
  dbuf_free(&report);
  return TORPOR_LIMIT;
}

/* Adds up the buffers, which the engine does not count. */
static void count_buffers(int64_t *bytes, int64_t *count) {
  struct list_head *link;
  list_for_each(link, &torpor__rt->gc_obj_list) {
    JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
    const JSObject *object = (JSObject *)header;
    if (JS_GC_TYPE(header) != JS_GC_OBJ_TYPE_JS_OBJECT ||
        (object->class_id != JS_CLASS_ARRAY_BUFFER &&
         object->class_id != JS_CLASS_SHARED_ARRAY_BUFFER) ||
        object->u.array_buffer == NULL)
      continue;
    *bytes += object->u.array_buffer->byte_length;
    ++*count;
  }
}

EXPORT(torpor_heap)
torpor_status export_heap(void) {
  JSMemoryUsage usage;
  int64_t buffer_bytes = 0, buffers = 0;
  uint64_t *out = (uint64_t *)(void *)torpor_control.host.window;
  JS_ComputeMemoryUsage(torpor__rt, &usage);
  count_buffers(&buffer_bytes, &buffers);
  const int64_t all[] = {
      usage.str_size,
      usage.str_count,
      usage.atom_size,
      usage.atom_count,
      usage.obj_size,
      usage.obj_count,
      usage.prop_size,
      usage.prop_count,
      usage.shape_size,
      usage.shape_count,
      usage.js_func_size,
      usage.js_func_count,
      usage.fast_array_elements * (int64_t)sizeof(JSValue),
      usage.array_count,
      buffer_bytes,
      buffers,
      (int64_t)torpor__collect_at(),
      (int64_t)torpor__rt->malloc_state.malloc_size,
  };
  for (size_t i = 0; i < countof(all); i++) out[i] = (uint64_t)all[i];
  torpor_control.host.result[0] = (uintptr_t)out;
  torpor_control.host.result[1] = sizeof(all);
  torpor_control.host.result[2] = 0;
  return TORPOR_OK;
}
