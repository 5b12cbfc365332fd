/* The venue's rate limits, as token buckets: per address and route (a limit per 10 s), and per signer (standard tier). What is over is refused at
   once; the venue delays some of it first. Figures: rate-limit pages, 2026-10. */
#include <stdio.h>
#include <string.h>
#include "server/polymarket/impl.h"

/* Scope 0 is the CLOB as a whole and counts for every route. Trading routes: burst per 10 s. */
static const int32_t per_10s[] = {[0] = 9000,  [1] = 100,   [2] = 100,   [3] = 1500,  [4] = 1500,  [5] = 1500, [6] = 500,   [7] = 500,  [8] = 500,
                                  [9] = 200,   [10] = 1000, [11] = 500,  [12] = 500,  [13] = 200,  [14] = 50,  [15] = 125,  [16] = 5000, [17] = 2000,
                                  [18] = 5000, [19] = 2000, [20] = 250,  [21] = 1500, [22] = 500,  [23] = 300, [24] = 150,  [25] = 200};
_Static_assert(sizeof per_10s / sizeof per_10s[0] <= PMM__PD_SCOPES, "every scope has its bucket");
#define SIGNER_ORDER_RATE 40.0
#define SIGNER_ORDER_BURST 60.0
#define SIGNER_CANCEL_RATE 80.0
#define SIGNER_CANCEL_BURST 120.0

static void refill(pmm__pd_bucket_t *b, double rate, double cap, int64_t now_ns) {
  if (b->at_ns == PMM_TIME_NONE) b->tokens = cap;
  else if (now_ns > b->at_ns) b->tokens += rate * ((double)(now_ns - b->at_ns) / (double)PMM_NS_PER_S);
  if (b->tokens > cap) b->tokens = cap;
  b->at_ns = now_ns;
}

static void refuse(pmm__pd_req_t *r, double wait_s, double left) {
  static const char body[] = "{\"error\":\"Too Many Requests\"}";
  char seconds[24], remaining[24];
  snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_s < 1 ? 1 : wait_s + 0.999));
  snprintf(remaining, sizeof remaining, "%lld", (long long)(left > 0 ? left : 0));
  pmm_header_t const header[] = {{"Retry-After", seconds},
                                 {"Poly-RateLimit-Remaining", remaining},
                                 {"Poly-RateLimit-Reset", seconds},
                                 {"Poly-RateLimit-Tier", "standard"}};
  pmm_service_t *const s = &r->d->service;
  s->host_ops->reply(s->host, r->call, 429, header, sizeof header / sizeof header[0], body, sizeof body - 1);
}

/* The buckets of an address; a new one takes the place of whoever has been silent longest. */
static pmm__pd_remote_t *remote_of(pmm__pd_t *d, const char *address, int64_t now_ns) {
  pmm__pd_remote_t *oldest = &d->remote[0];
  for (size_t i = 0; i < PMM__PD_REMOTES; i++) {
    pmm__pd_remote_t *const remote = &d->remote[i];
    if (strncmp(remote->address, address, sizeof remote->address - 1) == 0 && remote->address[0]) return remote->used_ns = now_ns, remote;
    if (remote->used_ns < oldest->used_ns) oldest = remote;
  }
  *oldest = (pmm__pd_remote_t){.used_ns = now_ns};
  snprintf(oldest->address, sizeof oldest->address, "%s", address);
  for (size_t i = 0; i < PMM__PD_SCOPES; i++) oldest->scope[i].at_ns = PMM_TIME_NONE;
  return oldest;
}

bool pmm__pd_limit_route(pmm__pd_req_t *r, int scope) {
  if (!r->d->serve.rate_limit) return true;
  pmm__pd_remote_t *const remote = remote_of(r->d, r->http->remote ? r->http->remote : "?", r->now_ns);
  int const both[] = {0, scope};
  for (int i = 0; i < (scope == 0 ? 1 : 2); i++) {
    pmm__pd_bucket_t *const b = &remote->scope[both[i]];
    double const cap = per_10s[both[i]];
    refill(b, cap / 10, cap, r->now_ns);
    if (b->tokens < 1) return refuse(r, (1 - b->tokens) / (cap / 10), b->tokens), false;
  }
  for (int i = 0; i < (scope == 0 ? 1 : 2); i++) remote->scope[both[i]].tokens -= 1;
  return true;
}

bool pmm__pd_limit_signer(pmm__pd_req_t *r, pmm__pd_cost_t kind, double cost) {
  pmm__pd_member_t *const m = &r->d->member[r->key->member];
  pmm__pd_bucket_t *const b = kind == PMM__PD_ORDERS ? &m->orders : &m->cancels;
  double const rate = kind == PMM__PD_ORDERS ? SIGNER_ORDER_RATE : SIGNER_CANCEL_RATE,
               cap = kind == PMM__PD_ORDERS ? SIGNER_ORDER_BURST : SIGNER_CANCEL_BURST;
  if (!r->d->serve.rate_limit) return true;
  refill(b, rate, cap, r->now_ns);
  double const need = cost < cap ? cost : cap; /* a list longer than the bucket passes when that is full, and leaves a debt */
  if (b->tokens < need) return refuse(r, (need - b->tokens) / rate, b->tokens), false;
  b->tokens -= cost;
  return true;
}

void pmm__pd_limit_charge(pmm__pd_req_t *r, double cost) {
  if (r->d->serve.rate_limit) r->d->member[r->key->member].cancels.tokens -= cost;
}
