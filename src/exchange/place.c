/* The registry of an exchange around the matching engine: construction and requests. */
#include "exchange/place_impl.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"

#define ORDERS_MAX UINT64_C(1000000)
#define LIVE_MAX UINT64_C(262144) /* in the books at one time */

/* ---- construction ---- */

static pmm_status_t open_match(pmm_place_t *p) {
  bool const polymarket = p->config.venue == PMM_VENUE_POLYMARKET;
  pmm_stp_t const stp = p->config.venue == PMM_VENUE_KALSHI ? PMM_STP_CANCEL_TAKER : polymarket ? PMM_STP_NONE : PMM_STP_CANCEL_MAKER;
  uint32_t const live = (uint32_t)(p->config.orders_max < LIVE_MAX ? p->config.orders_max : LIVE_MAX);
  pmm_match_params_t const mp = {.stp = stp,
                                 .net_pairs = p->nets,
                                 .accounts_max = p->config.accounts_max,
                                 .orders_max = live,
                                 .client_ids_max = live + 1,
                                 .markets_max = p->config.markets_max,
                                 .forget_ids = true,
                                 .tell_nets = true};
  size_t const figures = sizeof(pmm__figures_t) * p->config.accounts_max * p->config.markets_max;
  size_t const rest = sizeof(pmm__account_t) * p->config.accounts_max + sizeof(pmm__place_market_t) * p->config.markets_max + 4096;
  pmm_status_t st = pmm_arena_open(&p->arena, pmm_match_bytes(&mp, 0) + figures + rest);
  if (st == PMM_OK) st = pmm_match_init(&p->match, &p->arena, &mp, NULL, 0);
  if (st != PMM_OK) return st;
  p->account = PMM_ARENA_NEW(&p->arena, pmm__account_t, p->config.accounts_max);
  p->market = PMM_ARENA_NEW(&p->arena, pmm__place_market_t, p->config.markets_max);
  p->figures = PMM_ARENA_NEW(&p->arena, pmm__figures_t, (size_t)p->config.accounts_max * p->config.markets_max);
  return p->account && p->market && p->figures ? PMM_OK : PMM_FULL;
}

static bool share_ok(double x) { return x >= 0 && x <= 1; }

pmm_status_t pmm_place_open(pmm_place_t **place, const pmm_place_config_t *c, pmm_error_t *err) {
  if (c->accounts_max == 0 || c->accounts_max > 1u << 16 || c->markets_max == 0 || c->markets_max > PMM_PLACE_MARKETS_MAX)
    return pmm_error_set(err, PMM_INVAL, "a place needs 1 .. 65536 accounts and 1 .. %d markets", PMM_PLACE_MARKETS_MAX);
  if (c->settle_mined_ns < 0 || c->settle_ns < c->settle_mined_ns || !share_ok(c->fail_share) || !share_ok(c->ghost_share) ||
      c->fail_share + c->ghost_share > 1)
    return pmm_error_set(err, PMM_INVAL, "settlement: mined after 0 .. confirmed, shares 0 .. 1 that add up to 1 at most");
  pmm_place_t *const p = calloc(1, sizeof *p);
  if (!p) return pmm_error_set(err, PMM_FULL, "no memory");
  p->config = *c;
  if (p->config.orders_max == 0) p->config.orders_max = ORDERS_MAX;
  p->nets = c->venue != PMM_VENUE_POLYMARKET;
  p->order.item = sizeof(pmm__order_t);
  p->trade.item = sizeof(pmm__trade_t);
  p->fill.item = sizeof(pmm__fill_t);
  p->op.item = sizeof(pmm__op_t);
  p->mined_next = p->final_next = p->ghost_next = 1;
  pmm_rng_seed(&p->id_rng, pmm_hash_mix(c->seed, 1));
  pmm_rng_seed(&p->fate_rng, pmm_hash_mix(c->seed, 2));
  pmm_status_t const st = open_match(p);
  if (st != PMM_OK) {
    pmm_place_close(p);
    return pmm_error_set(err, st, "a place of %u accounts in %u markets: %s", c->accounts_max, c->markets_max, pmm_status_to_string(st));
  }
  pmm__place_pending_mode(p);
  *place = p;
  return PMM_OK;
}

void pmm_place_close(pmm_place_t *p) {
  if (!p) return;
  pmm__flow_free(p);
  for (uint32_t i = 0; p->match && i < pmm_match_market_cnt(p->match); i++)
    for (int side = PMM_BID; side <= PMM_ASK; side++) free(p->market[i].shown[side]);
  pmm__store_free(&p->order);
  pmm__store_free(&p->trade);
  pmm__store_free(&p->fill);
  pmm__store_free(&p->op);
  pmm__index_free(&p->by_id);
  pmm__index_free(&p->by_client);
  pmm__index_free(&p->by_market);
  pmm__index_free(&p->by_name);
  if (p->arena.base) pmm_arena_close(&p->arena);
  free(p);
}

void pmm_place_listen(pmm_place_t *p, pmm_place_listener_t listener) { p->listener = listener; }

void pmm_place_faults(pmm_place_t *p, double fail_share, double ghost_share) {
  p->config.fail_share = fail_share;
  p->config.ghost_share = ghost_share;
  pmm__place_pending_mode(p);
}

/* ---- before every request ---- */

void pmm__place_at(pmm_place_t *p, int64_t now_ns) {
  assert(!p->told); /* the listener only looks */
  if (!pmm__store_reserve(&p->op, p->open_cnt + 16)) abort(); /* each order that ends can let a pair go; nothing is left to do without memory */
  p->now_ns = pmm_max64(p->now_ns, now_ns);
  pmm_match_advance(p->match, p->now_ns);
  pmm__place_drain(p);
}

/* A request can meet every order in the books once: a trade with two fills and up to four changes of what holdings cost, each. */
bool pmm__place_reserve(pmm_place_t *p) {
  uint64_t const worst = p->open_cnt + 2;
  return pmm__store_reserve(&p->order, 1) && pmm__store_reserve(&p->trade, worst) && pmm__store_reserve(&p->fill, 2 * worst) &&
         pmm__store_reserve(&p->op, 4 * worst) && pmm__index_reserve(&p->by_id, worst + 1) && pmm__index_reserve(&p->by_client, 1);
}

void pmm__place_make_id(pmm_place_t *p, char id[PMM_PLACE_ID_MAX]) {
  static const char hex[] = "0123456789abcdef";
  uint64_t word[2] = {pmm_rng_u64(&p->id_rng), pmm_rng_u64(&p->id_rng)};
  word[0] = (word[0] & ~UINT64_C(0xf000)) | 0x4000;                     /* version 4 */
  word[1] = (word[1] >> 2) | UINT64_C(1) << 63;                         /* and variant of RFC 9562 */
  char *at = id;
  for (int i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *at++ = '-';
    *at++ = hex[word[i / 16] >> (60 - 4 * (i % 16)) & 15];
  }
  *at = 0;
}

/* ---- new orders ---- */

static pmm_route_t opposite_purchase(pmm_route_t route) { return route == PMM_SELL_YES ? PMM_BUY_NO : route == PMM_SELL_NO ? PMM_BUY_YES : route; }

static pmm_action_t action_of(const pmm_place_t *p, const pmm_place_request_t *r) {
  unsigned const flags =
      (r->post_only ? PMM_ACT_POST_ONLY : 0u) | (r->reduce_only ? PMM_ACT_REDUCE_ONLY : 0u) | (r->stp >= 0 ? PMM_ACT_STP(r->stp) : 0u);
  pmm_route_t const route = p->nets && !r->from_inventory ? opposite_purchase(r->route) : r->route;
  return (pmm_action_t){.at_ns = p->now_ns,
                        .qty_e6 = r->qty_e6,
                        .expire_ns = r->expire_ns,
                        .price_e4 = r->price_e4,
                        .market = r->market,
                        .kind = PMM_ACT_PLACE,
                        .route = (uint8_t)route,
                        .tif = (uint8_t)r->tif,
                        .flags = (uint8_t)flags};
}

/* An order for so much money becomes one for as much as that buys now. */
static pmm_reject_t size_by_money(pmm_place_t *p, const pmm_place_request_t *r, pmm_action_t *a) {
  if (r->spend_e6 == 0) return PMM_REJECT_NONE;
  if (r->spend_e6 < 0 || r->qty_e6 != 0 || pmm_route_is_sell((pmm_route_t)a->route) || (r->tif != PMM_IOC && r->tif != PMM_FOK))
    return PMM_REJECT_SIZE;
  const pmm_market_t *const market = pmm_match_market(p->match, a->market);
  if (!pmm_life_trades((pmm_life_t)market->life)) return PMM_REJECT_CLOSED;
  if (!pmm_grid_is_valid(&market->grid, a->price_e4)) return PMM_REJECT_PRICE;
  bool enough;
  a->qty_e6 = pmm_match_afford(p->match, r->account, a, r->spend_e6, &a->spend_e6, &enough);
  if (r->tif == PMM_FOK && !enough) return PMM_REJECT_FOK;
  return a->qty_e6 > 0 ? PMM_REJECT_NONE : r->tif == PMM_FOK ? PMM_REJECT_FOK : PMM_REJECT_IOC;
}

static pmm_reject_t check_names(const pmm_place_t *p, const pmm_place_request_t *r) {
  assert(!r->id || strlen(r->id) < PMM_PLACE_ID_MAX);
  assert(!r->client_id || strlen(r->client_id) < PMM_PLACE_ID_MAX);
  if (r->id && pmm_place_order_find(p, r->id)) return PMM_REJECT_DUPLICATE;
  return r->client_id && r->client_id[0] && pmm_place_client_find(p, r->account, r->client_id) ? PMM_REJECT_DUPLICATE : PMM_REJECT_NONE;
}

static pmm_reject_t check_room(pmm_place_t *p, uint32_t account) {
  bool const background = p->account[account].background;
  uint64_t const most = background ? p->config.orders_max - p->config.orders_max / 4 : p->config.orders_max; /* members are refused last */
  if (p->free_order == 0 || !background)
    if (p->order.cnt >= most) return PMM_REJECT_FULL;
  return pmm__place_reserve(p) ? PMM_REJECT_NONE : PMM_REJECT_FULL;
}

/* The record of an order: a fresh one, or for background flow one that nobody needs any more. */
static pmm__order_t *new_order(pmm_place_t *p, uint32_t account) {
  if (p->account[account].background && p->free_order != 0) {
    pmm__order_t *const o = pmm__order_at(p, p->free_order);
    uint64_t const seq = p->free_order;
    p->free_order = o->open_next;
    *o = (pmm__order_t){.pub.seq = seq};
    return o;
  }
  pmm__order_t *const o = pmm__store_push(&p->order);
  o->pub.seq = p->order.cnt;
  return o;
}

/* Among the open ones at once, so that whatever the engine tells finds it there; known by its names only once it is accepted. */
static void open_list(pmm_place_t *p, pmm__order_t *o) {
  pmm__account_t *const a = &p->account[o->pub.account];
  o->open_prev = a->open_last;
  if (a->open_last) pmm__order_at(p, a->open_last)->open_next = o->pub.seq;
  else a->open_first = o->pub.seq;
  a->open_last = o->pub.seq;
  p->open_cnt++;
}

static void name_client(pmm_place_t *p, const pmm__order_t *o) {
  if (o->pub.client_id[0]) pmm__index_add(&p->by_client, pmm__client_hash(o->pub.account, o->pub.client_id), o->pub.seq);
}

static void enlist(pmm_place_t *p, pmm__order_t *o) {
  pmm__account_t *const a = &p->account[o->pub.account];
  if (a->background) return;
  o->before = a->last_order;
  a->last_order = o->pub.seq;
  pmm__index_add(&p->by_id, pmm__text_hash(o->pub.id, 0), o->pub.seq);
  name_client(p, o);
}

/* An order as its venue names it where nobody gave it a name: Polymarket's orders are hashes. */
static void make_order_id(pmm_place_t *p, char id[PMM_PLACE_ID_MAX]) {
  if (p->config.venue != PMM_VENUE_POLYMARKET) { pmm__place_make_id(p, id); return; }
  int n = snprintf(id, PMM_PLACE_ID_MAX, "0x");
  for (int i = 0; i < 4; i++) n += snprintf(id + n, (size_t)(PMM_PLACE_ID_MAX - n), "%016" PRIx64, pmm_rng_u64(&p->id_rng));
}

static pmm__order_t *record(pmm_place_t *p, const pmm_place_request_t *r, const pmm_action_t *a) {
  pmm__order_t *const o = new_order(p, r->account);
  pmm_place_order_t *const pub = &o->pub;
  if (r->id) strcpy(pub->id, r->id);
  else make_order_id(p, pub->id);
  if (r->client_id) strcpy(pub->client_id, r->client_id);
  pub->account = r->account;
  pub->market = r->market;
  pub->route = a->route;
  pub->tif = a->tif;
  pub->post_only = r->post_only;
  pub->from_inventory = r->from_inventory;
  pub->stp = (uint8_t)(r->stp >= 0 ? r->stp : p->match->params.stp);
  pub->price_e4 = a->price_e4;
  pub->qty_e6 = pub->open_e6 = a->qty_e6;
  pub->created_ns = pub->updated_ns = p->now_ns;
  pub->expire_ns = a->tif == PMM_GTD ? a->expire_ns : PMM_NS_MAX;
  pub->group = r->group;
  pub->tag = r->tag;
  return o;
}

/* The latest order never came to be: its record goes, unless its name stays used because book or account refused it (Kalshi: even a failed
   fill-or-kill uses its id up). Such a record has no id and stands in no list. */
static void unrecord(pmm_place_t *p, pmm__order_t *o) {
  pmm_reject_t const why = p->refused;
  pmm__place_close_order(p, o, PMM_PLACE_REJECTED, why);
  if (p->account[o->pub.account].background) return;
  bool const by_book = why == PMM_REJECT_FUNDS || why == PMM_REJECT_SHARES || why == PMM_REJECT_POST_ONLY || why == PMM_REJECT_FOK;
  if (by_book && o->pub.client_id[0]) {
    o->pub.id[0] = 0;
    name_client(p, o);
  } else {
    p->order.cnt--;
  }
}

/* Sends an action to the engine under the order's number, and takes down what follows. */
static void submit(pmm_place_t *p, pmm__order_t *o, pmm_action_t *a) {
  a->order_id = p->request = o->pub.seq;
  p->refused = PMM_REJECT_NONE;
  p->rested = false;
  pmm_match_submit(p->match, o->pub.account, p->now_ns, a);
  pmm__place_drain(p);
  p->request = 0;
}

static pmm_reject_t check(pmm_place_t *p, const pmm_place_request_t *r, pmm_action_t *a) {
  assert(r->account < p->account_cnt);
  if (r->market >= pmm_match_market_cnt(p->match)) return PMM_REJECT_CLOSED;
  pmm_reject_t why = check_names(p, r);
  if (why == PMM_REJECT_NONE) why = size_by_money(p, r, a);
  if (why == PMM_REJECT_NONE) why = check_room(p, r->account);
  return why;
}

void pmm_place_order(pmm_place_t *p, const pmm_place_request_t *r, int64_t now_ns, pmm_place_answer_t *answer) {
  pmm__place_at(p, now_ns);
  *answer = (pmm_place_answer_t){0};
  pmm_action_t a = action_of(p, r);
  answer->reject = check(p, r, &a);
  if (answer->reject != PMM_REJECT_NONE) return;
  if (r->dry) {
    a.order_id = UINT64_MAX; /* an id that no order has */
    answer->reject = pmm_match_dry(p->match, r->account, p->now_ns, &a);
    return;
  }
  uint64_t const fills = p->fill.cnt;
  pmm__order_t *const o = record(p, r, &a);
  open_list(p, o);
  submit(p, o, &a);
  answer->reject = p->refused;
  if (p->refused != PMM_REJECT_NONE) {
    unrecord(p, o);
    return;
  }
  enlist(p, o);
  if (!p->rested && o->pub.status == PMM_PLACE_OPEN) { /* what the cut to the position left was filled, and the rest never was */
    o->pub.qty_e6 = o->pub.filled_e6;
    pmm__place_close_order(p, o, PMM_PLACE_FILLED, PMM_REJECT_NONE);
    pmm__place_tell_order(p, o);
  }
  answer->order = &o->pub;
  answer->fill_cnt = (uint32_t)((p->fill.cnt - fills) / 2);
  answer->first_fill = answer->fill_cnt ? fills + 1 : 0;
  answer->filled_e6 = o->pub.filled_e6;
}

/* ---- cancels and amends ---- */

static pmm__order_t *open_order(const pmm_place_t *p, uint32_t account, uint64_t seq) {
  pmm__order_t *const o = pmm__order_at(p, seq);
  return o && o->pub.account == account && o->pub.status == PMM_PLACE_OPEN ? o : NULL;
}

pmm_status_t pmm_place_cancel(pmm_place_t *p, uint32_t account, uint64_t seq, pmm_reject_t reason, int64_t now_ns, int64_t *cancelled_e6) {
  pmm__place_at(p, now_ns);
  pmm__order_t *const o = open_order(p, account, seq);
  if (!o) return PMM_NOT_FOUND;
  if (cancelled_e6) *cancelled_e6 = o->pub.open_e6;
  pmm_action_t a = {.market = o->pub.market, .kind = PMM_ACT_CANCEL};
  p->cancel_reason = reason;
  submit(p, o, &a);
  assert(o->pub.status != PMM_PLACE_OPEN);
  return PMM_OK;
}

pmm_reject_t pmm_place_amend(pmm_place_t *p, uint32_t account, uint64_t seq, int32_t price_e4, int64_t open_e6, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  pmm__order_t *const o = open_order(p, account, seq);
  if (!o) return PMM_REJECT_UNKNOWN_ORDER;
  if (!pmm__place_reserve(p)) return PMM_REJECT_FULL;
  pmm_action_t a = {.market = o->pub.market, .kind = PMM_ACT_AMEND, .route = o->pub.route, .price_e4 = price_e4, .qty_e6 = open_e6};
  submit(p, o, &a);
  return p->refused;
}

pmm_reject_t pmm_place_rename(pmm_place_t *p, uint32_t account, uint64_t seq, const char *client_id) {
  assert(strlen(client_id) < PMM_PLACE_ID_MAX);
  pmm__order_t *const o = open_order(p, account, seq);
  if (!o) return PMM_REJECT_UNKNOWN_ORDER;
  if (strcmp(o->pub.client_id, client_id) == 0) return PMM_REJECT_NONE;
  if (client_id[0] && pmm_place_client_find(p, account, client_id)) return PMM_REJECT_DUPLICATE;
  if (p->order.cnt >= p->config.orders_max || !pmm__store_reserve(&p->order, 1) || !pmm__index_reserve(&p->by_client, 2)) return PMM_REJECT_FULL;
  if (o->pub.client_id[0]) { /* a record that only keeps the old name used */
    pmm__order_t *const old = pmm__store_push(&p->order);
    old->pub.seq = p->order.cnt;
    old->pub.account = account;
    old->pub.status = PMM_PLACE_REJECTED;
    strcpy(old->pub.client_id, o->pub.client_id);
    name_client(p, old);
  }
  strcpy(o->pub.client_id, client_id);
  name_client(p, o);
  return PMM_REJECT_NONE;
}

pmm_reject_t pmm_place_expire(pmm_place_t *p, uint32_t account, uint64_t seq, int64_t expire_ns, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  pmm__order_t *const o = open_order(p, account, seq);
  if (!o) return PMM_REJECT_UNKNOWN_ORDER;
  if (pmm_match_expire(p->match, account, seq, expire_ns, p->now_ns) != PMM_OK) return PMM_REJECT_EXPIRY;
  o->pub.expire_ns = expire_ns;
  o->pub.tif = expire_ns == PMM_NS_MAX ? PMM_GTC : PMM_GTD;
  o->pub.updated_ns = p->now_ns;
  pmm__place_tell_order(p, o);
  return PMM_REJECT_NONE;
}

void pmm_place_tag(pmm_place_t *p, uint64_t seq, uint64_t group, uint64_t tag) {
  pmm__order_t *const o = pmm__order_at(p, seq);
  assert(o);
  o->pub.group = group;
  o->pub.tag = tag;
}

uint32_t pmm_place_cancel_if(pmm_place_t *p, uint32_t account, bool (*match)(void *ctx, const pmm_place_order_t *order), void *ctx,
                             pmm_reject_t reason, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  uint32_t cnt = 0;
  for (const pmm_place_order_t *o = pmm_place_open_after(p, account, 0), *next; o; o = next) {
    next = pmm_place_open_after(p, account, o->seq);
    if ((!match || match(ctx, o)) && pmm_place_cancel(p, account, o->seq, reason, now_ns, NULL) == PMM_OK) cnt++;
  }
  return cnt;
}

/* ---- time ---- */

int64_t pmm_place_advance(pmm_place_t *p, int64_t now_ns) {
  assert(!p->told);
  for (;;) {
    int64_t const engine = pmm_match_next_ns(p->match), settle = pmm__place_settle_next(p), flow = pmm__flow_next(p);
    int64_t const next = pmm_min64(engine, pmm_min64(settle, flow));
    if (next > now_ns) {
      p->now_ns = pmm_max64(p->now_ns, now_ns);
      return next;
    }
    p->now_ns = pmm_max64(p->now_ns, next);
    if (next == engine) pmm__place_at(p, p->now_ns);
    else if (next == settle) pmm__place_settle_due(p);
    else pmm__flow_step(p, next);
  }
}
