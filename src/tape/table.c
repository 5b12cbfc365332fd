/* Market and underlying tables on tape: field by field in a fixed order, each entry with its length, so that a later
   version may append fields and an older reader still takes the ones it knows. */
#include <stdlib.h>
#include "format.h"

#define ENTRY_HEAD 8

bool pmm__bytes_reserve(pmm__bytes_t *b, size_t more) {
  if (more <= b->cap - b->len) return true;
  size_t cap = b->cap ? b->cap * 2 : 4096;
  while (cap - b->len < more) cap *= 2;
  unsigned char *const grown = realloc(b->data, cap);
  if (!grown) return false;
  b->data = grown;
  b->cap = cap;
  return true;
}

/* -- writing: fields go into reserved room -- */
static void put_u8(pmm__bytes_t *b, uint8_t v) { b->data[b->len++] = v; }
static void put_u32(pmm__bytes_t *b, uint32_t v) {
  pmm__put32(b->data + b->len, v);
  b->len += 4;
}
static void put_i32(pmm__bytes_t *b, int32_t v) { put_u32(b, (uint32_t)v); }
static void put_i64(pmm__bytes_t *b, int64_t v) {
  pmm__put64(b->data + b->len, (uint64_t)v);
  b->len += 8;
}
static void put_text(pmm__bytes_t *b, const char *text, size_t len) { /* a length byte, then the text */
  put_u8(b, (uint8_t)len);
  memcpy(b->data + b->len, text, len);
  b->len += len;
}
static void put_id(pmm__bytes_t *b, const char id[PMM_ID_MAX]) { put_text(b, id, strnlen(id, PMM_ID_MAX - 1)); }

static size_t entry_begin(pmm__bytes_t *b, uint16_t kind) {
  size_t const at = b->len;
  pmm__put16(b->data + at, kind);
  pmm__put16(b->data + at + 2, 0);
  b->len += ENTRY_HEAD;
  return at;
}
static void entry_end(pmm__bytes_t *b, size_t at) { pmm__put32(b->data + at + 4, (uint32_t)(b->len - at - ENTRY_HEAD)); }

bool pmm__entry_put_provenance(pmm__bytes_t *b, const char *text) {
  size_t const len = strlen(text);
  if (!pmm__bytes_reserve(b, ENTRY_HEAD + len)) return false;
  size_t const at = entry_begin(b, PMM__ENTRY_PROVENANCE);
  memcpy(b->data + b->len, text, len);
  b->len += len;
  entry_end(b, at);
  return true;
}

static void put_grid(pmm__bytes_t *b, const pmm_grid_t *grid) { /* the ranges; the rest follows from them */
  put_u8(b, (uint8_t)grid->range_cnt);
  for (int32_t i = 0; i < grid->range_cnt; i++) {
    put_i32(b, grid->range[i].start_e4);
    put_i32(b, grid->range[i].end_e4);
    put_i32(b, grid->range[i].step_e4);
  }
}

static void put_fees(pmm__bytes_t *b, const pmm_fee_schedule_t *fees) {
  put_u8(b, fees->model);
  put_u8(b, fees->exponent);
  put_i32(b, fees->taker_rate_e6);
  put_i32(b, fees->maker_rate_e6);
  put_i32(b, fees->precision_e6);
  put_i32(b, fees->rebate_share_e6);
}

bool pmm__entry_put_market(pmm__bytes_t *b, uint32_t index, const pmm_market_t *m) {
  if (!pmm__bytes_reserve(b, 1024)) return false; /* an entry is at most 600 bytes */
  size_t const at = entry_begin(b, PMM__ENTRY_MARKET);
  put_u32(b, index);
  put_id(b, m->id);
  put_id(b, m->event);
  put_id(b, m->token_yes);
  put_id(b, m->token_no);
  put_u8(b, m->venue);
  put_u8(b, m->life);
  put_u8(b, m->outcome);
  put_u8(b, m->tie_is_yes);
  put_u32(b, m->data);
  put_u32(b, m->underlying);
  put_grid(b, &m->grid);
  put_i64(b, m->lot_e6);
  put_i64(b, m->min_size_e6);
  put_fees(b, &m->fees);
  put_i64(b, m->open_ns);
  put_i64(b, m->close_ns);
  put_i64(b, m->strike_e8);
  put_i64(b, m->settle_window_ns);
  put_i64(b, m->payout_yes_e6);
  entry_end(b, at);
  return true;
}

bool pmm__entry_put_underlying(pmm__bytes_t *b, uint32_t index, const pmm_underlying_t *u) {
  if (!pmm__bytes_reserve(b, 512)) return false;
  size_t const at = entry_begin(b, PMM__ENTRY_UNDERLYING);
  put_u32(b, index);
  put_id(b, u->id);
  put_id(b, u->source);
  put_u8(b, u->kind);
  entry_end(b, at);
  return true;
}

/* -- reading: a view that runs dry sets `bad` and gives zeros -- */
typedef struct view {
  const unsigned char *p, *end;
  bool bad;
} view_t;

static const unsigned char *take(view_t *v, size_t n) {
  static const unsigned char zeros[8];
  if ((size_t)(v->end - v->p) < n) {
    v->bad = true;
    return zeros; /* only asked for 8 bytes or fewer */
  }
  v->p += n;
  return v->p - n;
}
static uint8_t get_u8(view_t *v) { return *take(v, 1); }
static uint32_t get_u32(view_t *v) { return pmm__get32(take(v, 4)); }
static int32_t get_i32(view_t *v) { return (int32_t)get_u32(v); }
static int64_t get_i64(view_t *v) { return (int64_t)pmm__get64(take(v, 8)); }
static void get_id(view_t *v, char id[PMM_ID_MAX]) {
  size_t const len = get_u8(v);
  if (len >= PMM_ID_MAX || (size_t)(v->end - v->p) < len || memchr(v->p, '\0', len)) {
    v->bad = true;
    return;
  }
  memcpy(id, v->p, len);
  id[len] = '\0';
  v->p += len;
}

static void get_grid(view_t *v, pmm_grid_t *grid) {
  pmm_grid_range_t range[PMM_GRID_RANGES_MAX];
  size_t const cnt = get_u8(v);
  if (cnt > PMM_GRID_RANGES_MAX) v->bad = true;
  for (size_t i = 0; i < cnt && !v->bad; i++) {
    range[i].start_e4 = get_i32(v);
    range[i].end_e4 = get_i32(v);
    range[i].step_e4 = get_i32(v);
  }
  if (v->bad || pmm_grid_ranges(grid, range, cnt) != PMM_OK) v->bad = true;
}

static void get_fees(view_t *v, pmm_fee_schedule_t *fees) {
  fees->model = get_u8(v);
  fees->exponent = get_u8(v);
  fees->taker_rate_e6 = get_i32(v);
  fees->maker_rate_e6 = get_i32(v);
  fees->precision_e6 = get_i32(v);
  fees->rebate_share_e6 = get_i32(v);
}

static pmm_status_t read_market(pmm__tables_t *tables, view_t v, const char **why) {
  pmm_market_t m = {0};
  uint32_t const index = get_u32(&v);
  get_id(&v, m.id);
  get_id(&v, m.event);
  get_id(&v, m.token_yes);
  get_id(&v, m.token_no);
  m.venue = get_u8(&v);
  m.life = get_u8(&v);
  m.outcome = get_u8(&v);
  m.tie_is_yes = get_u8(&v);
  m.data = get_u32(&v);
  m.underlying = get_u32(&v);
  get_grid(&v, &m.grid);
  m.lot_e6 = get_i64(&v);
  m.min_size_e6 = get_i64(&v);
  get_fees(&v, &m.fees);
  m.open_ns = get_i64(&v);
  m.close_ns = get_i64(&v);
  m.strike_e8 = get_i64(&v);
  m.settle_window_ns = get_i64(&v);
  m.payout_yes_e6 = get_i64(&v);
  *why = "market entry not valid";
  if (v.bad || pmm_market_check(&m, NULL) != PMM_OK) return PMM_CORRUPT;
  pmm_status_t const st = pmm__tables_set_market(tables, index, &m);
  return st == PMM_INVAL ? PMM_CORRUPT : st;
}

static pmm_status_t read_underlying(pmm__tables_t *tables, view_t v, const char **why) {
  pmm_underlying_t u = {0};
  uint32_t const index = get_u32(&v);
  get_id(&v, u.id);
  get_id(&v, u.source);
  u.kind = get_u8(&v);
  *why = "underlying entry not valid";
  if (v.bad || u.kind > PMM_UNDER_TWAP || u.id[0] == '\0') return PMM_CORRUPT;
  pmm_status_t const st = pmm__tables_set_underlying(tables, index, &u);
  return st == PMM_INVAL ? PMM_CORRUPT : st;
}

static pmm_status_t read_entry(pmm__tables_t *tables, uint16_t kind, view_t v, const char **why) {
  switch (kind) {
  case PMM__ENTRY_PROVENANCE: return pmm__tables_set_provenance(tables, (const char *)v.p, (size_t)(v.end - v.p));
  case PMM__ENTRY_MARKET: return read_market(tables, v, why);
  case PMM__ENTRY_UNDERLYING: return read_underlying(tables, v, why);
  default: return PMM_OK; /* of a later version */
  }
}

pmm_status_t pmm__tables_read(pmm__tables_t *tables, const unsigned char *data, size_t len, const char **why) {
  const unsigned char *p = data, *const end = data + len;
  while (p < end) {
    *why = "table entry runs out of its block";
    if (end - p < ENTRY_HEAD) return PMM_CORRUPT;
    size_t const size = pmm__get32(p + 4);
    if ((size_t)(end - p - ENTRY_HEAD) < size) return PMM_CORRUPT;
    view_t const v = {.p = p + ENTRY_HEAD, .end = p + ENTRY_HEAD + size};
    *why = "out of memory";
    pmm_status_t const st = read_entry(tables, pmm__get16(p), v, why);
    if (st != PMM_OK) return st;
    p = v.end;
  }
  return PMM_OK;
}

/* -- the tables themselves -- */
void pmm__tables_fini(pmm__tables_t *t) {
  free(t->market);
  free(t->underlying);
  free(t->provenance);
  *t = (pmm__tables_t){0};
}

pmm_status_t pmm__tables_set_market(pmm__tables_t *t, uint32_t index, const pmm_market_t *market) {
  if (index > t->market_cnt) return PMM_INVAL;
  if (index == PMM_TAPE_MARKETS_MAX) return PMM_FULL;
  if (index == t->market_cap) {
    uint32_t const cap = t->market_cap ? t->market_cap * 2 : 16;
    pmm_market_t *const grown = realloc(t->market, cap * sizeof *grown);
    if (!grown) return PMM_FULL;
    t->market = grown;
    t->market_cap = cap;
  }
  t->market[index] = *market;
  if (index == t->market_cnt) t->market_cnt++;
  return PMM_OK;
}

pmm_status_t pmm__tables_set_underlying(pmm__tables_t *t, uint32_t index, const pmm_underlying_t *underlying) {
  if (index > t->underlying_cnt) return PMM_INVAL;
  if (index == PMM_TAPE_UNDER_MAX) return PMM_FULL;
  if (!t->underlying && !(t->underlying = calloc(PMM_TAPE_UNDER_MAX, sizeof *t->underlying))) return PMM_FULL;
  t->underlying[index] = *underlying;
  if (index == t->underlying_cnt) t->underlying_cnt++;
  return PMM_OK;
}

pmm_status_t pmm__tables_set_provenance(pmm__tables_t *t, const char *text, size_t len) {
  char *const copy = malloc(len + 1);
  if (!copy) return PMM_FULL;
  memcpy(copy, text, len);
  copy[len] = '\0';
  free(t->provenance);
  t->provenance = copy;
  return PMM_OK;
}
