#include "net/url.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "pmm/service.h"

static bool host_is_loopback(const char *host) {
  struct in_addr v4;
  struct in6_addr v6;
  if (strcasecmp(host, "localhost") == 0) return true;
  if (inet_pton(AF_INET, host, &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool part(CURLU *handle, CURLUPart what, char *out, size_t cap) {
  char *text = NULL;
  if (curl_url_get(handle, what, &text, 0) != CURLUE_OK) return false;
  bool const fits = strlen(text) < cap;
  if (fits) strcpy(out, text);
  curl_free(text);
  return fits;
}

/* What goes on the request line: everything after the authority but a fragment, byte for byte, since venues sign it. */
static bool copy_target(pmm__url_t *url, const char *text) {
  const char *const after = strstr(text, "://") + 3;
  const char *const from = after + strcspn(after, "/?#");
  int const len = (int)strcspn(from, "#");
  int const n = snprintf(url->target, sizeof url->target, "%s%.*s", *from == '/' ? "" : "/", len, from);
  return n > 0 && (size_t)n < sizeof url->target;
}

static bool split(pmm__url_t *url, const char *text) {
  char port[8] = "";
  CURLU *const handle = curl_url();
  if (!handle) return false;
  bool ok = strstr(text, "://") && curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS) == CURLUE_OK;
  char *given = NULL;
  if (ok && curl_url_get(handle, CURLUPART_USER, &given, 0) == CURLUE_OK) ok = false;
  curl_free(given);
  ok = ok && part(handle, CURLUPART_SCHEME, url->scheme, sizeof url->scheme) && part(handle, CURLUPART_HOST, url->host, sizeof url->host);
  url->bare_port = ok && part(handle, CURLUPART_PORT, port, sizeof port);
  if (url->bare_port) url->port = atoi(port);
  curl_url_cleanup(handle);
  return ok;
}

static void strip_brackets(char *host) {
  size_t const len = strlen(host);
  if (host[0] != '[' || host[len - 1] != ']') return;
  memmove(host, host + 1, len - 2);
  host[len - 2] = '\0';
}

pmm_status_t pmm__url_parse(pmm__url_t *url, const char *text, const char *secure, const char *plain, pmm_error_t *err) {
  *url = (pmm__url_t){0};
  if (!text || !split(url, text)) return pmm_error_set(err, PMM_INVAL, "not a URL this can connect to");
  strip_brackets(url->host);
  url->tls = strcasecmp(url->scheme, secure) == 0;
  if (!url->tls && strcasecmp(url->scheme, plain) != 0) return pmm_error_set(err, PMM_INVAL, "%s: expected %s:// or %s://", url->host, secure, plain);
  url->loopback = host_is_loopback(url->host);
  if (!url->tls && !url->loopback) return pmm_error_set(err, PMM_INVAL, "%s: plain text only to this machine; use %s://", url->host, secure);
  if (!url->bare_port) url->port = url->tls ? 443 : 80;
  if (url->host[0] == '\0' || url->port <= 0 || !copy_target(url, text)) return pmm_error_set(err, PMM_INVAL, "not a URL this can connect to");
  return PMM_OK;
}

pmm_status_t pmm_url_check(const char *url, bool socket, pmm_error_t *err) {
  pmm__url_t parts;
  return pmm__url_parse(&parts, url, socket ? "wss" : "https", socket ? "ws" : "http", err);
}

bool pmm_url_is_loopback(const char *url) {
  pmm__url_t parts = {0};
  if (!url || !split(&parts, url)) return false;
  strip_brackets(parts.host);
  return host_is_loopback(parts.host);
}

bool pmm__header_is_valid(const pmm_header_t *header) {
  static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (!header->name || !header->value || header->name[0] == '\0' || header->name[strspn(header->name, token)] != '\0') return false;
  for (const unsigned char *c = (const unsigned char *)header->value; *c; c++)
    if ((*c < 0x20 && *c != '\t') || *c == 0x7f) return false;
  return true;
}

/* -- queries -- */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character at *at; -1: bad escape. */
static int decode(const char **at, const char *end) {
  char const c = *(*at)++;
  if (c == '+') return ' ';
  if (c != '%') return (unsigned char)c;
  if (end - *at < 2 || hex((*at)[0]) < 0 || hex((*at)[1]) < 0) return -1;
  int const value = hex((*at)[0]) * 16 + hex((*at)[1]);
  *at += 2;
  return value;
}

static bool name_is(const char *at, const char *end, const char *name) {
  while (at < end && *name) {
    int const c = decode(&at, end);
    if (c < 0 || c != (unsigned char)*name++) return false;
  }
  return at == end && *name == '\0';
}

/* A NUL in a value would cut it short for its reader: refused as a bad escape. */
static pmm_status_t decode_value(const char *at, const char *end, char *out, size_t cap) {
  size_t n = 0;
  for (const char *p = at; p < end; n++)
    if (decode(&p, end) <= 0) return PMM_PARSE;
  if (n + 1 > cap) return PMM_FULL;
  for (; at < end;) *out++ = (char)decode(&at, end);
  *out = '\0';
  return PMM_OK;
}

pmm_status_t pmm_query_get(const char *query, const char *name, size_t nth, char *out, size_t cap) {
  for (const char *at = query; at && *at;) {
    const char *const end = at + strcspn(at, "&");
    const char *equals = memchr(at, '=', (size_t)(end - at));
    if (!equals) equals = end;
    if (name_is(at, equals, name) && nth-- == 0) return decode_value(equals < end ? equals + 1 : end, end, out, cap);
    at = *end ? end + 1 : end;
  }
  return PMM_NOT_FOUND;
}
