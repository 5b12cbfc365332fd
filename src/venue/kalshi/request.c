/* Signed requests, the places of those under way, and the venue's clock. */
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"
#include "venue/append.h"

#define TAG_BITS 16

int64_t pmm__k_venue_now(pmm__kalshi_t *a) { return pmm_net_now(a->net) + pmm_offset_ns(&a->offset, NULL); }

/* Takes headers with room for one more; without a key (public reads) there are none. */
static bool send(pmm__kalshi_t *a, const char *method, const char *url, pmm_header_t *h, pmm_status_t signed_st, const char *body, size_t len, pmm__kdone_t done,
                 uint64_t tag) {
  size_t cnt = signed_st == PMM_OK ? PMM_KALSHI_HEADERS : 0;
  if (body) h[cnt++] = (pmm_header_t){"Content-Type", "application/json"};
  pmm_http_request_t const r = {.method = method, .url = url, .header = h, .header_cnt = cnt, .body = body, .body_len = len,
                                .timeout_ns = a->params.request_timeout_ns, .retries = method[0] == 'G' ? 2 : 0, .done = done, .ctx = a, .tag = tag};
  bool const sent = pmm_http_send(a->net, &r, NULL) == PMM_OK;
  a->http_cnt += sent;
  return sent;
}

/* The path for signing begins at the root of the host; what is asked for is rest + path. */
bool pmm__k_send(pmm__kalshi_t *a, const char *method, const char *path_and_query, const char *body, size_t len, pmm__kdone_t done, uint64_t tag) {
  pmm_header_t h[PMM_KALSHI_HEADERS + 1];
  char full[PMM_KALSHI_PATH_BUF];
  size_t n = 0, m = 0;
  if (!pmm__append(full, sizeof full, &n, a->root, strlen(a->root)) || !pmm__append(full, sizeof full, &n, path_and_query, strcspn(path_and_query, "?"))) return false;
  if (!pmm__append(a->url, sizeof a->url, &m, a->rest, strlen(a->rest)) || !pmm__append(a->url, sizeof a->url, &m, path_and_query, strlen(path_and_query))) return false;
  return send(a, method, a->url, h, a->signer ? pmm_kalshi_signer_sign(a->signer, method, full, pmm__k_venue_now(a), h) : PMM_STATE, body, len, done, tag);
}

bool pmm__k_send_ahead(pmm__kalshi_t *a, pmm__kpath_id_t path, const char *body, size_t len, pmm__kdone_t done, uint64_t tag) {
  pmm_header_t h[PMM_KALSHI_HEADERS + 1];
  const pmm__kpath_t *const p = &a->path[path];
  return send(a, p->method, p->url, h, pmm_kalshi_signer_at(a->signer, p->slot, pmm__k_venue_now(a), h), body, len, done, tag);
}

bool pmm__k_returned(pmm__kalshi_t *a) {
  a->http_cnt--;
  if (!a->closed) return false;
  if (a->http_cnt == 0) free(a);
  return true;
}

bool pmm__k_get(pmm__kalshi_t *a, const char *path_and_query, pmm__kdone_t done, uint64_t tag) {
  return pmm__k_send(a, "GET", path_and_query, NULL, 0, done, tag);
}

void pmm__k_requests_init(pmm__kalshi_t *a) {
  for (uint32_t i = PMM__K_REQUESTS_MAX; i-- > 0;) {
    a->request[i].next_free = a->request_free;
    a->request_free = i + 1;
  }
}

pmm__krequest_t *pmm__k_request_new(pmm__kalshi_t *a, pmm__kkind_t kind, uint64_t *tag) {
  if (a->request_free == 0) return NULL;
  uint32_t const i = a->request_free - 1;
  pmm__krequest_t *const r = &a->request[i];
  a->request_free = r->next_free;
  r->kind = (uint8_t)kind;
  r->cnt = 0;
  r->gen++;
  *tag = (uint64_t)r->gen << TAG_BITS | i;
  a->request_cnt++;
  return r;
}

pmm__krequest_t *pmm__k_request_of(pmm__kalshi_t *a, uint64_t tag) {
  pmm__krequest_t *const r = &a->request[tag & ((1u << TAG_BITS) - 1)];
  return r->kind != K_FREE && r->gen == tag >> TAG_BITS ? r : NULL;
}

void pmm__k_request_free(pmm__kalshi_t *a, pmm__krequest_t *r) {
  r->kind = K_FREE;
  r->next_free = a->request_free;
  a->request_free = (uint32_t)(r - a->request) + 1;
  a->request_cnt--;
}

/* -- the clock -- */

/* "Sun, 06 Nov 1994 08:49:37 GMT", to the second: its middle is the better guess. */
static int64_t date_of(const char *text) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int day, year, h, m, s;
  char month[4];
  if (!text || sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &h, &m, &s) != 6) return PMM_TIME_NONE;
  const char *const at = strstr(months, month);
  if (!at || strlen(month) != 3 || (at - months) % 3 != 0) return PMM_TIME_NONE;
  int const mon = (int)(at - months) / 3 + 1, y = year - (mon <= 2), era_year = y % 400, shifted = mon + (mon > 2 ? -3 : 9);
  int64_t const days = (int64_t)(y / 400) * 146097 + era_year * 365 + era_year / 4 - era_year / 100 + (153 * shifted + 2) / 5 + day - 1 - 719468;
  return ((days * 24 + h) * 60 + m) * 60 * PMM_NS_PER_S + s * PMM_NS_PER_S + PMM_NS_PER_S / 2;
}

static void judge_skew(pmm__kalshi_t *a) {
  int64_t error_ns;
  int64_t const offset_ns = pmm_offset_ns(&a->offset, &error_ns), mono_ns = pmm_net_mono(a->net);
  if (pmm_abs64(offset_ns) - pmm_min64(error_ns, PMM_NS_PER_S) <= a->params.skew_max_ns || mono_ns < a->skew_told_ns) return;
  a->skew_told_ns = mono_ns + 60 * PMM_NS_PER_S;
  pmm__k_notice(a, PMM_ALERT, "clock", PMM_NOTICE_NO_MARKET, "our clock is %.1f s %s the venue's", (double)pmm_abs64(offset_ns) / 1e9,
                offset_ns > 0 ? "behind" : "ahead of");
}

/* Engine times are exact; a Date header only counts while there is nothing better and it tells of more than its own second. */
void pmm__k_hear(pmm__kalshi_t *a, const pmm_http_response_t *r, int64_t venue_ns) {
  if (r->status != PMM_OK) return;
  int64_t const shift_ns = pmm_net_now(a->net) - pmm_net_mono(a->net);
  if (venue_ns == PMM_TIME_NONE) {
    if (a->offset.cnt > 0) return;
    venue_ns = date_of(pmm_http_header(r, "Date"));
    if (venue_ns == PMM_TIME_NONE || pmm_abs64(venue_ns - (r->recv_ns + shift_ns)) < 2 * PMM_NS_PER_S) return;
  }
  pmm_offset_add(&a->offset, r->sent_ns + shift_ns, r->recv_ns + shift_ns, venue_ns);
  judge_skew(a);
}
