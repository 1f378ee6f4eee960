/* SPDX-License-Identifier: MIT */
/* fetch-request.c - reads what a program asks fetch for. See fetch-request.h.
 *
 * No state; any thread. */
#include "loop/fetch/fetch-request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "loop/field.h"
#include "loop/path.h"

enum {
  METHOD_LARGEST = 32,
  URL_LARGEST = 1 << 16,
  HEADERS_LARGEST = 1 << 18, /* bytes of all */
  HEADERS_MOST = 1000
};

/* Milliseconds without a byte, unless a program says otherwise. */
static const double IDLE_MS = 300e3;

static const char *const ALPHANUMERIC =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char *const TOKEN =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "!#$%&'*+-.^_`|~";

static bool refuse(torpor_bytes *why, const char *sentence) {
  torpor__format(why, "%s", sentence);
  return false;
}

static bool is_one_of(const char *text, const char *const *list) {
  for (; *list != NULL; list++)
    if (strcmp(text, *list) == 0) return true;
  return false;
}

bool torpor__fetch_is_safe(const char *method) {
  static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE", NULL};
  return is_one_of(method, safe);
}

/* ---- Texts ---------------------------------------------------------------*/

/* The text under 'key', with a zero byte at its end. '*out' stays NULL if there
 * is none; false: it is no text, or has a zero byte in it. */
static bool read_text(torpor_reader *reader, const char *key, size_t largest,
                      char **out) {
  if (!torpor_reader_find(reader, key, strlen(key)) ||
      torpor_reader_type(reader) == TORPOR_DATA_UNDEFINED)
    return true;
  if (torpor_reader_type(reader) != TORPOR_DATA_STRING) return false;
  torpor_slice text = torpor_reader_string(reader);
  if (text.size > largest || memchr(text.data, '\0', text.size) != NULL)
    return false;
  *out = strndup((const char *)text.data, text.size);
  return *out != NULL;
}

static bool read_method(torpor_reader *reader, char **out, torpor_bytes *why) {
  static const char *const forbidden[] = {"CONNECT", "TRACE", "TRACK", NULL};
  if (!read_text(reader, "method", METHOD_LARGEST, out))
    return refuse(why, "the method of a request is a short word");
  if (*out == NULL) *out = strdup("GET");
  if (*out == NULL) return false;
  size_t size = strlen(*out);
  if (size == 0 || strspn(*out, TOKEN) != size)
    return refuse(why, "the method of a request is a short word");
  char upper[METHOD_LARGEST + 1];
  for (size_t i = 0; i <= size; i++)
    upper[i] = (char)toupper((unsigned char)(*out)[i]);
  if (!is_one_of(upper, forbidden)) return true;
  torpor__format(why, "fetch cannot make a %s request", upper);
  return false;
}

static bool read_redirect(torpor_reader *reader,
                          enum torpor__fetch_redirect *out, torpor_bytes *why) {
  static const char *const words[] = {"follow", "manual", "error"};
  char *word = NULL;
  bool good = read_text(reader, "redirect", 16, &word);
  if (good && word == NULL) return true;
  for (int i = 0; good && i < 3; i++) {
    if (strcmp(word, words[i]) != 0) continue;
    *out = (enum torpor__fetch_redirect)i;
    free(word);
    return true;
  }
  free(word);
  return refuse(why, "redirect is \"follow\", \"manual\" or \"error\"");
}

static void read_nonce(torpor_reader *reader, char *out, size_t room) {
  char *text = NULL;
  read_text(reader, "nonce", room - 1, &text);
  if (text != NULL && strspn(text, ALPHANUMERIC) == strlen(text))
    memcpy(out, text, strlen(text) + 1);
  free(text);
}

/* ---- Headers -------------------------------------------------------------*/

/* Headers that fetch sets by itself: they say where a request ends, or whom it
 * is for, and access was granted for a host. */
static const char *const reserved[] = {
    "expect", "host",    "proxy-authorization", "proxy-connection",
    "te",     "trailer", "transfer-encoding",   "upgrade",
    NULL};
/* The same, but what programs say there does no harm if it is passed over. */
static const char *const ignored[] = {"connection", "content-length",
                                      "keep-alive", NULL};

static bool is_value(torpor_slice value) {
  const uint8_t *bytes = value.data;
  for (size_t i = 0; i < value.size; i++)
    if ((bytes[i] < 32 && bytes[i] != '\t') || bytes[i] == 127) return false;
  return true;
}

/* Characters up to U+00FF, which are all that a header can have, as a byte
 * each, behind "name: "; false: there is another one. */
static bool write_value(char *at, torpor_slice value) {
  const uint8_t *bytes = value.data;
  for (size_t i = 0; i < value.size; i++) {
    if (bytes[i] < 0x80) {
      *at++ = (char)bytes[i];
    } else if ((bytes[i] == 0xc2 || bytes[i] == 0xc3) && i + 1 < value.size) {
      *at++ = (char)(uint8_t)(bytes[i] << 6 | (bytes[i + 1] & 0x3f));
      i++;
    } else {
      return false;
    }
  }
  *at = '\0';
  return true;
}

/* "name: value", or "name;" for an empty value, as libcurl wants it. */
static char *make_header(const char *name, torpor_slice value) {
  size_t size = strlen(name);
  char *line = malloc(size + value.size + sizeof(": "));
  if (line == NULL) return NULL;
  memcpy(line, name, size);
  strcpy(line + size, value.size == 0 ? ";" : ": ");
  if (value.size == 0 || write_value(line + size + 2, value)) return line;
  free(line);
  return NULL;
}

/* Reads one pair. */
static bool read_header(torpor_reader *reader,
                        struct torpor__fetch_request *out, torpor_bytes *why) {
  static const char *const sentence =
      "the headers of a request are pairs of a name and a value";
  if (torpor_reader_type(reader) != TORPOR_DATA_ARRAY ||
      torpor_reader_enter(reader) != 2 ||
      torpor_reader_type(reader) != TORPOR_DATA_STRING)
    return refuse(why, sentence);
  torpor_slice name = torpor_reader_string(reader);
  if (torpor_reader_type(reader) != TORPOR_DATA_STRING)
    return refuse(why, sentence);
  torpor_slice value = torpor_reader_string(reader);
  torpor_reader_leave(reader);
  char *word = strndup((const char *)name.data, name.size);
  if (word == NULL) return false;
  bool good = name.size > 0 && strspn(word, TOKEN) == name.size;
  for (char *c = word; *c != '\0'; c++) *c = (char)tolower((unsigned char)*c);
  if (!good || !is_value(value)) {
    free(word);
    return refuse(why, sentence);
  }
  if (is_one_of(word, reserved)) {
    torpor__format(why, "the header '%s' is set by fetch itself", word);
    free(word);
    return false;
  }
  if (!is_one_of(word, ignored))
    out->headers[out->header_count++] = make_header(word, value);
  free(word);
  if (out->header_count == 0 || out->headers[out->header_count - 1] != NULL)
    return true;
  out->header_count--;
  return refuse(why, sentence);
}

static bool read_headers(torpor_reader *reader,
                         struct torpor__fetch_request *out, torpor_bytes *why) {
  if (!torpor_reader_find(reader, "headers", 7) ||
      torpor_reader_type(reader) == TORPOR_DATA_UNDEFINED)
    return true;
  if (torpor_reader_type(reader) != TORPOR_DATA_ARRAY)
    return refuse(why, "the headers of a request are an array of pairs");
  size_t count = torpor_reader_enter(reader), total = 0;
  if (count > HEADERS_MOST)
    return refuse(why, "a request has at most 1,000 headers");
  out->headers = calloc(count + 1, sizeof(*out->headers));
  if (out->headers == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    if (!read_header(reader, out, why)) return false;
    if (out->header_count > 0)
      total += strlen(out->headers[out->header_count - 1]);
    if (total > HEADERS_LARGEST)
      return refuse(why, "the headers of a request have at most 256 KiB");
  }
  torpor_reader_leave(reader);
  return true;
}

static bool is_named(const char *header, const char *name) {
  size_t size = strlen(name);
  return strncmp(header, name, size) == 0 &&
         (header[size] == ':' || header[size] == ';');
}

bool torpor__fetch_request_has(const struct torpor__fetch_request *request,
                               const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (is_named(request->headers[i], name)) return true;
  return false;
}

void torpor__fetch_request_drop(struct torpor__fetch_request *request,
                                const char *name) {
  size_t kept = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    if (is_named(request->headers[i], name))
      free(request->headers[i]);
    else
      request->headers[kept++] = request->headers[i];
  }
  request->header_count = kept;
}

/* ---- The body ------------------------------------------------------------*/

static bool read_body(torpor_reader *reader, struct torpor__fetch_request *out,
                      torpor_bytes *why) {
  torpor_slice body;
  torpor_view view;
  if (!torpor_reader_find(reader, "body", 4)) return true;
  switch (torpor_reader_type(reader)) {
  case TORPOR_DATA_UNDEFINED:
  case TORPOR_DATA_NULL:
    return true;
  case TORPOR_DATA_STRING:
    body = torpor_reader_string(reader);
    break;
  case TORPOR_DATA_VIEW:
    body = torpor_reader_view(reader, &view);
    break;
  default:
    return refuse(why, "the body of a request is bytes or a text");
  }
  out->body = malloc(body.size + 1);
  if (out->body == NULL) return false;
  if (body.size > 0) memcpy(out->body, body.data, body.size);
  out->body_size = body.size;
  return true;
}

void torpor__fetch_request_drop_body(struct torpor__fetch_request *request) {
  static const char *const about[] = {"content-encoding", "content-language",
                                      "content-location", "content-type"};
  free(request->body);
  request->body = NULL;
  request->body_size = 0;
  request->upload = TORPOR__FETCH_NONE;
  for (size_t i = 0; i < sizeof(about) / sizeof(*about); i++)
    torpor__fetch_request_drop(request, about[i]);
}

/* ---- All of it -----------------------------------------------------------*/

static uint64_t number_of(const torpor_operation *operation, const char *key) {
  return torpor__field_count(operation, key, TORPOR__FETCH_NONE);
}

static bool read_all(const torpor_operation *operation, torpor_reader *reader,
                     struct torpor__fetch_request *out, torpor_bytes *why) {
  if (!read_text(reader, "url", URL_LARGEST, &out->url) || out->url == NULL)
    return refuse(why, "the URL of a request is a text of at most 64 KiB");
  if (!read_method(reader, &out->method, why) ||
      !read_headers(reader, out, why) || !read_body(reader, out, why) ||
      !read_redirect(reader, &out->redirect, why))
    return false;
  out->upload = number_of(operation, "upload");
  out->fd = number_of(operation, "fd");
  out->repeat = torpor__field_flag(operation, "repeat");
  out->stream = torpor__field_flag(operation, "stream");
  read_nonce(reader, out->nonce, sizeof(out->nonce));
  uint64_t idle = number_of(operation, "idle");
  if (idle != TORPOR__FETCH_NONE) out->idle_ms = (double)idle;
  bool bodiless =
      strcmp(out->method, "GET") == 0 || strcmp(out->method, "HEAD") == 0;
  if (bodiless && (out->body != NULL || out->upload != TORPOR__FETCH_NONE))
    return refuse(why, "a GET or HEAD request has no body");
  return true;
}

bool torpor__fetch_request_read(const torpor_operation *operation,
                                struct torpor__fetch_request *out,
                                torpor_bytes *why) {
  torpor_reader *reader = NULL;
  *why = (torpor_bytes){0};
  *out = (struct torpor__fetch_request){.upload = TORPOR__FETCH_NONE,
                                        .fd = TORPOR__FETCH_NONE,
                                        .idle_ms = IDLE_MS};
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) != TORPOR_OK)
    return refuse(why, "a request is { url, method, headers, body }");
  bool good = torpor_reader_type(reader) == TORPOR_DATA_OBJECT;
  if (good) {
    torpor_reader_enter(reader);
    good = read_all(operation, reader, out, why);
  } else {
    refuse(why, "a request is { url, method, headers, body }");
  }
  torpor_reader_close(reader);
  return good;
}

void torpor__fetch_request_free(struct torpor__fetch_request *request) {
  for (size_t i = 0; i < request->header_count; i++) free(request->headers[i]);
  free(request->headers);
  free(request->url);
  free(request->method);
  free(request->body);
  *request = (struct torpor__fetch_request){0};
}

torpor_waking torpor__fetch_waking(const torpor_operation *operation,
                                   void *user) {
  (void)user;
  /* What was written to a stream is not there a second time. */
  if (number_of(operation, "upload") != TORPOR__FETCH_NONE) return TORPOR_LOST;
  if (torpor__field_flag(operation, "repeat")) return TORPOR_REPEAT;
  torpor_reader *reader = NULL;
  char *method = NULL;
  bool safe = false;
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) == TORPOR_OK &&
      torpor_reader_type(reader) == TORPOR_DATA_OBJECT) {
    torpor_reader_enter(reader);
    safe = read_text(reader, "method", METHOD_LARGEST, &method) &&
           torpor__fetch_is_safe(method == NULL ? "GET" : method);
  }
  torpor_reader_close(reader);
  free(method);
  return safe ? TORPOR_REPEAT : TORPOR_LOST;
}
