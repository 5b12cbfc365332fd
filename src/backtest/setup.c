/* setup.c -- from configuration and markets to an engine; queues and latencies of its connection. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pmm/decimal.h"
#include "pmm/hash.h"
#include "run.h"

double pmm__wall_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { FEES_MARKET, FEES_NONE, FEES_KALSHI, FEES_KALSHI_MAKER, FEES_POLYMARKET, FEES_DEGEN };

static void override_fees(pmm_market_t *m, const pmm_market_params_t *p) {
  static const pmm_fee_schedule_t named[] = {
      [FEES_NONE] = {.model = PMM_FEE_NONE},
      [FEES_KALSHI] = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100},
      [FEES_KALSHI_MAKER] = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100},
      [FEES_POLYMARKET] = {.model = PMM_FEE_POLYMARKET, .exponent = 1, .taker_rate_e6 = 70000, .rebate_share_e6 = 200000},
      [FEES_DEGEN] = {.model = PMM_FEE_BPS},
  };
  if (p->fees != FEES_MARKET) m->fees = named[p->fees];
  if (p->taker_rate >= 0) m->fees.taker_rate_e6 = (int32_t)floor(p->taker_rate * 1e6 + 0.5);
  if (p->maker_rate >= 0) m->fees.maker_rate_e6 = (int32_t)floor(p->maker_rate * 1e6 + 0.5);
}

static void override_market(pmm_market_t *m, const pmm_market_params_t *p) {
  override_fees(m, p);
  if (p->lot_e6 > 0) m->lot_e6 = p->lot_e6;
  if (p->min_size_e6 > 0) m->min_size_e6 = p->min_size_e6;
}

static bool globs(const char *pattern, const char *id) { return !pattern[0] || fnmatch(pattern, id, 0) == 0; }

static pmm_status_t match_slots(pmm__setup_t *s, const pmm_config_t *c, pmm_error_t *err) {
  s->slot = calloc((size_t)s->market_cnt * c->strategy_cnt + 1, sizeof *s->slot);
  if (!s->slot) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", s->market_cnt);
  for (uint32_t i = 0; i < s->market_cnt; i++) {
    if (!globs(c->market.only, s->market[i].id)) continue;
    for (uint32_t k = 0; k < c->strategy_cnt; k++) {
      pmm_config_strategy_t const *const st = &c->strategy[k];
      if (!globs(st->match, s->market[i].id)) continue;
      pmm_slot_config_t *const slot = &s->slot[s->slot_cnt++];
      *slot = (pmm_slot_config_t){.market = i, .ops = st->ops, .params = st->params, .net_pairs = pmm_net_applies(c->account.net_pairs, &s->market[i])};
      memcpy(slot->name, st->name, sizeof slot->name);
      pmm_signals_none(&slot->signals);
    }
  }
  if (s->slot_cnt == 0) return pmm_error_set(err, PMM_NOT_FOUND, "%s: no strategy matches any of the %u markets", c->path, s->market_cnt);
  return PMM_OK;
}

pmm_status_t pmm__setup_open(pmm__setup_t *s, const pmm_config_t *c, const pmm_market_t *market, uint32_t market_cnt,
                             const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra, pmm_error_t *err) {
  return pmm__setup_open_beside(s, NULL, c, market, market_cnt, underlying, underlying_cnt, with_slots, extra, err);
}

static pmm_status_t open_setup(pmm__setup_t *s, pmm_engine_t *books, const pmm__setup_live_t *live, const pmm_config_t *c, const pmm_market_t *market,
                               uint32_t market_cnt, const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra, pmm_error_t *err) {
  *s = (pmm__setup_t){.market_cnt = market_cnt};
  s->market = calloc(market_cnt + 1, sizeof *s->market);
  if (!s->market) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", market_cnt);
  for (uint32_t i = 0; i < market_cnt; i++) {
    s->market[i] = market[i];
    override_market(&s->market[i], &c->market);
    pmm_status_t const ok = pmm_market_check(&s->market[i], err);
    if (ok != PMM_OK) return ok;
  }
  pmm_status_t st = with_slots ? match_slots(s, c, err) : PMM_OK;
  if (st != PMM_OK) return st;
  for (uint32_t i = 0; live->wallet && i < s->slot_cnt; i++) s->slot[i].wallet = live->wallet[s->slot[i].market];
  pmm_engine_config_t const ec = {.params = c->engine, .exec = c->exec, .risk = c->risk, .market = s->market, .market_cnt = market_cnt,
      .underlying = underlying, .underlying_cnt = underlying_cnt, .slot = s->slot, .slot_cnt = s->slot_cnt,
      .cash_e6 = live->cash_e6, .seed = c->seed, .run_id = live->run_id, .wallet_cnt = live->wallet_cnt, .books = books};
  st = pmm_arena_open(&s->arena, pmm_engine_bytes(&ec) + extra);
  if (st != PMM_OK) return pmm_error_set(err, st, "no memory for %u markets", market_cnt);
  return pmm_engine_init(&s->engine, &s->arena, &ec, err);
}

pmm_status_t pmm__setup_open_beside(pmm__setup_t *s, pmm_engine_t *books, const pmm_config_t *c, const pmm_market_t *market, uint32_t market_cnt,
                                    const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra, pmm_error_t *err) {
  pmm__setup_live_t const recorded = {.run_id = 1, .cash_e6 = c->account.cash_e6};
  return open_setup(s, books, &recorded, c, market, market_cnt, underlying, underlying_cnt, with_slots, extra, err);
}

pmm_status_t pmm__setup_open_live(pmm__setup_t *s, const pmm_config_t *config, const pmm_market_t *market, uint32_t market_cnt,
                                  const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra,
                                  const pmm__setup_live_t *live, pmm_error_t *err) {
  return open_setup(s, NULL, live, config, market, market_cnt, underlying, underlying_cnt, with_slots, extra, err);
}

void pmm__setup_close(pmm__setup_t *s) {
  if (s->arena.base) pmm_arena_close(&s->arena);
  free(s->market);
  free(s->slot);
  *s = (pmm__setup_t){0};
}

/* -- queues -- */
pmm_status_t pmm__queue_open(pmm__queue_t *q, size_t item_size) {
  *q = (pmm__queue_t){.item_size = item_size, .last_ns = INT64_MIN};
  q->item = malloc(item_size * PMM__QUEUE_CNT);
  q->due_ns = malloc(sizeof(int64_t) * PMM__QUEUE_CNT);
  return q->item && q->due_ns ? PMM_OK : PMM_FULL;
}
void pmm__queue_close(pmm__queue_t *q) {
  free(q->item);
  free(q->due_ns);
  *q = (pmm__queue_t){0};
}
pmm_status_t pmm__queue_push(pmm__queue_t *q, int64_t due_ns, const void *item) {
  if (q->head == q->tail) q->head = q->tail = 0; /* empty: the next item goes to the same warm lines */
  if (q->head - q->tail >= PMM__QUEUE_CNT) return PMM_FULL;
  size_t const at = q->head++ & (PMM__QUEUE_CNT - 1);
  q->last_ns = q->due_ns[at] = pmm_max64(due_ns, q->last_ns);
  memcpy(q->item + at * q->item_size, item, q->item_size);
  return PMM_OK;
}
const void *pmm__queue_pop(pmm__queue_t *q) { return q->item + (q->tail++ & (PMM__QUEUE_CNT - 1)) * q->item_size; }

/* -- latency -- */
static pmm_status_t read_samples(const char *setting, const char *path, int64_t **out, size_t *cnt, pmm_error_t *err) {
  FILE *const f = fopen(path, "r");
  if (!f) return pmm_error_set(err, PMM_IO, "latency.%s: %s: cannot be opened", setting, path);
  size_t cap = 1024, n = 0;
  int64_t *v = malloc(cap * sizeof *v);
  char line[64];
  pmm_status_t st = v ? PMM_OK : PMM_FULL;
  for (size_t no = 1; st == PMM_OK && fgets(line, sizeof line, f); no++) {
    size_t const len = strcspn(line, "\r\n");
    if (len == 0) continue;
    if (n == cap) {
      int64_t *const more = realloc(v, (cap *= 2) * sizeof *v);
      if (!more) { st = pmm_error_set(err, PMM_FULL, "latency.%s: %s: too many", setting, path); break; }
      v = more;
    }
    st = pmm_decimal_parse(line, len, 0, &v[n], NULL);
    if (st == PMM_OK && v[n] < 0) st = PMM_INVAL;
    if (st != PMM_OK) pmm_error_set(err, st, "latency.%s: %s:%zu: not a latency in nanoseconds: %.40s", setting, path, no, line);
    n++;
  }
  fclose(f);
  if (st == PMM_OK && n == 0) st = pmm_error_set(err, PMM_INVAL, "latency.%s: %s: empty", setting, path);
  if (st != PMM_OK) { free(v); return st; }
  *out = v;
  *cnt = n;
  return PMM_OK;
}

typedef struct samples { const int64_t *ns; size_t cnt; } samples_t;

/* What a direction draws from: its own file or, without one, what is in *from already. */
static pmm_status_t choose_samples(const char *setting, const char *path, int64_t **owned, samples_t *from, pmm_error_t *err) {
  if (path[0]) {
    pmm_status_t const st = read_samples(setting, path, owned, &from->cnt, err);
    if (st != PMM_OK) return st;
    from->ns = *owned;
  }
  if (from->cnt > 0) return PMM_OK;
  return pmm_error_set(err, PMM_INVAL, "latency.model recorded: the tape has no receive times after its exchange times; name a file in latency.samples");
}

pmm_status_t pmm__delays_open(pmm__delays_t *d, const pmm_config_t *c, const int64_t *recorded_ns, size_t cnt, pmm_error_t *err) {
  *d = (pmm__delays_t){0};
  pmm_latency_params_t const *const p = &c->latency;
  pmm_latency_model_t const model = (pmm_latency_model_t)p->model;
  samples_t order = {recorded_ns, cnt}, response = order;
  if (model == PMM_LATENCY_RECORDED) {
    pmm_status_t st = choose_samples("samples", p->samples, &d->sample, &order, err);
    response = order;
    if (st == PMM_OK) st = choose_samples("response_samples", p->response_samples, &d->response_sample, &response, err);
    if (st != PMM_OK) return st;
  }
  uint64_t const seed = pmm_hash_mix(c->seed, UINT64_C(0x6c6174));
  pmm_status_t st = pmm_latency_init(&d->order, model, p->order_ns, p->std_ns, p->min_ns, order.ns, order.cnt, seed);
  if (st == PMM_OK) st = pmm_latency_init(&d->response, model, p->response_ns, p->std_ns, p->min_ns, response.ns, response.cnt, seed + 1);
  return st == PMM_OK ? st : pmm_error_set(err, st, "latency: %s", pmm_status_to_string(st));
}
void pmm__delays_close(pmm__delays_t *d) {
  free(d->sample);
  free(d->response_sample);
  *d = (pmm__delays_t){0};
}
