/* Messages into records. */
#include "import.h"
#include <stdlib.h>

/* -- messages -- */
static int64_t clamp_recv(pmm__import_t *im, int64_t recv_ns) {
  if (recv_ns >= im->now_ns) return recv_ns;
  im->stats->clamped++;
  return im->now_ns;
}

pmm_status_t pmm__message_begin(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns, int64_t exch_ns) {
  recv_ns = clamp_recv(im, recv_ns);
  int64_t const venue_ns = exch_ns != PMM_TIME_NONE ? exch_ns : recv_ns;
  pmm_status_t const st = pmm__market_meet(im, m, recv_ns, venue_ns);
  if (st != PMM_OK) return st;
  im->stats->messages++;
  im->at = m;
  im->now_ns = recv_ns;
  im->exch_ns = exch_ns;
  im->md_cnt = 0;
  m->seq++;
  m->last_recv_ns = recv_ns;
  m->last_venue_ns = venue_ns;
  m->source = im->source ? im->source->order : 0;
  return PMM_OK;
}

pmm_status_t pmm__message_add(pmm__import_t *im, pmm_kind_t kind, int side, int32_t price_e4, int64_t qty_e6, int flags) {
  if (im->md_cnt == im->md_cap) {
    size_t const cap = im->md_cap ? im->md_cap * 2 : 256;
    pmm_md_t *const grown = realloc(im->md, cap * sizeof *grown);
    if (!grown) return pmm__no_memory(im);
    im->md = grown;
    im->md_cap = cap;
  }
  im->md[im->md_cnt++] = (pmm_md_t){.recv_ns = im->now_ns,
                                    .exch_ns = im->exch_ns,
                                    .qty_e6 = qty_e6,
                                    .price_e4 = price_e4,
                                    .seq = im->at->seq,
                                    .market = im->at->index,
                                    .kind = (uint8_t)kind,
                                    .side = (uint8_t)side,
                                    .flags = (uint8_t)flags};
  if (kind == PMM_MD_TRADE) {
    im->stats->trades++;
    im->at->has_trades = true;
  }
  return PMM_OK;
}

pmm_status_t pmm__message_end(pmm__import_t *im) {
  if (im->md_cnt == 0) {
    pmm_status_t const st = pmm__message_add(im, PMM_MD_MARK, 0, 0, 0, 0);
    if (st != PMM_OK) return st;
  }
  im->md[im->md_cnt - 1].flags |= PMM_F_LAST;
  for (size_t i = 0; i < im->md_cnt; i++) {
    pmm_status_t const st = pmm__emit(im, &im->md[i]);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* Polymarket refines 0.01 to 0.001 near the ends, and the recorders do not always say so: a price off the grid does. */
static int32_t finer_tick(int32_t tick_e4, int32_t price_e4) {
  static const int32_t steps[] = {100, 10, 1};
  size_t i = 0;
  while (steps[i] > 1 && (tick_e4 % steps[i] != 0 || price_e4 % steps[i] != 0)) i++;
  return steps[i];
}

pmm_status_t pmm__message_tick(pmm__import_t *im, const pmm_json_node_t *where, int64_t tick_e4) {
  pmm__book_t *const book = &im->at->book;
  if (tick_e4 == book->ladder.tick_e4) return PMM_OK;
  pmm_status_t const st = tick_e4 > 0 && tick_e4 < PMM_ONE_E4 ? pmm__book_regrid(book, (int32_t)tick_e4) : PMM_INVAL;
  if (st == PMM_INVAL) return pmm__bad(im, where, "tick does not divide a dollar");
  return st == PMM_OK ? pmm__message_add(im, PMM_MD_TICK, 0, (int32_t)tick_e4, 0, 0) : pmm__no_memory(im);
}

static pmm_status_t refine_tick(pmm__import_t *im, int32_t price_e4) {
  pmm__imarket_t *const m = im->at;
  if (pmm__book_fits(&m->book, price_e4)) return PMM_OK;
  return pmm__message_tick(im, NULL, finer_tick(m->book.ladder.tick_e4, price_e4));
}

pmm_status_t pmm__message_level(pmm__import_t *im, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  pmm__book_t *const book = &im->at->book;
  pmm_status_t const st = refine_tick(im, price_e4);
  if (st != PMM_OK || pmm__book_qty(book, side, price_e4) == qty_e6) return st;
  (void)pmm__book_set(book, side, price_e4, qty_e6);
  return pmm__message_add(im, PMM_MD_LEVEL, (int)side, price_e4, qty_e6, 0);
}

pmm_status_t pmm__message_clear(pmm__import_t *im) {
  pmm_ladder_clear(&im->at->book.ladder);
  im->at->book_known = true;
  return pmm__message_add(im, PMM_MD_CLEAR, 0, 0, 0, PMM_F_SNAPSHOT);
}

void pmm__full_begin(pmm__import_t *im) {
  for (int side = 0; side < 2; side++) {
    for (size_t i = 0; i < im->full_cnt[side]; i++) im->full_qty[side][im->full_price[side][i]] = 0;
    im->full_cnt[side] = 0;
  }
}

pmm_status_t pmm__full_level(pmm__import_t *im, pmm_side_t side, int32_t price_e4, int64_t qty_e6, const pmm_json_node_t *where) {
  if (qty_e6 == 0) return PMM_OK;
  if (im->full_qty[side][price_e4] != 0) return pmm__bad(im, where, "price listed twice");
  im->full_qty[side][price_e4] = qty_e6;
  im->full_price[side][im->full_cnt[side]++] = price_e4;
  return PMM_OK;
}

/* Levels of the present book that the full one does not have. */
static pmm_status_t remove_missing(pmm__import_t *im, pmm_side_t side) {
  pmm_ladder_t *const l = &im->at->book.ladder;
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE;) {
    int32_t const next = pmm_ladder_next(l, side, tick), price_e4 = tick * l->tick_e4;
    pmm_status_t const st = im->full_qty[side][price_e4] == 0 ? pmm__message_level(im, side, price_e4, 0) : PMM_OK;
    if (st != PMM_OK) return st;
    tick = next;
  }
  return PMM_OK;
}

static pmm_status_t set_levels(pmm__import_t *im, pmm_side_t side) {
  for (size_t i = 0; i < im->full_cnt[side]; i++) {
    int32_t const price_e4 = im->full_price[side][i];
    pmm_status_t const st = pmm__message_level(im, side, price_e4, im->full_qty[side][price_e4]);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

pmm_status_t pmm__full_end(pmm__import_t *im) {
  bool const fresh = !im->at->book_known;
  size_t const from = im->md_cnt;
  pmm_status_t st = fresh ? pmm__message_clear(im) : PMM_OK;
  for (int side = 0; side < 2 && st == PMM_OK; side++) st = remove_missing(im, (pmm_side_t)side);
  for (int side = 0; side < 2 && st == PMM_OK; side++) st = set_levels(im, (pmm_side_t)side);
  for (size_t i = from; fresh && i < im->md_cnt; i++) im->md[i].flags |= PMM_F_SNAPSHOT;
  return st;
}

static pmm_status_t top_level(pmm__import_t *im, pmm_side_t side, const pmm__top_t *top) {
  int32_t const price_e4 = top->price_e4[side];
  if (price_e4 <= 0 || price_e4 >= PMM_ONE_E4) return PMM_OK;
  return pmm__full_level(im, side, price_e4, top->qty_e6[side] > 0 ? top->qty_e6[side] : PMM_ONE_E6, NULL);
}

pmm_status_t pmm__message_top(pmm__import_t *im, const pmm__top_t *top) {
  size_t const from = im->md_cnt;
  pmm__full_begin(im);
  pmm_status_t st = top_level(im, PMM_BID, top);
  if (st == PMM_OK) st = top_level(im, PMM_ASK, top);
  if (st != PMM_OK) return st;
  if (im->full_cnt[PMM_BID] + im->full_cnt[PMM_ASK] > 0)
    for (int side = 0; side < 2; side++) im->at->last_top_e4[side] = im->full_cnt[side] ? top->price_e4[side] : 0;
  st = pmm__full_end(im);
  for (size_t i = from; i < im->md_cnt; i++) {
    pmm_md_t *const md = &im->md[i];
    bool const has_size = md->qty_e6 > 0 ? top->qty_e6[md->side] > 0 : !(im->at->desc.data & PMM_DATA_NOSIZE);
    if (md->kind == PMM_MD_LEVEL && !has_size) md->flags |= PMM_F_NOSIZE;
  }
  return st;
}

pmm_status_t pmm__underlying_tick(pmm__import_t *im, uint32_t underlying, pmm_under_kind_t kind, int64_t recv_ns, int64_t exch_ns,
                                  int64_t value_e8) {
  recv_ns = clamp_recv(im, recv_ns);
  pmm_status_t const st = pmm__clock(im, recv_ns);
  if (st != PMM_OK) return st;
  pmm_md_t const md = {.recv_ns = recv_ns,
                       .exch_ns = exch_ns,
                       .qty_e6 = value_e8,
                       .seq = ++im->tick_seq[underlying],
                       .market = underlying,
                       .kind = PMM_MD_UNDERLYING,
                       .flags = PMM_F_LAST,
                       .aux = (uint8_t)kind};
  im->stats->messages++;
  return pmm__emit(im, &md);
}
