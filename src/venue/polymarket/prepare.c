#include "prepare.h"
#include <stdlib.h>
#include <string.h>

#define WAYS 4  /* places a wanted order may stand in: its bucket */
#define DEPTH 3 /* orders ready in a place: a quote that goes and comes back at once finds another */

typedef struct place {
  pmm_poly_want_t want;
  int64_t asked_ns, signed_ns[DEPTH];
  bool used;
  uint32_t next[2]; /* in the lists of places to sign + 1; 0 ends one */
  bool queued[2];   /* [0]: none was ready; [1]: some were */
  uint32_t first, ready;         /* a ring: so many are ready, the oldest at first */
  pmm_poly_ready_t order[DEPTH];
} place_t;

typedef struct terms {
  pmm_poly_domain_t domain;
  pmm_poly_word_t token[2]; /* yes, no */
  int32_t tick_e4;          /* 0: not set */
} terms_t;

struct pmm_poly_prepared {
  pmm_poly_wallet_terms_t wallet;
  terms_t *market;
  uint32_t market_cnt;
  place_t *place;
  uint32_t bucket_mask, place_cnt; /* place_cnt 0: none */
  uint32_t head[2], tail[2];       /* places to sign + 1, oldest first: those with none ready before the others */
  uint32_t sweep;                  /* where to look for orders that age */
  int64_t age_ns;
  pmm_poly_seal_fn seal; void *seal_ctx;
  int64_t sealed_s;                /* second for which requests are being signed ... */
  uint32_t seal_sweep;             /* ... from here on */
  pmm_poly_prepared_stats_t stats;
};

pmm_status_t pmm_poly_prepared_new(pmm_poly_prepared_t **store, const pmm_poly_wallet_terms_t *terms, uint32_t markets_max, uint32_t order_max,
                                   int64_t age_ns, pmm_error_t *err) {
  pmm_poly_prepared_t *const s = calloc(1, sizeof *s);
  uint32_t buckets = 1;
  while (buckets * WAYS < order_max) buckets *= 2;
  if (s) {
    s->wallet = *terms;
    s->age_ns = age_ns;
    s->market_cnt = markets_max;
    s->place_cnt = order_max > 0 ? buckets * WAYS : 0;
    s->bucket_mask = buckets - 1;
    s->market = calloc(markets_max > 0 ? markets_max : 1, sizeof *s->market);
    s->place = calloc(s->place_cnt > 0 ? s->place_cnt : 1, sizeof *s->place);
  }
  if (!s || !s->market || !s->place) {
    pmm_poly_prepared_free(s);
    return pmm_error_set(err, PMM_FULL, "prepared orders: out of memory");
  }
  *store = s;
  return PMM_OK;
}

void pmm_poly_prepared_free(pmm_poly_prepared_t *store) {
  if (!store) return;
  free(store->market);
  free(store->place);
  free(store);
}

static void drop_market(pmm_poly_prepared_t *s, uint32_t market) {
  for (uint32_t i = 0; i < s->place_cnt; i++)
    if (s->place[i].used && s->place[i].want.market == market) s->place[i].used = false, s->place[i].ready = 0;
}

pmm_status_t pmm_poly_prepared_market(pmm_poly_prepared_t *store, uint32_t market, const char *token_yes, const char *token_no, bool neg_risk,
                                      int32_t tick_e4, pmm_error_t *err) {
  terms_t t = {.tick_e4 = tick_e4};
  if (market >= store->market_cnt || !pmm_poly_tick_is_valid(tick_e4)) return pmm_error_set(err, PMM_INVAL, "prepared orders: market or tick");
  if (pmm_poly_word_from_decimal(token_yes, strlen(token_yes), &t.token[0]) != PMM_OK ||
      pmm_poly_word_from_decimal(token_no, strlen(token_no), &t.token[1]) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "prepared orders: a token id is no uint256");
  pmm_status_t const st = pmm_poly_domain(store->wallet.version, neg_risk, store->wallet.chain_id, &t.domain);
  if (st != PMM_OK) return pmm_error_set(err, st, "no exchange of version %d on chain %llu", store->wallet.version, (unsigned long long)store->wallet.chain_id);
  if (store->market[market].tick_e4 != 0) drop_market(store, market);
  store->market[market] = t;
  return PMM_OK;
}

static bool is_same(const pmm_poly_want_t *a, const pmm_poly_want_t *b) {
  return a->market == b->market && a->route == b->route && a->price_e4 == b->price_e4 && a->qty_e6 == b->qty_e6;
}

static place_t *bucket_of(pmm_poly_prepared_t *s, const pmm_poly_want_t *w) {
  uint64_t h = ((uint64_t)w->market << 32 | (uint64_t)w->route << 16 | (uint32_t)w->price_e4) ^ (uint64_t)w->qty_e6 * UINT64_C(0x9e3779b97f4a7c15);
  h *= UINT64_C(0xff51afd7ed558ccd);
  return &s->place[(uint32_t)(h >> 40 & s->bucket_mask) * WAYS];
}

static place_t *find(pmm_poly_prepared_t *s, const pmm_poly_want_t *want) {
  if (s->place_cnt == 0) return NULL;
  place_t *const bucket = bucket_of(s, want);
  for (uint32_t i = 0; i < WAYS; i++)
    if (bucket[i].used && is_same(&bucket[i].want, want)) return &bucket[i];
  return NULL;
}

static void queue(pmm_poly_prepared_t *s, place_t *p) {
  int const list = p->ready > 0;
  uint32_t const n = (uint32_t)(p - s->place) + 1;
  if (p->queued[list]) return;
  p->queued[list] = true;
  p->next[list] = 0;
  if (s->tail[list] != 0) s->place[s->tail[list] - 1].next[list] = n;
  else s->head[list] = n;
  s->tail[list] = n;
}

static place_t *dequeue(pmm_poly_prepared_t *s) {
  int const list = s->head[0] == 0;
  if (s->head[list] == 0) return NULL;
  place_t *const p = &s->place[s->head[list] - 1];
  s->head[list] = p->next[list];
  if (s->head[list] == 0) s->tail[list] = 0;
  p->queued[list] = false;
  return p;
}

void pmm_poly_prepared_want(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t now_ns) {
  if (store->place_cnt == 0 || want->market >= store->market_cnt) return;
  place_t *p = find(store, want);
  if (!p) {
    place_t *const bucket = bucket_of(store, want);
    p = bucket;
    for (uint32_t i = 1; i < WAYS; i++)
      if (p->used && (!bucket[i].used || bucket[i].asked_ns < p->asked_ns)) p = &bucket[i];
    p->want = *want;
    p->used = true;
    p->ready = 0;
  }
  p->asked_ns = now_ns;
  if (p->ready < DEPTH) queue(store, p);
}

/* -- orders -- */
static bool is_no(uint8_t route) { return route == PMM_SELL_NO || route == PMM_BUY_NO; }

static pmm_status_t begin(const pmm_poly_prepared_t *s, const pmm_poly_want_t *want, uint64_t random, int64_t now_ns, int32_t *token_price, pmm_poly_order_t *o) {
  if (want->market >= s->market_cnt || s->market[want->market].tick_e4 == 0 || want->route > PMM_BUY_NO) return PMM_INVAL;
  const terms_t *const t = &s->market[want->market];
  bool const no = is_no(want->route);
  *token_price = no ? PMM_ONE_E4 - want->price_e4 : want->price_e4;
  if (!pmm_poly_price_is_valid(t->tick_e4, *token_price)) return PMM_INVAL;
  *o = (pmm_poly_order_t){.version = t->domain.version, .signature_type = s->wallet.signature_type, .maker = s->wallet.maker, .signer = s->wallet.order_signer,
                          .token = t->token[no], .metadata = s->wallet.metadata, .builder = s->wallet.builder};
  o->side = pmm_route_is_sell((pmm_route_t)want->route) ? PMM_POLY_SELL : PMM_POLY_BUY;
  o->salt = random & PMM_POLY_SALT_MAX;
  o->timestamp_ms = (uint64_t)(now_ns / PMM_NS_PER_MS);
  return PMM_OK;
}

static pmm_status_t finish(pmm_poly_prepared_t *s, uint32_t market, const pmm_poly_amounts_t *amounts, pmm_poly_order_t *o, pmm_poly_ready_t *out) {
  uint8_t sig[PMM_POLY_SIG_MAX];
  size_t sig_len;
  if (amounts->maker_e6 == 0 || amounts->taker_e6 == 0) return PMM_INVAL;
  o->maker_e6 = amounts->maker_e6;
  o->taker_e6 = amounts->taker_e6;
  pmm_status_t const st = pmm_poly_order_sign(s->wallet.signer, &s->market[market].domain, o, &out->id, sig, &sig_len);
  if (st != PMM_OK) return st;
  out->order = *o;
  pmm_poly_seal_break(&out->seal);
  out->json_len = (uint32_t)pmm_poly_order_json(o, sig, sig_len, out->json);
  s->stats.signatures++;
  return PMM_OK;
}

pmm_status_t pmm_poly_order_make(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t expire_s, uint64_t random, int64_t now_ns,
                                 pmm_poly_ready_t *out) {
  pmm_poly_order_t o;
  pmm_poly_amounts_t amounts;
  int32_t price;
  pmm_status_t st = begin(store, want, random, now_ns, &price, &o);
  if (st == PMM_OK) st = pmm_poly_amounts_limit((pmm_poly_side_t)o.side, store->market[want->market].tick_e4, price, want->qty_e6, &amounts);
  if (st != PMM_OK) return st;
  o.expiration_s = (uint64_t)expire_s;
  return finish(store, want->market, &amounts, &o, out);
}

pmm_status_t pmm_poly_order_make_taker(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, uint64_t random, int64_t now_ns,
                                       pmm_poly_ready_t *out) {
  pmm_poly_order_t o;
  pmm_poly_amounts_t amounts;
  int32_t price;
  pmm_status_t st = begin(store, want, random, now_ns, &price, &o);
  if (st != PMM_OK) return st;
  int64_t const given = o.side == PMM_POLY_BUY ? pmm_notional_floor(price, want->qty_e6) : want->qty_e6;
  st = pmm_poly_amounts_market((pmm_poly_side_t)o.side, store->market[want->market].tick_e4, price, given, 4, &amounts);
  return st == PMM_OK ? finish(store, want->market, &amounts, &o, out) : st;
}

/* -- keeping ready, taking -- */
static void drop_oldest(place_t *p) {
  p->first = (p->first + 1) % DEPTH;
  p->ready--;
}

static void drop_old(pmm_poly_prepared_t *s, place_t *p, int64_t now_ns, int64_t age_ns) {
  for (; p->ready > 0 && now_ns - p->signed_ns[p->first] >= age_ns; drop_oldest(p)) s->stats.expired++;
}

/* An order that will soon be too old, and was asked for within one age: worth a new signature. Looks at a few places a call. */
static void queue_aging(pmm_poly_prepared_t *s, int64_t now_ns) {
  for (uint32_t n = 0; n < 8 && s->place_cnt > 0; n++) {
    s->sweep = (s->sweep + 1) % s->place_cnt;
    place_t *const p = &s->place[s->sweep];
    if (!p->used || p->ready == 0) continue;
    drop_old(s, p, now_ns, s->age_ns / 4 * 3);
    if (p->ready == DEPTH) continue;
    if (now_ns - p->asked_ns < s->age_ns) queue(s, p);
    else if (p->ready == 0) p->used = false;
  }
}

void pmm_poly_prepared_on_seal(pmm_poly_prepared_t *store, pmm_poly_seal_fn fn, void *ctx) {
  store->seal = fn;
  store->seal_ctx = ctx;
  store->sealed_s = 0;
  for (uint32_t i = 0; i < store->place_cnt; i++)
    for (uint32_t k = 0; k < DEPTH; k++) pmm_poly_seal_break(&store->place[i].order[k].seal);
}

static uint32_t seal(pmm_poly_prepared_t *s, pmm_poly_ready_t *r, int64_t at_s) {
  if (pmm_poly_seal_at(&r->seal, at_s)) return 0;
  s->seal(s->seal_ctx, r, at_s, r->seal.of[at_s & 1].hmac);
  r->seal.of[at_s & 1].at_s = at_s;
  return 1;
}

/* For this second, and in its second half for the next; how many were signed. */
static uint32_t seal_place(pmm_poly_prepared_t *s, place_t *p, int64_t now_ns) {
  uint32_t cnt = 0;
  for (uint32_t k = 0; s->seal && k < p->ready; k++) {
    pmm_poly_ready_t *const r = &p->order[(p->first + k) % DEPTH];
    cnt += seal(s, r, now_ns / PMM_NS_PER_S) + seal(s, r, (now_ns + PMM_POLY_SEAL_AHEAD_NS) / PMM_NS_PER_S);
  }
  return cnt;
}

#define SEALS_A_CALL 8
#define SEAL_ASKED_NS (10 * PMM_NS_PER_S)

/* A few; true: there may be more. */
static bool seal_some(pmm_poly_prepared_t *s, int64_t now_ns) {
  int64_t const at_s = (now_ns + PMM_POLY_SEAL_AHEAD_NS) / PMM_NS_PER_S;
  if (!s->seal) return false;
  if (s->sealed_s != at_s) s->seal_sweep = 0;
  s->sealed_s = at_s;
  for (uint32_t n = 0; s->seal_sweep < s->place_cnt; s->seal_sweep++) {
    place_t *const p = &s->place[s->seal_sweep];
    if (n >= SEALS_A_CALL) return true;
    if (p->used && now_ns - p->asked_ns <= SEAL_ASKED_NS) n += seal_place(s, p, now_ns);
  }
  return false;
}

bool pmm_poly_prepared_refill(pmm_poly_prepared_t *store, uint64_t random, int64_t now_ns) {
  queue_aging(store, now_ns);
  for (place_t *p; (p = dequeue(store)) != NULL;) {
    if (!p->used || p->ready == DEPTH) continue;
    uint32_t const at = (p->first + p->ready) % DEPTH;
    if (pmm_poly_order_make(store, &p->want, 0, random, now_ns, &p->order[at]) != PMM_OK) {
      p->used = false; /* off the grid by now */
      continue;
    }
    p->signed_ns[at] = now_ns;
    p->ready++;
    if (p->ready < DEPTH) queue(store, p);
    (void)seal_place(store, p, now_ns);
    return true;
  }
  return seal_some(store, now_ns);
}

const pmm_poly_ready_t *pmm_poly_prepared_take(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t now_ns) {
  place_t *const p = find(store, want);
  if (p) drop_old(store, p, now_ns, store->age_ns);
  if (!p || p->ready == 0) {
    store->stats.misses++;
    return NULL;
  }
  const pmm_poly_ready_t *const oldest = &p->order[p->first];
  store->stats.hits++;
  store->stats.sealed += pmm_poly_seal_at(&oldest->seal, now_ns / PMM_NS_PER_S) != NULL;
  drop_oldest(p);
  p->asked_ns = now_ns;
  queue(store, p);
  return oldest;
}

const pmm_poly_prepared_stats_t *pmm_poly_prepared_stats(const pmm_poly_prepared_t *store) { return &store->stats; }
