/* fuzz_kalshi.c -- Kalshi's codec against arbitrary bytes: the first byte chooses what the rest is taken for. Messages of the socket go through all
   three readers, which must agree, and into books, which must stay sound; answers must end with values or with a place and a reason. */
#include <stdlib.h>
#include <string.h>
#include "pmm/kalshi.h"

#define PAD 64
#define TEXT_MAX (1 << 20)
#define ITEMS 64

static pmm_kalshi_codec_t *codec;
static pmm_kalshi_books_t *books;
static char text[TEXT_MAX + PAD];
static pmm_error_t err;

static void check(pmm_status_t st) {
  if (st != PMM_OK && (err.status != st || !strstr(err.text, "kalshi"))) abort(); /* an error that says nothing */
}

static void open_all(void) {
  static const char *const ids[] = {"A", "KXT-26NOV20-A"};
  if (pmm_kalshi_codec_open(&codec) != PMM_OK || pmm_kalshi_books_open(&books, 2) != PMM_OK) abort();
  for (int i = 0; i < 2; i++) {
    pmm_market_t m;
    uint32_t index;
    pmm_market_init(&m, ids[i]);
    if (pmm_kalshi_books_add(books, &m, &index) != PMM_OK) abort();
  }
}

static void to_books(const pmm_kalshi_frame_t *f) {
  const pmm_md_t *md;
  size_t cnt = 0;
  (void)pmm_kalshi_books_sid(books, 1, f->seq & 1);
  (void)pmm_kalshi_books_count(books, f);
  (void)pmm_kalshi_books_apply(books, f, 1, &md, &cnt);
  for (uint32_t i = 0; i < 2; i++)
    if (!pmm_ladder_is_valid(pmm_kalshi_books_ladder(books, i))) abort();
  for (size_t i = 0; i < cnt; i++)
    if (md[i].market > 1 || md[i].qty_e6 < 0) abort();
}

static bool same_text(pmm_kalshi_text_t a, pmm_kalshi_text_t b) { return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0); }

static void frames(size_t len) {
  pmm_kalshi_frame_t f[3];
  pmm_status_t st[3];
  static pmm_kalshi_level_t first[2][PMM_KALSHI_LEVELS_MAX];
  for (int reader = 0; reader < 3; reader++) {
    err = (pmm_error_t){0};
    pmm_kalshi_codec_reader(codec, (pmm_kalshi_reader_t)reader);
    st[reader] = pmm_kalshi_frame_read(codec, text, len, &f[reader], &err);
    check(st[reader]);
    if (st[reader] != st[0]) abort();
    if (st[0] != PMM_OK || f[reader].type != PMM_KALSHI_BOOK) continue;
    for (int side = 0; side < 2; side++) {
      size_t const bytes = f[reader].u.book.cnt[side] * sizeof first[0][0];
      if (f[reader].u.book.cnt[side] != f[0].u.book.cnt[side]) abort();
      if (reader == 0 && bytes > 0) memcpy(first[side], f[0].u.book.level[side], bytes);
      for (uint32_t i = 0; i < f[0].u.book.cnt[side]; i++)
        if (first[side][i].price_e4 != f[reader].u.book.level[side][i].price_e4 ||
            first[side][i].qty_e6 != f[reader].u.book.level[side][i].qty_e6)
          abort();
    }
  }
  if (st[0] != PMM_OK) return;
  for (int reader = 1; reader < 3; reader++)
    if (f[reader].type != f[0].type || f[reader].seq != f[0].seq || f[reader].sid != f[0].sid || f[reader].exch_ns != f[0].exch_ns) abort();
  if (f[0].type == PMM_KALSHI_DELTA &&
      (f[0].u.delta.qty_e6 != f[2].u.delta.qty_e6 || f[0].u.delta.price_e4 != f[2].u.delta.price_e4 || f[0].u.delta.no != f[2].u.delta.no))
    abort();
  if (!same_text(f[2].market, f[2].market)) abort(); /* reads every byte that the last reader points at */
  to_books(&f[2]);
}

static void answers(int what, size_t len) {
  static pmm_kalshi_market_t market[ITEMS];
  static pmm_kalshi_order_t order[ITEMS];
  static pmm_kalshi_fill_t fill[ITEMS];
  static pmm_kalshi_position_t position[ITEMS];
  static pmm_kalshi_done_t done[ITEMS];
  static pmm_kalshi_group_state_t group[ITEMS];
  pmm_kalshi_page_t page;
  pmm_kalshi_frame_t frame;
  union {
    pmm_kalshi_terms_t t;
    pmm_kalshi_balance_t b;
    pmm_kalshi_exchange_t x;
    pmm_kalshi_limits_t l;
    pmm_kalshi_costs_t c;
    pmm_kalshi_error_t e;
  } u;
  size_t cnt;
  switch (what) {
  case 1: check(pmm_kalshi_markets_read(codec, text, len, market, ITEMS, &page, &err)); break;
  case 2: check(pmm_kalshi_orders_read(codec, text, len, order, ITEMS, &page, &err)); break;
  case 3: check(pmm_kalshi_fills_read(codec, text, len, fill, ITEMS, &page, &err)); break;
  case 4: check(pmm_kalshi_positions_read(codec, text, len, position, ITEMS, &page, &err)); break;
  case 5: check(pmm_kalshi_batch_read(codec, text, len, done, ITEMS, &cnt, &err)); break;
  case 6: check(pmm_kalshi_done_read(codec, text, len, done, &err)); break;
  case 7: check(pmm_kalshi_groups_read(codec, text, len, group, ITEMS, &page, &err)); break;
  case 8: check(pmm_kalshi_orderbook_read(codec, text, len, &frame, &err)); break;
  case 9: check(pmm_kalshi_terms_read(codec, text, len, &u.t, &err)); break;
  case 10: check(pmm_kalshi_balance_read(codec, text, len, &u.b, &err)); break;
  case 11: check(pmm_kalshi_exchange_read(codec, text, len, &u.x, &err)); break;
  case 12: check(pmm_kalshi_limits_read(codec, text, len, &u.l, &err)); break;
  case 13: check(pmm_kalshi_costs_read(codec, text, len, &u.c, &err)); break;
  default: pmm_kalshi_error_read(codec, 400 + what, text, len, &u.e); break;
  }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  if (!codec) open_all();
  if (size == 0 || size > TEXT_MAX) return 0;
  memcpy(text, data + 1, size - 1);
  memset(text + size - 1, (int)data[0], PAD);
  err = (pmm_error_t){0};
  int const what = data[0] & 31; /* 'A' .. : 1 and on; '@': a message of the socket */
  pmm_kalshi_codec_reader(codec, PMM_KALSHI_READ_BEST);
  if (what == 0 || what > 15) frames(size - 1);
  else answers(what, size - 1);
  return 0;
}
