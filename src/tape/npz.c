/* A market's records as hftbacktest rows. The archive's directory and the array's header name the number of rows, so the tape
   is read twice: to count, then to write; memory holds one block. */
#include "npz.h"
#include <errno.h>
#include <stdlib.h>
#include <zip.h>
#include "book.h"
#include "format.h"

#define HEADER_ALIGN 64
#define HEADER_MAX 512

/* -- rows -- */
static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double double_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

void pmm__npz_put(unsigned char out[PMM__NPZ_ROW], const pmm__npz_row_t *row) {
  pmm__put64(out, row->ev);
  pmm__put64(out + 8, (uint64_t)row->exch_ns);
  pmm__put64(out + 16, (uint64_t)row->local_ns);
  pmm__put64(out + 24, bits_of(row->px));
  pmm__put64(out + 32, bits_of(row->qty));
  memset(out + 40, 0, PMM__NPZ_ROW - 40);
}

void pmm__npz_get(const unsigned char in[PMM__NPZ_ROW], pmm__npz_row_t *row) {
  *row = (pmm__npz_row_t){.ev = pmm__get64(in),
                          .exch_ns = (int64_t)pmm__get64(in + 8),
                          .local_ns = (int64_t)pmm__get64(in + 16),
                          .px = double_of(pmm__get64(in + 24)),
                          .qty = double_of(pmm__get64(in + 32))};
}

/* -- records into rows -- */
typedef struct rows {
  const pmm_tape_t *tape;
  uint32_t market;
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md; /* the block at hand: md[at..cnt) */
  size_t at, cnt;
  pmm__book_t book; /* only to know what a coarser tick drops */
  int64_t exch_ns;  /* of the row before */
  unsigned char *bytes; /* rows made and not yet taken: bytes[from..len) */
  size_t from, len, cap;
  uint64_t row_cnt, done;
  const pmm_tape_progress_t *progress;
  pmm_error_t *err;
} rows_t;

static pmm_status_t no_memory(const rows_t *r) { return pmm_error_set(r->err, PMM_FULL, "export: out of memory"); }

/* hftbacktest wants venue times that do not go back and are not after the receive time. */
static pmm_status_t add_row(rows_t *r, const pmm_md_t *md, uint64_t kind, int side, int32_t price_e4, int64_t qty_e6) {
  if (r->len + PMM__NPZ_ROW > r->cap) {
    size_t const cap = r->cap ? r->cap * 2 : (size_t)PMM__NPZ_ROW * 4096;
    unsigned char *const grown = realloc(r->bytes, cap);
    if (!grown) return no_memory(r);
    r->bytes = grown;
    r->cap = cap;
  }
  int64_t const stamp_ns = md->exch_ns == PMM_TIME_NONE ? md->recv_ns : pmm_min64(md->exch_ns, md->recv_ns);
  r->exch_ns = pmm_max64(r->exch_ns, stamp_ns);
  uint64_t const of_side = side < 0 ? 0 : side == PMM_BID ? PMM__EV_BUY : PMM__EV_SELL;
  pmm__npz_row_t const row = {.ev = kind | of_side | PMM__EV_LOCAL | PMM__EV_EXCH,
                              .exch_ns = r->exch_ns,
                              .local_ns = md->recv_ns,
                              .px = (double)price_e4 / PMM_ONE_E4,
                              .qty = (double)qty_e6 / PMM_ONE_E6};
  pmm__npz_put(r->bytes + r->len, &row);
  r->len += PMM__NPZ_ROW;
  r->row_cnt++;
  return PMM_OK;
}

/* Levels that the new tick cannot express go, which no other row says. */
static pmm_status_t drop_levels(rows_t *r, const pmm_md_t *md, pmm_side_t side) {
  const pmm_ladder_t *const l = &r->book.ladder;
  pmm_status_t st = PMM_OK;
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE && st == PMM_OK; tick = pmm_ladder_next(l, side, tick))
    if (tick * l->tick_e4 % md->price_e4 != 0) st = add_row(r, md, PMM__EV_DEPTH, (int)side, tick * l->tick_e4, 0);
  return st;
}

static pmm_status_t add_tick(rows_t *r, const pmm_md_t *md) {
  if (md->price_e4 <= 0) return PMM_OK; /* verify would refuse it */
  pmm_status_t st = drop_levels(r, md, PMM_BID);
  if (st == PMM_OK) st = drop_levels(r, md, PMM_ASK);
  if (st == PMM_OK && pmm__book_regrid(&r->book, md->price_e4) == PMM_FULL) st = no_memory(r);
  return st;
}

static pmm_status_t add_record(rows_t *r, const pmm_md_t *md) {
  switch (md->kind) {
  case PMM_MD_LEVEL:
    (void)pmm__book_set(&r->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6);
    return add_row(r, md, md->flags & PMM_F_SNAPSHOT ? PMM__EV_DEPTH_SNAPSHOT : PMM__EV_DEPTH, md->side, md->price_e4, md->qty_e6);
  case PMM_MD_TRADE: return add_row(r, md, PMM__EV_TRADE, md->side, md->price_e4, md->qty_e6);
  case PMM_MD_CLEAR: pmm_ladder_clear(&r->book.ladder); return add_row(r, md, PMM__EV_DEPTH_CLEAR, -1, 0, 0);
  case PMM_MD_TICK: return add_tick(r, md);
  default: return PMM_OK; /* the layout has no life cycle, no gaps, no volume */
  }
}

static bool is_of_market(const rows_t *r, const pmm_md_t *md) {
  return md->market == r->market && !pmm_kind_is_underlying(md->kind);
}

/* Makes rows of some more records, at least one unless the tape ends. */
static pmm_status_t make_rows(rows_t *r) {
  r->from = r->len = 0;
  while (r->len == 0) {
    pmm_status_t st = PMM_OK;
    if (r->at == r->cnt) {
      st = pmm_tape_cursor_next(r->cursor, &r->md, &r->cnt, r->err);
      if (st != PMM_OK) return st;
      r->at = 0;
      r->done += r->cnt;
      if (r->progress && r->progress->step) r->progress->step(r->progress->ctx, r->done, 2 * pmm_tape_info(r->tape)->records);
    }
    for (; r->at < r->cnt && r->len < (size_t)PMM__NPZ_ROW * 4096 && st == PMM_OK; r->at++)
      if (is_of_market(r, &r->md[r->at])) st = add_record(r, &r->md[r->at]);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t start_rows(rows_t *r) {
  pmm__book_fini(&r->book);
  r->at = r->cnt = r->from = r->len = 0;
  r->row_cnt = 0;
  r->exch_ns = INT64_MIN;
  pmm_tape_cursor_close(r->cursor);
  r->cursor = NULL;
  if (pmm__book_init(&r->book, pmm_tape_market(r->tape, r->market)->grid.tick_e4) != PMM_OK) return no_memory(r);
  return pmm_tape_cursor_open(&r->cursor, r->tape, r->err);
}

static pmm_status_t count_rows(rows_t *r, uint64_t *cnt) {
  pmm_status_t st = start_rows(r);
  while (st == PMM_OK) st = make_rows(r);
  *cnt = r->row_cnt;
  return st == PMM_END ? start_rows(r) : st;
}

/* -- the array, as the archive asks for it -- */
typedef struct array {
  rows_t *rows;
  char header[HEADER_MAX];
  size_t header_len, header_at;
  pmm_status_t status;
} array_t;

static void make_header(array_t *a, uint64_t rows) {
  char *const text = a->header + 10;
  int len = snprintf(text, HEADER_MAX - 10, "{'descr': " PMM__NPZ_DESCR ", 'fortran_order': False, 'shape': (%llu,), }", (unsigned long long)rows);
  while ((10 + len + 1) % HEADER_ALIGN != 0) text[len++] = ' ';
  text[len++] = '\n';
  memcpy(a->header, "\x93NUMPY\x01", 8); /* and the minor version 0 */
  pmm__put16((unsigned char *)a->header + 8, (uint16_t)len);
  a->header_len = 10 + (size_t)len;
}

static size_t take_bytes(void *to, size_t room, const void *from, size_t have) {
  size_t const n = room < have ? room : have;
  memcpy(to, from, n);
  return n;
}

static zip_int64_t read_array(array_t *a, unsigned char *to, size_t room) {
  rows_t *const r = a->rows;
  size_t got = take_bytes(to, room, a->header + a->header_at, a->header_len - a->header_at);
  a->header_at += got;
  while (got < room) {
    if (r->from == r->len) {
      a->status = make_rows(r);
      if (a->status == PMM_END) break;
      if (a->status != PMM_OK) return -1;
    }
    size_t const n = take_bytes(to + got, room - got, r->bytes + r->from, r->len - r->from);
    r->from += n;
    got += n;
  }
  return (zip_int64_t)got;
}

static zip_int64_t array_source(void *ctx, void *data, zip_uint64_t len, zip_source_cmd_t command) {
  array_t *const a = ctx;
  switch (command) {
  case ZIP_SOURCE_OPEN: a->header_at = 0; return 0;
  case ZIP_SOURCE_READ: return read_array(a, data, len);
  case ZIP_SOURCE_CLOSE:
  case ZIP_SOURCE_FREE: return 0;
  case ZIP_SOURCE_STAT: zip_stat_init(data); return 0;
  case ZIP_SOURCE_ERROR: {
    int const codes[2] = {ZIP_ER_READ, 0};
    memcpy(data, codes, sizeof codes);
    return sizeof codes;
  }
  case ZIP_SOURCE_SUPPORTS:
    return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
  default: return -1;
  }
}

/* -- the archive, into a stream that can seek -- */
static zip_int64_t seek(FILE *out, void *data, zip_uint64_t len) {
  const zip_source_args_seek_t *const to = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, len, NULL);
  return to ? fseeko(out, (off_t)to->offset, to->whence) : -1;
}

static zip_int64_t out_source(void *ctx, void *data, zip_uint64_t len, zip_source_cmd_t command) {
  FILE *const out = ctx;
  switch (command) {
  case ZIP_SOURCE_BEGIN_WRITE: return fseeko(out, 0, SEEK_SET);
  case ZIP_SOURCE_WRITE: return fwrite(data, 1, len, out) == len ? (zip_int64_t)len : -1;
  case ZIP_SOURCE_SEEK_WRITE: return seek(out, data, len);
  case ZIP_SOURCE_TELL:
  case ZIP_SOURCE_TELL_WRITE: return ftello(out);
  case ZIP_SOURCE_COMMIT_WRITE: return fflush(out);
  case ZIP_SOURCE_OPEN:
  case ZIP_SOURCE_CLOSE:
  case ZIP_SOURCE_SEEK:
  case ZIP_SOURCE_READ: /* it is empty before it is written, and not read afterwards */
  case ZIP_SOURCE_ROLLBACK_WRITE:
  case ZIP_SOURCE_REMOVE:
  case ZIP_SOURCE_FREE: return 0;
  case ZIP_SOURCE_STAT: {
    zip_stat_t *const stat = data;
    zip_stat_init(stat);
    stat->size = 0;
    stat->valid = ZIP_STAT_SIZE;
    return 0;
  }
  case ZIP_SOURCE_ERROR: {
    int const codes[2] = {ZIP_ER_WRITE, errno};
    memcpy(data, codes, sizeof codes);
    return sizeof codes;
  }
  case ZIP_SOURCE_SUPPORTS:
    return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                          ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE,
                                          ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE,
                                          ZIP_SOURCE_REMOVE, -1);
  default: return -1;
  }
}

static pmm_status_t zip_failed(const rows_t *r, zip_error_t *why) {
  return pmm_error_set(r->err, PMM_IO, "output: %s", zip_error_strerror(why));
}

/* The same records give the same bytes, so the entry bears no time of today. */
static bool add_array(zip_t *zip, array_t *a) {
  zip_source_t *const source = zip_source_function(zip, array_source, a);
  zip_int64_t const index = source ? zip_file_add(zip, PMM__NPZ_ENTRY, source, ZIP_FL_ENC_UTF_8) : -1;
  if (index < 0) {
    if (source) zip_source_free(source);
    return false;
  }
  return zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_DEFLATE, 1) == 0 &&
         zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 1 << 5 | 1, 0) == 0; /* 1980-01-01, where such times begin */
}

static pmm_status_t write_archive(array_t *a, FILE *out) {
  rows_t *const r = a->rows;
  zip_error_t why;
  zip_error_init(&why);
  zip_source_t *const target = zip_source_function_create(out_source, out, &why);
  zip_t *const zip = target ? zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &why) : NULL;
  if (!zip) {
    if (target) zip_source_free(target);
    return zip_failed(r, &why);
  }
  if (add_array(zip, a) && zip_close(zip) == 0) return PMM_OK;
  pmm_status_t const st = a->status != PMM_OK && a->status != PMM_END ? a->status : zip_failed(r, zip_get_error(zip)); /* else err is set */
  zip_discard(zip);
  return st;
}

pmm_status_t pmm__npz_export(const pmm_tape_t *tape, uint32_t market, const pmm_tape_progress_t *progress, FILE *out, pmm_error_t *err) {
  rows_t rows = {.tape = tape, .market = market, .progress = progress, .err = err};
  array_t array = {.rows = &rows};
  uint64_t cnt = 0;
  if (fseeko(out, 0, SEEK_CUR) != 0) return pmm_error_set(err, PMM_IO, "output: npz is written back and forth, so it needs a file: -o FILE");
  pmm_status_t st = count_rows(&rows, &cnt);
  if (st == PMM_OK) {
    make_header(&array, cnt);
    st = write_archive(&array, out);
  }
  pmm_tape_cursor_close(rows.cursor);
  pmm__book_fini(&rows.book);
  free(rows.bytes);
  return st;
}
