/* report_honesty.c -- what a reader must know before believing a run's figures: where fills came from, under which model of queue and
   latency, and everything about data or run that makes the figures weaker than they look. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report_impl.h"

static void say(json_t *list, const char *level, json_t *text) {
  if (text) json_array_append_new(list, json_pack("{s:s,s:o}", "level", level, "text", text));
}
static void warn(json_t *list, json_t *text) { say(list, "warning", text); }
static void note(json_t *list, json_t *text) { say(list, "note", text); }

static double percent(uint64_t part, uint64_t whole) { return whole ? 100.0 * (double)part / (double)whole : 0; }

static json_t *setting(const pmm_param_t *table, size_t cnt, const char *name, const void *in) {
  char buf[PMM_PARAM_TEXT_MAX];
  pmm_param_t const *const p = pmm_param_find(table, cnt, name);
  if (!p) return json_string("");
  pmm_param_print(p, in, buf);
  return json_string(buf);
}

static json_t *queue_text(const pmm_config_t *c) {
  switch ((pmm_queue_model_t)c->exchange.queue) {
    case PMM_QUEUE_FRONT: return json_string("front: we are first in every queue, the most optimistic assumption there is");
    case PMM_QUEUE_BACK: return json_string("back: only trades at our price move us forward, a cautious assumption");
    case PMM_QUEUE_PROPORTIONAL: return json_string("proportional: cancels at our price move us forward by their share of what stood ahead");
    case PMM_QUEUE_POWER_SHARE: return json_sprintf("power_share %.3g: cancels move us forward by a fitted share", c->exchange.queue_power);
    case PMM_QUEUE_POWER: return json_sprintf("power %.3g: cancels move us forward by a fitted share", c->exchange.queue_power);
  }
  return json_string("");
}

static json_t *latency_text(const pmm_config_t *c) {
  static const char *const FEED[] = {"data seen as the recorder saw it", "the venue acts at its own recorded times", "the venue acts a constant time before we see it"};
  json_t *const model = setting(pmm_latency_param_table, pmm_latency_param_cnt, "model", &c->latency);
  json_t *const t = json_sprintf("%s, orders %.1f ms, answers %.1f ms; %s", json_string_value(model), (double)c->latency.order_ns / 1e6, (double)c->latency.response_ns / 1e6,
                                 FEED[c->latency.feed >= 0 && c->latency.feed <= 2 ? c->latency.feed : 0]);
  json_decref(model);
  return t;
}

static void judge_fills(json_t *w, const pmm_result_t *r) {
  uint64_t const maker = r->trade_fills + r->inferred_fills + r->cross_fills;
  if (r->inferred_fills)
    warn(w, json_sprintf("%.0f%% of the passive fills (%llu of %llu) rest on trades that were inferred from volume and book changes, not printed by the venue.",
                         percent(r->inferred_fills, maker), (unsigned long long)r->inferred_fills, (unsigned long long)maker));
  if (r->cross_fills)
    warn(w, json_sprintf("%.0f%% of the passive fills (%llu of %llu) were made because the recorded book crossed our price. Without printed trades that is a lower bound of the fills, and the worst of them: the market had moved through us.",
                         percent(r->cross_fills, maker), (unsigned long long)r->cross_fills, (unsigned long long)maker));
  if (r->bernoulli_fills)
    warn(w, json_sprintf("%llu fills were drawn by chance (%.3g a second at the mid, falling off by %.3g per dollar, seed %llu), because the recording does not hold what a fill follows from. They say nothing about queues or adverse selection.",
                         (unsigned long long)r->bernoulli_fills, r->bernoulli_rate, r->bernoulli_decay, (unsigned long long)r->bernoulli_seed));
  if (r->settle_failed) note(w, json_sprintf("%llu fills were undone by failed settlements; they are in the charts all the same.", (unsigned long long)r->settle_failed));
  if (r->rate_refused) note(w, json_sprintf("%llu requests were over the venue's rate limit.", (unsigned long long)r->rate_refused));
  if (r->fills == 0) note(w, json_string("There was no fill: every figure below that needs one is empty."));
  else if (r->fills < 30) warn(w, json_sprintf("Only %llu fills: averages over so few say little. Look at the standard errors.", (unsigned long long)r->fills));
  if (r->taker_fills > r->fills / 10)
    note(w, json_sprintf("%.0f%% of the fills took liquidity (exits and flattening): that is not market making, and it pays the spread.", percent(r->taker_fills, r->fills)));
  if (r->rejects > r->orders / 20 && r->rejects)
    note(w, json_sprintf("%.1f%% of the orders were rejected by the venue (usually post-only orders that would have crossed).", percent(r->rejects, r->orders)));
}

static void judge_data(json_t *w, const pmm_recorder_t *rec, const pmm_result_t *r) {
  if (r->truncated) warn(w, json_string("A tape ends inside a block; the run covers it up to its last whole block."));
  if (r->gaps) warn(w, json_sprintf("%llu gaps: stretches in which nothing was recorded. Nothing was quoted into them, and what would have happened there is unknown.", (unsigned long long)r->gaps));
  if (r->bad_events) warn(w, json_sprintf("%llu records made no sense and were ignored.", (unsigned long long)r->bad_events));
  if (r->crossed_msgs > r->messages / 100 && r->crossed_msgs)
    note(w, json_sprintf("The recorded book was crossed after %.1f%% of the messages.", percent(r->crossed_msgs, r->messages)));
  if (rec->lag_total && rec->lag_min_ns < 0)
    warn(w, json_sprintf("Venue and recorder clocks disagree: a record was received %.1f ms before the venue says it happened.", (double)-rec->lag_min_ns / 1e6));
  if (rec->lost_fills) note(w, json_sprintf("%llu fills came after their order was forgotten and are in no chart; the result counts them.", (unsigned long long)rec->lost_fills));
}

static void judge_account(json_t *w, const pmm_result_t *r) {
  if (r->killed) warn(w, json_string("The daily loss limit pulled the kill switch: trading stopped before the data ended."));
  uint32_t open = 0;
  for (uint32_t i = 0; i < r->market_cnt; i++) open += r->market[i].outcome == PMM_OUTCOME_UNKNOWN && r->market[i].final_net_e6 != 0;
  if (open) warn(w, json_sprintf("%u of %u positions never settled; they count at the last mid, which nobody may have been willing to pay.", open, r->market_cnt));
  if (r->rewards_high_e6 != 0 && r->rewards_high_e6 != r->rewards_low_e6)
    note(w, json_sprintf("Liquidity rewards are an interval, $%.2f to $%.2f, because the competing orders are unknown; no P&L here contains them.",
                         (double)r->rewards_low_e6 / 1e6, (double)r->rewards_high_e6 / 1e6));
  if (!isfinite(r->sharpe)) note(w, json_string("No Sharpe ratio: the run is too short to have enough returns."));
}

static void judge_settings(json_t *w, const pmm_config_t *c) {
  if (c->exchange.queue == PMM_QUEUE_FRONT) warn(w, json_string("Queue model `front` is an upper bound, not an estimate."));
  if (c->latency.model == PMM_LATENCY_CONSTANT && c->latency.order_ns == 0) warn(w, json_string("Orders arrive without any delay; no one trades that fast."));
  if (c->exchange.fees == 1) warn(w, json_string("Fees are switched off."));
}

/* Whether the configuration came from a fragment of `pmm calibrate` (or contains one) that names this very tape. */
static bool fitted_on(const char *config_path, json_t *tape) {
  char line[1024], mark[64];
  FILE *const f = fopen(config_path, "re");
  snprintf(mark, sizeof mark, ", %lld bytes, crc32c %s", (long long)json_integer_value(json_object_get(tape, "bytes")), json_string_value(json_object_get(tape, "crc32c")));
  bool found = false;
  while (f && !found && fgets(line, sizeof line, f)) found = line[0] == '#' && strstr(line, mark) != NULL;
  if (f) fclose(f);
  return found;
}

static void judge_fit(json_t *w, const pmm_report_info_t *info, json_t *tapes) {
  size_t i;
  json_t *tape;
  unsigned fitted = 0;
  json_array_foreach(tapes, i, tape) fitted += info->config && fitted_on(info->config->path, tape);
  if (fitted) warn(w, json_sprintf("The configuration was calibrated on %u of these %zu tapes: the result flatters it. Judge on tapes that were held out.", fitted, info->tape_cnt));
  else if (info->tape_cnt)
    note(w, json_string("If the parameters were chosen by looking at these tapes (a sweep, by hand), the result flatters them: judge on tapes that were held out."));
}

static void judge_page(json_t *w, const pmm_recorder_t *r) {
  uint32_t traded = 0, with_panel = 0;
  for (uint32_t i = 0; i < r->slot_cnt; i++) traded += r->slot[i].score > 0;
  with_panel = (uint32_t)pmm_min64(r->panel_cap, r->opts.panels_max);
  if (traded > with_panel) note(w, json_sprintf("Charts of single markets are shown for the %u busiest of %u that were traded; totals are over all.", with_panel, traded));
  if (r->fill_stride > 1)
    note(w, json_sprintf("The price charts show every %u. fill; counts, markouts and P&L are over all.", r->fill_stride));
  if (r->gap_total > PMM__GAPS_MAX) note(w, json_sprintf("The first %d gaps are marked in the charts.", PMM__GAPS_MAX));
}

json_t *pmm__report_honesty(const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, json_t *tapes) {
  json_t *const w = json_array();
  judge_fills(w, result);
  judge_data(w, r, result);
  judge_account(w, result);
  if (info->config) judge_settings(w, info->config);
  judge_fit(w, info, tapes);
  judge_page(w, r);
  json_t *const o = json_object();
  json_object_set_new(o, "fills", json_string(result->fill_source ? result->fill_source : "none"));
  json_object_set_new(o, "fill_counts", json_pack("{s:I,s:I,s:I,s:I,s:I}", "trades", (json_int_t)result->trade_fills, "chance", (json_int_t)result->bernoulli_fills, "inferred", (json_int_t)result->inferred_fills,
                                                  "crossings", (json_int_t)result->cross_fills, "taker", (json_int_t)result->taker_fills));
  if (info->config) {
    json_object_set_new(o, "queue", info->tape_cnt ? queue_text(info->config) : json_string("a matching engine: the queue is real, the traders are not"));
    json_object_set_new(o, "latency", latency_text(info->config));
  }
  json_object_set_new(o, "gaps", json_integer((json_int_t)result->gaps));
  json_object_set_new(o, "warnings", w);
  return o;
}
