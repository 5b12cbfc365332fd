/* Token buckets: one for reads, one for writes, of each account. Source: Kalshi API docs, "Rate limits and tiers" (figures of 2026-09-24). */
#include <string.h>
#include "server/kalshi/impl.h"

#define TOKEN_E9 INT64_C(1000000000)
#define DEFAULT_COST 10

/* Write buckets above basic hold two seconds (the docs also say three in places). */
static const struct { const char *name; int64_t read, write, write_cap; } tier_table[] = {
  {"basic", 200, 100, 100},         {"advanced", 300, 300, 600},     {"expert", 600, 600, 1200},     {"premier", 1200, 1200, 2400},
  {"paragon", 2400, 2400, 4800},    {"prime", 4800, 4800, 9600},     {"prestige", 12000, 9600, 19200},
};

void pmm__kx_bucket_init(pmm__kx_bucket_t *b, int64_t rate, int64_t cap, int64_t now_ns) {
  *b = (pmm__kx_bucket_t){.rate = rate, .cap = cap, .tokens_e9 = cap * TOKEN_E9, .at_ns = now_ns};
}

bool pmm__kx_bucket_take(pmm__kx_bucket_t *b, int64_t cost, int64_t now_ns) {
  int64_t const full_e9 = b->cap * TOKEN_E9, idle_ns = pmm_min64(pmm_max64(0, now_ns - b->at_ns), 10 * PMM_NS_PER_S);
  b->tokens_e9 = pmm_min64(full_e9, b->tokens_e9 + idle_ns * b->rate); /* ten seconds fill any bucket, and fit */
  b->at_ns = pmm_max64(now_ns, b->at_ns);
  if (cost > b->cap || b->tokens_e9 < cost * TOKEN_E9) return false; /* a refused call costs nothing */
  b->tokens_e9 -= cost * TOKEN_E9;
  return true;
}

void pmm__kx_tier(pmm__kx_member_t *m, uint32_t tier, int64_t now_ns) {
  m->tier = tier;
  pmm__kx_bucket_init(&m->read, tier_table[tier].read, tier_table[tier].read, now_ns);
  pmm__kx_bucket_init(&m->write, tier_table[tier].write, tier_table[tier].write_cap, now_ns);
}

bool pmm__kx_charge(pmm__kx_t *k, pmm__kx_member_t *m, const char *method, int64_t cost) {
  if (!k->config.serve.rate_limit || !m) return true;
  return pmm__kx_bucket_take(strcmp(method, "GET") == 0 ? &m->read : &m->write, cost, k->now_ns);
}

static void bucket_put(pmm_text_t *t, const char *key, const pmm__kx_bucket_t *b) {
  pmm_text_object(t, key);
  pmm_text_int(t, "refill_rate", b->rate);
  pmm_text_int(t, "bucket_capacity", b->cap);
  pmm_text_end(t);
}

int pmm__kx_get_limits(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "usage_tier", tier_table[q->member->tier].name);
  bucket_put(t, "read", &q->member->read);
  bucket_put(t, "write", &q->member->write);
  pmm_text_array(t, "grants");
  if (q->member->tier > 0) {
    pmm_text_object(t, NULL);
    pmm_text_string(t, "exchange_instance", "event_contract");
    pmm_text_string(t, "level", tier_table[q->member->tier].name);
    pmm_text_string(t, "source", "manual");
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_get_costs(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_int(t, "default_cost", DEFAULT_COST);
  pmm_text_array(t, "endpoint_costs");
  for (size_t i = 0; i < pmm__kx_route_cnt; i++) {
    const pmm__kx_route_t *const r = &pmm__kx_route_table[i];
    if (r->cost == DEFAULT_COST) continue;
    char path[160] = PMM__KX_ROOT;
    strncat(path, r->path, sizeof path - strlen(path) - 1);
    pmm_text_object(t, NULL);
    pmm_text_string(t, "method", r->method);
    pmm_text_string(t, "path", path);
    pmm_text_int(t, "cost", r->cost);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}

/* The free step from basic to advanced; who is there already stays. */
int pmm__kx_upgrade(pmm__kx_t *k, pmm__kx_request_t *q) {
  if (q->member->tier == 0) pmm__kx_tier(q->member, 1, k->now_ns);
  pmm_text_put(&k->out, "{}");
  return 200;
}
