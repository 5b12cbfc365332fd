/* paper.c -- fills as a backtest would give them, on live books: the fill simulator at the end of a connection with the configured latencies. The
   simulator looks at the engine's own ladders, which are the venue's as we see them. */
#include <stdlib.h>
#include "live_impl.h"
#include "pmm/hash.h"

#define ORDERS_PER_SLOT 64

struct pmm__paper {
  pmm_live_t *live;
  pmm_sim_t *sim;
  pmm__queue_t actions, answers;
  pmm__delays_t delays;
  pmm_market_t **market; pmm_ladder_t **ladder;
};

static uint32_t orders_max(const pmm_live_t *l) { return ORDERS_PER_SLOT * (l->setup.slot_cnt ? l->setup.slot_cnt : 1); }

size_t pmm__paper_bytes(const pmm_live_t *l) {
  uint32_t markets = 0, strategies = l->config->strategy_cnt;
  for (uint32_t i = 0; i < l->venue_cnt; i++) markets += l->venue[i].market_cnt;
  return pmm_sim_bytes(markets, ORDERS_PER_SLOT * (markets * strategies + 1));
}

static int64_t ahead_of(void *ctx, uint64_t order_id) { return pmm_sim_ahead(ctx, order_id); }

static pmm_status_t open_sim(pmm__paper_t *p, pmm_error_t *err) {
  pmm_live_t *const l = p->live;
  uint32_t const n = l->setup.market_cnt;
  p->market = calloc(n + (size_t)1, sizeof *p->market);
  p->ladder = calloc(n + (size_t)1, sizeof *p->ladder);
  if (!p->market || !p->ladder) return pmm_error_set(err, PMM_FULL, "paper: out of memory");
  for (uint32_t i = 0; i < n; i++) {
    p->market[i] = pmm_engine_market(l->setup.engine, i);
    p->ladder[i] = pmm_engine_ladder(l->setup.engine, i);
  }
  pmm_sim_params_t params = l->config->exchange;
  params.net_pairs = l->config->account.net_pairs;
  params.seed = pmm_hash_mix(l->config->seed, 0x7061706572); /* "paper" */
  pmm_status_t const st = pmm_sim_init(&p->sim, &l->setup.arena, &params, p->market, p->ladder, n, orders_max(l), l->config->account.cash_e6);
  if (st != PMM_OK) return pmm_error_set(err, st, "paper: simulated exchange: %s", pmm_status_to_string(st));
  pmm_engine_set_ahead(l->setup.engine, ahead_of, p->sim);
  return PMM_OK;
}

pmm_status_t pmm__paper_open(pmm__paper_t **paper, pmm_live_t *live, pmm_error_t *err) {
  pmm__paper_t *const p = calloc(1, sizeof *p);
  if (!p) return pmm_error_set(err, PMM_FULL, "paper: out of memory");
  p->live = live;
  pmm_status_t st = open_sim(p, err);
  if (st == PMM_OK && (pmm__queue_open(&p->actions, sizeof(pmm_action_t)) != PMM_OK || pmm__queue_open(&p->answers, sizeof(pmm_event_t)) != PMM_OK))
    st = pmm_error_set(err, PMM_FULL, "paper: out of memory");
  if (st == PMM_OK) st = pmm__delays_open(&p->delays, live->config, NULL, 0, err);
  if (st != PMM_OK) { pmm__paper_close(p); return st; }
  *paper = p;
  return PMM_OK;
}

void pmm__paper_close(pmm__paper_t *p) {
  if (!p) return;
  pmm__queue_close(&p->actions);
  pmm__queue_close(&p->answers);
  pmm__delays_close(&p->delays);
  free(p->market);
  free(p->ladder);
  free(p);
}

/* What the simulator has to say is on its way back for a while. */
static void collect(pmm__paper_t *p, int64_t now_ns) {
  pmm_event_t ev;
  while (pmm_sim_poll(p->sim, &ev))
    if (pmm__queue_push(&p->answers, now_ns + pmm_latency_next(&p->delays.response), &ev) != PMM_OK)
      pmm__live_fail(p->live, PMM_FULL, "paper: too many answers under way");
}

void pmm__paper_md(pmm__paper_t *p, int64_t now_ns, const pmm_md_t *md) {
  if (pmm_kind_is_underlying(md->kind) || md->market >= p->live->setup.market_cnt) return;
  pmm_sim_on_md_fast(p->sim, now_ns, md);
  collect(p, now_ns);
}

void pmm__paper_action(pmm__paper_t *p, int64_t now_ns, const pmm_action_t *action) {
  if (pmm__queue_push(&p->actions, now_ns + pmm_latency_next(&p->delays.order), action) != PMM_OK)
    pmm__live_fail(p->live, PMM_FULL, "paper: too many orders under way");
}

int64_t pmm__paper_next(const pmm__paper_t *p) {
  return pmm_min64(pmm_sim_next(p->sim), pmm_min64(pmm__queue_due(&p->actions), pmm__queue_due(&p->answers)));
}

void pmm__paper_run(pmm__paper_t *p, int64_t now_ns) {
  while (pmm__paper_next(p) <= now_ns) {
    int64_t const answer = pmm__queue_due(&p->answers), action = pmm__queue_due(&p->actions), sim = pmm_sim_next(p->sim);
    if (answer <= action && answer <= sim) {
      pmm_event_t ev = *(const pmm_event_t *)pmm__queue_pop(&p->answers);
      ev.md.recv_ns = now_ns;
      p->live->venue[p->live->wallet[ev.md.market]].status.fills += ev.md.kind == PMM_EV_FILL;
      pmm__live_event(p->live, &ev);
    } else if (sim <= action) {
      (void)pmm_sim_advance(p->sim, now_ns);
      collect(p, now_ns);
    } else {
      pmm_sim_on_action(p->sim, now_ns, pmm__queue_pop(&p->actions));
      collect(p, now_ns);
    }
  }
}
