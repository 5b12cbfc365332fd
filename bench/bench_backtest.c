/* bench_backtest.c -- whole backtests over a synthetic stream in memory; one JSON object a line.
   usage: bench_backtest [--events N] [--markets M] [--strategy NAME|replay] [--requote MS] [--latency MS] [--seed S]
   The stream has the shape of the standing workload W1: 92% level updates within 8 ticks of a mid that moves seldom, 8% prints
   at the touch, 1 ms apart on average. The clock covers the replay only; the hash is the engine's state hash. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "pmm/backtest.h"
#include "pmm/rng.h"

#define START_NS (INT64_C(1700000000) * PMM_NS_PER_S)

typedef struct args { size_t events; uint32_t markets; const char *strategy; double requote_ms, latency_ms; uint64_t seed; } args_t;

static pmm_md_t *make_stream(const args_t *a) {
  pmm_md_t *const md = malloc((a->events + a->markets) * sizeof *md);
  int *const mid = malloc(a->markets * sizeof *mid);
  if (!md || !mid) exit(1);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, a->seed);
  int64_t t = START_NS;
  for (uint32_t m = 0; m < a->markets; m++) {
    mid[m] = 50;
    md[m] = (pmm_md_t){.recv_ns = t, .exch_ns = t, .market = m, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN, .flags = PMM_F_LAST};
  }
  for (size_t i = 0; i < a->events; i++) {
    t += (int64_t)(200 + pmm_rng_below(&rng, 1600)) * PMM_NS_PER_US;
    uint32_t const m = a->markets > 1 ? (uint32_t)pmm_rng_below(&rng, a->markets) : 0;
    bool const bid = pmm_rng_unit(&rng) < 0.5;
    if (pmm_rng_unit(&rng) < 0.002) mid[m] = mid[m] + (bid ? 1 : -1) < 10 ? 10 : mid[m] + (bid ? 1 : -1) > 90 ? 90 : mid[m] + (bid ? 1 : -1);
    int64_t const qty = (int64_t)pmm_rng_below(&rng, 500) * PMM_ONE_E6;
    pmm_md_t *const r = &md[a->markets + i];
    *r = (pmm_md_t){.recv_ns = t, .exch_ns = t, .seq = (uint32_t)i, .market = m, .flags = PMM_F_LAST};
    if (pmm_rng_unit(&rng) < 0.08) {
      r->kind = PMM_MD_TRADE;
      r->side = bid ? PMM_BID : PMM_ASK;
      r->price_e4 = (bid ? mid[m] + 1 : mid[m]) * 100;
      r->qty_e6 = qty / 10 > PMM_ONE_E6 ? qty / 10 : PMM_ONE_E6;
    } else {
      int const off = (int)pmm_rng_below(&rng, 8), px = bid ? mid[m] - off : mid[m] + 1 + off;
      r->kind = PMM_MD_LEVEL;
      r->side = bid ? PMM_BID : PMM_ASK;
      r->price_e4 = (px < 1 ? 1 : px > 99 ? 99 : px) * 100;
      r->qty_e6 = off > 0 ? qty : qty > PMM_ONE_E6 ? qty : PMM_ONE_E6;
    }
  }
  free(mid);
  return md;
}

static pmm_market_t *make_markets(const args_t *a) {
  pmm_market_t *const m = calloc(a->markets, sizeof *m);
  if (!m) exit(1);
  for (uint32_t i = 0; i < a->markets; i++) {
    char id[32];
    snprintf(id, sizeof id, "M%u", i);
    pmm_market_init(&m[i], id);
    m[i].life = PMM_LIFE_PENDING;
    m[i].open_ns = START_NS;
    m[i].close_ns = START_NS + 30 * 86400 * PMM_NS_PER_S;
    m[i].data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  }
  return m;
}

static pmm_status_t configure(pmm_config_t *c, const args_t *a, pmm_error_t *err) {
  char strategy[300], requote[64], order[64], response[64], seed[64];
  snprintf(strategy, sizeof strategy, "strategy=%s", a->strategy);
  snprintf(requote, sizeof requote, "engine.min_requote=%.3fms", a->requote_ms);
  snprintf(order, sizeof order, "latency.order=%.3fms", a->latency_ms);
  snprintf(response, sizeof response, "latency.response=%.3fms", a->latency_ms);
  snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)a->seed);
  const char *const set[] = {strategy, requote, order, response, seed, "account.cash=100000000", "risk.max_daily_loss=0", "risk.max_heat=1"};
  return pmm_config_parse(c, "bench", "seed: 7\n", 8, set, sizeof set / sizeof set[0], err);
}

static void parse(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {{"events", 1, 0, 'n'}, {"markets", 1, 0, 'm'}, {"strategy", 1, 0, 's'}, {"requote", 1, 0, 'r'}, {"latency", 1, 0, 'l'}, {"seed", 1, 0, 'S'}, {0, 0, 0, 0}};
  for (int o; (o = getopt_long(argc, argv, "", longopts, NULL)) != -1;) switch (o) {
    case 'n': a->events = strtoull(optarg, NULL, 10); break;
    case 'm': a->markets = (uint32_t)strtoul(optarg, NULL, 10); break;
    case 's': a->strategy = optarg; break;
    case 'r': a->requote_ms = strtod(optarg, NULL); break;
    case 'l': a->latency_ms = strtod(optarg, NULL); break;
    case 'S': a->seed = strtoull(optarg, NULL, 10); break;
    default: exit(2);
  }
}

int main(int argc, char **argv) {
  args_t a = {.events = 2000000, .markets = 1, .strategy = "linear", .requote_ms = 10, .latency_ms = 5, .seed = 7};
  parse(&a, argc, argv);
  bool const replay = strcmp(a.strategy, "replay") == 0;
  args_t config_args = a;
  if (replay) config_args.strategy = "linear";
  pmm_config_t *const c = malloc(sizeof *c);
  pmm_error_t err = {0};
  pmm_result_t r;
  if (!c || configure(c, &config_args, &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  pmm_md_t *const md = make_stream(&a);
  pmm_market_t *const markets = make_markets(&a);
  pmm_backtest_opts_t const o = {.md = md, .md_cnt = a.events + a.markets, .market = markets, .market_cnt = a.markets, .replay_only = replay};
  if (pmm_backtest_run(c, &o, &r, &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  size_t const stream_kib = (a.events + a.markets) * sizeof *md / 1024;
  printf("{\"bench\":\"backtest\",\"strategy\":\"%s\",\"markets\":%u,\"requote_ms\":%g,\"latency_ms\":%g,\"events\":%llu,\"events_per_s\":%.0f,\"ns_per_event\":%.2f,"
         "\"decisions\":%llu,\"orders\":%llu,\"fills\":%llu,\"peak_kib\":%ld,\"stream_kib\":%zu,\"hash\":\"0x%016llx\"}\n",
         a.strategy, a.markets, a.requote_ms, a.latency_ms, (unsigned long long)r.events, r.events_per_s, r.events_per_s > 0 ? 1e9 / r.events_per_s : 0,
         (unsigned long long)r.decisions, (unsigned long long)r.orders, (unsigned long long)r.fills, u.ru_maxrss, stream_kib, (unsigned long long)r.state_hash);
  pmm_result_free(&r);
  free(md);
  free(markets);
  free(c);
  return 0;
}
