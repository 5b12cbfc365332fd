/* Requests and commands, as bytes. Source: Kalshi API docs, "Create order (V2)" and following, "WebSocket commands" (2026-11). */
#include <emmintrin.h> /* SSE2: in every x86-64 */
#include <inttypes.h>
#include <stdio.h>
#include "codec.h"
#include "pmm/decimal.h"

typedef struct out { char *at, *end, *start; bool ok; } out_t;

static out_t begin(char *buf, size_t cap) { return (out_t){buf, buf + cap, buf, true}; }

static void bytes(out_t *o, const char *text, size_t len) {
  if (!o->ok || (size_t)(o->end - o->at) <= len) { /* the NUL needs a byte more */
    o->ok = false;
    return;
  }
  memcpy(o->at, text, len);
  o->at += len;
}
#define LIT(o, text) bytes(o, text, sizeof text - 1)

static size_t end(out_t *o) {
  if (!o->ok) return 0;
  *o->at = '\0';
  return (size_t)(o->at - o->start);
}

/* Which of sixteen bytes may not stand in a name; those above 126 are negative, or 127. */
static __m128i bad_bytes(__m128i x) {
  __m128i const quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"')), escape = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
  return _mm_or_si128(_mm_or_si128(quote, escape), _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(x, _mm_set1_epi8(127))));
}

static __m128i load16(const char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

static bool is_plain(const char *text, size_t len) {
  char few[16] = "0000000000000000";
  if (len < sizeof few) {
    for (size_t i = 0; i < len; i++) few[i] = text[i];
    return _mm_movemask_epi8(bad_bytes(load16(few))) == 0;
  }
  __m128i bad = bad_bytes(load16(text + len - 16));
  for (size_t i = 0; i + 16 < len; i += 16) bad = _mm_or_si128(bad, bad_bytes(load16(text + i)));
  return _mm_movemask_epi8(bad) == 0;
}

/* Names come from the venue or the user and stand between quotes: what would need escapes is no name. */
static void name(out_t *o, const char *text) {
  size_t const len = strlen(text);
  o->ok &= is_plain(text, len);
  LIT(o, "\"");
  bytes(o, text, len);
  LIT(o, "\"");
}

static void number(out_t *o, uint64_t v) {
  char digits[24], *p = digits + sizeof digits;
  do *--p = (char)('0' + v % 10); while (v /= 10);
  bytes(o, p, (size_t)(digits + sizeof digits - p));
}

/* "0.4500" */
static void price(out_t *o, int32_t e4) {
  if (e4 <= 0 || e4 >= PMM_ONE_E4) {
    o->ok = false;
    return;
  }
  char const text[8] = {'"', '0', '.', (char)('0' + e4 / 1000), (char)('0' + e4 / 100 % 10), (char)('0' + e4 / 10 % 10), (char)('0' + e4 % 10), '"'};
  bytes(o, text, sizeof text);
}

/* "10.00": two decimals, as the venue prints them; anything finer has no form. */
static void count(out_t *o, int64_t qty_e6) {
  if (qty_e6 < 0 || qty_e6 % 10000 != 0) {
    o->ok = false;
    return;
  }
  uint64_t const e2 = (uint64_t)(qty_e6 / 10000);
  LIT(o, "\"");
  number(o, e2 / 100);
  char const cents[4] = {'.', (char)('0' + e2 / 10 % 10), (char)('0' + e2 % 10), '"'};
  bytes(o, cents, sizeof cents);
}

static void subaccount(out_t *o, int32_t n) {
  if (n == 0) return;
  if (n < 0) o->ok = false;
  LIT(o, ",\"subaccount\":");
  number(o, (uint64_t)n);
}

/* -- ids -- */

void pmm_kalshi_client_id(uint64_t order_id, char out[PMM_KALSHI_CLIENT_ID_LEN + 1]) {
  memcpy(out, "pmm-", 4);
  for (int i = 0; i < 16; i++) out[4 + i] = "0123456789abcdef"[order_id >> (60 - 4 * i) & 15];
  out[PMM_KALSHI_CLIENT_ID_LEN] = '\0';
}

pmm_status_t pmm_kalshi_client_id_read(pmm_kalshi_text_t text, uint64_t *order_id) {
  uint64_t v = 0;
  if (text.len != PMM_KALSHI_CLIENT_ID_LEN || memcmp(text.at, "pmm-", 4) != 0) return PMM_NOT_FOUND;
  for (int i = 4; i < PMM_KALSHI_CLIENT_ID_LEN; i++) {
    char const c = text.at[i];
    int const digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return PMM_NOT_FOUND;
    v = v << 4 | (uint64_t)digit;
  }
  *order_id = v;
  return PMM_OK;
}

/* -- orders -- */

static void lifetime(out_t *o, const pmm_kalshi_new_t *n) {
  if (n->tif == PMM_IOC) LIT(o, ",\"time_in_force\":\"immediate_or_cancel\"");
  else if (n->tif == PMM_FOK) LIT(o, ",\"time_in_force\":\"fill_or_kill\"");
  else LIT(o, ",\"time_in_force\":\"good_till_canceled\"");
  if (n->tif != PMM_GTD) return;
  if (n->expires_ns < PMM_NS_PER_S) o->ok = false; /* 0 would mean for ever */
  LIT(o, ",\"expiration_time\":"); /* whole seconds; the old name expiration_ts is ignored without a word */
  number(o, (uint64_t)(n->expires_ns / PMM_NS_PER_S));
}

static void order(out_t *o, const pmm_kalshi_new_t *n) {
  if (n->qty_e6 == 0) o->ok = false;
  LIT(o, "{\"ticker\":");
  name(o, n->market);
  if (n->side == PMM_BID) LIT(o, ",\"side\":\"bid\",\"count\":");
  else LIT(o, ",\"side\":\"ask\",\"count\":");
  count(o, n->qty_e6);
  LIT(o, ",\"price\":");
  price(o, n->price_e4);
  lifetime(o, n);
  if (n->stp_maker) LIT(o, ",\"self_trade_prevention_type\":\"maker\"");
  else LIT(o, ",\"self_trade_prevention_type\":\"taker_at_cross\"");
  if (n->post_only) LIT(o, ",\"post_only\":true");
  if (n->reduce_only) LIT(o, ",\"reduce_only\":true");
  if (n->cancel_on_pause) LIT(o, ",\"cancel_order_on_pause\":true");
  LIT(o, ",\"client_order_id\":");
  name(o, n->client_order_id);
  if (n->group_id) {
    LIT(o, ",\"order_group_id\":");
    name(o, n->group_id);
  }
  subaccount(o, n->subaccount);
  LIT(o, "}");
}

size_t pmm_kalshi_write_create(const pmm_kalshi_new_t *n, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  order(&o, n);
  return end(&o);
}

size_t pmm_kalshi_write_batch_create(const pmm_kalshi_new_t *n, size_t cnt, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  LIT(&o, "{\"orders\":[");
  for (size_t i = 0; i < cnt; i++) {
    if (i > 0) LIT(&o, ",");
    order(&o, &n[i]);
  }
  LIT(&o, "]}");
  return end(&o);
}

/* The market's name routes a cancel to its shard: without it only shard 0 is asked. */
size_t pmm_kalshi_write_batch_cancel(const pmm_kalshi_kill_t *k, size_t cnt, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  LIT(&o, "{\"orders\":[");
  for (size_t i = 0; i < cnt; i++) {
    if (i > 0) LIT(&o, ",{\"order_id\":");
    else LIT(&o, "{\"order_id\":");
    name(&o, k[i].order_id);
    subaccount(&o, k[i].subaccount);
    LIT(&o, ",\"market_ticker\":");
    name(&o, k[i].market);
    LIT(&o, "}");
  }
  LIT(&o, "]}");
  return end(&o);
}

size_t pmm_kalshi_write_amend(const pmm_kalshi_amend_t *a, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  LIT(&o, "{\"ticker\":");
  name(&o, a->market);
  if (a->side == PMM_BID) LIT(&o, ",\"side\":\"bid\",\"price\":");
  else LIT(&o, ",\"side\":\"ask\",\"price\":");
  price(&o, a->price_e4);
  LIT(&o, ",\"count\":");
  count(&o, a->total_e6);
  if (a->expires_ns != PMM_TIME_NONE) {
    if (a->expires_ns < 0) o.ok = false;
    LIT(&o, ",\"expiration_time\":");
    number(&o, (uint64_t)(a->expires_ns / PMM_NS_PER_S));
  }
  if (a->client_order_id) {
    LIT(&o, ",\"client_order_id\":");
    name(&o, a->client_order_id);
  }
  if (a->new_client_order_id) {
    LIT(&o, ",\"updated_client_order_id\":");
    name(&o, a->new_client_order_id);
  }
  LIT(&o, "}");
  return end(&o);
}

size_t pmm_kalshi_write_decrease(const char *market, int64_t reduce_by_e6, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  if (reduce_by_e6 == 0) o.ok = false;
  LIT(&o, "{\"reduce_by\":");
  count(&o, reduce_by_e6);
  LIT(&o, ",\"market_ticker\":");
  name(&o, market);
  LIT(&o, "}");
  return end(&o);
}

size_t pmm_kalshi_write_group(int64_t limit_e6, int32_t sub, int32_t exchange_index, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  LIT(&o, "{\"contracts_limit_fp\":");
  count(&o, limit_e6);
  subaccount(&o, sub);
  if (exchange_index > 0) {
    LIT(&o, ",\"exchange_index\":");
    number(&o, (uint64_t)exchange_index);
  }
  LIT(&o, "}");
  return end(&o);
}

/* -- commands of the socket -- */

static void names(out_t *o, const char *const *text, size_t cnt) {
  LIT(o, "[");
  for (size_t i = 0; i < cnt; i++) {
    if (i > 0) LIT(o, ",");
    name(o, text[i]);
  }
  LIT(o, "]");
}

/* use_yes_price is always said: its default is announced to change. */
size_t pmm_kalshi_write_subscribe(uint64_t id, const char *const *channel, size_t channel_cnt, const char *const *market, size_t market_cnt,
                                  bool use_yes_price, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  bool has_books = false;
  for (size_t i = 0; i < channel_cnt; i++) has_books |= strcmp(channel[i], "orderbook_delta") == 0;
  LIT(&o, "{\"id\":");
  number(&o, id);
  LIT(&o, ",\"cmd\":\"subscribe\",\"params\":{\"channels\":");
  names(&o, channel, channel_cnt);
  if (market_cnt > 0) {
    LIT(&o, ",\"market_tickers\":");
    names(&o, market, market_cnt);
  }
  if (has_books && use_yes_price) LIT(&o, ",\"use_yes_price\":true");
  if (has_books && !use_yes_price) LIT(&o, ",\"use_yes_price\":false");
  LIT(&o, "}}");
  return end(&o);
}

size_t pmm_kalshi_write_update(uint64_t id, uint32_t sid, pmm_kalshi_update_t action, const char *const *market, size_t market_cnt,
                               char *buf, size_t cap) {
  static const char *const actions[] = {"add_markets", "delete_markets", "get_snapshot"};
  out_t o = begin(buf, cap);
  LIT(&o, "{\"id\":");
  number(&o, id);
  LIT(&o, ",\"cmd\":\"update_subscription\",\"params\":{\"sids\":[");
  number(&o, sid);
  LIT(&o, "],\"market_tickers\":");
  names(&o, market, market_cnt);
  LIT(&o, ",\"action\":");
  name(&o, actions[action]);
  LIT(&o, "}}");
  return end(&o);
}

size_t pmm_kalshi_write_unsubscribe(uint64_t id, const uint32_t *sid, size_t sid_cnt, char *buf, size_t cap) {
  out_t o = begin(buf, cap);
  LIT(&o, "{\"id\":");
  number(&o, id);
  LIT(&o, ",\"cmd\":\"unsubscribe\",\"params\":{\"sids\":[");
  for (size_t i = 0; i < sid_cnt; i++) {
    if (i > 0) LIT(&o, ",");
    number(&o, sid[i]);
  }
  LIT(&o, "]}}");
  return end(&o);
}
