/* Checking a tape from end to end: bytes first (every block in file order, so that nothing lies between them), then what
   the records say, on a ladder for each market. */
#include <stdlib.h>
#include "book.h"
#include "reader.h"
#include "pmm/hash.h"

typedef struct market_state {
  pmm__book_t book;
  uint8_t life;
} market_state_t;

typedef struct verify {
  const pmm_tape_t *tape;
  pmm_tape_check_t *check;
  market_state_t *market;
  uint64_t at, block, record; /* where we are: byte of the block, its number, record in it */
  pmm_error_t *err;
} verify_t;

static pmm_status_t bad_bytes(const verify_t *v, uint64_t at, const char *why) {
  return pmm_error_set(v->err, PMM_CORRUPT, "%s: byte %llu: %s", v->tape->path, (unsigned long long)at, why);
}

static pmm_status_t bad_record(const verify_t *v, const char *why) {
  return pmm_error_set(v->err, PMM_CORRUPT, "%s: byte %llu, block %llu, record %llu: %s", v->tape->path, (unsigned long long)v->at,
                       (unsigned long long)v->block, (unsigned long long)v->record, why);
}

/* -- bytes -- */
static const char *bad_block(const pmm__block_header_t *h, const unsigned char *payload, uint64_t number, uint64_t records) {
  if (h->payload_crc != pmm_crc32c(0, payload, h->packed_len)) return "block damaged (CRC)";
  if (h->number != number) return "block number out of sequence";
  if (h->records != records) return "block does not start where its records should";
  if (h->type == PMM__BLOCK_DATA && h->count == 0) return "empty block";
  return NULL;
}

/* Blocks must follow each other without a byte between, and the trailer must end the file. */
static pmm_status_t check_bytes(verify_t *v) {
  const pmm_tape_t *const t = v->tape;
  uint64_t at = PMM__HEADER_LEN, records = 0, data_blocks = 0;
  while (at < t->len - PMM__HEADER_LEN) {
    pmm__block_header_t h;
    const unsigned char *payload;
    if (!pmm__tape_block(t, at, &h, &payload)) return bad_bytes(v, at, "block header damaged (CRC)");
    const char *const why = bad_block(&h, payload, v->check->blocks, records);
    if (why) return bad_bytes(v, at, why);
    if (h.type == PMM__BLOCK_DATA) {
      if (data_blocks == t->index_cnt || t->index[data_blocks].at != at) return bad_bytes(v, at, "block is not in the index");
      data_blocks++;
      records += h.count;
    }
    v->check->blocks++;
    at += PMM__HEADER_LEN + h.packed_len;
  }
  if (at != t->len - PMM__HEADER_LEN) return bad_bytes(v, at, "block runs into the trailer");
  if (v->check->blocks != t->info.blocks || records != t->info.records) return bad_bytes(v, at, "trailer's counts do not hold");
  return PMM_OK;
}

/* -- records -- */
static const char *bad_level(market_state_t *m, const pmm_md_t *md) {
  if (md->qty_e6 < 0) return "negative size";
  return pmm__book_set(&m->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6) == PMM_OK ? NULL : "price off the grid";
}

static const char *bad_trade(const pmm_md_t *md) {
  if (md->qty_e6 <= 0) return "trade without a quantity";
  return md->price_e4 > 0 && md->price_e4 < PMM_ONE_E4 ? NULL : "trade price outside (0,1)";
}

static const char *bad_status(market_state_t *m, const pmm_md_t *md) {
  if (pmm_life_move((pmm_life_t)m->life, (pmm_life_t)md->aux) != PMM_OK) return "life cycle goes where it may not";
  if (md->aux == PMM_LIFE_RESOLVED && (md->qty_e6 < 0 || md->qty_e6 > PMM_ONE_E6)) return "payout outside 0..1";
  m->life = md->aux;
  return NULL;
}

static const char *bad_tick(market_state_t *m, const pmm_md_t *md) {
  return pmm__book_regrid(&m->book, md->price_e4) == PMM_OK ? NULL : "tick does not divide a dollar";
}

static const char *bad_market_record(verify_t *v, market_state_t *m, const pmm_md_t *md) {
  switch (md->kind) {
  case PMM_MD_LEVEL: v->check->levels++; return bad_level(m, md);
  case PMM_MD_TRADE: v->check->trades++; return bad_trade(md);
  case PMM_MD_CLEAR: pmm_ladder_clear(&m->book.ladder); return NULL;
  case PMM_MD_STATUS: return bad_status(m, md);
  case PMM_MD_TICK: return bad_tick(m, md);
  case PMM_MD_GAP: v->check->gaps++; return NULL;
  case PMM_MD_VOLUME: return md->qty_e6 < 0 ? "negative volume" : NULL;
  case PMM_MD_PRICE: return md->price_e4 >= 0 && md->price_e4 <= PMM_ONE_E4 ? NULL : "price outside 0..1";
  case PMM_MD_STRIKE: return md->qty_e6 > 0 ? NULL : "strike not above 0";
  case PMM_MD_SETTLEMENT: return md->price_e4 <= PMM_ONE_E4 ? NULL : "share of failing fills above 1";
  default: return NULL; /* MARK, PHASE */
  }
}

static pmm_status_t check_record(verify_t *v, const pmm_md_t *md) {
  if (pmm_kind_is_underlying(md->kind))
    return md->qty_e6 > 0 ? PMM_OK : bad_record(v, "underlying without a value");
  market_state_t *const m = &v->market[md->market];
  if (!m->book.memory) {
    const pmm_market_t *const market = pmm_tape_market(v->tape, md->market);
    m->life = market->life;
    if (pmm__book_init(&m->book, market->grid.tick_e4) != PMM_OK)
      return pmm_error_set(v->err, PMM_FULL, "%s: out of memory", v->tape->path);
    v->check->markets++;
  }
  const char *const why = bad_market_record(v, m, md);
  if (why) return bad_record(v, why);
  if (md->flags & PMM_F_LAST && pmm_ladder_state(&m->book.ladder) == PMM_BOOK_CROSSED) v->check->crossed_msgs++;
  return PMM_OK;
}

static pmm_status_t check_block(verify_t *v, const pmm_md_t *md, size_t cnt) {
  for (v->record = 0; v->record < cnt; v->record++) {
    pmm_status_t const st = check_record(v, &md[v->record]);
    if (st != PMM_OK) return st;
  }
  v->check->records += cnt;
  return PMM_OK;
}

static pmm_status_t check_records(verify_t *v) {
  pmm_tape_cursor_t *cursor;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, v->tape, v->err);
  if (st != PMM_OK) return st;
  for (uint32_t i = 0;; i++) {
    const pmm_md_t *md;
    size_t cnt;
    st = pmm_tape_cursor_next(cursor, &md, &cnt, v->err);
    if (st != PMM_OK) break;
    v->at = v->tape->index[i].at;
    v->block = v->tape->index[i].number;
    if ((st = check_block(v, md, cnt)) != PMM_OK) break;
  }
  pmm_tape_cursor_close(cursor);
  return st == PMM_END ? PMM_OK : st;
}

static pmm_status_t verify_open(verify_t *v) {
  const pmm_tape_t *const t = v->tape;
  if (t->info.truncated)
    return pmm_error_set(v->err, PMM_TRUNCATED,
                         "%s: byte %llu: cut off: no valid trailer, %llu bytes after the last whole block (%llu records hold)", t->path,
                         (unsigned long long)(t->len - t->info.lost_bytes), (unsigned long long)t->info.lost_bytes,
                         (unsigned long long)t->info.records);
  v->market = calloc(t->tables.market_cnt ? t->tables.market_cnt : 1, sizeof *v->market);
  if (!v->market) return pmm_error_set(v->err, PMM_FULL, "%s: out of memory", t->path);
  pmm_status_t st = check_bytes(v);
  if (st == PMM_OK) st = check_records(v);
  for (uint32_t i = 0; i < t->tables.market_cnt; i++) pmm__book_fini(&v->market[i].book);
  free(v->market);
  return st;
}

pmm_status_t pmm_tape_verify(const char *path, pmm_tape_check_t *check, pmm_error_t *err) {
  pmm_tape_t *tape;
  *check = (pmm_tape_check_t){0};
  pmm_status_t st = pmm_tape_open(&tape, path, err);
  if (st != PMM_OK) return st;
  verify_t v = {.tape = tape, .check = check, .err = err};
  st = verify_open(&v);
  pmm_tape_close(tape);
  return st;
}
