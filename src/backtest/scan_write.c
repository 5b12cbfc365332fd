/* scan_write.c -- the report as text and as JSON. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/scan.h"

/* What a condition wants, and where listed markets of both venues mostly lie: rules of thumb for the reader, in no formula. */
static const struct {
  const char *name, *unit, *wanted, *usual;
} conditions[PMM_SCAN_CONDITIONS] = {
    [PMM_SCAN_LIQUIDITY] = {"liquidity", "$", "above 1000", "500 to 50000"},
    [PMM_SCAN_SPREAD] = {"spread", "$", "above 0, below 0.05", "0.01 to 0.04"},
    [PMM_SCAN_ACTIVITY] = {"volume 24 h", "$", "above 10000, or a trade in 24 h", "1000 to 1000000"},
    [PMM_SCAN_TIME_LEFT] = {"time left", "days", "at least 7", "7 to 90"},
};

static const char *at_text(const pmm_scan_t *s) {
  switch (s->at) {
  case PMM_SCAN_AUTO: return "each market's end while it still traded, else the middle of its time";
  case PMM_SCAN_END: return "each market's last moment with both sides of the book";
  case PMM_SCAN_MIDDLE: return "the middle of each market's time with both sides of the book";
  case PMM_SCAN_MOMENT: return "one moment";
  }
  return "";
}

static const char *time_text(int64_t ns, char buf[PMM_TIME_BUF]) {
  pmm_time_print(ns, 0, buf);
  return buf;
}

/* "3.2 d", "5.0 h", "12 min", "-". */
static const char *span_text(double s, char *buf, size_t len) {
  if (isnan(s)) snprintf(buf, len, "-");
  else if (s >= 2 * 86400) snprintf(buf, len, "%.1f d", s / 86400);
  else if (s >= 2 * 3600) snprintf(buf, len, "%.1f h", s / 3600);
  else if (s >= 120) snprintf(buf, len, "%.0f min", s / 60);
  else snprintf(buf, len, "%.0f s", s);
  return buf;
}

static const char *number_text(double x, int digits, char *buf, size_t len) {
  if (isnan(x)) snprintf(buf, len, "-");
  else snprintf(buf, len, "%.*f", digits, x);
  return buf;
}

/* -- one market -- */
static void write_condition(FILE *out, const pmm_scan_market_t *m, pmm_scan_condition_t which, const char *value) {
  fprintf(out, "  %-12s %14s %-4s  %-3s  wanted %-32s usual %s\n", conditions[which].name, value, conditions[which].unit,
          m->holds[which] ? "yes" : "no", conditions[which].wanted, conditions[which].usual);
}

static void write_conditions(FILE *out, const pmm_scan_market_t *m) {
  char buf[48];
  write_condition(out, m, PMM_SCAN_LIQUIDITY, number_text(m->facts.liquidity, 2, buf, sizeof buf));
  write_condition(out, m, PMM_SCAN_SPREAD, number_text(m->facts.spread, 4, buf, sizeof buf));
  write_condition(out, m, PMM_SCAN_ACTIVITY, number_text(m->facts.volume_24h, 2, buf, sizeof buf));
  write_condition(out, m, PMM_SCAN_TIME_LEFT, number_text(m->facts.time_left_s / 86400, 3, buf, sizeof buf));
}

static void write_line(FILE *out, const char *label, double value, int digits, const char *after) {
  char buf[48];
  fprintf(out, "  %-24s %14s  %s\n", label, number_text(value, digits, buf, sizeof buf), after);
}

static void write_scores(FILE *out, const pmm_scan_t *s, const pmm_scan_market_t *m) {
  fprintf(out, "\n  %-16s %12s %8s  %-18s %10s%s\n", "strategy", "score", "wanted", "would quote", "size",
          s->has_rewards ? "   reward $/day" : "");
  for (uint32_t k = 0; k < s->strategy_cnt; k++) {
    const pmm_scan_score_t *const x = &m->score[k];
    char score[48], quote[48], size[48];
    if (isnan(x->bid)) snprintf(quote, sizeof quote, "-");
    else snprintf(quote, sizeof quote, "%.4f / %.4f", x->bid, x->ask);
    fprintf(out, "  %-16.16s %12s %8s  %-18s %10s", s->strategy[k].name, number_text(x->score, 4, score, sizeof score),
            s->strategy[k].ranks ? x->rank ? "yes" : "no" : "any", quote, number_text(x->size, 2, size, sizeof size));
    if (s->has_rewards && !isnan(x->reward_low)) fprintf(out, "   %.4f to %.4f", x->reward_low, x->reward_high);
    fputc('\n', out);
  }
}

/* What a recording cannot tell. */
static void write_notes(FILE *out, const pmm_scan_market_t *m) {
  if (m->data & PMM_DATA_NOSIZE) fputs("  note: the recording gives prices without sizes: liquidity is unknown, sizes are nominal\n", out);
  else if (m->data & PMM_DATA_PRICE && !(m->data & (PMM_DATA_DEPTH | PMM_DATA_TOP)))
    fputs("  note: the recording gives prices without a book\n", out);
  else if (m->data & PMM_DATA_TOP) fputs("  note: the recording gives the best prices only: liquidity is a lower bound\n", out);
  if (m->at_ns != PMM_TIME_NONE && isnan(m->facts.volume_24h))
    fputs("  note: the recording holds no trades and no volume: activity is unknown and does not hold\n", out);
  if (m->at_ns == PMM_TIME_NONE) fputs("  note: nothing was recorded of it at that moment\n", out);
}

static void write_one(FILE *out, const pmm_scan_t *s, const pmm_scan_market_t *m) {
  char at[PMM_TIME_BUF], note[96], left[32];
  fprintf(out, "%s  (%s)\nat %s, %s left\n\n", m->id, pmm_venue_to_string((pmm_venue_t)m->venue), time_text(m->at_ns, at),
          span_text(m->facts.time_left_s, left, sizeof left));
  fprintf(out, "  %s\n\n", pmm_verdict_to_string(m->verdict));
  write_conditions(out, m);
  fputc('\n', out);
  write_line(out, "price", m->facts.price, 4, "");
  snprintf(note, sizeof note, "size %.2f", m->bid_qty);
  write_line(out, "best bid", m->bid, 4, note);
  snprintf(note, sizeof note, "size %.2f", m->ask_qty);
  write_line(out, "best ask", m->ask, 4, note);
  snprintf(note, sizeof note, "source: %s; %.2f h were recorded before", pmm_volume_source_to_string(m->volume_source), m->seen_h);
  write_line(out, "trades 24 h", m->facts.trades_24h, 0, note);
  write_line(out, "trades an hour", m->trade_rate_h, 1, "");
  write_line(out, "volatility", m->volatility, 4, "log-odds per square root of an hour");
  fprintf(out, "\n  over the whole recording (%.2f h of trading)\n", m->mean.recorded_h);
  write_line(out, "  mean liquidity $", m->mean.liquidity, 2, "");
  write_line(out, "  mean spread $", m->mean.spread, 4, "");
  write_line(out, "  both sides there %", m->mean.two_sided * 100, 1, "");
  write_line(out, "  trades", (double)m->mean.trades, 0, "");
  write_line(out, "  volume $", m->mean.volume, 2, "");
  write_scores(out, s, m);
  write_notes(out, m);
}

/* -- many -- */
static void write_row(FILE *out, const pmm_scan_t *s, const pmm_scan_market_t *m) {
  char dollars[32], spread[32], volume[32], trades[32], left[32], price[32], vol[32];
  fprintf(out, "%-34.34s %-8s %11s %7s %11s %7s %8s %7s %7s", m->id, pmm_verdict_to_string(m->verdict),
          number_text(m->facts.liquidity, 0, dollars, sizeof dollars), number_text(m->facts.spread, 4, spread, sizeof spread),
          number_text(m->facts.volume_24h, 0, volume, sizeof volume), number_text(m->facts.trades_24h, 0, trades, sizeof trades),
          span_text(m->facts.time_left_s, left, sizeof left), number_text(m->facts.price, 4, price, sizeof price),
          number_text(m->volatility, 3, vol, sizeof vol));
  for (uint32_t k = 0; k < s->strategy_cnt; k++) {
    const pmm_scan_score_t *const x = &m->score[k];
    if (x->rank) fprintf(out, " %8u%c", x->rank, x->chosen && s->strategy[k].market_max > 0 ? '*' : ' ');
    else fprintf(out, " %8s ", "-");
  }
  if (s->has_rewards) {
    const pmm_scan_score_t *const x = &m->score[0];
    if (isnan(x->reward_low)) fprintf(out, " %17s", "-");
    else fprintf(out, " %7.2f to %6.2f", x->reward_low, x->reward_high);
  }
  fputc('\n', out);
}

static void write_table(FILE *out, const pmm_scan_t *s, uint32_t cnt) {
  char at[PMM_TIME_BUF];
  fprintf(out, "%u markets at %s%s%s\n\n", s->market_cnt, at_text(s), s->at == PMM_SCAN_MOMENT ? ": " : "",
          s->at == PMM_SCAN_MOMENT ? time_text(s->at_ns, at) : "");
  fprintf(out, "%-34s %-8s %11s %7s %11s %7s %8s %7s %7s", "market", "verdict", "liquidity $", "spread", "vol 24h $", "trades", "left",
          "price", "volat.");
  for (uint32_t k = 0; k < s->strategy_cnt; k++) fprintf(out, " %8.8s ", s->strategy[k].name);
  fprintf(out, "%s\n", s->has_rewards ? "      reward $/day" : "");
  for (uint32_t i = 0; i < cnt; i++) write_row(out, s, &s->market[s->order[i]]);
  uint32_t of[4] = {0};
  for (uint32_t i = 0; i < s->market_cnt; i++) of[s->market[i].verdict]++;
  fprintf(out, "\n%u viable, %u marginal, %u limited, %u without data.", of[0], of[1], of[2], of[3]);
  for (uint32_t k = 0; k < s->strategy_cnt; k++) {
    const pmm_scan_strategy_t *const st = &s->strategy[k];
    if (!st->ranks) fprintf(out, " %s takes any market.", st->name);
    else if (st->market_max > 0) fprintf(out, " %s wants %u, at most %d (*).", st->name, st->wanted, st->market_max);
    else fprintf(out, " %s wants %u.", st->name, st->wanted);
  }
  fputc('\n', out);
  if (cnt < s->market_cnt) fprintf(out, "%u more markets are not shown (--top).\n", s->market_cnt - cnt);
}

static uint32_t shown(const pmm_scan_t *s, uint32_t top) { return top && top < s->market_cnt ? top : s->market_cnt; }

void pmm_scan_write(FILE *out, const pmm_scan_t *s, uint32_t top) {
  if (s->market_cnt == 1) write_one(out, s, &s->market[0]);
  else write_table(out, s, shown(s, top));
  if (s->truncated) fputs("note: a tape ends inside a block; read up to its last whole block\n", out);
}

/* -- JSON -- */
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *when(int64_t ns) { return ns == PMM_TIME_NONE ? json_null() : json_integer(ns); }

static json_t *conditions_json(const pmm_scan_market_t *m) {
  double const value[PMM_SCAN_CONDITIONS] = {m->facts.liquidity, m->facts.spread, m->facts.volume_24h, m->facts.time_left_s / 86400};
  static const char *const key[PMM_SCAN_CONDITIONS] = {"liquidity", "spread", "activity", "time"};
  json_t *const o = json_object();
  for (int i = 0; i < PMM_SCAN_CONDITIONS; i++)
    json_object_set_new(o, key[i],
                        json_pack("{s:o,s:b,s:s,s:s,s:s}", "value", number(value[i]), "holds", m->holds[i] ? 1 : 0, "unit",
                                  conditions[i].unit, "wanted", conditions[i].wanted, "usual", conditions[i].usual));
  return o;
}

static json_t *scores_json(const pmm_scan_t *s, const pmm_scan_market_t *m) {
  json_t *const list = json_array();
  for (uint32_t k = 0; k < s->strategy_cnt; k++) {
    const pmm_scan_score_t *const x = &m->score[k];
    json_t *const o = json_pack("{s:s,s:o,s:o,s:b,s:o,s:o,s:o}", "strategy", s->strategy[k].name, "score", number(x->score), "rank",
                                x->rank ? json_integer(x->rank) : json_null(), "chosen", x->chosen ? 1 : 0, "bid", number(x->bid), "ask",
                                number(x->ask), "size", number(x->size));
    if (s->has_rewards) {
      json_object_set_new(o, "reward_low", number(x->reward_low));
      json_object_set_new(o, "reward_high", number(x->reward_high));
    }
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *market_json(const pmm_scan_t *s, const pmm_scan_market_t *m) {
  json_t *const o = json_object();
  json_object_set_new(o, "market", json_string(m->id));
  json_object_set_new(o, "venue", json_string(pmm_venue_to_string((pmm_venue_t)m->venue)));
  json_object_set_new(o, "has_depth", json_boolean(m->data & PMM_DATA_DEPTH));
  json_object_set_new(o, "has_sizes", json_boolean(!(m->data & PMM_DATA_NOSIZE)));
  json_object_set_new(o, "at_ns", when(m->at_ns));
  json_object_set_new(o, "verdict", json_string(pmm_verdict_to_string(m->verdict)));
  json_object_set_new(o, "conditions", conditions_json(m));
  json_object_set_new(o, "price", number(m->facts.price));
  json_object_set_new(o, "bid", number(m->bid));
  json_object_set_new(o, "ask", number(m->ask));
  json_object_set_new(o, "bid_qty", number(m->bid_qty));
  json_object_set_new(o, "ask_qty", number(m->ask_qty));
  json_object_set_new(o, "time_left_s", number(m->facts.time_left_s));
  json_object_set_new(o, "trades_24h", number(m->facts.trades_24h));
  json_object_set_new(o, "volume_source", json_string(pmm_volume_source_to_string(m->volume_source)));
  json_object_set_new(o, "seen_h", number(m->seen_h));
  json_object_set_new(o, "trades_an_hour", number(m->trade_rate_h));
  json_object_set_new(o, "volatility", number(m->volatility));
  json_object_set_new(o, "recording",
                      json_pack("{s:o,s:o,s:o,s:o,s:I,s:o}", "trading_h", number(m->mean.recorded_h), "liquidity",
                                number(m->mean.liquidity), "spread", number(m->mean.spread), "two_sided", number(m->mean.two_sided),
                                "trades", (json_int_t)m->mean.trades, "volume", number(m->mean.volume)));
  json_object_set_new(o, "outcome", json_string(pmm_outcome_to_string((pmm_outcome_t)m->outcome)));
  json_object_set_new(o, "strategies", scores_json(s, m));
  return o;
}

void pmm_scan_write_json(FILE *out, const pmm_scan_t *s, uint32_t top) {
  json_t *const o = json_object(), *const strategies = json_array(), *const markets = json_array();
  json_object_set_new(o, "at", json_string(at_text(s)));
  json_object_set_new(o, "at_ns", s->at == PMM_SCAN_MOMENT ? json_integer(s->at_ns) : json_null());
  for (uint32_t k = 0; k < s->strategy_cnt; k++)
    json_array_append_new(strategies,
                          json_pack("{s:s,s:i,s:I,s:b}", "strategy", s->strategy[k].name, "market_max", s->strategy[k].market_max, "wanted",
                                    (json_int_t)s->strategy[k].wanted, "ranks", s->strategy[k].ranks ? 1 : 0));
  uint32_t const cnt = shown(s, top);
  for (uint32_t i = 0; i < cnt; i++) json_array_append_new(markets, market_json(s, &s->market[s->order[i]]));
  json_object_set_new(o, "strategies", strategies);
  json_object_set_new(o, "market_cnt", json_integer(s->market_cnt));
  json_object_set_new(o, "truncated", json_boolean(s->truncated));
  json_object_set_new(o, "markets", markets);
  json_dumpf(o, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
  fputc('\n', out);
  json_decref(o);
}
