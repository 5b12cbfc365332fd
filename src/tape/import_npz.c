/* hftbacktest: .npz archives of hftbacktest 2.x, one market, files in the order given. There are no tables in them: --market
   names it, --tick gives its grid, --scale what a dollar is. Rows without the LOCAL flag are the same events in the venue's
   order and are skipped; neighbours of one pair of times are one message. */
#include <math.h>
#include <stdlib.h>
#include <zip.h>
#include "import.h"
#include "npz.h"
#include "pmm/decimal.h"

#define HEADER_MAX 65536
#define ROWS_AT_ONCE 1024

typedef struct npz {
  pmm__import_t *im;
  const char *name;
  zip_t *zip;
  zip_file_t *file;
  uint64_t row_cnt, row; /* of the array; rows read */
  pmm__imarket_t *market;
  bool in_message;
  pmm__npz_row_t last; /* of the message at work */
} npz_t;

static pmm_status_t bad_file(const npz_t *x, const char *why) { return pmm_error_set(x->im->err, PMM_PARSE, "%s: %s", x->name, why); }

static pmm_status_t bad_row(const npz_t *x, const char *why) {
  return pmm_error_set(x->im->err, PMM_PARSE, "%s: row %llu: %s", x->name, (unsigned long long)x->row, why);
}

/* -- the archive -- */
static zip_t *open_archive(const pmm__source_t *s, zip_error_t *why) {
  zip_source_t *const source =
      s->path ? zip_source_file_create(s->path, 0, -1, why) : zip_source_buffer_create(s->data, s->len, 0, why);
  zip_t *const zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, why) : NULL;
  if (!zip && source) zip_source_free(source);
  return zip;
}

static pmm_status_t open_entry(npz_t *x, const pmm__source_t *s) {
  zip_error_t why;
  zip_error_init(&why);
  x->zip = open_archive(s, &why);
  if (!x->zip) {
    pmm_status_t const st = zip_error_code_zip(&why) == ZIP_ER_OPEN || zip_error_code_zip(&why) == ZIP_ER_NOENT ? PMM_IO : PMM_PARSE;
    return pmm_error_set(x->im->err, st, "%s: %s", x->name, zip_error_strerror(&why));
  }
  zip_int64_t const index = zip_name_locate(x->zip, PMM__NPZ_ENTRY, ZIP_FL_ENC_RAW);
  if (index < 0) return bad_file(x, "no array of the name data in this archive");
  x->file = zip_fopen_index(x->zip, (zip_uint64_t)index, 0);
  return x->file ? PMM_OK : bad_file(x, zip_strerror(x->zip));
}

/* Fills to[0..len); *got less at the end. */
static pmm_status_t read_some(npz_t *x, unsigned char *to, size_t len, size_t *got) {
  *got = 0;
  while (*got < len) {
    zip_int64_t const n = zip_fread(x->file, to + *got, len - *got);
    if (n < 0) return bad_file(x, zip_file_strerror(x->file));
    if (n == 0) return PMM_OK;
    *got += (size_t)n;
  }
  return PMM_OK;
}

static pmm_status_t read_all(npz_t *x, unsigned char *to, size_t len) {
  size_t got;
  pmm_status_t const st = read_some(x, to, len, &got);
  return st == PMM_OK && got < len ? bad_file(x, "the array ends within its header") : st;
}

/* -- the array's header: three keys in any order, nothing else; blanks mean nothing -- */
static size_t squeeze(char *text, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++)
    if (text[i] != ' ' && text[i] != '\n') text[n++] = text[i];
  text[n] = '\0';
  return n;
}

static bool skip_text(const char **at, const char *text) {
  size_t const len = strlen(text);
  if (strncmp(*at, text, len) != 0) return false;
  *at += len;
  return true;
}

static bool read_shape(const char **at, uint64_t *rows) {
  size_t const digits = strspn(*at, "0123456789");
  int64_t value;
  if (pmm_decimal_parse(*at, digits, 0, &value, NULL) != PMM_OK || value > INT64_MAX / PMM__NPZ_ROW) return false;
  *at += digits;
  *rows = (uint64_t)value;
  return skip_text(at, ",)");
}

static const char *parse_header(const char *text, uint64_t *rows) {
  bool descr = false, order = false, shape = false;
  if (!skip_text(&text, "{")) return "header is not a dictionary";
  while (!skip_text(&text, "}")) {
    if (!descr && skip_text(&text, "'descr':")) {
      if (!skip_text(&text, PMM__NPZ_DESCR)) return "rows are not those of hftbacktest 2.x (descr)";
      descr = true;
    } else if (!order && skip_text(&text, "'fortran_order':")) {
      if (!skip_text(&text, "False")) return "fortran_order is not False";
      order = true;
    } else if (!shape && skip_text(&text, "'shape':(")) {
      if (!read_shape(&text, rows)) return "shape is not (rows,)";
      shape = true;
    } else {
      return "header names something else than descr, fortran_order and shape";
    }
    if (*text != '}' && !skip_text(&text, ",")) return "header is not a dictionary";
  }
  return *text == '\0' && descr && order && shape ? NULL : "header lacks descr, fortran_order or shape";
}

static pmm_status_t read_header(npz_t *x) {
  unsigned char head[12];
  pmm_status_t st = read_all(x, head, 10);
  if (st != PMM_OK) return st;
  if (memcmp(head, "\x93NUMPY", 6) != 0) return bad_file(x, "data is not a numpy array");
  if ((head[6] != 1 && head[6] != 2) || head[7] != 0) return bad_file(x, "numpy format is neither 1.0 nor 2.0");
  if (head[6] == 2 && (st = read_all(x, head + 10, 2)) != PMM_OK) return st;
  size_t const len = head[6] == 1 ? pmm__get16(head + 8) : pmm__get32(head + 8);
  if (len > HEADER_MAX) return bad_file(x, "header longer than 64 KiB");
  char *const text = malloc(len + 1);
  if (!text) return pmm_error_set(x->im->err, PMM_FULL, "%s: out of memory", x->name);
  st = read_all(x, (unsigned char *)text, len);
  if (st == PMM_OK) {
    const char *const why = squeeze(text, len) == strnlen(text, len) ? parse_header(text, &x->row_cnt) : "header is not text";
    if (why) st = bad_file(x, why);
  }
  free(text);
  return st;
}

/* -- rows -- */
static pmm_status_t price_of(const npz_t *x, double px, int32_t *price_e4) {
  int64_t value;
  double const dollars = px / x->im->opts->scale;
  if (pmm_decimal_from_double(dollars, 4, &value) != PMM_OK || value <= 0 || value >= PMM_ONE_E4)
    return bad_row(x, "price outside (0,1) dollars; --scale S divides prices by S");
  if (fabs(dollars * PMM_ONE_E4 - (double)value) > 1e-4) return bad_row(x, "price finer than 0.0001 dollars");
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

static pmm_status_t qty_of(const npz_t *x, double qty, int64_t *qty_e6) {
  if (pmm_decimal_from_double(qty, 6, qty_e6) != PMM_OK || *qty_e6 < 0) return bad_row(x, "size negative, too large or no number");
  return PMM_OK;
}

static pmm_status_t side_of(const npz_t *x, const pmm__npz_row_t *row, pmm_side_t *side) {
  bool const buy = row->ev & PMM__EV_BUY, sell = row->ev & PMM__EV_SELL;
  *side = buy ? PMM_BID : PMM_ASK;
  return buy != sell ? PMM_OK : bad_row(x, "neither or both of buy and sell");
}

/* Levels of a side from its best to this price. */
static pmm_status_t clear_side(npz_t *x, pmm_side_t side, int32_t price_e4) {
  const pmm_ladder_t *const l = &x->market->book.ladder;
  pmm_status_t st = PMM_OK;
  for (int32_t tick = l->best[side], next; tick != PMM_TICKS_NONE && st == PMM_OK; tick = next) {
    int32_t const at_e4 = tick * l->tick_e4;
    next = pmm_ladder_next(l, side, tick);
    if (side == PMM_BID ? at_e4 < price_e4 : at_e4 > price_e4) break;
    st = pmm__message_level(x->im, side, at_e4, 0);
  }
  return st;
}

/* hftbacktest begins with an empty book, so the first row of one makes it known. */
static pmm_status_t know_book(npz_t *x) { return x->market->book_known ? PMM_OK : pmm__message_clear(x->im); }

static pmm_status_t take_clear(npz_t *x, const pmm__npz_row_t *row) {
  pmm_side_t side;
  int32_t price_e4 = 0;
  if (!x->market->book_known || !(row->ev & (PMM__EV_BUY | PMM__EV_SELL))) return pmm__message_clear(x->im);
  pmm_status_t st = side_of(x, row, &side);
  if (st == PMM_OK) st = price_of(x, row->px, &price_e4);
  return st == PMM_OK ? clear_side(x, side, price_e4) : st;
}

static pmm_status_t take_level(npz_t *x, const pmm__npz_row_t *row) {
  pmm_side_t side;
  int32_t price_e4 = 0;
  int64_t qty_e6 = 0;
  pmm_status_t st = side_of(x, row, &side);
  if (st == PMM_OK) st = price_of(x, row->px, &price_e4);
  if (st == PMM_OK) st = qty_of(x, row->qty, &qty_e6);
  if (st == PMM_OK) st = know_book(x);
  size_t const before = x->im->md_cnt;
  if (st == PMM_OK) st = pmm__message_level(x->im, side, price_e4, qty_e6);
  if (st == PMM_OK && x->im->md_cnt > before && (row->ev & 0xff) == PMM__EV_DEPTH_SNAPSHOT) x->im->md[x->im->md_cnt - 1].flags |= PMM_F_SNAPSHOT;
  return st;
}

/* A best price: whatever is better on its side is gone. */
static pmm_status_t take_best(npz_t *x, const pmm__npz_row_t *row) {
  pmm_side_t side;
  int32_t price_e4 = 0;
  pmm_status_t st = side_of(x, row, &side);
  if (st == PMM_OK) st = price_of(x, row->px, &price_e4);
  if (st == PMM_OK) st = know_book(x);
  if (st == PMM_OK) st = clear_side(x, side, price_e4);
  return st == PMM_OK ? take_level(x, row) : st;
}

static pmm_status_t take_trade(npz_t *x, const pmm__npz_row_t *row) {
  pmm_side_t side;
  int32_t price_e4 = 0;
  int64_t qty_e6 = 0;
  pmm_status_t st = side_of(x, row, &side);
  if (st == PMM_OK) st = price_of(x, row->px, &price_e4);
  if (st == PMM_OK) st = qty_of(x, row->qty, &qty_e6);
  if (st == PMM_OK && qty_e6 == 0) st = bad_row(x, "trade without a size");
  return st == PMM_OK ? pmm__message_add(x->im, PMM_MD_TRADE, (int)side, price_e4, qty_e6, 0) : st;
}

static pmm_status_t end_message(npz_t *x) {
  if (!x->in_message) return PMM_OK;
  x->in_message = false;
  return pmm__message_end(x->im);
}

static pmm_status_t begin_message(npz_t *x, const pmm__npz_row_t *row) {
  if (x->in_message && row->local_ns == x->last.local_ns && row->exch_ns == x->last.exch_ns) return PMM_OK;
  pmm_status_t st = end_message(x);
  int64_t const latest_ns = INT64_C(4000000000) * PMM_NS_PER_S;
  if (st == PMM_OK && (row->local_ns <= 0 || row->local_ns >= latest_ns)) st = bad_row(x, "local_ts: not a Unix time in ns");
  if (st == PMM_OK && (row->exch_ns <= 0 || row->exch_ns >= latest_ns)) st = bad_row(x, "exch_ts: not a Unix time in ns");
  if (st == PMM_OK) st = pmm__message_begin(x->im, x->market, row->local_ns, row->exch_ns);
  x->in_message = st == PMM_OK;
  x->last = *row;
  return st;
}

static pmm_status_t take_row(npz_t *x, const pmm__npz_row_t *row) {
  x->im->stats->lines++;
  if (!(row->ev & PMM__EV_LOCAL)) {
    x->im->stats->skipped++;
    return PMM_OK;
  }
  pmm_status_t const st = begin_message(x, row);
  if (st != PMM_OK) return st;
  switch (row->ev & 0xff) {
  case PMM__EV_DEPTH:
  case PMM__EV_DEPTH_SNAPSHOT: return take_level(x, row);
  case PMM__EV_DEPTH_BBO: return take_best(x, row);
  case PMM__EV_DEPTH_CLEAR: return take_clear(x, row);
  case PMM__EV_TRADE: return take_trade(x, row);
  default: return bad_row(x, "an event that is neither depth nor trade: data by order is not read");
  }
}

static pmm_status_t take_rows(npz_t *x) {
  unsigned char bytes[ROWS_AT_ONCE * PMM__NPZ_ROW];
  size_t got;
  pmm_status_t st = PMM_OK;
  for (x->row = 0; st == PMM_OK;) {
    st = read_some(x, bytes, sizeof bytes, &got);
    if (st != PMM_OK || got == 0) break;
    for (size_t i = 0; i + PMM__NPZ_ROW <= got && st == PMM_OK; i += PMM__NPZ_ROW, x->row++) {
      pmm__npz_row_t row;
      pmm__npz_get(bytes + i, &row);
      st = take_row(x, &row);
    }
    if (st == PMM_OK && got % PMM__NPZ_ROW != 0) return bad_file(x, "the array ends within a row");
    pmm__progress(x->im);
  }
  if (st == PMM_OK && x->row != x->row_cnt) st = bad_file(x, "the array has not as many rows as its header says");
  return st == PMM_OK ? end_message(x) : st;
}

static pmm_status_t take_file(npz_t *x, pmm__source_t *s) {
  x->name = s->name;
  x->zip = NULL;
  x->file = NULL;
  pmm_status_t st = open_entry(x, s);
  if (st == PMM_OK) st = read_header(x);
  if (st == PMM_OK) st = take_rows(x);
  if (x->file) zip_fclose(x->file);
  if (x->zip) zip_discard(x->zip);
  s->ended = true;
  return st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  npz_t x = {.im = im};
  pmm_market_t desc;
  if (!im->opts->market || im->opts->market[0] == '\0' || strlen(im->opts->market) >= PMM_ID_MAX)
    return pmm_error_set(im->err, PMM_INVAL, "hftbacktest: an archive does not name its market: --market ID, of at most %d bytes", PMM_ID_MAX - 1);
  if (!(im->opts->scale > 0) || !isfinite(im->opts->scale)) return pmm_error_set(im->err, PMM_INVAL, "scale: not a number above 0");
  pmm_market_init(&desc, im->opts->market);
  desc.data = PMM_DATA_DEPTH;
  if (pmm_grid_uniform(&desc.grid, im->opts->tick_e4) != PMM_OK) return pmm_error_set(im->err, PMM_INVAL, "tick: does not divide a dollar");
  pmm_status_t st = pmm__market_add(im, &desc, &x.market);
  for (size_t i = 0; i < cnt && st == PMM_OK; i++) st = take_file(&x, &source[i]);
  return st;
}

static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN;
}

const pmm__importer_t pmm__importer_npz = {
    .name = "hftbacktest", .what = ".npz of hftbacktest 2.x, one market: --market, --tick, --scale", .run = run, .decide = decide};
