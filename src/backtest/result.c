/* result.c -- gathering figures from an engine and writing them. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "run.h"

#define SHARPE_RETURNS 10 /* an annual figure from fewer returns says nothing */

void pmm_result_free(pmm_result_t *r) {
  free(r->market);
  r->market = NULL;
  r->market_cnt = 0;
}

typedef struct sums { double markout_qty[PMM_MARKOUT_CNT], open_s, two_sided_s, spread_time, inventory_time; } sums_t;

static void add_market(pmm_result_t *r, pmm__setup_t *s, uint32_t i, const pmm_slot_stats_t *st, const pmm_exec_stats_t *x) {
  pmm_market_result_t *const m = &r->market[i];
  pmm_market_t const *const desc = pmm_engine_market(s->engine, s->slot[i].market);
  memcpy(m->market, desc->id, sizeof m->market);
  memcpy(m->strategy, s->slot[i].name, sizeof m->strategy);
  m->messages = st->messages;
  m->orders = x->orders;
  m->cancels = x->cancels;
  m->fills = x->fills;
  m->bought_e6 = x->bought_e6;
  m->sold_e6 = x->sold_e6;
  m->final_net_e6 = st->final_yes_e6 - st->final_no_e6;
  m->outcome = st->resolved ? st->outcome : PMM_OUTCOME_UNKNOWN;
  m->fees_e6 = st->fees_e6;
  m->pnl_e6 = st->realized_e6 - st->fees_e6 + st->rebates_e6 + st->unrealized_e6;
}

static bool first_slot_of_market(const pmm__setup_t *s, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (s->slot[k].market == s->slot[i].market) return false;
  return true;
}

static void add_slot(pmm_result_t *r, pmm__setup_t *s, uint32_t i, sums_t *sum) {
  pmm_slot_stats_t st;
  pmm_engine_slot_stats(s->engine, i, &st);
  pmm_exec_stats_t const *const x = pmm_exec_stats(pmm_engine_exec(s->engine), i);
  add_market(r, s, i, &st, x);
  if (first_slot_of_market(s, i)) r->messages += st.messages;
  r->orders += x->orders;
  r->cancels += x->cancels;
  r->amends += x->amends;
  r->fills += x->fills;
  r->maker_fills += x->maker_fills;
  r->rejects += x->rejects;
  r->refused += x->refused;
  r->volume_e6 += x->volume_e6;
  r->bought_e6 += x->bought_e6;
  r->sold_e6 += x->sold_e6;
  r->fees_e6 += st.fees_e6;
  r->rebates_e6 += st.rebates_e6;
  r->pnl_spread_e6 += st.spread_e6;
  r->pnl_realized_e6 += st.realized_e6;
  r->final_net_e6 += st.final_yes_e6 - st.final_no_e6;
  r->inventory_max = fmax(r->inventory_max, (double)st.inventory_max_e6 / 1e6);
  sum->open_s += (double)st.open_ns / 1e9;
  sum->two_sided_s += (double)st.two_sided_ns / 1e9;
  sum->spread_time += st.spread_time;
  sum->inventory_time += st.inventory_time;
  for (int k = 0; k < PMM_MARKOUT_CNT; k++) {
    r->markout[k] += st.markout[k];
    sum->markout_qty[k] += st.markout_qty[k];
  }
}

static double ratio(double a, double b) { return b > 0 ? a / b : NAN; }

pmm_status_t pmm__result_gather(pmm__setup_t *s, pmm_result_t *r, pmm_error_t *err) {
  memset(r, 0, sizeof *r);
  r->market = calloc(s->slot_cnt + 1, sizeof *r->market);
  if (!r->market) return pmm_error_set(err, PMM_FULL, "no memory for results");
  r->market_cnt = s->slot_cnt;
  sums_t sum = {0};
  for (uint32_t i = 0; i < s->slot_cnt; i++) add_slot(r, s, i, &sum);
  pmm_engine_stats_t es;
  pmm_engine_stats(s->engine, &es);
  r->events = es.md_events;
  r->decisions = es.decisions;
  r->crossed_msgs = es.crossed_msgs;
  r->locked_msgs = es.locked_msgs;
  r->bad_events = es.bad_events;
  r->gaps = es.gaps;
  r->max_drawdown_e6 = es.max_drawdown_e6;
  r->sharpe = es.return_cnt >= SHARPE_RETURNS ? es.sharpe : NAN;
  r->return_cnt = es.return_cnt;
  r->killed = pmm_engine_risk(s->engine)->killed;
  r->pnl_total_e6 = pmm_engine_equity(s->engine) - pmm_ledger_deposits(pmm_engine_ledger(s->engine));
  r->pnl_unrealized_e6 = r->pnl_total_e6 - r->pnl_realized_e6 + r->fees_e6 - r->rebates_e6;
  r->pnl_inventory_e6 = r->pnl_total_e6 - r->pnl_spread_e6 + r->fees_e6 - r->rebates_e6;
  for (int k = 0; k < PMM_MARKOUT_CNT; k++) r->markout[k] = ratio(r->markout[k], sum.markout_qty[k]);
  r->fill_rate = r->orders ? (double)r->fills / (double)r->orders : 0;
  r->uptime = sum.open_s > 0 ? sum.two_sided_s / sum.open_s : 0;
  r->mean_spread = ratio(sum.spread_time, sum.two_sided_s);
  r->inventory_mean = sum.open_s > 0 ? sum.inventory_time / sum.open_s : 0;
  r->state_hash = pmm_engine_hash(s->engine);
  r->fill_source = "none";
  return PMM_OK;
}

/* -- JSON -- */
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *count(uint64_t x) { return json_integer((json_int_t)x); }
static json_t *dollars(int64_t e6) { return json_real((double)e6 / 1e6); }
static json_t *contracts(int64_t e6) {
  char buf[PMM_DECIMAL_BUF];
  pmm_decimal_print(e6, 6, 2, buf);
  return json_string(buf);
}
static const char *outcome_of(const pmm_result_t *r) {
  if (r->market_cnt == 0) return "unknown";
  for (uint32_t i = 1; i < r->market_cnt; i++)
    if (r->market[i].outcome != r->market[0].outcome) return "mixed";
  return pmm_outcome_to_string((pmm_outcome_t)r->market[0].outcome);
}

static json_t *market_json(const pmm_market_result_t *m) {
  json_t *const o = json_object();
  json_object_set_new(o, "market", json_string(m->market));
  json_object_set_new(o, "strategy", json_string(m->strategy));
  json_object_set_new(o, "messages", count(m->messages));
  json_object_set_new(o, "orders", count(m->orders));
  json_object_set_new(o, "cancels", count(m->cancels));
  json_object_set_new(o, "fills", count(m->fills));
  json_object_set_new(o, "bought", contracts(m->bought_e6));
  json_object_set_new(o, "sold", contracts(m->sold_e6));
  json_object_set_new(o, "final_net", contracts(m->final_net_e6));
  json_object_set_new(o, "outcome", json_string(pmm_outcome_to_string((pmm_outcome_t)m->outcome)));
  json_object_set_new(o, "fees_e6", json_integer(m->fees_e6));
  json_object_set_new(o, "pnl_e6", json_integer(m->pnl_e6));
  return o;
}

static json_t *pnl_json(const pmm_result_t *r) {
  json_t *const o = json_object();
  json_object_set_new(o, "total", dollars(r->pnl_total_e6));
  json_object_set_new(o, "realized", dollars(r->pnl_realized_e6));
  json_object_set_new(o, "unrealized", dollars(r->pnl_unrealized_e6));
  json_object_set_new(o, "spread", dollars(r->pnl_spread_e6));
  json_object_set_new(o, "inventory", dollars(r->pnl_inventory_e6));
  json_object_set_new(o, "fees", dollars(-r->fees_e6));
  return o;
}

static void set_fills(json_t *o, const pmm_result_t *r) {
  json_object_set_new(o, "fill_source", json_string(r->fill_source));
  json_object_set_new(o, "trade_fills", count(r->trade_fills));
  json_object_set_new(o, "inferred_fills", count(r->inferred_fills));
  json_object_set_new(o, "cross_fills", count(r->cross_fills));
  json_object_set_new(o, "bernoulli_fills", count(r->bernoulli_fills));
  json_object_set_new(o, "bernoulli", r->bernoulli_rate > 0 ? json_pack("{s:f,s:f,s:o}", "rate", r->bernoulli_rate, "decay", r->bernoulli_decay, "seed", count(r->bernoulli_seed)) : json_null());
  json_object_set_new(o, "taker_fills", count(r->taker_fills));
  json_object_set_new(o, "rate_refused", count(r->rate_refused));
  json_object_set_new(o, "settle_failed", count(r->settle_failed));
}

static json_t *result_json(const pmm_result_t *r) {
  char hash[24];
  snprintf(hash, sizeof hash, "0x%016llx", (unsigned long long)r->state_hash);
  json_t *const o = json_object();
  json_object_set_new(o, "events", count(r->events));
  json_object_set_new(o, "messages", count(r->messages));
  json_object_set_new(o, "wall_s", number(r->wall_s));
  json_object_set_new(o, "events_per_s", number(r->events_per_s));
  json_object_set_new(o, "orders", count(r->orders));
  json_object_set_new(o, "cancels", count(r->cancels));
  json_object_set_new(o, "amends", count(r->amends));
  json_object_set_new(o, "fills", count(r->fills));
  json_object_set_new(o, "maker_fills", count(r->maker_fills));
  json_object_set_new(o, "rejects", count(r->rejects));
  json_object_set_new(o, "refused", count(r->refused));
  json_object_set_new(o, "decisions", count(r->decisions));
  json_object_set_new(o, "volume", dollars(r->volume_e6));
  json_object_set_new(o, "fees", dollars(r->fees_e6));
  json_object_set_new(o, "rebates", dollars(r->rebates_e6));
  json_object_set_new(o, "rewards", dollars(r->rewards_low_e6));
  json_object_set_new(o, "rewards_high", dollars(r->rewards_high_e6));
  json_object_set_new(o, "accrued_rebates", dollars(r->accrued_rebates_e6));
  json_object_set_new(o, "reward_samples", json_integer((json_int_t)r->reward_samples));
  json_object_set_new(o, "pnl", pnl_json(r));
  json_object_set_new(o, "pnl_e6", json_integer(r->pnl_total_e6));
  json_object_set_new(o, "max_drawdown", dollars(r->max_drawdown_e6));
  json_object_set_new(o, "sharpe", number(r->sharpe));
  json_object_set_new(o, "returns", count(r->return_cnt));
  json_object_set_new(o, "markout", json_pack("{s:o,s:o,s:o}", "1s", number(r->markout[0]), "10s", number(r->markout[1]), "60s", number(r->markout[2])));
  json_object_set_new(o, "fill_rate", number(r->fill_rate));
  json_object_set_new(o, "uptime", number(r->uptime));
  json_object_set_new(o, "mean_spread", number(r->mean_spread));
  json_object_set_new(o, "inventory", json_pack("{s:o,s:o}", "mean", number(r->inventory_mean), "max", number(r->inventory_max)));
  json_object_set_new(o, "bought", contracts(r->bought_e6));
  json_object_set_new(o, "sold", contracts(r->sold_e6));
  json_object_set_new(o, "final_net", contracts(r->final_net_e6));
  json_object_set_new(o, "final_position", number((double)r->final_net_e6 / 1e6));
  json_object_set_new(o, "outcome", json_string(outcome_of(r)));
  set_fills(o, r);
  json_object_set_new(o, "crossed_messages", count(r->crossed_msgs));
  json_object_set_new(o, "locked_messages", count(r->locked_msgs));
  json_object_set_new(o, "gaps", count(r->gaps));
  json_object_set_new(o, "bad_events", count(r->bad_events));
  json_object_set_new(o, "truncated", json_boolean(r->truncated));
  json_object_set_new(o, "killed", json_boolean(r->killed));
  json_t *const markets = json_array();
  for (uint32_t i = 0; i < r->market_cnt; i++) json_array_append_new(markets, market_json(&r->market[i]));
  json_object_set_new(o, "markets", markets);
  json_object_set_new(o, "state_hash", json_string(hash));
  return o;
}

void pmm_result_write_json(FILE *out, const pmm_result_t *r) {
  json_t *const o = result_json(r);
  json_dumpf(o, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
  fputc('\n', out);
  json_decref(o);
}

/* -- table -- */
static void money(FILE *out, const char *label, int64_t e6) { fprintf(out, "  %-22s %14.6f\n", label, (double)e6 / 1e6); }
static void cents(FILE *out, const char *label, double dollars_each) {
  if (isfinite(dollars_each)) fprintf(out, "  %-22s %14.3f c\n", label, dollars_each * 100);
  else fprintf(out, "  %-22s %14s\n", label, "-");
}

static void write_markets(FILE *out, const pmm_result_t *r) {
  if (r->market_cnt < 2) return;
  fprintf(out, "\n  %-34s %-10s %8s %7s %6s %9s %8s %12s\n", "market", "strategy", "messages", "orders", "fills", "final net", "outcome", "P&L $");
  for (uint32_t i = 0; i < r->market_cnt; i++) {
    pmm_market_result_t const *const m = &r->market[i];
    fprintf(out, "  %-34.34s %-10.10s %8llu %7llu %6llu %9.2f %8s %12.6f\n", m->market, m->strategy, (unsigned long long)m->messages,
            (unsigned long long)m->orders, (unsigned long long)m->fills, (double)m->final_net_e6 / 1e6,
            pmm_outcome_to_string((pmm_outcome_t)m->outcome), (double)m->pnl_e6 / 1e6);
  }
}

void pmm_result_write_table(FILE *out, const pmm_result_t *r) {
  fprintf(out, "  %-22s %14llu   in %.3f s, %.1f M/s\n", "events", (unsigned long long)r->events, r->wall_s, r->events_per_s / 1e6);
  if (r->market_cnt == 1) fprintf(out, "  %-22s %14s   (%s)\n", "outcome", pmm_outcome_to_string((pmm_outcome_t)r->market[0].outcome), r->market[0].market);
  fprintf(out, "  %-22s %14llu   cancels %llu, rejected %llu, refused by risk %llu\n", "orders", (unsigned long long)r->orders,
          (unsigned long long)r->cancels, (unsigned long long)r->rejects, (unsigned long long)r->refused);
  fprintf(out, "  %-22s %14llu   from %s\n", "fills", (unsigned long long)r->fills, r->fill_source);
  fprintf(out, "  %-22s %14.2f   sold %.2f, final net %.2f contracts\n", "bought", (double)r->bought_e6 / 1e6, (double)r->sold_e6 / 1e6, (double)r->final_net_e6 / 1e6);
  money(out, "volume $", r->volume_e6);
  money(out, "P&L $", r->pnl_total_e6);
  money(out, "  spread", r->pnl_spread_e6);
  money(out, "  inventory", r->pnl_inventory_e6);
  money(out, "  fees", -r->fees_e6);
  if (r->rebates_e6) money(out, "  rebates", r->rebates_e6);
  money(out, "  of it unrealized", r->pnl_unrealized_e6);
  money(out, "max drawdown $", r->max_drawdown_e6);
  if (r->reward_samples) {
    money(out, "rewards $, at least", r->rewards_low_e6);
    money(out, "  at most", r->rewards_high_e6);
  }
  if (r->accrued_rebates_e6) money(out, "maker rebates, later $", r->accrued_rebates_e6);
  if (isfinite(r->sharpe)) fprintf(out, "  %-22s %14.2f\n", "Sharpe (annual)", r->sharpe);
  cents(out, "markout 1 s", r->markout[0]);
  cents(out, "markout 10 s", r->markout[1]);
  cents(out, "markout 60 s", r->markout[2]);
  cents(out, "mean quoted spread", r->mean_spread);
  fprintf(out, "  %-22s %13.1f%%   fills per order %.1f%%\n", "two-sided uptime", r->uptime * 100, r->fill_rate * 100);
  fprintf(out, "  %-22s %14.2f   max %.2f contracts\n", "mean inventory", r->inventory_mean, r->inventory_max);
  fprintf(out, "  %-22s   %016llx\n", "state hash", (unsigned long long)r->state_hash);
  if (r->bernoulli_rate > 0)
    fprintf(out, "  note: %llu fills are draws of chance (rate %g/s, decay %g/$, seed %llu), not recorded trades\n", (unsigned long long)r->bernoulli_fills,
            r->bernoulli_rate, r->bernoulli_decay, (unsigned long long)r->bernoulli_seed);
  if (r->rate_refused) fprintf(out, "  note: the venue refused %llu requests over its rate limit\n", (unsigned long long)r->rate_refused);
  if (r->settle_failed) fprintf(out, "  note: %llu fills failed to settle and were undone\n", (unsigned long long)r->settle_failed);
  if (r->truncated) fprintf(out, "  note: a tape ends inside a block; replayed up to its last whole block\n");
  if (r->killed) fprintf(out, "  note: the daily loss limit stopped trading\n");
  write_markets(out, r);
}
