/* report_json.c -- the document of a run: what the page draws, as compact JSON. Money is in 1e-4 dollars, contracts in hundredths,
   prices in 1e-4 dollars, times in seconds; arrays run along a track's buckets. Keys: docs/report.md. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pmm/hash.h"
#include "pmm/version.h"
#include "report_impl.h"

#define WORST_ROWS 300
#define MARKET_ROWS 500

static json_t *seconds(int64_t ns) { return json_real((double)(ns / PMM_NS_PER_US) / 1e6); }
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *dollars_e4(int64_t e6) { return json_integer(e6 / 100); }
static json_t *hundredths(int64_t e6) { return json_integer(e6 / 10000); }
static json_t *hash_text(uint64_t h) { return json_sprintf("%016llx", (unsigned long long)h); }

/* -- tracks as arrays -- */
enum { AS_COUNT, AS_PRICE, AS_DOLLARS, AS_CONTRACTS };
typedef struct column { const char *key; size_t offset; uint8_t width, as; } column_t;
#define COLUMN(key, field, as) {key, offsetof(pmm__bucket_t, field), sizeof(((pmm__bucket_t *)0)->field), as}
static const column_t SHARED[] = {
    COLUMN("pnl", pnl_e6, AS_DOLLARS), COLUMN("spread", spread_e6, AS_DOLLARS), COLUMN("fees", fees_e6, AS_DOLLARS),
    COLUMN("net", net_e6, AS_CONTRACTS), COLUMN("net_lo", net_lo_e6, AS_CONTRACTS), COLUMN("net_hi", net_hi_e6, AS_CONTRACTS),
    COLUMN("orders", orders, AS_COUNT), COLUMN("cancels", cancels, AS_COUNT), COLUMN("fills", fills, AS_COUNT)};
static const column_t OF_PANEL[] = {
    COLUMN("bid", bid_e4, AS_PRICE), COLUMN("ask", ask_e4, AS_PRICE), COLUMN("mid_lo", mid_lo_e4, AS_PRICE), COLUMN("mid_hi", mid_hi_e4, AS_PRICE),
    COLUMN("our_bid", our_bid_e4, AS_PRICE), COLUMN("our_bid_lo", our_bid_lo_e4, AS_PRICE), COLUMN("our_bid_hi", our_bid_hi_e4, AS_PRICE),
    COLUMN("our_ask", our_ask_e4, AS_PRICE), COLUMN("our_ask_lo", our_ask_lo_e4, AS_PRICE), COLUMN("our_ask_hi", our_ask_hi_e4, AS_PRICE),
    COLUMN("limit", limit_e6, AS_CONTRACTS)};

static json_t *cell(const pmm__bucket_t *b, const column_t *c) {
  int64_t wide;
  uint32_t narrow;
  if (c->width == sizeof wide) memcpy(&wide, (const char *)b + c->offset, sizeof wide);
  else {
    memcpy(&narrow, (const char *)b + c->offset, sizeof narrow);
    wide = narrow;
  }
  if (c->as == AS_PRICE && wide == 0) return json_null();
  return c->as == AS_DOLLARS ? dollars_e4(wide) : c->as == AS_CONTRACTS ? hundredths(wide) : json_integer(wide);
}

static void set_columns(json_t *o, const pmm__track_t *t, const column_t *column, size_t cnt) {
  for (size_t k = 0; k < cnt; k++) {
    json_t *const a = json_array();
    for (uint32_t i = 0; i < t->cnt; i++) json_array_append_new(a, cell(pmm__track_at(t, i), &column[k]));
    json_object_set_new(o, column[k].key, a);
  }
}

/* Share of trading time with both our sides quoted, in per mille; null while nothing traded. */
static json_t *uptime_column(const pmm__track_t *t) {
  json_t *const a = json_array();
  for (uint32_t i = 0; i < t->cnt; i++) {
    const pmm__bucket_t *const b = pmm__track_at(t, i);
    json_array_append_new(a, b->open_ns > 0 ? json_integer(b->two_sided_ns * 1000 / b->open_ns) : json_null());
  }
  return a;
}

static json_t *track_json(const pmm__track_t *t, bool panel) {
  json_t *const o = json_pack("{s:o,s:o,s:i}", "t0", seconds(t->t0_ns), "dt", seconds(t->width_ns), "n", (int)t->cnt);
  set_columns(o, t, SHARED, sizeof SHARED / sizeof SHARED[0]);
  if (panel) set_columns(o, t, OF_PANEL, sizeof OF_PANEL / sizeof OF_PANEL[0]);
  json_object_set_new(o, "uptime", uptime_column(t));
  return o;
}

/* -- depth map -- */
static json_t *depth_json(const pmm__panel_t *p) {
  size_t const bytes = (size_t)p->depth.cnt * (size_t)p->rows;
  char *const hex = malloc(2 * bytes + 1); /* deflate makes the doubling good again, and hex needs no code of its own to read */
  if (!hex) return NULL;
  for (size_t i = 0; i < bytes; i++) {
    hex[2 * i] = "0123456789abcdef"[p->depth.item[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[p->depth.item[i] & 15];
  }
  hex[2 * bytes] = 0;
  json_t *const o = json_pack("{s:o,s:o,s:i,s:i,s:i,s:s}", "t0", seconds(p->depth.t0_ns), "dt", seconds(p->depth.width_ns), "columns", (int)p->depth.cnt,
                              "rows", (int)p->rows, "row_e4", (int)p->row_e4, "cells", hex);
  free(hex);
  return o;
}

static json_t *panel_json(const pmm_recorder_t *r, const pmm__panel_t *p) {
  pmm__watch_slot_t const *const s = &r->slot[p->slot];
  pmm__watch_market_t const *const m = &r->market[s->market];
  json_t *const o = track_json(&p->track, true);
  json_object_set_new(o, "slot", json_integer(p->slot));
  json_object_set_new(o, "market", json_string(m->id));
  json_object_set_new(o, "strategy", json_string(s->name));
  json_object_set_new(o, "outcome", json_string(pmm_outcome_to_string((pmm_outcome_t)m->outcome)));
  json_object_set_new(o, "limit_source", json_string(p->limit_source));
  json_object_set_new(o, "depth", depth_json(p));
  return o;
}

/* The busiest, in the order they began. */
static bool busier(const pmm_recorder_t *r, uint32_t a, uint32_t b) { /* panels */
  uint64_t const x = r->slot[r->panel[a].slot].score, y = r->slot[r->panel[b].slot].score;
  return x != y ? x > y : r->panel[a].slot < r->panel[b].slot;
}

static bool shown(const pmm_recorder_t *r, uint32_t panel) {
  if (r->panel[panel].slot == PMM__PANEL_NONE || !r->panel[panel].started) return false;
  uint32_t before = 0;
  for (uint32_t i = 0; i < r->panel_cap; i++)
    before += i != panel && r->panel[i].slot != PMM__PANEL_NONE && r->panel[i].started && busier(r, i, panel);
  return before < r->opts.panels_max;
}

static json_t *panels_json(const pmm_recorder_t *r) {
  json_t *const a = json_array();
  for (uint32_t i = 0; i < r->panel_cap; i++)
    if (shown(r, i)) {
      size_t at = json_array_size(a);
      while (at > 0 && json_integer_value(json_object_get(json_array_get(a, at - 1), "slot")) > r->panel[i].slot) at--;
      json_array_insert_new(a, at, panel_json(r, &r->panel[i]));
    }
  return a;
}

/* -- fills -- */
static json_t *fills_json(const pmm_recorder_t *r) {
  static const char *const KEYS[] = {"t", "slot", "side", "price", "qty", "fee", "mid", "maker", "inferred"};
  enum { KEY_CNT = sizeof KEYS / sizeof KEYS[0] };
  json_t *column[KEY_CNT];
  json_t *const o = json_pack("{s:I,s:i}", "total", (json_int_t)r->fill_total, "every", (int)r->fill_stride);
  for (int k = 0; k < KEY_CNT; k++) json_object_set_new(o, KEYS[k], column[k] = json_array());
  for (uint32_t i = 0; i < r->fill_cnt; i++) {
    pmm__fill_t const *const f = &r->fill[i];
    json_t *const value[KEY_CNT] = {seconds(f->at_ns), json_integer(f->slot), json_integer(f->side), json_integer(f->price_e4), hundredths(f->qty_e6), json_integer(f->fee_e6),
                                    json_integer((json_int_t)floor(f->mid * PMM_ONE_E4 + 0.5)), json_integer((f->flags & PMM_F_MAKER) != 0), json_integer((f->flags & PMM_F_INFERRED) != 0)};
    for (int k = 0; k < KEY_CNT; k++) json_array_append_new(column[k], value[k]);
  }
  return o;
}

/* -- markouts -- */
static json_t *curve_json(const char *name, const pmm__moment_t *moment) {
  json_t *const mean = json_array(), *const se = json_array(), *const n = json_array();
  for (int k = 0; k < PMM__HORIZONS; k++) {
    double m = NAN, e = NAN;
    if (!pmm__moment_mean(&moment[k], &m, &e)) m = e = NAN;
    json_array_append_new(mean, number(m));
    json_array_append_new(se, number(e));
    json_array_append_new(n, json_integer((json_int_t)moment[k].n));
  }
  return json_pack("{s:s,s:o,s:o,s:o}", "name", name, "mean", mean, "se", se, "n", n);
}

static json_t *markouts_json(const pmm_recorder_t *r) {
  pmm__moment_t side[2][PMM__HORIZONS] = {{{0}}}, distance[PMM__DISTANCES][PMM__HORIZONS] = {{{0}}}, all[PMM__HORIZONS] = {{0}};
  for (int s = 0; s < 2; s++)
    for (int d = 0; d < PMM__DISTANCES; d++)
      for (int k = 0; k < PMM__HORIZONS; k++) {
        pmm__moment_t const *const m = &r->markouts.sum[s][d][k];
        pmm__moment_add(&side[s][k], m);
        pmm__moment_add(&distance[d][k], m);
        pmm__moment_add(&all[k], m);
      }
  json_t *const horizon = json_array(), *const by_side = json_array(), *const by_distance = json_array();
  for (int k = 0; k < PMM__HORIZONS; k++) json_array_append_new(horizon, json_real((double)pmm__horizon_ns[k] / 1e9));
  json_array_append_new(by_side, curve_json("all fills", all));
  json_array_append_new(by_side, curve_json("our bids (bought)", side[PMM_BID]));
  json_array_append_new(by_side, curve_json("our asks (sold)", side[PMM_ASK]));
  for (int d = 0; d < PMM__DISTANCES; d++)
    if (distance[d][0].n) json_array_append_new(by_distance, curve_json(pmm__distance_name[d], distance[d]));
  return json_pack("{s:o,s:o,s:o}", "horizons", horizon, "by_side", by_side, "by_distance", by_distance);
}

/* -- hours, gaps, clocks -- */
static json_t *hours_json(const pmm_recorder_t *r) {
  json_t *const a = json_array();
  for (int i = 0; i < 24; i++) {
    pmm__hour_t const *const h = &r->hour[i];
    if (h->seen_ns == 0 && h->fills == 0) continue;
    json_array_append_new(a, json_pack("{s:i,s:o,s:I,s:o,s:o}", "hour", i, "pnl", dollars_e4(h->pnl_e6), "fills", (json_int_t)h->fills, "volume", dollars_e4(h->volume_e6),
                                       "seconds", seconds(h->seen_ns)));
  }
  return a;
}

static json_t *gaps_json(const pmm_recorder_t *r) {
  json_t *const a = json_array();
  for (uint32_t i = 0; i < r->gap_total && i < PMM__GAPS_MAX; i++)
    json_array_append_new(a, json_pack("[o,o,s]", seconds(r->gap[i].from_ns), seconds(r->gap[i].to_ns), r->market[r->gap[i].market].id));
  return json_pack("{s:I,s:o}", "total", (json_int_t)r->gap_total, "at", a);
}

static int by_size(const void *a, const void *b) {
  int64_t const x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Receive minus venue time over a sample of the records: a shortest one below zero can only be two clocks that disagree. */
static json_t *clocks_json(const pmm_recorder_t *r) {
  if (r->lag_cnt == 0) return json_null();
  int64_t *const lag = malloc(r->lag_cnt * sizeof *lag);
  if (!lag) return NULL;
  memcpy(lag, r->lag_ns, r->lag_cnt * sizeof *lag);
  qsort(lag, r->lag_cnt, sizeof *lag, by_size);
  json_t *const o = json_pack("{s:I,s:f,s:f,s:f,s:f}", "records", (json_int_t)r->lag_total, "min_ms", (double)r->lag_min_ns / 1e6, "median_ms",
                              (double)lag[r->lag_cnt / 2] / 1e6, "p99_ms", (double)lag[r->lag_cnt - 1 - r->lag_cnt / 100] / 1e6, "max_ms", (double)r->lag_max_ns / 1e6);
  free(lag);
  return o;
}

/* -- the worst minutes -- */
static json_t *level_json(const pmm_level_t *l, int32_t cnt) { return cnt ? json_pack("[i,o]", (int)l->price_e4, hundredths(l->qty_e6)) : json_null(); }

static json_t *decision_json(const pmm__decision_t *d) {
  json_t *const o = json_pack("{s:o,s:i,s:s,s:o,s:o,s:i,s:i}", "t", seconds(d->at_ns), "slot", (int)d->slot, "kind",
                              d->is_fill ? "fill" : pmm_quote_action_to_string((pmm_quote_action_t)d->action), "fair", number(d->fair), "net", hundredths(d->net_e6),
                              "book_bid", (int)d->book_bid_e4, "book_ask", (int)d->book_ask_e4);
  if (d->is_fill) {
    json_object_set_new(o, "side", json_string(d->side == PMM_BID ? "bid" : "ask"));
    json_object_set_new(o, "at", level_json(&d->bid, 1));
    return o;
  }
  json_object_set_new(o, "bid", level_json(&d->bid, d->bid_cnt));
  json_object_set_new(o, "ask", level_json(&d->ask, d->ask_cnt));
  json_object_set_new(o, "did", json_pack("[i,i,i]", d->placed, d->cancelled, d->amended));
  if (d->why) json_object_set_new(o, "why", json_string(d->why));
  json_t *const reasons = json_array();
  for (int32_t i = 0; i < d->reason_cnt; i++) json_array_append_new(reasons, json_pack("[s,o]", d->reason[i].name, number(d->reason[i].value)));
  json_object_set_new(o, "reasons", reasons);
  return o;
}

static json_t *worst_json(const pmm_recorder_t *r) {
  pmm__worst_t const *const w = &r->worst;
  json_t *const o = json_pack("{s:o,s:o,s:o,s:o,s:I}", "window", seconds(w->window_ns), "from", seconds(w->from_ns), "to", seconds(w->to_ns), "fall", dollars_e4(w->fall_e6),
                              "decisions", (json_int_t)w->in_window);
  json_t *const rows = json_array();
  uint32_t const every = w->kept_cnt / WORST_ROWS + 1;
  for (uint32_t i = 0; i < w->kept_cnt; i++)
    if (i % every == 0 || (w->kept[i].is_fill && json_array_size(rows) < 2 * WORST_ROWS)) json_array_append_new(rows, decision_json(&w->kept[i]));
  json_object_set_new(o, "rows", rows);
  return o;
}

/* -- where the data came from -- */
/* Both the hash that tells tapes apart and the CRC that `pmm calibrate` names them by. */
static pmm_status_t hash_file(const char *path, uint64_t *hash, uint32_t *crc, pmm_error_t *err) {
  int const fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    if (fd >= 0) close(fd);
    return pmm_error_set(err, PMM_IO, "%s: %s", path, strerror(errno));
  }
  void *const map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return pmm_error_set(err, PMM_IO, "%s: %s", path, strerror(errno));
  *hash = pmm_hash64(map, (size_t)st.st_size, 0);
  *crc = pmm_crc32c(0, map, (size_t)st.st_size);
  munmap(map, (size_t)st.st_size);
  return PMM_OK;
}

static json_t *tape_json(const char *path, pmm_error_t *err) {
  pmm_tape_t *tape;
  uint64_t hash = 0;
  uint32_t crc = 0;
  if (hash_file(path, &hash, &crc, err) != PMM_OK || pmm_tape_open(&tape, path, err) != PMM_OK) return NULL;
  pmm_tape_info_t const *const info = pmm_tape_info(tape);
  const char *const slash = strrchr(path, '/');
  json_t *const markets = json_array();
  for (uint32_t i = 0; i < pmm_tape_market_cnt(tape) && i < MARKET_ROWS; i++) json_array_append_new(markets, json_string(pmm_tape_market(tape, i)->id));
  json_t *const o = json_pack("{s:s,s:o,s:o,s:I,s:I,s:o,s:o,s:b,s:i,s:o,s:s}", "file", slash ? slash + 1 : path, "hash", hash_text(hash), "crc32c", json_sprintf("%08x", crc), "bytes", (json_int_t)info->bytes, "records",
                              (json_int_t)info->records, "first", seconds(info->first_ns), "last", seconds(info->last_ns), "truncated", info->truncated,
                              "market_cnt", (int)pmm_tape_market_cnt(tape), "markets", markets, "provenance", info->provenance ? info->provenance : "");
  pmm_tape_close(tape);
  return o;
}

json_t *pmm__report_tapes(const pmm_report_info_t *info, pmm_error_t *err) {
  json_t *const a = json_array();
  for (size_t i = 0; i < info->tape_cnt; i++) {
    json_t *const tape = tape_json(info->tape[i], err);
    if (!tape) {
      json_decref(a);
      return NULL;
    }
    json_array_append_new(a, tape);
  }
  return a;
}

int64_t pmm_report_span(const char *const *path, size_t cnt) {
  int64_t first = PMM_NS_MAX, last = INT64_MIN;
  for (size_t i = 0; i < cnt; i++) {
    pmm_tape_t *tape;
    if (pmm_tape_open(&tape, path[i], NULL) != PMM_OK) return 0;
    first = pmm_min64(first, pmm_tape_info(tape)->first_ns);
    last = pmm_max64(last, pmm_tape_info(tape)->last_ns);
    pmm_tape_close(tape);
  }
  return last > first ? last - first : 0;
}

/* -- result and configuration, as their own writers put them -- */
static json_t *written(void (*write)(FILE *out, const void *what), const void *what) {
  char *text = NULL;
  size_t len;
  FILE *const f = open_memstream(&text, &len);
  if (!f) return NULL;
  write(f, what);
  fclose(f);
  json_t *const o = json_loadb(text, len, 0, NULL);
  free(text);
  return o;
}
static void write_result(FILE *out, const void *result) { pmm_result_write_json(out, result); }
static void write_config(FILE *out, const void *config) { pmm_config_write_json(out, config); }

static json_t *result_json(const pmm_result_t *result) {
  json_t *const o = written(write_result, result);
  json_t *const markets = o ? json_object_get(o, "markets") : NULL;
  while (json_array_size(markets) > MARKET_ROWS) json_array_remove(markets, json_array_size(markets) - 1);
  return o;
}

static json_t *title_of(const pmm_recorder_t *r, const pmm_report_info_t *info) {
  if (info->title) return json_string(info->title);
  if (r->slot_cnt == 0) return json_string("no market");
  bool one_market = true, one_name = true;
  for (uint32_t i = 1; i < r->slot_cnt; i++) {
    one_market = one_market && r->slot[i].market == r->slot[0].market;
    one_name = one_name && strcmp(r->slot[i].name, r->slot[0].name) == 0;
  }
  const char *const name = one_name ? r->slot[0].name : "several strategies", *const first = r->market[r->slot[0].market].id;
  return one_market ? json_sprintf("%s in %s", name, first) : json_sprintf("%s in markets from %s on", name, first);
}

json_t *pmm__report_document(const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err) {
  json_t *const tapes = pmm__report_tapes(info, err);
  if (!tapes) return NULL;
  json_t *const o = json_object();
  json_object_set_new(o, "format", json_integer(1));
  json_object_set_new(o, "pmm", json_string(PMM_VERSION));
  json_object_set_new(o, "title", title_of(r, info));
  json_object_set_new(o, "first", seconds(r->first_ns));
  json_object_set_new(o, "last", seconds(r->last_ns));
  json_object_set_new(o, "slots", json_integer(r->slot_cnt));
  json_object_set_new(o, "honesty", pmm__report_honesty(r, info, result, tapes));
  json_object_set_new(o, "result", result_json(result));
  json_object_set_new(o, "config", info->config ? written(write_config, info->config) : json_null());
  json_object_set_new(o, "tapes", tapes);
  json_object_set_new(o, "clocks", clocks_json(r));
  json_object_set_new(o, "gaps", gaps_json(r));
  json_object_set_new(o, "total", track_json(&r->total, false));
  json_object_set_new(o, "panels", panels_json(r));
  json_object_set_new(o, "fills", fills_json(r));
  json_object_set_new(o, "markouts", markouts_json(r));
  json_object_set_new(o, "hours", hours_json(r));
  json_object_set_new(o, "worst", worst_json(r));
  return o;
}
