#include "venue/orders.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "pmm/arena.h"
#include "pmm/hash.h"

#define CAP_MAX (UINT32_C(1) << 24)

/* Open addressing with linear probing: places hold index + 1; what is removed is closed up, so that no tombstones gather. */
typedef struct places { uint32_t *place; uint32_t mask; } places_t;

struct pmm__orders {
  pmm__vorder_t *order;
  uint32_t cap, used, live;      /* order[0..used) have been taken at some time */
  places_t by_id, by_vid;
  uint32_t head[2], tail[2];     /* [is over] */
};

static uint32_t pow2_above(uint32_t n) {
  uint32_t p = 16;
  while (p < 2 * n) p *= 2;
  return p;
}

static bool places_init(places_t *p, uint32_t cap) {
  uint32_t const cnt = pow2_above(cap);
  p->place = calloc(cnt, sizeof *p->place);
  p->mask = cnt - 1;
  pmm_pages_touch(p->place, cnt * sizeof *p->place);
  return p->place != NULL;
}

static uint32_t hash_vid(const char *vid, size_t len) { return (uint32_t)XXH3_64bits(vid, len); }
static uint32_t home_of(const pmm__orders_t *o, const places_t *p, uint32_t idx) {
  const pmm__vorder_t *const order = &o->order[idx];
  return (p == &o->by_id ? pmm_hash_order(order->order_id) : hash_vid(order->vid, strlen(order->vid))) & p->mask;
}

static void places_put(const pmm__orders_t *o, places_t *p, uint32_t idx) {
  uint32_t at = home_of(o, p, idx);
  while (p->place[at]) at = (at + 1) & p->mask;
  p->place[at] = idx + 1;
}

static void places_remove(const pmm__orders_t *o, places_t *p, uint32_t idx) {
  uint32_t hole = home_of(o, p, idx);
  while (p->place[hole] != idx + 1) hole = (hole + 1) & p->mask;
  for (uint32_t at = (hole + 1) & p->mask; p->place[at]; at = (at + 1) & p->mask) {
    uint32_t const home = home_of(o, p, p->place[at] - 1);
    if (((at - home) & p->mask) < ((at - hole) & p->mask)) continue; /* it may not stand before its home */
    p->place[hole] = p->place[at];
    hole = at;
  }
  p->place[hole] = 0;
}

/* -- lists -- */
static void list_append(pmm__orders_t *o, bool over, uint32_t idx) {
  o->order[idx].prev = o->tail[over];
  o->order[idx].next = PMM__ORDER_NONE;
  if (o->tail[over] != PMM__ORDER_NONE) o->order[o->tail[over]].next = idx;
  else o->head[over] = idx;
  o->tail[over] = idx;
}

static void list_remove(pmm__orders_t *o, bool over, uint32_t idx) {
  pmm__vorder_t *const order = &o->order[idx];
  if (order->prev != PMM__ORDER_NONE) o->order[order->prev].next = order->next;
  else o->head[over] = order->next;
  if (order->next != PMM__ORDER_NONE) o->order[order->next].prev = order->prev;
  else o->tail[over] = order->prev;
}

/* -- the table -- */
pmm_status_t pmm__orders_new(pmm__orders_t **out, uint32_t cap) {
  if (cap == 0 || cap > CAP_MAX) return PMM_INVAL;
  pmm__orders_t *const o = calloc(1, sizeof *o);
  if (!o) return PMM_FULL;
  o->order = calloc(cap, sizeof *o->order);
  bool const ok = places_init(&o->by_id, cap) && places_init(&o->by_vid, cap) && o->order;
  o->cap = cap;
  o->head[0] = o->head[1] = o->tail[0] = o->tail[1] = PMM__ORDER_NONE;
  if (!ok) {
    pmm__orders_free(o);
    return PMM_FULL;
  }
  pmm_pages_touch(o->order, cap * sizeof *o->order);
  *out = o;
  return PMM_OK;
}

void pmm__orders_free(pmm__orders_t *o) {
  if (!o) return;
  free(o->by_id.place);
  free(o->by_vid.place);
  free(o->order);
  free(o);
}

static void forget(pmm__orders_t *o, uint32_t idx) {
  places_remove(o, &o->by_id, idx);
  if (o->order[idx].vid[0]) places_remove(o, &o->by_vid, idx);
  list_remove(o, true, idx);
}

pmm_status_t pmm__orders_add(pmm__orders_t *o, uint64_t order_id, uint32_t *out) {
  if (order_id == 0) return PMM_INVAL;
  if (pmm__orders_find(o, order_id) != PMM__ORDER_NONE) return PMM_EXISTS;
  uint32_t idx = o->used;
  if (idx == o->cap) {
    idx = o->head[1];
    if (idx == PMM__ORDER_NONE) return PMM_FULL;
    forget(o, idx);
  } else o->used++;
  o->order[idx] = (pmm__vorder_t){.order_id = order_id};
  places_put(o, &o->by_id, idx);
  list_append(o, false, idx);
  o->live++;
  *out = idx;
  return PMM_OK;
}

pmm__vorder_t *pmm__orders_at(pmm__orders_t *o, uint32_t idx) { return &o->order[idx]; }

uint32_t pmm__orders_find(const pmm__orders_t *o, uint64_t order_id) {
  for (uint32_t at = pmm_hash_order(order_id) & o->by_id.mask; o->by_id.place[at]; at = (at + 1) & o->by_id.mask)
    if (o->order[o->by_id.place[at] - 1].order_id == order_id) return o->by_id.place[at] - 1;
  return PMM__ORDER_NONE;
}

uint32_t pmm__orders_find_vid(const pmm__orders_t *o, const char *vid, size_t len) {
  if (len == 0 || len >= PMM__VID_MAX) return PMM__ORDER_NONE;
  for (uint32_t at = hash_vid(vid, len) & o->by_vid.mask; o->by_vid.place[at]; at = (at + 1) & o->by_vid.mask) {
    const char *const have = o->order[o->by_vid.place[at] - 1].vid;
    if (memcmp(have, vid, len) == 0 && have[len] == '\0') return o->by_vid.place[at] - 1;
  }
  return PMM__ORDER_NONE;
}

pmm_status_t pmm__orders_name(pmm__orders_t *o, uint32_t idx, const char *vid, size_t len) {
  pmm__vorder_t *const order = &o->order[idx];
  if (len == 0 || len >= sizeof order->vid || memchr(vid, '\0', len)) return len == 0 ? PMM_INVAL : PMM_FULL;
  uint32_t const other = pmm__orders_find_vid(o, vid, len);
  if (other == idx) return PMM_OK;
  if (other != PMM__ORDER_NONE) return PMM_EXISTS;
  if (order->vid[0]) return PMM_STATE;
  memcpy(order->vid, vid, len);
  order->vid[len] = '\0';
  places_put(o, &o->by_vid, idx);
  return PMM_OK;
}

void pmm__orders_over(pmm__orders_t *o, uint32_t idx) {
  if (o->order[idx].stage == PMM__V_OVER) return;
  o->order[idx].stage = PMM__V_OVER;
  list_remove(o, false, idx);
  list_append(o, true, idx);
  o->live--;
}

uint32_t pmm__orders_first(const pmm__orders_t *o) { return o->head[0]; }
uint32_t pmm__orders_next(const pmm__orders_t *o, uint32_t idx) { return o->order[idx].next; }
uint32_t pmm__orders_live_cnt(const pmm__orders_t *o) { return o->live; }

bool pmm__orders_check(const pmm__orders_t *o) {
  uint32_t cnt[2] = {0, 0}, placed = 0, named = 0, has_vid = 0;
  for (int over = 0; over < 2; over++)
    for (uint32_t i = o->head[over], last = PMM__ORDER_NONE; i != PMM__ORDER_NONE; last = i, i = o->order[i].next, cnt[over]++) {
      const pmm__vorder_t *const order = &o->order[i];
      if (order->prev != last || (order->stage == PMM__V_OVER) != (over == 1) || cnt[over] > o->used) return false;
      if (pmm__orders_find(o, order->order_id) != i) return false;
      if (order->vid[0] && pmm__orders_find_vid(o, order->vid, strlen(order->vid)) != i) return false;
      has_vid += order->vid[0] != '\0';
    }
  for (uint32_t i = 0; i <= o->by_id.mask; i++) placed += o->by_id.place[i] != 0;
  for (uint32_t i = 0; i <= o->by_vid.mask; i++) named += o->by_vid.place[i] != 0;
  return cnt[0] == o->live && cnt[0] + cnt[1] == o->used && placed == o->used && named == has_vid;
}

/* -- fills told -- */
struct pmm__seen {
  XXH128_hash_t *ring;
  uint32_t cap, cnt, next;
  places_t places;
};

pmm_status_t pmm__seen_new(pmm__seen_t **out, uint32_t cap) {
  if (cap == 0 || cap > CAP_MAX) return PMM_INVAL;
  pmm__seen_t *const s = calloc(1, sizeof *s);
  if (!s) return PMM_FULL;
  s->ring = calloc(cap, sizeof *s->ring);
  s->cap = cap;
  pmm_pages_touch(s->ring, cap * sizeof *s->ring);
  if (!places_init(&s->places, cap) || !s->ring) {
    pmm__seen_free(s);
    return PMM_FULL;
  }
  *out = s;
  return PMM_OK;
}

void pmm__seen_free(pmm__seen_t *s) {
  if (!s) return;
  free(s->ring);
  free(s->places.place);
  free(s);
}

static void seen_forget(pmm__seen_t *s, uint32_t idx) {
  places_t *const p = &s->places;
  uint32_t hole = (uint32_t)s->ring[idx].low64 & p->mask;
  while (p->place[hole] != idx + 1) hole = (hole + 1) & p->mask;
  for (uint32_t at = (hole + 1) & p->mask; p->place[at]; at = (at + 1) & p->mask) {
    uint32_t const home = (uint32_t)s->ring[p->place[at] - 1].low64 & p->mask;
    if (((at - home) & p->mask) < ((at - hole) & p->mask)) continue;
    p->place[hole] = p->place[at];
    hole = at;
  }
  p->place[hole] = 0;
}

bool pmm__seen_note(pmm__seen_t *s, const char *text, size_t len) {
  XXH128_hash_t const h = XXH3_128bits(text, len);
  places_t *const p = &s->places;
  for (uint32_t at = (uint32_t)h.low64 & p->mask; p->place[at]; at = (at + 1) & p->mask)
    if (XXH128_isEqual(s->ring[p->place[at] - 1], h)) return false;
  uint32_t const idx = s->next;
  if (s->cnt == s->cap) seen_forget(s, idx);
  else s->cnt++;
  s->next = (idx + 1) % s->cap;
  s->ring[idx] = h;
  uint32_t at = (uint32_t)h.low64 & p->mask;
  while (p->place[at]) at = (at + 1) & p->mask;
  p->place[at] = idx + 1;
  return true;
}
