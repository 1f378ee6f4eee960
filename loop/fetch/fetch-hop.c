/* SPDX-License-Identifier: MIT */
/* fetch-hop.c - one request and its answer, and where a redirect leads. See
 * fetch.h.
 *
 * libcurl follows no redirects here: each hop is a request of its own, whose
 * host is checked like the first. A name is judged as it is written, not by the
 * address that it has.
 *
 * Runs on the loop's thread. */
#include <math.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

#include "loop/fetch/fetch.h"
#include "loop/path.h"

/* ---- Where to ------------------------------------------------------------*/

/* A part of the URL, which curl->free frees; NULL: it has none. */
static char *part_of(const struct torpor__transfer *transfer, CURLUPart part) {
  char *text = NULL;
  unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
  return transfer->fetcher->curl->url_get(transfer->url, part, &text, flags) ==
                 CURLUE_OK
             ? text
             : NULL;
}

static bool fail(struct torpor__transfer *transfer, const char *name,
                 const char *code, const char *what) {
  torpor__transfer_fail(transfer, name, code, what);
  return false;
}

static bool has_part(const struct torpor__transfer *transfer, CURLUPart part) {
  char *text = part_of(transfer, part);
  transfer->fetcher->curl->free(text);
  return text != NULL;
}

/* Whether the scheme is one that is fetched, without a user. */
static bool check_form(struct torpor__transfer *transfer) {
  char *scheme = part_of(transfer, CURLUPART_SCHEME);
  bool good = scheme != NULL && (strcasecmp(scheme, "http") == 0 ||
                                 strcasecmp(scheme, "https") == 0);
  transfer->fetcher->curl->free(scheme);
  if (!good)
    return fail(transfer, "TypeError", "EINVAL",
                "only http: and https: URLs can be fetched");
  if (has_part(transfer, CURLUPART_USER) ||
      has_part(transfer, CURLUPART_PASSWORD))
    return fail(transfer, "TypeError", "EINVAL",
                "a URL with a user name or password cannot be fetched; send "
                "an Authorization header");
  return true;
}

/* Whether the program may reach "host:port". */
static bool check_access(struct torpor__transfer *transfer) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  char *host = part_of(transfer, CURLUPART_HOST);
  char *port = part_of(transfer, CURLUPART_PORT);
  torpor_bytes place = {0}, checked = {0};
  torpor_status status = TORPOR_NOMEM;
  if (host != NULL && port != NULL)
    status = torpor__format(&place, "%s:%s", host, port);
  if (status == TORPOR_OK)
    status = torpor_access_check(torpor_world_access(transfer->world),
                                 TORPOR_NET, (char *)place.data, &checked);
  if (status != TORPOR_OK) {
    const char *sentence =
        checked.data == NULL ? "out of memory" : (char *)checked.data;
    fail(transfer, status == TORPOR_DENIED ? "NotAllowedError" : "TypeError",
         status == TORPOR_DENIED ? "EACCES" : "EINVAL", sentence);
  }
  torpor_bytes_free(&checked);
  torpor_bytes_free(&place);
  curl->free(host);
  curl->free(port);
  return status == TORPOR_OK;
}

/* ---- What libcurl asks ---------------------------------------------------*/

/* CURLOPT_OPENSOCKETFUNCTION. Programs that are started meanwhile do not get
 * the socket. */
static curl_socket_t open_socket(void *user, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  (void)user, (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

/* CURLOPT_PREREQFUNCTION: called before each attempt to send the request. When
 * a connection that was kept open turns out to be dead, libcurl makes another
 * attempt, although the server may have done what was asked. That is right for
 * requests that may be repeated only. */
static int allow_attempt(void *user, char *address, char *from, int port,
                         int from_port) {
  struct torpor__transfer *transfer = user;
  (void)address, (void)from, (void)port, (void)from_port;
  bool harmless = transfer->request.repeat ||
                  torpor__fetch_is_safe(transfer->request.method);
  if (transfer->attempts++ == 0 || harmless) return CURL_PREREQFUNC_OK;
  torpor__transfer_fail(transfer, "TypeError", "ECONNRESET",
                        "the server closed the connection without an answer; "
                        "whether it did what was asked is not known");
  return CURL_PREREQFUNC_ABORT;
}

static bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

/* The head is here: what becomes of the response. */
static bool take_head(struct torpor__transfer *transfer) {
  struct torpor__fetch_head *head = &transfer->head;
  torpor__fetch_note(transfer);
  if (is_redirect(head->status) &&
      torpor__head_value(head, "location") != NULL) {
    if (transfer->request.redirect == TORPOR__FETCH_ERROR) {
      head->done = false; /* nobody shall see it */
      return fail(transfer, "TypeError", "EREDIRECT",
                  "the response is a redirect, and redirect is \"error\"");
    }
    transfer->redirecting = transfer->request.redirect == TORPOR__FETCH_FOLLOW;
  }
  const char *type = torpor__head_value(head, "content-type");
  curl_off_t size = -1;
  transfer->fetcher->curl->easy_getinfo(
      transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
  if (size > TORPOR__FETCH_WHOLE ||
      (type != NULL && strncasecmp(type, "text/event-stream", 17) == 0))
    transfer->whole = false;
  return true;
}

/* CURLOPT_HEADERFUNCTION */
static size_t take_line(char *line, size_t size, size_t count, void *user) {
  struct torpor__transfer *transfer = user;
  size *= count;
  bool done = transfer->head.done;
  if (!torpor__head_take(&transfer->head, line, size)) {
    if (transfer->head.crowded)
      fail(transfer, "RangeError", "E2BIG",
           "the head of the response is larger than 256 KiB or has more than "
           "1,000 headers");
    return 0;
  }
  return done || !transfer->head.done || take_head(transfer) ? size : 0;
}

/* ---- What libcurl is told ------------------------------------------------*/

static bool add_line(struct torpor__transfer *transfer, const char *line) {
  struct curl_slist *longer =
      transfer->fetcher->curl->slist_append(transfer->headers, line);
  if (longer != NULL) transfer->headers = longer;
  return longer != NULL;
}

static bool add_key(struct torpor__transfer *transfer) {
  torpor_bytes line;
  if (transfer->key == NULL ||
      torpor__fetch_request_has(&transfer->request, "idempotency-key"))
    return true;
  bool added = torpor__format(&line, "Idempotency-Key: %s", transfer->key) ==
                   TORPOR_OK &&
               add_line(transfer, (char *)line.data);
  torpor_bytes_free(&line);
  return added;
}

static bool make_headers(struct torpor__transfer *transfer) {
  const struct torpor__fetch_request *request = &transfer->request;
  bool made = add_line(transfer, "Expect:") && add_key(transfer);
  if (!torpor__fetch_request_has(request, "content-type"))
    made = made && add_line(transfer, "Content-Type:");
  if (!torpor__fetch_request_has(request, "user-agent"))
    made = made && add_line(transfer, "User-Agent: Torpor/" TORPOR_VERSION);
  for (size_t i = 0; made && i < request->header_count; i++)
    made = add_line(transfer, request->headers[i]);
  return made;
}

#define SET(option, value)                                                     \
  transfer->fetcher->curl->easy_setopt(transfer->easy, option, value)

static void set_callbacks(struct torpor__transfer *transfer) {
  SET(CURLOPT_PRIVATE, transfer);
  SET(CURLOPT_ERRORBUFFER, transfer->message);
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_PREREQFUNCTION, allow_attempt);
  SET(CURLOPT_PREREQDATA, transfer);
  SET(CURLOPT_HEADERFUNCTION, take_line);
  SET(CURLOPT_HEADERDATA, transfer);
  SET(CURLOPT_WRITEFUNCTION, torpor__body_take);
  SET(CURLOPT_WRITEDATA, transfer);
  SET(CURLOPT_READFUNCTION, torpor__upload_give);
  SET(CURLOPT_READDATA, transfer);
}

/* Options that a libcurl does not know it refuses, which does no harm: they
 * make what is safe without them quicker, or safe twice. */
static void set_connection(struct torpor__transfer *transfer) {
  SET(CURLOPT_CURLU, transfer->url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  SET(CURLOPT_ACCEPT_ENCODING, "");
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)TORPOR__FETCH_CONNECT_MS);
  if (transfer->request.idle_ms > 0) {
    double seconds = ceil(transfer->request.idle_ms / 1000);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, seconds < 1e9 ? (long)seconds : 1000000000L);
  }
  const char *roots = getenv("SSL_CERT_FILE");
  if (roots == NULL || roots[0] == '\0') return;
  SET(CURLOPT_CAINFO, roots);
  SET(CURLOPT_CAPATH, NULL);
  SET(CURLOPT_PROXY_CAINFO, roots);
  SET(CURLOPT_PROXY_CAPATH, NULL);
}

static bool takes_body(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
         strcmp(method, "PATCH") == 0;
}

static void set_request(struct torpor__transfer *transfer) {
  const struct torpor__fetch_request *request = &transfer->request;
  const char *method = request->method;
  SET(CURLOPT_HTTPHEADER, transfer->headers);
  if (request->upload != TORPOR__FETCH_NONE) {
    SET(CURLOPT_UPLOAD, 1L);
    /* What was sent cannot be sent again over another connection. */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_CUSTOMREQUEST, method);
  } else if (request->body != NULL || takes_body(method)) {
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    SET(CURLOPT_POSTFIELDS,
        request->body == NULL ? "" : (const char *)request->body);
    SET(CURLOPT_CUSTOMREQUEST, method);
  } else if (strcmp(method, "HEAD") == 0) {
    SET(CURLOPT_NOBODY, 1L);
  } else {
    SET(CURLOPT_HTTPGET, 1L);
    if (strcmp(method, "GET") != 0) SET(CURLOPT_CUSTOMREQUEST, method);
  }
}

#undef SET

bool torpor__hop_start(struct torpor__transfer *transfer) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  if (!check_form(transfer) || !check_access(transfer)) return false;
  if (transfer->easy == NULL)
    transfer->easy = curl->easy_init();
  else
    curl->easy_reset(transfer->easy);
  curl->slist_free_all(transfer->headers);
  transfer->headers = NULL;
  transfer->message[0] = '\0';
  transfer->attempts = 0;
  transfer->redirecting = false;
  transfer->dropped = 0;
  torpor__head_clear(&transfer->head);
  if (transfer->easy != NULL && make_headers(transfer)) {
    set_callbacks(transfer);
    set_connection(transfer);
    set_request(transfer);
    if (torpor__fetch_run(transfer)) return true;
  }
  return fail(transfer, "RangeError", "ENOMEM", "out of memory on the host");
}

/* ---- Redirects -----------------------------------------------------------*/

/* Turns the request into a GET, where the Fetch Standard says so. False: memory
 * ran out. */
static bool rewrite_method(struct torpor__transfer *transfer) {
  struct torpor__fetch_request *request = &transfer->request;
  int status = transfer->head.status;
  bool post = strcmp(request->method, "POST") == 0;
  bool plain = strcmp(request->method, "GET") == 0 ||
               strcmp(request->method, "HEAD") == 0;
  if (!((status == 301 || status == 302) && post) && !(status == 303 && !plain))
    return true;
  char *method = strdup("GET");
  if (method == NULL) return false;
  free(request->method);
  request->method = method;
  torpor__fetch_request_drop_body(request);
  return true;
}

/* "scheme://host:port" of the URL, to be freed. */
static char *origin_of(const struct torpor__transfer *transfer) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  char *scheme = part_of(transfer, CURLUPART_SCHEME);
  char *host = part_of(transfer, CURLUPART_HOST);
  char *port = part_of(transfer, CURLUPART_PORT);
  torpor_bytes origin = {0};
  if (scheme != NULL && host != NULL && port != NULL)
    torpor__format(&origin, "%s://%s:%s", scheme, host, port);
  curl->free(scheme);
  curl->free(host);
  curl->free(port);
  return (char *)origin.data;
}

/* Drops what was meant for one origin only. */
static void drop_secrets(struct torpor__transfer *transfer, const char *from) {
  static const char *const secrets[] = {"authorization", "cookie",
                                        "proxy-authorization"};
  char *to = origin_of(transfer);
  bool same = from != NULL && to != NULL && strcasecmp(from, to) == 0;
  free(to);
  if (same) return;
  for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
    torpor__fetch_request_drop(&transfer->request, secrets[i]);
}

bool torpor__hop_follow(struct torpor__transfer *transfer) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  if (++transfer->hops > TORPOR__FETCH_REDIRECTS)
    return fail(transfer, "TypeError", "EREDIRECT",
                "it redirected more than 20 times");
  if (transfer->request.upload != TORPOR__FETCH_NONE &&
      transfer->head.status != 303)
    return fail(transfer, "TypeError", "EREDIRECT",
                "the response is a redirect, and the body, a stream, cannot be "
                "sent twice");
  char *from = origin_of(transfer);
  const char *location = torpor__head_value(&transfer->head, "location");
  bool good = curl->url_set(transfer->url, CURLUPART_URL, location,
                            CURLU_URLENCODE) == CURLUE_OK &&
              rewrite_method(transfer);
  if (good) drop_secrets(transfer, from);
  free(from);
  if (good) return torpor__hop_start(transfer);
  return fail(transfer, "TypeError", "EREDIRECT",
              "the response is a redirect to what is no http: or https: URL");
}

/* ---- Its end -------------------------------------------------------------*/

/* What went wrong, as an error's name and code. */
static void name_failure(CURLcode result, const char **name,
                         const char **code) {
  *name = "TypeError";
  switch (result) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    *code = "ENOTFOUND";
    return;
  case CURLE_OPERATION_TIMEDOUT:
    *name = "TimeoutError";
    *code = "ETIMEDOUT";
    return;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
    *code = "ECERT";
    return;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CIPHER:
  case CURLE_USE_SSL_FAILED:
    *code = "ETLS";
    return;
  case CURLE_BAD_CONTENT_ENCODING:
    *code = "EENCODING";
    return;
  case CURLE_OUT_OF_MEMORY:
    *name = "RangeError";
    *code = "ENOMEM";
    return;
  case CURLE_COULDNT_CONNECT:
    *code = "ECONNREFUSED";
    return;
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
    *code = "ECONNRESET";
    return;
  case CURLE_ABORTED_BY_CALLBACK:
    *code = "ECANCELED";
    return;
  default:
    *code = "EPROTO";
  }
}

void torpor__hop_done(struct torpor__transfer *transfer, CURLcode result) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  const char *name, *code;
  long system = 0;
  char what[CURL_ERROR_SIZE + 128];
  curl->easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &system);
  torpor__fetch_stop(transfer);
  torpor__upload_end(transfer);
  if (result == CURLE_OK || transfer->redirecting) return;
  name_failure(result, &name, &code);
  if (result == CURLE_COULDNT_CONNECT && system != 0)
    code = uv_err_name(uv_translate_sys_error((int)system));
  snprintf(what, sizeof(what), "%s%s",
           transfer->message[0] == '\0' ? curl->easy_strerror(result)
                                        : transfer->message,
           strcmp(code, "ECERT") == 0
               ? "; --ca=FILE names certificates to trust"
               : "");
  torpor__transfer_fail(transfer, name, code, what);
}
