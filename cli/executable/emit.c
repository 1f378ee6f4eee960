/* SPDX-License-Identifier: MIT */
/* emit.c - C source of compiled programs, as users of qjsc know it. */
#include "cli/executable/emit.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cli_emit_text(torpor__buffer *out, const char *format, ...) {
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  int size = vsnprintf(NULL, 0, format, list);
  if (size > 0 && torpor__buffer_reserve(out, (size_t)size + 1)) {
    vsnprintf((char *)out->data + out->size, (size_t)size + 1, format, again);
    out->size += (size_t)size;
  }
  va_end(again);
  va_end(list);
}

void cli_emit_head(torpor__buffer *out) {
  cli_emit_text(out, "/* File generated automatically by torpor %s. */\n\n",
                torpor_version());
  cli_emit_text(out, "#include <stdint.h>\n\n");
}

void cli_emit_array(torpor__buffer *out, const char *name, const void *given,
                    size_t size) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *data = given;
  char item[] = "0x00,";
  cli_emit_text(out, "const uint32_t %s_size = %zu;\n\n", name, size);
  cli_emit_text(out, "const uint8_t %s[%zu] = {", name, size);
  for (size_t i = 0; i < size; i++) {
    item[2] = digits[data[i] >> 4];
    item[3] = digits[data[i] & 15];
    if (i % 14 == 0) torpor__buffer_add(out, "\n  ", 3);
    torpor__buffer_add(out, item, 5);
  }
  cli_emit_text(out, "\n};\n\n");
}

void cli_emit_main(torpor__buffer *out, const char *name,
                   const struct cli_extern *externs, size_t count) {
  cli_emit_text(out, "#include <torpor-standalone.h>\n%s\n",
                count > 0 ? "#include <torpor-module.h>\n" : "");
  for (size_t i = 0; i < count; i++)
    cli_emit_text(out,
                  "extern const torpor_module_def "
                  "*torpor_module_init_%s(void);\n",
                  externs[i].cname);
  cli_emit_text(out, "%sint main(int argc, char **argv) {\n",
                count > 0 ? "\n" : "");
  for (size_t i = 0; i < count; i++)
    cli_emit_text(out,
                  "  if (torpor_module_register(\"%s\", "
                  "torpor_module_init_%s) != TORPOR_OK) return 7;\n",
                  externs[i].name, externs[i].cname);
  cli_emit_text(out,
                "  return torpor_standalone_main(%s, %s_size, argc, argv);\n"
                "}\n",
                name, name);
}

bool cli_emit_is_name(const char *name) {
  if (!isalpha((unsigned char)name[0]) && name[0] != '_') return false;
  for (; *name != '\0'; name++)
    if (!isalnum((unsigned char)*name) && *name != '_') return false;
  return true;
}
