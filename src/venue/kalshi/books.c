/* Books of the order-book channel. Kalshi sends changes of sizes, numbered over all markets of a subscription; records carry sizes. */
#include <stdlib.h>
#include "codec.h"
#include "pmm/arena.h"
#include "pmm/hash.h"

#define TICKS_MAX 10000 /* any grid may come; address space only, pages are touched where levels are */

typedef struct book {
  char id[PMM_ID_MAX];
  uint32_t id_len;
  uint32_t sid;       /* that its snapshot came by */
  bool good, gap_due; /* gap_due: it was good and this is not told yet */
  pmm_grid_t grid;
  pmm_ladder_t ladder;
} book_t;

typedef struct stream { uint32_t sid; bool use_yes_price; uint64_t seq; } stream_t;

struct pmm_kalshi_books {
  book_t *book;
  uint32_t book_cnt, book_max, first;
  uint32_t last;   /* found: a book that is not there has a name of length 0 */
  uint32_t *place; /* open addressing: index + 1 by hash of the ticker */
  uint32_t place_mask;
  stream_t stream[PMM_KALSHI_SIDS_MAX];
  uint32_t stream_cnt;
  pmm_md_t *md;
  pmm_arena_t arena;
};

static uint32_t round_up(uint32_t n) {
  uint32_t p = 4;
  while (p < n) p *= 2;
  return p;
}

pmm_status_t pmm_kalshi_books_open(pmm_kalshi_books_t **books, uint32_t markets_max) {
  if (markets_max == 0) return PMM_INVAL;
  pmm_kalshi_books_t *const b = calloc(1, sizeof *b);
  if (!b) return PMM_FULL;
  uint32_t const places = round_up(markets_max * 2);
  b->book = calloc(markets_max, sizeof *b->book);
  b->place = calloc(places, sizeof *b->place);
  b->md = malloc((2 * PMM_KALSHI_LEVELS_MAX + 1) * sizeof *b->md);
  b->book_max = markets_max;
  b->place_mask = places - 1;
  pmm_status_t const st = b->book && b->place && b->md ? pmm_arena_open(&b->arena, markets_max * (pmm_ladder_bytes(TICKS_MAX) + 64)) : PMM_FULL;
  if (st != PMM_OK) {
    pmm_kalshi_books_close(b);
    return st;
  }
  *books = b;
  return PMM_OK;
}

void pmm_kalshi_books_close(pmm_kalshi_books_t *books) {
  if (!books) return;
  if (books->arena.base) pmm_arena_close(&books->arena);
  free(books->book);
  free(books->place);
  free(books->md);
  free(books);
}

/* Where a ticker stands or would stand. */
static uint32_t *place_of(const pmm_kalshi_books_t *b, const char *id, uint32_t len) {
  uint32_t at = (uint32_t)pmm_hash64(id, len, 0) & b->place_mask;
  for (;; at = (at + 1) & b->place_mask) {
    uint32_t const n = b->place[at];
    if (n == 0 || (b->book[n - 1].id_len == len && memcmp(b->book[n - 1].id, id, len) == 0)) return &b->place[at];
  }
}

pmm_status_t pmm_kalshi_books_add(pmm_kalshi_books_t *books, const pmm_market_t *market, uint32_t *index) {
  uint32_t const len = (uint32_t)strlen(market->id);
  uint32_t *const place = place_of(books, market->id, len);
  if (*place) return PMM_EXISTS;
  if (books->book_cnt == books->book_max) return PMM_FULL;
  book_t *const k = &books->book[books->book_cnt];
  pmm_status_t const st = pmm_ladder_init(&k->ladder, &books->arena, market->grid.tick_cnt, TICKS_MAX);
  if (st != PMM_OK) return st;
  memcpy(k->id, market->id, len + 1);
  k->id_len = len;
  k->grid = market->grid;
  *index = books->book_cnt++;
  *place = *index + 1;
  return PMM_OK;
}

pmm_status_t pmm_kalshi_books_find(pmm_kalshi_books_t *books, pmm_kalshi_text_t market, uint32_t *index) {
  if (market.len == 0 || market.len >= PMM_ID_MAX) return PMM_NOT_FOUND;
  const book_t *const last = &books->book[books->last]; /* messages of a market come in bursts */
  if (last->id_len != market.len || memcmp(last->id, market.at, market.len) != 0) {
    uint32_t const n = *place_of(books, market.at, market.len);
    if (n == 0) return PMM_NOT_FOUND;
    books->last = n - 1;
  }
  *index = books->last;
  return PMM_OK;
}

const pmm_ladder_t *pmm_kalshi_books_ladder(const pmm_kalshi_books_t *books, uint32_t index) { return &books->book[index].ladder; }
bool pmm_kalshi_books_is_good(const pmm_kalshi_books_t *books, uint32_t index) { return books->book[index].good; }

pmm_status_t pmm_kalshi_books_regrid(pmm_kalshi_books_t *books, uint32_t index, const pmm_grid_t *grid) {
  book_t *const k = &books->book[index];
  pmm_status_t const st = pmm_ladder_regrid(&k->ladder, grid->tick_cnt, NULL);
  if (st == PMM_OK) k->grid = *grid;
  return st;
}

void pmm_kalshi_books_first(pmm_kalshi_books_t *books, uint32_t first) { books->first = first; }

/* -- numbering -- */

static stream_t *stream_of(pmm_kalshi_books_t *b, uint32_t sid) {
  for (uint32_t i = 0; i < b->stream_cnt; i++)
    if (b->stream[i].sid == sid) return &b->stream[i];
  return NULL;
}

pmm_status_t pmm_kalshi_books_sid(pmm_kalshi_books_t *books, uint32_t sid, bool use_yes_price) {
  stream_t *s = stream_of(books, sid);
  if (!s && books->stream_cnt == PMM_KALSHI_SIDS_MAX) return PMM_FULL;
  if (!s) s = &books->stream[books->stream_cnt++];
  *s = (stream_t){.sid = sid, .use_yes_price = use_yes_price};
  return PMM_OK;
}

static void spoil(book_t *k) {
  k->gap_due |= k->good;
  k->good = false;
}

void pmm_kalshi_books_forget(pmm_kalshi_books_t *books) {
  books->stream_cnt = 0;
  for (uint32_t i = 0; i < books->book_cnt; i++) spoil(&books->book[i]);
}

pmm_status_t pmm_kalshi_books_count(pmm_kalshi_books_t *books, const pmm_kalshi_frame_t *frame) {
  stream_t *const s = frame->has_seq ? stream_of(books, frame->sid) : NULL;
  if (!s) return PMM_OK;
  bool const follows = frame->seq == s->seq + 1;
  s->seq = frame->seq;
  if (__builtin_expect(follows, 1)) return PMM_OK;
  for (uint32_t i = 0; i < books->book_cnt; i++)
    if (books->book[i].sid == s->sid) spoil(&books->book[i]);
  return PMM_SEQ_GAP;
}

/* -- records -- */

static pmm_md_t record(const pmm_kalshi_frame_t *f, uint32_t market, int64_t recv_ns, pmm_kind_t kind) {
  return (pmm_md_t){.recv_ns = recv_ns, .exch_ns = f->exch_ns, .seq = (uint32_t)f->seq, .market = market, .kind = (uint8_t)kind, .flags = PMM_F_LAST};
}

/* A NO bid at n is a YES ask at 1-n. */
static inline int32_t yes_price(bool no, bool use_yes_price, int32_t price_e4) { return no && !use_yes_price ? PMM_ONE_E4 - price_e4 : price_e4; }

/* Tick of a price, or PMM_TICKS_NONE when the ladder has none for it. */
static inline int32_t tick_of(const book_t *k, int32_t price_e4) {
  int32_t const tick = pmm_grid_index(&k->grid, price_e4);
  return tick * k->grid.tick_e4 == price_e4 && tick > 0 && tick < k->ladder.tick_cnt ? tick : PMM_TICKS_NONE;
}

static pmm_status_t spoiled(pmm_kalshi_books_t *b, book_t *k, pmm_md_t gap, const pmm_md_t **md, size_t *cnt) {
  bool const was_good = k->good;
  spoil(k);
  k->gap_due = false;
  if (gap.exch_ns == PMM_TIME_NONE) gap.exch_ns = gap.recv_ns;
  b->md[0] = gap;
  *md = b->md;
  *cnt = was_good;
  return PMM_CORRUPT;
}

/* One side of a whole book, [0] YES and [1] NO: is there a tick for each of its prices? */
static inline bool side_is_sound(const book_t *k, const pmm_kalshi_frame_t *f, int no, bool use_yes_price) {
  const pmm_kalshi_level_t *level = f->u.book.level[no], *const end = level + f->u.book.cnt[no];
  for (; level < end; level++)
    if (tick_of(k, yes_price(no, use_yes_price, level->price_e4)) == PMM_TICKS_NONE) return false;
  return true;
}

/* Into the ladder, and a record like `like` for each level; gives the place behind the last one. */
static inline pmm_md_t *load_side(book_t *k, const pmm_kalshi_frame_t *f, int no, bool use_yes_price, const pmm_md_t *like, pmm_md_t *md) {
  const pmm_kalshi_level_t *level = f->u.book.level[no], *const end = level + f->u.book.cnt[no];
  pmm_grid_t const grid = k->grid; /* a copy, as no store into the ladder can change it */
  for (; level < end; level++, md++) {
    int32_t const price_e4 = yes_price(no, use_yes_price, level->price_e4);
    int64_t const qty_e6 = level->qty_e6;
    pmm_ladder_put(&k->ladder, no ? PMM_ASK : PMM_BID, pmm_grid_index(&grid, price_e4), qty_e6);
    *md = *like;
    md->side = no ? PMM_ASK : PMM_BID;
    md->price_e4 = price_e4;
    md->qty_e6 = qty_e6;
  }
  return md;
}

/* Its prices are sound. */
static size_t load(book_t *k, const pmm_kalshi_frame_t *f, bool use_yes_price, pmm_md_t like, pmm_md_t *md) {
  like.flags = PMM_F_SNAPSHOT;
  md[0] = like;
  like.kind = PMM_MD_LEVEL;
  pmm_ladder_clear(&k->ladder);
  pmm_md_t *const asks = load_side(k, f, 0, use_yes_price, &like, md + 1), *const end = load_side(k, f, 1, use_yes_price, &like, asks);
  pmm_ladder_settle(&k->ladder);
  end[-1].flags |= PMM_F_LAST;
  return (size_t)(end - md);
}

static pmm_status_t apply_book(pmm_kalshi_books_t *b, book_t *k, const pmm_kalshi_frame_t *f, const stream_t *s, pmm_md_t r,
                               const pmm_md_t **md, size_t *cnt) {
  if (!side_is_sound(k, f, 0, s->use_yes_price) || !side_is_sound(k, f, 1, s->use_yes_price)) {
    r.kind = PMM_MD_GAP;
    return spoiled(b, k, r, md, cnt);
  }
  *cnt = load(k, f, s->use_yes_price, r, b->md);
  *md = b->md;
  k->sid = s->sid;
  k->good = true;
  k->gap_due = false;
  return PMM_OK;
}

static pmm_status_t apply_delta(pmm_kalshi_books_t *b, book_t *k, const pmm_kalshi_frame_t *f, const stream_t *s, pmm_md_t r,
                                const pmm_md_t **md, size_t *cnt) {
  if (!k->good || k->sid != s->sid) return PMM_NOT_READY;
  int32_t const price_e4 = yes_price(f->u.delta.no, s->use_yes_price, f->u.delta.price_e4), tick = tick_of(k, price_e4);
  pmm_side_t const side = f->u.delta.no ? PMM_ASK : PMM_BID;
  int64_t qty_e6 = -1;
  bool const fits = tick != PMM_TICKS_NONE && !__builtin_add_overflow(k->ladder.qty_e6[side][tick], f->u.delta.qty_e6, &qty_e6) && qty_e6 >= 0;
  if (__builtin_expect(!fits, 0)) {
    r.kind = PMM_MD_GAP;
    return spoiled(b, k, r, md, cnt);
  }
  (void)pmm_ladder_set(&k->ladder, side, tick, qty_e6);
  r.side = (uint8_t)side;
  r.price_e4 = price_e4;
  r.qty_e6 = qty_e6;
  b->md[0] = r;
  *md = b->md;
  *cnt = 1;
  return PMM_OK;
}

/* A block trade was agreed elsewhere and printed here: it took nothing from the book. */
static pmm_status_t apply_trade(pmm_kalshi_books_t *b, const pmm_kalshi_frame_t *f, pmm_md_t r, const pmm_md_t **md, size_t *cnt) {
  bool const in_book = !f->u.trade.block && f->u.trade.price_e4 > 0 && f->u.trade.price_e4 < PMM_ONE_E4 && f->u.trade.qty_e6 > 0;
  r.kind = in_book ? PMM_MD_TRADE : PMM_MD_MARK;
  if (in_book) {
    r.side = f->u.trade.taker;
    r.price_e4 = f->u.trade.price_e4;
    r.qty_e6 = f->u.trade.qty_e6;
  }
  b->md[0] = r;
  *md = b->md;
  *cnt = 1;
  return PMM_OK;
}

pmm_status_t pmm_kalshi_books_apply(pmm_kalshi_books_t *books, const pmm_kalshi_frame_t *frame, int64_t recv_ns, const pmm_md_t **md, size_t *cnt) {
  uint32_t index;
  const stream_t *const s = stream_of(books, frame->sid);
  *cnt = 0;
  if (!s || pmm_kalshi_books_find(books, frame->market, &index) != PMM_OK) return PMM_NOT_FOUND;
  book_t *const k = &books->book[index];
  switch ((pmm_kalshi_type_t)frame->type) {
  case PMM_KALSHI_DELTA: return apply_delta(books, k, frame, s, record(frame, books->first + index, recv_ns, PMM_MD_LEVEL), md, cnt);
  case PMM_KALSHI_BOOK: return apply_book(books, k, frame, s, record(frame, books->first + index, recv_ns, PMM_MD_CLEAR), md, cnt);
  case PMM_KALSHI_TRADE: return apply_trade(books, frame, record(frame, books->first + index, recv_ns, PMM_MD_TRADE), md, cnt);
  default: return PMM_INVAL;
  }
}

size_t pmm_kalshi_books_gaps(pmm_kalshi_books_t *books, int64_t recv_ns, pmm_md_t *md, size_t cap) {
  size_t n = 0;
  for (uint32_t i = 0; i < books->book_cnt && n < cap; i++) {
    if (!books->book[i].gap_due) continue;
    books->book[i].gap_due = false;
    md[n++] = (pmm_md_t){.recv_ns = recv_ns, .exch_ns = recv_ns, .market = books->first + i, .kind = PMM_MD_GAP, .flags = PMM_F_LAST};
  }
  return n;
}
