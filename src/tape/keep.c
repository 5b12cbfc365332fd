#include "keep.h"

void pmm__keep_fini(pmm__keep_t *keep) { pmm__book_fini(&keep->book); }

pmm_status_t pmm__keep_take(pmm__keep_t *k, const pmm_md_t *md, int32_t tick_e4) {
  if (!k->book.memory && pmm__book_init(&k->book, tick_e4) != PMM_OK) return PMM_FULL;
  if (!(md->flags & PMM_F_KEYFRAME)) k->last = *md;
  switch (md->kind) {
  case PMM_MD_LEVEL:
    k->book_known = true;
    return pmm__book_set(&k->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6) == PMM_OK ? PMM_OK : PMM_CORRUPT;
  case PMM_MD_CLEAR:
    pmm_ladder_clear(&k->book.ladder);
    k->book_known = true;
    k->in_gap = false;
    return PMM_OK;
  case PMM_MD_TICK: k->tick = *md; return pmm__book_regrid(&k->book, md->price_e4) == PMM_OK ? PMM_OK : PMM_CORRUPT;
  case PMM_MD_STATUS: k->status = *md; return PMM_OK;
  case PMM_MD_PHASE: k->phase = *md; return PMM_OK;
  case PMM_MD_SETTLEMENT: k->settlement = *md; return PMM_OK;
  case PMM_MD_STRIKE: k->strike = *md; return PMM_OK;
  case PMM_MD_VOLUME: k->volume = *md; return PMM_OK;
  case PMM_MD_PRICE: k->price = *md; return PMM_OK;
  case PMM_MD_GAP:
    k->gap = *md;
    k->in_gap = true;
    return PMM_OK;
  default: return PMM_OK;
  }
}

typedef struct out { int64_t at_ns; uint32_t index; pmm__keep_put_fn put; void *ctx; } out_t;

pmm_status_t pmm__keep_again(pmm_md_t md, int64_t at_ns, uint32_t index, int flags, pmm__keep_put_fn put, void *ctx) {
  if (md.kind == PMM_KIND_NONE) return PMM_OK;
  md.recv_ns = at_ns;
  md.market = index;
  md.flags = (uint8_t)((md.flags & ~PMM_F_LAST) | PMM_F_KEYFRAME | flags);
  return put(ctx, &md);
}
static pmm_status_t again(const out_t *o, pmm_md_t md, int flags) { return pmm__keep_again(md, o->at_ns, o->index, flags, o->put, o->ctx); }

static pmm_status_t put_side(const out_t *o, const pmm__keep_t *k, pmm_side_t side, int *left) {
  const pmm_ladder_t *const l = &k->book.ladder;
  pmm_status_t st = PMM_OK;
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE && st == PMM_OK; tick = pmm_ladder_next(l, side, tick)) {
    pmm_md_t level = k->last;
    level.kind = PMM_MD_LEVEL;
    level.side = (uint8_t)side;
    level.price_e4 = tick * l->tick_e4;
    level.qty_e6 = pmm_ladder_qty(l, side, tick);
    level.aux = 0;
    level.flags = 0;
    st = again(o, level, PMM_F_SNAPSHOT | (--*left == 0 && !k->in_gap ? PMM_F_LAST : 0));
  }
  return st;
}

/* In a gap the book is stale: it stands on the tape for whoever compares, but nobody may act on it, so nothing ends it as
   a message and the gap follows at once. */
static pmm_status_t put_book(const out_t *o, const pmm__keep_t *k) {
  if (!k->book_known) return PMM_OK;
  int left = k->book.ladder.level_cnt[PMM_BID] + k->book.ladder.level_cnt[PMM_ASK];
  pmm_md_t const clear = {.exch_ns = k->last.exch_ns, .seq = k->last.seq, .kind = PMM_MD_CLEAR};
  pmm_status_t st = again(o, clear, PMM_F_SNAPSHOT | (left == 0 && !k->in_gap ? PMM_F_LAST : 0));
  if (st == PMM_OK) st = put_side(o, k, PMM_BID, &left);
  return st == PMM_OK ? put_side(o, k, PMM_ASK, &left) : st;
}

pmm_status_t pmm__keep_put(const pmm__keep_t *k, int64_t at_ns, uint32_t index, pmm__keep_put_fn put, void *ctx) {
  if (k->last.kind == PMM_KIND_NONE) return PMM_OK;
  out_t const o = {.at_ns = at_ns, .index = index, .put = put, .ctx = ctx};
  const pmm_md_t *const first[] = {&k->tick, &k->status, &k->phase, &k->settlement, &k->strike, &k->volume};
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; st == PMM_OK && i < sizeof first / sizeof first[0]; i++) st = again(&o, *first[i], 0);
  if (st == PMM_OK) st = again(&o, k->price, k->book_known ? 0 : PMM_F_LAST);
  if (st == PMM_OK) st = put_book(&o, k);
  if (st == PMM_OK && k->in_gap) st = again(&o, k->gap, 0);
  return st;
}
