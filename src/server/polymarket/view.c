/* Names, numbers, orders, trades and books of the place as Polymarket words them. */
#include <string.h>
#include <time.h>
#include "pmm/hash.h"
#include "server/polymarket/impl.h"

/* -- tokens and conditions -- */
void pmm__pd_token_add(pmm__pd_t *d, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  for (uint32_t outcome = 0; outcome < 2; outcome++) {
    const char *const token = pmm__pd_token(m, (int)outcome);
    uint32_t at = (uint32_t)pmm_hash64(token, strlen(token), 0) % PMM__PD_TOKENS_CAP;
    while (d->token[at] != 0) at = (at + 1) % PMM__PD_TOKENS_CAP;
    d->token[at] = market * 2 + outcome + 1;
  }
}

bool pmm__pd_token_find(const pmm__pd_t *d, const char *token, size_t len, uint32_t *market, int *outcome) {
  for (uint32_t at = (uint32_t)pmm_hash64(token, len, 0) % PMM__PD_TOKENS_CAP; d->token[at] != 0; at = (at + 1) % PMM__PD_TOKENS_CAP) {
    uint32_t const i = d->token[at] - 1;
    const char *const have = pmm__pd_token(pmm_place_market(d->place, i / 2), (int)(i % 2));
    if (strlen(have) != len || memcmp(have, token, len) != 0) continue;
    *market = i / 2;
    *outcome = (int)(i % 2);
    return true;
  }
  return false;
}

bool pmm__pd_condition_find(const pmm__pd_t *d, const char *id, uint32_t *market) {
  uint32_t i;
  if (pmm_place_market_find(d->place, id, &i) != PMM_OK || !d->market[i].listed) return false;
  *market = i;
  return true;
}

int32_t pmm__pd_best(const pmm__pd_t *d, uint32_t market, int outcome, pmm_side_t side) {
  int32_t const yes_e4 = pmm_ladder_best_e4(pmm_place_ladder(d->place, market), outcome ? pmm_side_opposite(side) : side);
  return yes_e4 == 0 ? 0 : pmm__pd_price(outcome, yes_e4);
}

/* -- ids and times -- */
void pmm__pd_uuid(pmm__pd_t *d, char out[PMM__PD_UUID]) {
  uint64_t const n = ++d->made, a = pmm_hash64(&n, sizeof n, d->seed), b = pmm_hash64(&n, sizeof n, ~d->seed);
  snprintf(out, PMM__PD_UUID, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
           (unsigned)(b >> 48 & 0x3fff) | 0x8000u, (unsigned long long)(b & 0xffffffffffff));
}

static void put_units(pmm_text_t *t, const char *key, int64_t at_ns, int64_t unit_ns) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)(at_ns / unit_ns));
  pmm_text_string(t, key, text);
}
void pmm__pd_put_ms(pmm_text_t *t, const char *key, int64_t at_ns) { put_units(t, key, at_ns, PMM_NS_PER_MS); }
void pmm__pd_put_s(pmm_text_t *t, const char *key, int64_t at_ns) { put_units(t, key, at_ns, PMM_NS_PER_S); }

void pmm__pd_put_iso(pmm_text_t *t, const char *key, int64_t at_ns) {
  time_t const s = (time_t)(at_ns / PMM_NS_PER_S);
  struct tm tm;
  char text[40];
  if (at_ns == PMM_TIME_NONE || at_ns == PMM_NS_MAX || !gmtime_r(&s, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    pmm_text_null(t, key);
  else pmm_text_string(t, key, text);
}

/* -- orders -- */
const pmm__pd_extra_t *pmm__pd_extra(const pmm__pd_t *d, const pmm_place_order_t *o) {
  return o->tag != 0 && o->tag <= d->extra_cnt ? &d->extra[o->tag - 1] : NULL;
}

/* Traders of the exchange itself have no wallet; each gets an address and an owner by its account's number. */
void pmm__pd_put_maker(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o) {
  const pmm__pd_extra_t *const extra = pmm__pd_extra(d, o);
  pmm_poly_address_t address = {{0}};
  char text[PMM_POLY_HEX_ADDRESS];
  if (extra) address = extra->maker;
  else memcpy(address.b + 16, &(uint32_t){__builtin_bswap32(o->account + 1)}, 4);
  pmm_poly_address_print(&address, text);
  pmm_text_string(t, key, text);
}

void pmm__pd_put_owner(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o) {
  const pmm__pd_extra_t *const extra = pmm__pd_extra(d, o);
  char text[PMM__PD_UUID];
  snprintf(text, sizeof text, "00000000-0000-4000-8000-%012x", o->account);
  pmm_text_string(t, key, extra ? d->key[extra->key].id : text);
}

const char *pmm__pd_order_status(const pmm_place_order_t *o) {
  switch ((pmm_place_status_t)o->status) {
  case PMM_PLACE_OPEN: return "LIVE";
  case PMM_PLACE_FILLED: return "MATCHED";
  case PMM_PLACE_REJECTED: return "INVALID";
  case PMM_PLACE_CANCELLED:
  case PMM_PLACE_EXPIRED: break;
  }
  if (o->reason == PMM_REJECT_SETTLED || o->reason == PMM_REJECT_CLOSED) return "CANCELED_MARKET_RESOLVED";
  return "CANCELED";
}

const char *pmm__pd_trade_status(uint8_t settle) {
  static const char *const text[] = {[PMM_PLACE_MATCHED] = "MATCHED",
                                     [PMM_PLACE_MINED] = "MINED",
                                     [PMM_PLACE_CONFIRMED] = "CONFIRMED",
                                     [PMM_PLACE_RETRYING] = "RETRYING",
                                     [PMM_PLACE_FAILED] = "FAILED"};
  return text[settle];
}

/* An order's fills, newest first, end where the account's fills become older than the order. */
static const pmm_place_fill_t *older_fill(const pmm__pd_t *d, const pmm_place_order_t *o, uint64_t before) {
  const pmm_place_fill_t *f = pmm_place_fill_before(d->place, o->account, before);
  while (f && f->order != o->seq) f = f->at_ns < o->created_ns ? NULL : pmm_place_fill_before(d->place, o->account, f->seq);
  return f;
}

void pmm__pd_put_trade_ids(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o) {
  pmm_text_array(t, key);
  const pmm_place_fill_t *f = o->filled_e6 > 0 ? older_fill(d, o, PMM_PLACE_NONE) : NULL;
  for (; f; f = older_fill(d, o, f->seq)) pmm_text_string(t, NULL, pmm_place_trade_at(d->place, f->trade)->id);
  pmm_text_end(t);
}

static int64_t filled_as_of(const pmm__pd_t *d, const pmm_place_order_t *o, int64_t as_of_ns) {
  int64_t filled_e6 = o->filled_e6;
  if (o->updated_ns <= as_of_ns) return filled_e6;
  for (const pmm_place_fill_t *f = older_fill(d, o, PMM_PLACE_NONE); f && f->at_ns > as_of_ns; f = older_fill(d, o, f->seq)) filled_e6 -= f->qty_e6;
  return filled_e6;
}

static const char *type_text(const pmm_place_order_t *o, const pmm__pd_extra_t *extra) {
  static const char *const text[] = {"GTC", "GTD", "FOK", "FAK"};
  static const uint8_t of_tif[] = {[PMM_GTC] = PMM__PD_GTC, [PMM_GTD] = PMM__PD_GTD, [PMM_IOC] = PMM__PD_FAK, [PMM_FOK] = PMM__PD_FOK};
  return text[extra ? extra->type : of_tif[o->tif]];
}

void pmm__pd_put_order(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_order_t *o, int64_t as_of_ns) {
  const pmm_market_t *const m = pmm_place_market(d->place, o->market);
  const pmm__pd_extra_t *const extra = pmm__pd_extra(d, o);
  int const outcome = pmm__pd_route_outcome(o->route);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "id", o->id);
  pmm_text_string(t, "status", o->updated_ns > as_of_ns ? "LIVE" : pmm__pd_order_status(o));
  pmm__pd_put_owner(d, t, "owner", o);
  pmm__pd_put_maker(d, t, "maker_address", o);
  pmm_text_string(t, "market", m->id);
  pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
  pmm_text_string(t, "side", pmm__pd_route_side(o->route));
  pmm_text_decimal(t, "original_size", o->qty_e6, 6, 0);
  pmm_text_decimal(t, "size_matched", filled_as_of(d, o, as_of_ns), 6, 0);
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, o->price_e4), 4, 0);
  pmm_text_string(t, "outcome", pmm__pd_outcome(outcome));
  pmm__pd_put_s(t, "expiration", extra ? extra->expiration_s * PMM_NS_PER_S : 0);
  pmm_text_string(t, "order_type", type_text(o, extra));
  pmm__pd_put_trade_ids(d, t, "associate_trades", o);
  pmm_text_int(t, "created_at", o->created_ns / PMM_NS_PER_S);
  pmm_text_end(t);
}

/* -- trades -- */
static void put_maker_order(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_trade_t *trade, const pmm_place_order_t *maker, bool ws) {
  const pmm_market_t *const m = pmm_place_market(d->place, trade->market);
  int const outcome = pmm__pd_route_outcome(maker->route);
  pmm_text_array(t, "maker_orders");
  pmm_text_object(t, NULL);
  pmm_text_string(t, "order_id", maker->id);
  pmm__pd_put_owner(d, t, "owner", maker);
  pmm__pd_put_maker(d, t, "maker_address", maker);
  pmm_text_decimal(t, "matched_amount", trade->qty_e6, 6, 0);
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, trade->price_e4), 4, 0);
  pmm_text_string(t, "fee_rate_bps", "0");
  pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
  pmm_text_string(t, "outcome", pmm__pd_outcome(outcome));
  if (ws) pmm_text_int(t, "outcome_index", outcome);
  pmm_text_string(t, "side", pmm__pd_route_side(maker->route));
  pmm_text_end(t);
  pmm_text_end(t);
}

/* A match is told before its transaction is: there is no hash until it is mined. */
static void put_transaction(pmm_text_t *t, const pmm_place_trade_t *trade, uint8_t settle) {
  pmm_poly_word_t hash;
  char text[PMM_POLY_HEX_WORD] = "";
  if (settle == PMM_PLACE_MINED || settle == PMM_PLACE_CONFIRMED) {
    pmm_keccak256(trade->id, strlen(trade->id), &hash);
    pmm_poly_hex(hash.b, sizeof hash.b, text);
  }
  pmm_text_string(t, "transaction_hash", text);
}

void pmm__pd_put_trade(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_trade_t *trade, uint32_t account, uint8_t settle, bool ws) {
  const pmm_place_order_t *const taker = pmm_place_order_at(d->place, trade->taker), *const maker = pmm_place_order_at(d->place, trade->maker);
  const pmm_market_t *const m = pmm_place_market(d->place, trade->market);
  int const outcome = pmm__pd_route_outcome(taker->route);
  const pmm_place_order_t *const mine = taker->account == account ? taker : maker;
  pmm_text_string(t, "id", trade->id);
  pmm_text_string(t, "taker_order_id", taker->id);
  pmm_text_string(t, "market", m->id);
  pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
  pmm_text_string(t, "side", pmm__pd_route_side(taker->route));
  pmm_text_decimal(t, "size", trade->qty_e6, 6, 0);
  pmm_text_string(t, "fee_rate_bps", "0");
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, trade->price_e4), 4, 0);
  pmm_text_string(t, "status", pmm__pd_trade_status(settle));
  pmm__pd_put_s(t, "match_time", trade->at_ns);
  pmm__pd_put_s(t, "last_update", settle == PMM_PLACE_MATCHED ? trade->at_ns : trade->settled_ns > trade->at_ns ? trade->settled_ns : trade->at_ns);
  pmm_text_string(t, "outcome", pmm__pd_outcome(outcome));
  pmm_text_int(t, "bucket_index", 0);
  pmm__pd_put_owner(d, t, "owner", mine);
  if (ws) pmm__pd_put_owner(d, t, "trade_owner", mine);
  pmm__pd_put_maker(d, t, "maker_address", mine);
  put_transaction(t, trade, settle);
  pmm_text_string(t, "trader_side", mine == taker ? "TAKER" : "MAKER");
  put_maker_order(d, t, trade, maker, ws);
}

/* -- books -- */
static void put_levels(pmm_text_t *t, const char *key, const pmm_ladder_t *ladder, pmm_side_t side, int outcome) {
  int32_t tick[PMM_LADDER_TICKS_MAX];
  size_t cnt = 0;
  for (int32_t at = ladder->best[side]; at != PMM_TICKS_NONE; at = pmm_ladder_next(ladder, side, at)) tick[cnt++] = at;
  pmm_text_array(t, key);
  while (cnt-- > 0) { /* the best level comes last */
    pmm_text_object(t, NULL);
    pmm_text_decimal(t, "price", pmm__pd_price(outcome, tick[cnt] * ladder->tick_e4), 4, 0);
    pmm_text_decimal(t, "size", pmm_ladder_qty(ladder, side, tick[cnt]), 6, 0);
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

static void put_book(pmm__pd_t *d, pmm_text_t *t, uint32_t market, int outcome, const char *hash, bool ws) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  const pmm_ladder_t *const ladder = pmm_place_ladder(d->place, market);
  pmm_place_stats_t stats;
  pmm_place_stats(d->place, market, &stats);
  pmm_text_object(t, NULL);
  if (ws) pmm_text_string(t, "event_type", "book");
  pmm_text_string(t, "market", m->id);
  pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
  pmm__pd_put_ms(t, "timestamp", d->market[market].changed_ns);
  pmm_text_string(t, "hash", hash);
  put_levels(t, "bids", ladder, outcome ? PMM_ASK : PMM_BID, outcome);
  put_levels(t, "asks", ladder, outcome ? PMM_BID : PMM_ASK, outcome);
  pmm_text_decimal(t, "min_order_size", d->market[market].min_size_e6, 6, 0);
  pmm_text_decimal(t, "tick_size", m->grid.tick_e4, 4, 0);
  pmm_text_bool(t, "neg_risk", d->market[market].neg_risk);
  pmm_text_decimal(t, "last_trade_price", stats.last_e4 > 0 ? pmm__pd_price(outcome, stats.last_e4) : 5000, 4, 0);
  pmm_text_end(t);
}

/* What the client's helper makes of the answer at /book, so that whoever checks finds them equal. */
void pmm__pd_book_hash(pmm__pd_t *d, uint32_t market, int outcome, char hex[41]) {
  size_t len;
  pmm_text_clear(&d->spare);
  put_book(d, &d->spare, market, outcome, "", false);
  const char *const text = pmm_text_get(&d->spare, &len);
  pmm_poly_book_hash(text, len, hex);
}

void pmm__pd_put_book(pmm__pd_t *d, pmm_text_t *t, uint32_t market, int outcome, bool ws) {
  char hash[41];
  pmm__pd_book_hash(d, market, outcome, hash);
  put_book(d, t, market, outcome, hash, ws);
}
