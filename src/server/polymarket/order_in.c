/* A posted order, from JSON to what the place is asked: its shape, whose signature it bears, and its amounts as price and size. Texts of refusals are
   the venue's (CLOB API documentation and answers seen, 2026). */
#include <stdio.h>
#include <string.h>
#include "server/polymarket/impl.h"

#define GTD_AHEAD_S 180            /* stated expiries nearer than this are refused (since 2026-07) */
#define AMOUNT_MAX_E6 (INT64_C(1000000000) * PMM_ONE_E6)
#define MARKETABLE_MIN_E6 PMM_ONE_E6
#define SHAPE "Invalid order payload"

#define REFUSE(...) return snprintf(why, 512, __VA_ARGS__), 400

/* -- fields -- */
static bool read_uint(const pmm_json_node_t *node, uint64_t *out) { /* a number, or a string of one */
  int64_t value;
  if (!node || (node->type != PMM_JSON_STRING && node->type != PMM_JSON_NUMBER)) return false;
  if (pmm_decimal_parse(node->text, node->len, 0, &value, NULL) != PMM_OK || value < 0) return false;
  *out = (uint64_t)value;
  return true;
}

static bool read_address(const pmm_json_node_t *node, pmm_poly_address_t *out) {
  return node && node->type == PMM_JSON_STRING && pmm_poly_address_parse(node->text, node->len, out) == PMM_OK;
}

static bool read_word(const pmm_json_node_t *node, pmm_poly_word_t *out) { /* bytes32; absent: zero */
  if (!node) return *out = (pmm_poly_word_t){{0}}, true;
  return node->type == PMM_JSON_STRING && pmm_poly_word_parse(node->text, node->len, out) == PMM_OK;
}

static bool read_bool(const pmm_json_node_t *node, bool *out) { /* absent: false */
  if (!node) return *out = false, true;
  *out = node->type == PMM_JSON_BOOL && node->text[0] == 't';
  return node->type == PMM_JSON_BOOL;
}

static bool read_type(const pmm_json_node_t *node, uint8_t *out) {
  static const char *const names[] = {"GTC", "GTD", "FOK", "FAK"};
  for (uint8_t i = 0; i < 4; i++)
    if (pmm_json_is(node, names[i])) return *out = i, true;
  return false;
}

static bool read_sig(const pmm_json_node_t *node, uint8_t signature_type, pmm__pd_post_t *out) {
  char text[2 * PMM_POLY_SIG_MAX + 3];
  out->sig_len = signature_type == PMM_POLY_DEPOSIT ? PMM_POLY_SIG_MAX : 65;
  return pmm__pd_text_of(node, text, sizeof text) && pmm__pd_hex(text, out->sig, out->sig_len);
}

static bool read_both(const pmm_json_node_t *node, pmm_poly_order_t *o) { /* what every generation has */
  uint64_t signature_type;
  bool const buy = pmm_json_is(pmm_json_get(node, "side"), "BUY");
  if (!buy && !pmm_json_is(pmm_json_get(node, "side"), "SELL")) return false;
  o->side = buy ? PMM_POLY_BUY : PMM_POLY_SELL;
  if (!read_uint(pmm_json_get(node, "signatureType"), &signature_type) || signature_type > PMM_POLY_DEPOSIT) return false;
  o->signature_type = (uint8_t)signature_type;
  return read_uint(pmm_json_get(node, "salt"), &o->salt) && read_address(pmm_json_get(node, "maker"), &o->maker) &&
         read_address(pmm_json_get(node, "signer"), &o->signer) && read_uint(pmm_json_get(node, "makerAmount"), &o->maker_e6) &&
         read_uint(pmm_json_get(node, "takerAmount"), &o->taker_e6) && read_uint(pmm_json_get(node, "expiration"), &o->expiration_s);
}

static bool read_v1(const pmm_json_node_t *node, pmm_poly_order_t *o) {
  return read_address(pmm_json_get(node, "taker"), &o->taker) && read_uint(pmm_json_get(node, "nonce"), &o->nonce) &&
         read_uint(pmm_json_get(node, "feeRateBps"), &o->fee_rate_bps);
}

static bool read_v2(const pmm_json_node_t *node, pmm_poly_order_t *o) {
  return read_uint(pmm_json_get(node, "timestamp"), &o->timestamp_ms) && read_word(pmm_json_get(node, "metadata"), &o->metadata) &&
         read_word(pmm_json_get(node, "builder"), &o->builder);
}

/* Generations are told apart by what they have: V2 a timestamp, V1 taker and nonce. */
static bool read_order(const pmm_json_node_t *node, pmm__pd_post_t *out) {
  pmm_poly_order_t *const o = &out->order;
  o->version = pmm_json_get(node, "timestamp") ? 2 : 1;
  if (!read_both(node, o) || !(o->version == 2 ? read_v2(node, o) : read_v1(node, o))) return false;
  return o->salt <= PMM_POLY_SALT_MAX && o->maker_e6 > 0 && o->taker_e6 > 0 && read_sig(pmm_json_get(node, "signature"), o->signature_type, out);
}

/* -- whose it is -- */
static bool maker_fits(const pmm__pd_member_t *m, const pmm_poly_order_t *o) {
  pmm_poly_address_t derived;
  if (m->has_funder && o->signature_type != PMM_POLY_EOA && pmm_poly_address_eq(&o->maker, &m->funder)) return true;
  switch (o->signature_type) {
  case PMM_POLY_EOA: return pmm_poly_address_eq(&o->maker, &m->address);
  case PMM_POLY_PROXY: pmm_poly_proxy_wallet(&m->address, &derived); break;
  case PMM_POLY_SAFE: pmm_poly_safe_wallet(&m->address, &derived); break;
  default: return false; /* a deposit wallet cannot be derived: it must be the funder */
  }
  return pmm_poly_address_eq(&o->maker, &derived);
}

static int check_owner(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm_json_node_t *node, pmm__pd_post_t *out, char why[512]) {
  const pmm__pd_member_t *const m = &d->member[key->member];
  const pmm_poly_order_t *const o = &out->order;
  const pmm_poly_address_t *const signer = o->signature_type == PMM_POLY_DEPOSIT ? &o->maker : &m->address;
  const pmm_poly_domain_t *const domain = &d->market[out->market].domain[o->version - 1];
  pmm_poly_address_t who;
  pmm_poly_word_t id;
  if (!pmm_json_is(pmm_json_get(node, "owner"), key->id)) REFUSE("the order owner has to be the owner of the API KEY");
  if (!pmm_poly_address_eq(&o->signer, signer)) REFUSE("the order signer address has to be the address of the API KEY");
  if (!maker_fits(m, o)) REFUSE("maker address not allowed, please use the deposit wallet flow");
  if (pmm_poly_order_recover(domain, o, out->sig, out->sig_len, &who) != PMM_OK || !pmm_poly_address_eq(&who, &m->address))
    REFUSE("invalid signature");
  pmm_poly_order_id(domain, o, &id);
  pmm_poly_hex(id.b, sizeof id.b, out->id);
  return 0;
}

/* -- amounts -- */
static bool has_decimals(uint64_t value_e6, int decimals) { /* at most so many */
  static const uint64_t unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
  return value_e6 % unit[decimals] == 0;
}
static int price_decimals(int32_t tick_e4) { return tick_e4 % 1000 == 0 ? 1 : tick_e4 % 100 == 0 ? 2 : tick_e4 % 10 == 0 ? 3 : 4; }
static const char *dec(int64_t value, int scale, char buf[PMM_DECIMAL_BUF]) { return pmm_decimal_print(value, scale, 0, buf), buf; }

static int check_price(const pmm__pd_post_t *out, int32_t tick_e4, char why[512]) {
  char a[PMM_DECIMAL_BUF], b[PMM_DECIMAL_BUF];
  if (pmm_poly_price_is_valid(tick_e4, out->price_e4)) return 0;
  REFUSE("order %s is invalid. Price (%s) breaks minimum tick size rule: %s", out->id, dec(out->price_e4, 4, a), dec(tick_e4, 4, b));
}

/* A limit order's price is what its amounts say, to the millionth; one millionth off is the client's floating point at fine ticks. */
static int limit_terms(pmm__pd_post_t *out, int32_t tick_e4, int64_t min_size_e6, char why[512]) {
  bool const buy = out->order.side == PMM_POLY_BUY;
  int64_t const shares = (int64_t)(buy ? out->order.taker_e6 : out->order.maker_e6),
                quote = (int64_t)(buy ? out->order.maker_e6 : out->order.taker_e6);
  int const decimals = price_decimals(tick_e4) + 2;
  char a[PMM_DECIMAL_BUF], b[PMM_DECIMAL_BUF], c[PMM_DECIMAL_BUF], e[PMM_DECIMAL_BUF];
  if (!has_decimals((uint64_t)shares, 2) || !has_decimals((uint64_t)quote, decimals))
    REFUSE("invalid amounts, the %s orders maker amount supports a max accuracy of %d decimals, taker amount a max of %d decimals",
           buy ? "buy" : "sell", buy ? decimals : 2, buy ? 2 : decimals);
  int64_t const nearest_e4 = (pmm_muldiv_floor(quote, 2 * PMM_ONE_E4, shares) + 1) / 2;
  if (nearest_e4 > PMM_ONE_E4) out->price_e4 = PMM_ONE_E4; /* refused below */
  else out->price_e4 = (int32_t)nearest_e4;
  if (nearest_e4 <= PMM_ONE_E4 && pmm_abs64(pmm_muldiv_floor(shares, out->price_e4, PMM_ONE_E4) - quote) > 1) {
    static const int32_t steps_e4[] = {[3] = 1000, [4] = 100, [5] = 10, [6] = 1}; /* by the decimals of money */
    int32_t const step_e4 = steps_e4[decimals], meant_e4 = (out->price_e4 + step_e4 / 2) / step_e4 * step_e4;
    REFUSE("invalid amounts, the %s amount for a $%s order of size %s should be '%s' but the value submited is '%s'. Please check if you are "
           "using the latest version of the 'clob-client' library",
           buy ? "maker" : "taker", dec(meant_e4, 4, a), dec(shares, 6, b), dec(pmm_muldiv_floor(shares, meant_e4, PMM_ONE_E4), 6, c),
           dec(quote, 6, e));
  }
  int const off_grid = check_price(out, tick_e4, why);
  if (off_grid) return off_grid;
  if (shares < min_size_e6) REFUSE("order %s is invalid. Size (%s) lower than the minimum: %s", out->id, dec(shares, 6, a), dec(min_size_e6, 6, b));
  out->qty_e6 = shares;
  return 0;
}

/* An order to be filled at once gives the worst price: cut to the grid, toward the better side. A buyer names money, a seller shares. */
static int market_terms(pmm__pd_post_t *out, int32_t tick_e4, char why[512]) {
  int64_t const maker = (int64_t)out->order.maker_e6, taker = (int64_t)out->order.taker_e6;
  bool const buy = out->order.side == PMM_POLY_BUY;
  int const decimals = buy ? 4 /* whatever the tick */ : price_decimals(tick_e4) + 2;
  char a[PMM_DECIMAL_BUF];
  if (!has_decimals((uint64_t)maker, 2) || !has_decimals((uint64_t)taker, decimals))
    REFUSE("invalid amounts, the market %s orders maker amount supports a max accuracy of 2 decimals, taker amount a max of %d decimals",
           buy ? "buy" : "sell", decimals);
  int64_t const worst = buy ? pmm_muldiv_floor(maker, PMM_ONE_E4, taker) : pmm_muldiv_ceil(taker, PMM_ONE_E4, maker);
  if (worst > PMM_ONE_E4) out->price_e4 = PMM_ONE_E4; /* refused below */
  else out->price_e4 = (int32_t)(buy ? worst - worst % tick_e4 : (worst + tick_e4 - 1) / tick_e4 * tick_e4);
  int const off_grid = check_price(out, tick_e4, why);
  if (off_grid) return off_grid;
  if (buy && maker < MARKETABLE_MIN_E6) REFUSE("invalid amount for a marketable BUY order ($%s), min size: $1", dec(maker, 6, a));
  *(buy ? &out->spend_e6 : &out->qty_e6) = maker;
  return 0;
}

/* A limit order to buy that meets the book takes at once: the least amount of a marketable order binds it. */
static int check_marketable(pmm__pd_t *d, const pmm__pd_post_t *out, char why[512]) {
  char a[PMM_DECIMAL_BUF];
  int32_t const ask_e4 = pmm__pd_best(d, out->market, out->outcome, PMM_ASK);
  if (out->post_only || out->order.side != PMM_POLY_BUY || ask_e4 == 0 || out->price_e4 < ask_e4 ||
      out->order.maker_e6 >= MARKETABLE_MIN_E6)
    return 0;
  REFUSE("invalid amount for a marketable BUY order ($%s), min size: $1", dec((int64_t)out->order.maker_e6, 6, a));
}

static int check_terms(pmm__pd_t *d, int64_t now_ns, pmm__pd_post_t *out, char why[512]) {
  const pmm_market_t *const m = pmm_place_market(d->place, out->market);
  const pmm_poly_order_t *const o = &out->order;
  bool const rests = out->type <= PMM__PD_GTD;
  if (o->version == 1 && o->nonce != 0) REFUSE("invalid nonce");
  if (o->version == 1 && o->fee_rate_bps != 0) REFUSE("invalid fee rate (%llu), current market's taker fee: 0", (unsigned long long)o->fee_rate_bps);
  if (out->type == PMM__PD_GTD
          ? (int64_t)o->expiration_s < now_ns / PMM_NS_PER_S + GTD_AHEAD_S || o->expiration_s > (uint64_t)(PMM_NS_MAX / PMM_NS_PER_S)
          : o->expiration_s != 0)
    REFUSE("invalid expiration");
  if (m->life != PMM_LIFE_OPEN) REFUSE("the market is not yet ready to process new orders");
  if (o->maker_e6 > AMOUNT_MAX_E6 || o->taker_e6 > AMOUNT_MAX_E6) REFUSE("not enough balance / allowance");
  int const bad = rests ? limit_terms(out, m->grid.tick_e4, d->market[out->market].min_size_e6, why) : market_terms(out, m->grid.tick_e4, why);
  return bad ? bad : rests ? check_marketable(d, out, why) : 0;
}

int pmm__pd_post_read(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm_json_node_t *node, int64_t now_ns, pmm__pd_post_t *out, char why[512]) {
  const pmm_json_node_t *const order = pmm_json_get(node, "order");
  const pmm_json_node_t *const token = pmm_json_get(order, "tokenId");
  *out = (pmm__pd_post_t){0};
  if (!read_order(order, out) || !read_type(pmm_json_get(node, "orderType"), &out->type) || !token || token->type != PMM_JSON_STRING) REFUSE(SHAPE);
  if (!read_bool(pmm_json_get(node, "postOnly"), &out->post_only) || !read_bool(pmm_json_get(node, "deferExec"), &out->defer)) REFUSE(SHAPE);
  if (out->post_only && out->type > PMM__PD_GTD) REFUSE(SHAPE);
  if (out->order.version != d->version) REFUSE("order_version_mismatch");
  if (!pmm__pd_token_find(d, token->text, token->len, &out->market, &out->outcome)) REFUSE("Invalid token id");
  out->order.token = d->market[out->market].token[out->outcome];
  if (d->market[out->market].v3 && out->order.version == 2) out->order.version = 3; /* worded alike; only what is signed tells them apart */
  int const bad = check_owner(d, key, node, out, why);
  if (bad) return bad;
  if (pmm_place_order_find(d->place, out->id)) REFUSE("order %s is invalid. Duplicated.", out->id);
  return check_terms(d, now_ns, out, why);
}
