/* SPDX-License-Identifier: MIT */
/* payload.c - a bundle behind the end of an executable.
 *
 * Where the foot is missing, but a bundle begins behind the bytes of the
 * executable, a program was there and was cut short: to run as 'torpor' then
 * would take the words that were meant for the program as commands. */
#include "cli/program/payload.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program/bundle.h"

#define MAGIC "TORPOR PROGRAM\n"
enum { VERSION = 1, MAGIC_AT = 16, MAGIC_SIZE = sizeof(MAGIC) };

void cli_payload_foot(uint64_t size, uint8_t out[CLI_PAYLOAD_FOOT]) {
  memset(out, 0, CLI_PAYLOAD_FOOT);
  for (size_t i = 0; i < 8; i++) out[i] = (uint8_t)(size >> 8 * i);
  out[8] = VERSION;
  memcpy(out + MAGIC_AT, MAGIC, MAGIC_SIZE);
}

static uint64_t read_number(const uint8_t *at, size_t size) {
  uint64_t number = 0;
  while (size-- > 0) number = number << 8 | at[size];
  return number;
}

static bool read_at(int file, void *out, size_t size, uint64_t at) {
  for (size_t done = 0; done < size;) {
    ssize_t part =
        pread(file, (char *)out + done, size - done, (off_t)(at + done));
    if (part <= 0) return false;
    done += (size_t)part;
  }
  return true;
}

/* How many bytes the linker gave an executable; 0: it does not say. */
static uint64_t measure(int file) {
  Elf64_Ehdr head;
  if (!read_at(file, &head, sizeof(head), 0)) return 0;
  if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_shoff == 0)
    return 0;
  return head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize;
}

/* Whether a bundle begins where the linker's bytes end, of the 'size' that
 * there are. Others may have put something there, too. */
static bool was_there(int file, uint64_t size) {
  uint8_t magic[8];
  uint64_t end = measure(file), left = end < size ? size - end : 0;
  if (end == 0 || left == 0) return false;
  if (left > sizeof(magic)) left = sizeof(magic);
  return read_at(file, magic, left, end) &&
         memcmp(magic, CLI_BUNDLE_MAGIC, left) == 0;
}

static enum cli_payload take(int file, uint64_t end, uint64_t size,
                             torpor_bytes *out, const char **wrong) {
  *wrong = "its program was cut short";
  if (size > end || size > CLI_BUNDLE_LARGEST) return CLI_PAYLOAD_DAMAGED;
  uint8_t *data = malloc(size + 1);
  *wrong = "its program does not fit into memory";
  if (data == NULL) return CLI_PAYLOAD_DAMAGED;
  *wrong = "its program cannot be read";
  if (!read_at(file, data, size, end - size)) {
    free(data);
    return CLI_PAYLOAD_DAMAGED;
  }
  *out = (torpor_bytes){data, size};
  return CLI_PAYLOAD_FOUND;
}

static enum cli_payload read_file(int file, torpor_bytes *out,
                                  const char **wrong) {
  struct stat found;
  uint8_t foot[CLI_PAYLOAD_FOOT];
  if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) ||
      found.st_size < (off_t)sizeof(foot))
    return CLI_PAYLOAD_NONE;
  uint64_t end = (uint64_t)found.st_size - sizeof(foot);
  if (!read_at(file, foot, sizeof(foot), end)) return CLI_PAYLOAD_NONE;
  if (memcmp(foot + MAGIC_AT, MAGIC, MAGIC_SIZE) != 0) {
    *wrong = "its program was cut short";
    return was_there(file, (uint64_t)found.st_size) ? CLI_PAYLOAD_DAMAGED
                                                    : CLI_PAYLOAD_NONE;
  }
  if (read_number(foot + 8, 8) != VERSION) {
    *wrong = "its program was put there by another version of Torpor";
    return CLI_PAYLOAD_DAMAGED;
  }
  return take(file, end, read_number(foot, 8), out, wrong);
}

enum cli_payload cli_payload_read(const char *path, torpor_bytes *out,
                                  const char **wrong) {
  *out = (torpor_bytes){NULL, 0};
  *wrong = "";
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return CLI_PAYLOAD_NONE;
  enum cli_payload result = read_file(file, out, wrong);
  close(file);
  return result;
}
