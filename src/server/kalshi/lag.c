/* Reads that come late: with serve.lag every change of an account waits here until reads may show it, as on the venue, where an order just
   cancelled was still resting 0.4 s later (demo, 2026-06). Writes and the socket are never late. Without the setting none of this exists. */
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "server/kalshi/impl.h"

typedef enum change_kind { CHANGE_ORDER, CHANGE_POSITION, CHANGE_CASH } change_kind_t;
typedef struct change {
  int64_t at_ns;
  change_kind_t kind;
  uint32_t account, market;
  int64_t cash_e6, locked_e6;
  pmm_place_order_t order;
  pmm__kx_position_t position;
} change_t;
typedef struct account_seen { bool known; int64_t cash_e6, locked_e6; pmm__kx_position_t *position; uint32_t position_cnt; } account_seen_t;

struct pmm__kx_late {
  change_t *change; size_t head, tail, cap;            /* oldest first */
  pmm_place_order_t **order; size_t order_cnt, order_cap; /* by hash of seq; open addressing, a power of two */
  account_seen_t *account; uint32_t account_cnt;
};

pmm_status_t pmm__kx_late_open(pmm__kx_t *k) {
  k->late = calloc(1, sizeof *k->late);
  return k->late ? PMM_OK : PMM_FULL;
}

void pmm__kx_late_close(pmm__kx_t *k) {
  pmm__kx_late_t *const l = k->late;
  if (!l) return;
  for (size_t i = 0; i < l->order_cap; i++) free(l->order[i]);
  for (uint32_t a = 0; a < l->account_cnt; a++) free(l->account[a].position);
  free(l->change);
  free(l->order);
  free(l->account);
  free(l);
  k->late = NULL;
}

/* -- what is shown -- */

static pmm_place_order_t **slot_of(const pmm__kx_late_t *l, uint64_t seq) {
  size_t at = pmm_hash_mix(0, seq) & (l->order_cap - 1);
  while (l->order[at] && l->order[at]->seq != seq) at = (at + 1) & (l->order_cap - 1);
  return &l->order[at];
}

static bool grow_orders(pmm__kx_late_t *l) {
  if (l->order_cnt * 2 < l->order_cap) return true;
  pmm__kx_late_t larger = {.order_cap = l->order_cap ? l->order_cap * 2 : 256};
  larger.order = calloc(larger.order_cap, sizeof(pmm_place_order_t *));
  if (!larger.order) return false;
  for (size_t i = 0; i < l->order_cap; i++)
    if (l->order[i]) *slot_of(&larger, l->order[i]->seq) = l->order[i];
  free(l->order);
  l->order = larger.order;
  l->order_cap = larger.order_cap;
  return true;
}

static void show_order(pmm__kx_late_t *l, const pmm_place_order_t *order) {
  if (!grow_orders(l)) return;
  pmm_place_order_t **const slot = slot_of(l, order->seq);
  if (!*slot) {
    if (!(*slot = malloc(sizeof **slot))) return;
    l->order_cnt++;
  }
  **slot = *order;
}

static account_seen_t *account_of(pmm__kx_late_t *l, uint32_t account) {
  if (account >= l->account_cnt) {
    account_seen_t *const grown = realloc(l->account, (account + 1) * sizeof *grown);
    if (!grown) return NULL;
    memset(grown + l->account_cnt, 0, (account + 1 - l->account_cnt) * sizeof *grown);
    l->account = grown;
    l->account_cnt = account + 1;
  }
  return &l->account[account];
}

static void show_position(pmm__kx_late_t *l, const change_t *c) {
  account_seen_t *const a = account_of(l, c->account);
  if (!a) return;
  if (c->market >= a->position_cnt) {
    pmm__kx_position_t *const grown = realloc(a->position, (c->market + 1) * sizeof *grown);
    if (!grown) return;
    memset(grown + a->position_cnt, 0, (c->market + 1 - a->position_cnt) * sizeof *grown);
    a->position = grown;
    a->position_cnt = c->market + 1;
  }
  a->position[c->market] = c->position;
}

static void show_cash(pmm__kx_late_t *l, const change_t *c) {
  account_seen_t *const a = account_of(l, c->account);
  if (!a) return;
  a->known = true;
  a->cash_e6 = c->cash_e6;
  a->locked_e6 = c->locked_e6;
}

static void catch_up(pmm__kx_t *k) {
  pmm__kx_late_t *const l = k->late;
  for (; l->head < l->tail && l->change[l->head].at_ns + k->config.serve.lag_ns <= k->now_ns; l->head++) {
    const change_t *const c = &l->change[l->head];
    if (c->kind == CHANGE_ORDER) show_order(l, &c->order);
    else if (c->kind == CHANGE_POSITION) show_position(l, c);
    else show_cash(l, c);
  }
}

/* -- what waits -- */

static change_t *push(pmm__kx_t *k, change_kind_t kind, uint32_t account) {
  pmm__kx_late_t *const l = k->late;
  catch_up(k);
  if (l->head == l->tail) l->head = l->tail = 0;
  if (l->tail == l->cap && l->head > 0) {
    memmove(l->change, l->change + l->head, (l->tail - l->head) * sizeof *l->change);
    l->tail -= l->head;
    l->head = 0;
  }
  if (l->tail == l->cap) {
    size_t const cap = l->cap ? l->cap * 2 : 64;
    change_t *const grown = realloc(l->change, cap * sizeof *grown);
    if (!grown) return NULL;
    l->change = grown;
    l->cap = cap;
  }
  change_t *const c = &l->change[l->tail++];
  *c = (change_t){.at_ns = k->now_ns, .kind = kind, .account = account};
  return c;
}

/* A position is one signed number here: a YES and a NO of one account are a dollar, also while an order of its keeps the place from joining them. */
static int64_t cash_of(const pmm__kx_t *k, uint32_t account, int64_t *locked_e6) {
  int64_t cash = pmm_place_cash(k->place, account, locked_e6);
  for (uint32_t i = 0; i < pmm_place_market_cnt(k->place); i++) {
    pmm_place_holding_t h;
    pmm_place_holding(k->place, account, i, &h);
    cash += pmm_min64(h.yes_e6, h.no_e6);
  }
  return cash;
}

void pmm__kx_late_cash(pmm__kx_t *k, uint32_t account) {
  if (!k->late) return;
  change_t *const c = push(k, CHANGE_CASH, account);
  if (c) c->cash_e6 = cash_of(k, account, &c->locked_e6);
  account_seen_t *const a = account_of(k->late, account);
  if (c && a && !a->known) show_cash(k->late, c); /* the first is where the account begins */
}

void pmm__kx_late_order(pmm__kx_t *k, const pmm_place_order_t *order) {
  change_t *const c = k->late ? push(k, CHANGE_ORDER, order->account) : NULL;
  if (c) c->order = *order;
}

void pmm__kx_late_position(pmm__kx_t *k, uint32_t account, uint32_t market) {
  change_t *const c = k->late ? push(k, CHANGE_POSITION, account) : NULL;
  if (!c) return;
  c->market = market;
  c->position = k->market[market].position[account];
}

/* -- questions -- */

const pmm_place_order_t *pmm__kx_seen_order(pmm__kx_t *k, const pmm_place_order_t *o) {
  if (!k->late) return o;
  catch_up(k);
  return k->late->order_cap ? *slot_of(k->late, o->seq) : NULL;
}

bool pmm__kx_seen_fill(const pmm__kx_t *k, const pmm_place_fill_t *f) { return f->at_ns + k->config.serve.lag_ns <= k->now_ns || !k->late; }

void pmm__kx_seen_position(pmm__kx_t *k, uint32_t account, uint32_t market, pmm__kx_position_t *out) {
  *out = (pmm__kx_position_t){0};
  if (!k->late) {
    *out = k->market[market].position[account];
    return;
  }
  catch_up(k);
  const account_seen_t *const a = account_of(k->late, account);
  if (a && market < a->position_cnt) *out = a->position[market];
}

int64_t pmm__kx_seen_cash(pmm__kx_t *k, uint32_t account, int64_t *locked_e6) {
  if (k->late) {
    catch_up(k);
    const account_seen_t *const a = account_of(k->late, account);
    if (a && a->known) {
      *locked_e6 = a->locked_e6;
      return a->cash_e6;
    }
  }
  return cash_of(k, account, locked_e6);
}
