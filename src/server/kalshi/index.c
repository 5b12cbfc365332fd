/* Reference prices behind crypto markets. Source: Kalshi API docs, "CF Benchmarks values" (2026-11). The mean of the trailing minute and, in the
   minute before each quarter of an hour, the mean so far of the minute on which the quarter settles: :01 is its first sample, the quarter
   itself its sixtieth. Whether the bounds of a window are inclusive is not documented; window_size counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/kalshi/impl.h"

#define WINDOW_S 60
#define QUARTER_S 900

int32_t pmm__kx_index_find(const pmm__kx_t *k, const char *id, size_t len) {
  for (uint32_t i = 0; i < k->index_cnt; i++)
    if (strlen(k->index[i].id) == len && memcmp(k->index[i].id, id, len) == 0) return (int32_t)i;
  return -1;
}

static int32_t index_add(pmm__kx_t *k, const char *id) {
  int32_t const at = pmm__kx_index_find(k, id, strlen(id));
  if (at >= 0) return at;
  if (k->index_cnt == PMM__KX_INDICES_MAX) return -1;
  pmm__kx_index_t *const grown = realloc(k->index, (k->index_cnt + 1) * sizeof *grown);
  if (!grown) return -1;
  k->index = grown;
  pmm__kx_index_t *const x = &k->index[k->index_cnt];
  *x = (pmm__kx_index_t){.last_ns = PMM_TIME_NONE};
  snprintf(x->id, sizeof x->id, "%s", id);
  for (size_t i = 0; i < PMM__KX_SAMPLES; i++) x->second[i] = -1;
  return (int32_t)k->index_cnt++;
}

void pmm__kx_index_list(pmm__kx_t *k, pmm_text_t *t, const pmm__kx_sub_t *s) {
  pmm_text_array(t, "index_ids");
  for (uint32_t i = 0; i < k->index_cnt; i++)
    if (!s || pmm__kx_has(s, i)) pmm_text_string(t, NULL, k->index[i].id);
  pmm_text_end(t);
}

/* -- means -- */

static void put_mean(pmm_text_t *t, const char *key, const pmm__kx_index_t *x, int64_t first_s, int64_t last_s) {
  pmm_i128_t sum = 0;
  int64_t cnt = 0;
  for (int64_t s = first_s; s <= last_s; s++) {
    size_t const at = (size_t)(s % PMM__KX_SAMPLES);
    if (x->second[at] != s) continue;
    sum += x->value_e8[at];
    cnt++;
  }
  if (cnt == 0) return;
  pmm_text_object(t, key);
  pmm_text_decimal(t, "value", (int64_t)(sum / cnt), 8, 8);
  pmm_text_int(t, "window_size", cnt);
  pmm_text_int(t, "window_start_ts_ms", first_s * 1000);
  pmm_text_int(t, "window_end_ts_exclusive", (last_s + 1) * 1000);
  pmm_text_end(t);
}

static void put_means(pmm_text_t *t, const pmm__kx_index_t *x, int64_t second) {
  int64_t const quarter = (second + QUARTER_S - 1) / QUARTER_S * QUARTER_S;
  put_mean(t, "avg_60s_data", x, second - WINDOW_S + 1, second);
  if (quarter - second < WINDOW_S) put_mean(t, "last_60s_windowed_average_15min", x, quarter - WINDOW_S + 1, second);
}

/* -- frames -- */

/* The source's own message travels as text inside the frame. */
static void put_data(pmm_text_t *t, const pmm__kx_index_t *x, int64_t at_ms) {
  char value[PMM_DECIMAL_BUF], data[160];
  pmm_decimal_print(x->last_e8, 8, 2, value);
  snprintf(data, sizeof data, "{\"type\":\"value\",\"id\":\"%s\",\"time\":%lld,\"value\":\"%s\"}", x->id, (long long)at_ms, value);
  pmm_text_string(t, "data", data);
}

static void send_value(pmm__kx_t *k, uint32_t index, pmm__kx_channel_t channel) {
  const pmm__kx_index_t *const x = &k->index[index];
  int64_t const at_ms = x->last_ns / PMM_NS_PER_MS;
  for (pmm__kx_peer_t *p = k->peers; p; p = p->next)
    for (uint32_t i = 0; i < p->sub_cnt; i++) {
      pmm__kx_sub_t *const s = &p->sub[i];
      if (!pmm__kx_wants(s, channel, index)) continue;
      pmm_text_t *const t = pmm__kx_frame_begin(k, s, channel == PMM__KX_INDEX ? "cfbenchmarks_value" : "cfbenchmarks_value_5hz", 0, true);
      pmm_text_string(t, "index_id", x->id);
      if (channel == PMM__KX_INDEX_5HZ) {
        pmm_text_decimal(t, "value_usd", x->last_e8, 8, 8);
        pmm_text_int(t, "source_ts_ms", at_ms);
      }
      pmm_text_int(t, "received_at", at_ms);
      put_data(t, x, at_ms);
      if (channel == PMM__KX_INDEX) put_means(t, x, x->last_ns / PMM_NS_PER_S);
      pmm__kx_frame_send(k, p);
    }
}

pmm_status_t pmm_kalshi_dialect_index(pmm_service_t *service, const char *index_id, int64_t value_e8, int64_t at_ns) {
  pmm__kx_t *const k = (pmm__kx_t *)(void *)service;
  size_t const len = strspn(index_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
  if (service->ops != pmm_kalshi_dialect_service || len == 0 || index_id[len] || len >= sizeof k->index->id || value_e8 <= 0 || at_ns < 0)
    return PMM_INVAL;
  int32_t const i = index_add(k, index_id);
  if (i < 0) return PMM_FULL;
  pmm__kx_index_t *const x = &k->index[i];
  if (x->last_ns != PMM_TIME_NONE && at_ns < x->last_ns) return PMM_INVAL;
  int64_t const second = at_ns / PMM_NS_PER_S;
  size_t const at = (size_t)(second % PMM__KX_SAMPLES);
  bool const is_first = x->second[at] != second;
  x->last_e8 = value_e8;
  x->last_ns = at_ns;
  if (is_first) x->second[at] = second, x->value_e8[at] = value_e8;
  send_value(k, (uint32_t)i, PMM__KX_INDEX_5HZ);
  if (is_first) send_value(k, (uint32_t)i, PMM__KX_INDEX);
  return PMM_OK;
}

/* -- the exchange's own underlyings -- */

/* Kalshi's crypto markets settle on CF Benchmarks' indices: BRTI for bitcoin, ...USD_RTI for the others. */
static void name_of(const char *asset, char *out, size_t cap) {
  if (strcmp(asset, "BTC") == 0) snprintf(out, cap, "BRTI");
  else snprintf(out, cap, "%.20sUSD_RTI", asset);
}

/* Each second the prices that synthetic markets follow are told as their indices. Of two markets on one asset the first counts. */
int64_t pmm__kx_index_tick(pmm__kx_t *k) {
  int64_t const second = k->now_ns / PMM_NS_PER_S, at_ns = second * PMM_NS_PER_S;
  bool any = false;
  for (uint32_t i = 0; i < k->market_cap; i++) {
    char id[32];
    int64_t spot_e8 = 0;
    if (!k->market[i].listed || !k->market[i].asset[0]) continue;
    pmm_place_truth(k->place, i, &spot_e8);
    if (spot_e8 <= 0) continue;
    any = true;
    name_of(k->market[i].asset, id, sizeof id);
    int32_t const index = pmm__kx_index_find(k, id, strlen(id));
    if (index < 0 || k->index[index].last_ns < at_ns) pmm_kalshi_dialect_index(&k->service, id, spot_e8, at_ns);
  }
  return any ? at_ns + PMM_NS_PER_S : PMM_NS_MAX;
}
