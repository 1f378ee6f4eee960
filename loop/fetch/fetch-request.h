/* SPDX-License-Identifier: MIT */
/* fetch-request.h - what a program asks fetch for: the request of an operation
 * of kind "fetch", read and checked.
 *
 *   url       absolute, http or https
 *   method    a token; "GET" if left out
 *   headers   an array of [name, value]
 *   body      bytes or text, if there is one
 *   upload    in place of 'body': the number of a descriptor; what is written
 *             to it is the body
 *   fd        the number of a descriptor for the response's body
 *   redirect  "follow", "manual" or "error"
 *   repeat    true: an unsafe method may be repeated
 *   stream    true: give the response when its head has come
 *   nonce     a random text, for the key of repeated requests
 *   idle      most milliseconds without a byte; 0: no limit
 *
 * All of it comes from guest memory and is taken for hostile: what libcurl is
 * given has no line breaks in it, and no header that would change where a
 * request ends or whom it is for.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_FETCH_REQUEST_H
#define TORPOR_LOOP_FETCH_REQUEST_H

#include "torpor-loop.h"

#define TORPOR__FETCH_NONE UINT64_MAX

enum torpor__fetch_redirect {
  TORPOR__FETCH_FOLLOW,
  TORPOR__FETCH_MANUAL,
  TORPOR__FETCH_ERROR
};

struct torpor__fetch_request {
  char *url;
  char *method;
  char **headers; /* "name: value", names in lower case */
  size_t header_count;
  uint8_t *body; /* NULL: none */
  size_t body_size;
  uint64_t upload, fd; /* or TORPOR__FETCH_NONE */
  enum torpor__fetch_redirect redirect;
  bool repeat;
  bool stream;
  char nonce[65];
  double idle_ms;
};

/* Reads the request of 'operation'. False: it is none, and '*why', which
 * torpor_bytes_free releases, says why; without data memory ran out. In both
 * cases torpor__fetch_request_free frees 'out'. */
bool torpor__fetch_request_read(const torpor_operation *operation,
                                struct torpor__fetch_request *out,
                                torpor_bytes *why);
void torpor__fetch_request_free(struct torpor__fetch_request *request);

/* Whether there is a header of that name, in lower case; takes all of them
 * out. */
bool torpor__fetch_request_has(const struct torpor__fetch_request *request,
                               const char *name);
void torpor__fetch_request_drop(struct torpor__fetch_request *request,
                                const char *name);
/* Takes the body out, and the headers about it. */
void torpor__fetch_request_drop_body(struct torpor__fetch_request *request);

/* Whether 'method' is safe by RFC 9110: asking twice does no harm. */
bool torpor__fetch_is_safe(const char *method);

/* torpor_driver.waking_of */
torpor_waking torpor__fetch_waking(const torpor_operation *operation,
                                   void *user);

#endif
