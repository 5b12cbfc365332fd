/* Records <-> payload of a DATA block. docs/tape-format.md has the layout and the measurements behind it.

   Plain zstd over 40-byte records reads at 10 to 15 M records/s, because most bytes are re-assembled from short matches.
   Instead each field becomes a column of small integers (differences in time and sequence per market, everything divided
   by the column's common unit; market, kind, side, flags and aux as one index into a dictionary), each column is cut
   into byte planes, and each plane is stored as one constant, as it is, or as its own zstd frame, whichever pays: noise is
   not worth decoding. That reads four to five times as fast and is 45 % smaller. */
#include <stdlib.h>
#include <zstd.h>
#include "format.h"

#define CHUNK 512 /* records restored at a time: six columns of it stay in the first-level cache */
#define RECORDS PMM_TAPE_BLOCK_RECORDS
#define PLANES 8
#define COMBO_LEN 8 /* in memory; on tape its stream follows, u16 */
#define COMBO_TAPE_LEN 10
#define STREAM_LEN 12
#define PLANE_HEAD_LEN 5
#define HEAD_PACK_MIN 512 /* a shorter head is not worth a frame */
#define HEAD_MAX (8 + RECORDS * (COMBO_TAPE_LEN + STREAM_LEN) + COLUMNS * (9 + PLANES * PLANE_HEAD_LEN))

enum { COL_COMBO, COL_RECV, COL_EXCH, COL_QTY, COL_PRICE, COL_SEQ, COLUMNS };
enum { PLANE_CONST, PLANE_RAW, PLANE_ZSTD };

/* What a record is, apart from its numbers. */
typedef struct combo {
  uint32_t market;
  uint8_t kind, side, flags, aux;
} combo_t;
_Static_assert(sizeof(combo_t) == COMBO_LEN, "market .. aux lie together in a record");
_Static_assert(offsetof(pmm_md_t, market) + COMBO_LEN == sizeof(pmm_md_t), "market .. aux end a record");

static bool side_is_sane(const pmm_md_t *md) {
  if (md->kind == PMM_MD_LEVEL || md->kind == PMM_MD_TRADE) return md->side <= PMM_ASK;
  if (md->kind == PMM_MD_PHASE) return md->aux <= PMM_PHASE_CANCEL_ONLY;
  if (md->kind != PMM_MD_STATUS) return true;
  if (md->aux > PMM_LIFE_RESOLVED) return false;
  return md->aux != PMM_LIFE_RESOLVED || (md->side >= PMM_OUTCOME_YES && md->side <= PMM_OUTCOME_VOID);
}

bool pmm__md_is_sane(const pmm_md_t *md, uint32_t market_cnt, uint32_t underlying_cnt) {
  if (md->kind < PMM_MD_LEVEL || md->kind > PMM_MD_STRIKE) return false;
  if (md->market >= (pmm_kind_is_underlying(md->kind) ? underlying_cnt : market_cnt)) return false;
  if (md->kind == PMM_MD_UNDERLYING && md->aux > PMM_UNDER_TWAP) return false;
  return side_is_sane(md);
}

static uint64_t zigzag(uint64_t x) { return x << 1 ^ (0 - (x >> 63)); }
static uint64_t unzigzag(uint64_t x) { return x >> 1 ^ (0 - (x & 1)); }
static uint32_t zigzag32(uint32_t x) { return x << 1 ^ (0 - (x >> 31)); }
static uint32_t unzigzag32(uint32_t x) { return x >> 1 ^ (0 - (x & 1)); }

/* A stream is one market or one underlying: times and numbers step within it. */
static uint64_t stream_key(const combo_t *c) { return (uint64_t)c->market << 1 | pmm_kind_is_underlying(c->kind); }

/* -- packing -- */
typedef struct slot {
  uint64_t key;
  uint32_t generation, value;
} slot_t;
#define SLOTS (4 * RECORDS) /* two tables, each at most half full */

struct pmm__packer {
  ZSTD_CCtx *zstd;
  slot_t *slot[2]; /* combos, streams: key -> index */
  uint32_t generation;
  combo_t *combo;
  uint32_t *combo_stream;          /* stream of each combo */
  int64_t *first_exch, *last_exch; /* per stream */
  uint32_t *first_seq, *last_seq;
  uint32_t combo_cnt, stream_cnt;
  uint64_t *value[COLUMNS];
  unsigned char *plane, *packed[2]; /* one plane, its two packings */
  pmm__bytes_t head, data, out;
};

void pmm__packer_free(pmm__packer_t *p) {
  if (!p) return;
  ZSTD_freeCCtx(p->zstd);
  void *const block[] = {p->slot[0],  p->slot[1], p->combo,     p->combo_stream, p->first_exch, p->last_exch, p->first_seq,
                         p->last_seq, p->plane,   p->packed[0], p->packed[1],    p->head.data,  p->data.data, p->out.data};
  for (size_t i = 0; i < sizeof block / sizeof block[0]; i++) free(block[i]);
  for (int c = 0; c < COLUMNS; c++) free(p->value[c]);
  free(p);
}

pmm__packer_t *pmm__packer_new(void) {
  pmm__packer_t *const p = calloc(1, sizeof *p);
  if (!p) return NULL;
  bool ok = (p->zstd = ZSTD_createCCtx()) != NULL;
  for (int i = 0; i < 2; i++) ok = (p->slot[i] = calloc(SLOTS / 2, sizeof(slot_t))) && ok;
  for (int i = 0; i < 2; i++) ok = (p->packed[i] = malloc(ZSTD_compressBound(RECORDS))) && ok;
  for (int c = 0; c < COLUMNS; c++) ok = (p->value[c] = malloc(RECORDS * sizeof(uint64_t))) && ok;
  ok = (p->combo = malloc(RECORDS * sizeof *p->combo)) && ok;
  ok = (p->combo_stream = malloc(RECORDS * sizeof *p->combo_stream)) && ok;
  ok = (p->first_exch = malloc(RECORDS * sizeof *p->first_exch)) && ok;
  ok = (p->last_exch = malloc(RECORDS * sizeof *p->last_exch)) && ok;
  ok = (p->first_seq = malloc(RECORDS * sizeof *p->first_seq)) && ok;
  ok = (p->last_seq = malloc(RECORDS * sizeof *p->last_seq)) && ok;
  ok = (p->plane = malloc(RECORDS)) && ok;
  if (ok) return p;
  pmm__packer_free(p);
  return NULL;
}

/* The index of key in a table, or next (and *is_new) when it was not there. */
static uint32_t find_or_add(slot_t *table, uint32_t generation, uint64_t key, uint32_t next, bool *is_new) {
  uint32_t at = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % (SLOTS / 2);
  while (table[at].generation == generation && table[at].key != key) at = (at + 1) % (SLOTS / 2);
  *is_new = table[at].generation != generation;
  if (*is_new) table[at] = (slot_t){.key = key, .generation = generation, .value = next};
  return table[at].value;
}

static uint32_t add_stream(pmm__packer_t *p, const combo_t *combo, uint32_t seq) {
  bool is_new;
  uint32_t const stream = find_or_add(p->slot[1], p->generation, stream_key(combo), p->stream_cnt, &is_new);
  if (!is_new) return stream;
  p->first_exch[stream] = PMM_TIME_NONE;
  p->first_seq[stream] = p->last_seq[stream] = seq;
  p->stream_cnt++;
  return stream;
}

static uint32_t combo_of(pmm__packer_t *p, const pmm_md_t *md) {
  uint64_t key;
  memcpy(&key, &md->market, COMBO_LEN);
  bool is_new;
  uint32_t const at = find_or_add(p->slot[0], p->generation, key, p->combo_cnt, &is_new);
  if (!is_new) return at;
  memcpy(&p->combo[at], &md->market, COMBO_LEN);
  p->combo_stream[at] = add_stream(p, &p->combo[at], md->seq);
  p->combo_cnt++;
  return at;
}

/* Step of the venue's time within its stream; kept as it is until the unit is known. */
static uint64_t exch_step(pmm__packer_t *p, uint32_t stream, int64_t exch_ns) {
  if (exch_ns == PMM_TIME_NONE) return 0;
  if (p->first_exch[stream] == PMM_TIME_NONE) p->first_exch[stream] = p->last_exch[stream] = exch_ns;
  uint64_t const step = (uint64_t)exch_ns - (uint64_t)p->last_exch[stream];
  p->last_exch[stream] = exch_ns;
  return step;
}

static void fill_columns(pmm__packer_t *p, const pmm_md_t *md, uint32_t cnt) {
  int64_t recv_ns = md[0].recv_ns;
  p->combo_cnt = p->stream_cnt = 0;
  if (++p->generation == 0) { /* wrapped: old stamps could pass for new ones */
    for (int i = 0; i < 2; i++) memset(p->slot[i], 0, SLOTS / 2 * sizeof(slot_t));
    p->generation = 1;
  }
  for (uint32_t i = 0; i < cnt; i++) {
    uint32_t const combo = combo_of(p, &md[i]), stream = p->combo_stream[combo];
    p->value[COL_COMBO][i] = combo;
    p->value[COL_RECV][i] = (uint64_t)(md[i].recv_ns - recv_ns);
    p->value[COL_EXCH][i] = exch_step(p, stream, md[i].exch_ns);
    p->value[COL_QTY][i] = (uint64_t)md[i].qty_e6;
    p->value[COL_PRICE][i] = (uint32_t)md[i].price_e4;
    p->value[COL_SEQ][i] = zigzag32(md[i].seq - p->last_seq[stream]);
    p->last_seq[stream] = md[i].seq;
    recv_ns = md[i].recv_ns;
  }
}

static uint64_t gcd(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t const r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static uint64_t magnitude(uint64_t step) { return step >> 63 ? 0 - step : step; }

/* The largest number that divides a whole column; steps of COL_EXCH are signed. */
static uint64_t unit_of(const uint64_t *value, uint32_t cnt, bool is_signed) {
  uint64_t unit = 0;
  for (uint32_t i = 0; i < cnt && unit != 1; i++) unit = gcd(is_signed ? magnitude(value[i]) : value[i], unit);
  return unit ? unit : 1;
}

/* Makes the column's stored numbers of its values, in place, and returns its unit. */
static uint64_t scale_column(pmm__packer_t *p, const pmm_md_t *md, int column, uint32_t cnt) {
  uint64_t *const value = p->value[column];
  if (column == COL_COMBO || column == COL_SEQ) return 1;
  uint64_t const unit = unit_of(value, cnt, column == COL_EXCH);
  for (uint32_t i = 0; i < cnt; i++) {
    if (column != COL_EXCH) value[i] /= unit;
    else if (md[i].exch_ns == PMM_TIME_NONE) value[i] = 0; /* so that a known time is its step + 1 */
    else value[i] = zigzag((uint64_t)((int64_t)value[i] / (int64_t)unit)) + 1;
  }
  return unit;
}

static int width_of(const uint64_t *value, uint32_t cnt) {
  uint64_t all = 0;
  for (uint32_t i = 0; i < cnt; i++) all |= value[i];
  int width = 0;
  for (; all; all >>= 8) width++;
  return width;
}

static size_t compress(pmm__packer_t *p, const void *src, size_t len, void *out, int level, bool huffman_only) {
  ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level);
  /* literalCompressionMode = enable; where a zstd does not know it, the frame is merely larger */
  if (huffman_only) ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_experimentalParam5, 1);
  size_t const got = ZSTD_compress2(p->zstd, out, ZSTD_compressBound(len), src, len);
  return ZSTD_isError(got) ? SIZE_MAX : got;
}

/* Entropy coding alone decodes at more than twice the speed of short matches, so matches must save a quarter more to be
   taken, and either a quarter of the plane. */
static size_t pack_plane(pmm__packer_t *p, uint32_t cnt, const unsigned char **out) {
  size_t const entropy = compress(p, p->plane, cnt, p->packed[0], -100, true);
  size_t const matches = compress(p, p->plane, cnt, p->packed[1], 3, false);
  bool const take_matches = matches < entropy - entropy / 4;
  *out = p->packed[take_matches];
  size_t const best = take_matches ? matches : entropy;
  return best < cnt - cnt / 4 ? best : SIZE_MAX;
}

static bool is_constant(const unsigned char *plane, uint32_t cnt) { return memcmp(plane, plane + 1, cnt - 1) == 0; }

static bool put_data(pmm__packer_t *p, const void *data, size_t len) {
  if (!pmm__bytes_reserve(&p->data, len)) return false;
  memcpy(p->data.data + p->data.len, data, len);
  p->data.len += len;
  return true;
}

static bool put_plane(pmm__packer_t *p, const uint64_t *value, int shift, uint32_t cnt) {
  unsigned char *const head = p->head.data + p->head.len;
  p->head.len += PLANE_HEAD_LEN;
  for (uint32_t i = 0; i < cnt; i++) p->plane[i] = (unsigned char)(value[i] >> shift);
  if (is_constant(p->plane, cnt)) {
    head[0] = PLANE_CONST;
    pmm__put32(head + 1, p->plane[0]);
    return true;
  }
  const unsigned char *packed;
  size_t const len = pack_plane(p, cnt, &packed);
  head[0] = len == SIZE_MAX ? PLANE_RAW : PLANE_ZSTD;
  pmm__put32(head + 1, len == SIZE_MAX ? cnt : (uint32_t)len);
  return len == SIZE_MAX ? put_data(p, p->plane, cnt) : put_data(p, packed, len);
}

static bool put_column(pmm__packer_t *p, const pmm_md_t *md, int column, uint32_t cnt) {
  uint64_t const unit = scale_column(p, md, column, cnt);
  int const width = width_of(p->value[column], cnt);
  pmm__put64(p->head.data + p->head.len, unit);
  p->head.data[p->head.len + 8] = (unsigned char)width;
  p->head.len += 9;
  for (int i = 0; i < width; i++)
    if (!put_plane(p, p->value[column], 8 * i, cnt)) return false;
  return true;
}

static void put_dictionary(pmm__packer_t *p) {
  unsigned char *o = p->head.data;
  pmm__put32(o, p->combo_cnt);
  pmm__put32(o + 4, p->stream_cnt);
  o += 8;
  for (uint32_t i = 0; i < p->combo_cnt; i++, o += COMBO_TAPE_LEN) {
    const combo_t *const c = &p->combo[i];
    pmm__put32(o, c->market);
    o[4] = c->kind, o[5] = c->side, o[6] = c->flags, o[7] = c->aux;
    pmm__put16(o + 8, (uint16_t)p->combo_stream[i]);
  }
  for (uint32_t i = 0; i < p->stream_cnt; i++, o += STREAM_LEN) {
    pmm__put64(o, (uint64_t)p->first_exch[i]);
    pmm__put32(o + 8, p->first_seq[i]);
  }
  p->head.len = (size_t)(o - p->head.data);
}

/* u32 length of the head, u32 its packed length or 0, the head, the planes. */
static bool put_payload(pmm__packer_t *p) {
  size_t const len = p->head.len;
  if (!pmm__bytes_reserve(&p->out, 8 + ZSTD_compressBound(len) + p->data.len)) return false;
  unsigned char *const o = p->out.data;
  size_t packed = len > HEAD_PACK_MIN ? compress(p, p->head.data, len, o + 8, 3, false) : SIZE_MAX;
  if (packed >= len) {
    memcpy(o + 8, p->head.data, len);
    packed = 0;
  }
  pmm__put32(o, (uint32_t)len);
  pmm__put32(o + 4, (uint32_t)packed);
  p->out.len = 8 + (packed ? packed : len);
  memcpy(o + p->out.len, p->data.data, p->data.len);
  p->out.len += p->data.len;
  return true;
}

pmm_status_t pmm__pack(pmm__packer_t *p, const pmm_md_t *md, uint32_t cnt, const unsigned char **out, size_t *len) {
  fill_columns(p, md, cnt);
  p->head.len = p->data.len = p->out.len = 0;
  if (!pmm__bytes_reserve(&p->head, HEAD_MAX) || !pmm__bytes_reserve(&p->data, 1)) return PMM_FULL;
  put_dictionary(p);
  for (int c = 0; c < COLUMNS; c++)
    if (!put_column(p, md, c, cnt)) return PMM_FULL;
  if (!put_payload(p)) return PMM_FULL;
  *out = p->out.data;
  *len = p->out.len;
  return PMM_OK;
}

/* -- unpacking -- */
typedef unsigned char bytes16_t __attribute__((vector_size(16)));

/* A byte plane; a constant one is 16 equal bytes read again and again. */
typedef struct plane {
  const unsigned char *data;
  size_t stride;
  bytes16_t constant;
} plane_t;
typedef struct column {
  uint64_t unit;
  bool is_wide; /* any of the upper four planes is not zero */
  plane_t plane[PLANES];
} column_t;

struct pmm__unpacker {
  ZSTD_DCtx *zstd;
  combo_t *combo;         /* UINT16_MAX + 1 of them, so that no index can leave it */
  uint16_t *combo_stream; /* the same */
  uint64_t *exch;         /* per stream */
  uint32_t *seq;
  uint32_t combo_cnt, stream_cnt;
  unsigned char *head, *planes; /* unpacked head; unpacked planes */
  size_t planes_used;
  column_t column[COLUMNS];
  uint32_t low[COLUMNS][CHUNK], high[COLUMNS][CHUNK];
};

void pmm__unpacker_free(pmm__unpacker_t *u) {
  if (!u) return;
  ZSTD_freeDCtx(u->zstd);
  free(u->combo);
  free(u->combo_stream);
  free(u->exch);
  free(u->seq);
  free(u->head);
  free(u->planes);
  free(u);
}

pmm__unpacker_t *pmm__unpacker_new(void) {
  pmm__unpacker_t *const u = calloc(1, sizeof *u);
  if (!u) return NULL;
  bool ok = (u->zstd = ZSTD_createDCtx()) != NULL;
  ok = (u->combo = calloc(UINT16_MAX + 1, sizeof *u->combo)) && ok;
  ok = (u->combo_stream = calloc(UINT16_MAX + 1, sizeof *u->combo_stream)) && ok;
  ok = (u->exch = calloc(RECORDS, sizeof *u->exch)) && ok;
  ok = (u->seq = calloc(RECORDS, sizeof *u->seq)) && ok;
  ok = (u->head = malloc(HEAD_MAX)) && ok;
  ok = (u->planes = malloc((size_t)COLUMNS * PLANES * RECORDS)) && ok;
  if (ok) return u;
  pmm__unpacker_free(u);
  return NULL;
}

typedef struct input {
  const unsigned char *p, *end;
} input_t;

static const unsigned char *take(input_t *in, size_t len) {
  if ((size_t)(in->end - in->p) < len) return NULL;
  in->p += len;
  return in->p - len;
}

static bool read_combo(pmm__unpacker_t *u, uint32_t at, const unsigned char *p, uint32_t market_cnt, uint32_t underlying_cnt) {
  combo_t const c = {.market = pmm__get32(p), .kind = p[4], .side = p[5], .flags = p[6], .aux = p[7]};
  pmm_md_t const md = {.market = c.market, .kind = c.kind, .side = c.side, .flags = c.flags, .aux = c.aux};
  u->combo[at] = c;
  u->combo_stream[at] = pmm__get16(p + 8);
  return u->combo_stream[at] < u->stream_cnt && pmm__md_is_sane(&md, market_cnt, underlying_cnt);
}

static bool read_dictionary(pmm__unpacker_t *u, input_t *head, uint32_t market_cnt, uint32_t underlying_cnt) {
  const unsigned char *p = take(head, 8);
  if (!p) return false;
  u->combo_cnt = pmm__get32(p);
  u->stream_cnt = pmm__get32(p + 4);
  if (u->combo_cnt == 0 || u->combo_cnt > RECORDS || u->stream_cnt > RECORDS) return false;
  if (!(p = take(head, (size_t)u->combo_cnt * COMBO_TAPE_LEN))) return false;
  for (uint32_t i = 0; i < u->combo_cnt; i++, p += COMBO_TAPE_LEN)
    if (!read_combo(u, i, p, market_cnt, underlying_cnt)) return false;
  if (!(p = take(head, (size_t)u->stream_cnt * STREAM_LEN))) return false;
  for (uint32_t i = 0; i < u->stream_cnt; i++, p += STREAM_LEN) {
    u->exch[i] = pmm__get64(p);
    u->seq[i] = pmm__get32(p + 8);
  }
  return true;
}

static bool unzstd(ZSTD_DCtx *zstd, void *out, size_t len, const unsigned char *in, size_t in_len) {
  return ZSTD_decompressDCtx(zstd, out, len, in, in_len) == len;
}

static void set_constant(plane_t *plane, unsigned char value) {
  memset(&plane->constant, value, sizeof plane->constant);
  plane->data = (const unsigned char *)&plane->constant;
  plane->stride = 0;
}

static bool read_plane(pmm__unpacker_t *u, plane_t *plane, input_t *head, input_t *data, uint32_t cnt) {
  const unsigned char *const p = take(head, PLANE_HEAD_LEN);
  if (!p) return false;
  uint32_t const arg = pmm__get32(p + 1);
  if (p[0] == PLANE_CONST) {
    set_constant(plane, (unsigned char)arg);
    return true;
  }
  plane->stride = 1;
  if (!(plane->data = take(data, arg))) return false;
  if (p[0] == PLANE_RAW) return arg == cnt;
  if (p[0] != PLANE_ZSTD) return false;
  unsigned char *const out = u->planes + u->planes_used;
  u->planes_used += cnt;
  bool const ok = unzstd(u->zstd, out, cnt, plane->data, arg);
  plane->data = out;
  return ok;
}

static int width_max(int column) { return column == COL_COMBO ? 2 : column >= COL_PRICE ? 4 : PLANES; }

static bool read_column(pmm__unpacker_t *u, int c, input_t *head, input_t *data, uint32_t cnt) {
  const unsigned char *const p = take(head, 9);
  if (!p || p[8] > width_max(c)) return false;
  column_t *const column = &u->column[c];
  column->unit = pmm__get64(p);
  column->is_wide = p[8] > 4;
  for (int i = 0; i < PLANES; i++) {
    if (i >= p[8]) set_constant(&column->plane[i], 0);
    else if (!read_plane(u, &column->plane[i], head, data, cnt)) return false;
  }
  if (!column->is_wide) memset(u->high[c], 0, sizeof u->high[c]);
  return true;
}

static bool read_head(pmm__unpacker_t *u, input_t *data, input_t *head) {
  const unsigned char *p = take(data, 8);
  if (!p) return false;
  uint32_t const len = pmm__get32(p), packed_len = pmm__get32(p + 4);
  if (len > HEAD_MAX || !(p = take(data, packed_len ? packed_len : len))) return false;
  if (packed_len && !unzstd(u->zstd, u->head, len, p, packed_len)) return false;
  head->p = packed_len ? u->head : p;
  head->end = head->p + len;
  return true;
}

static bytes16_t load16(const plane_t *plane, size_t at) {
  bytes16_t v;
  memcpy(&v, plane->data + at * plane->stride, sizeof v);
  return v;
}

#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define ZIP2_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
#define ZIP2_HIGH(a, b) __builtin_shufflevector(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)

/* Four planes put back together, 16 numbers at a time; the bytes come out in memory order, that is little endian. */
static void gather(const plane_t plane[4], size_t at, size_t cnt, uint32_t *value) {
  size_t i = 0;
  for (; i + 16 <= cnt; i += 16) {
    bytes16_t const a = load16(&plane[0], at + i), b = load16(&plane[1], at + i);
    bytes16_t const c = load16(&plane[2], at + i), d = load16(&plane[3], at + i);
    bytes16_t const ab_low = ZIP_LOW(a, b), ab_high = ZIP_HIGH(a, b), cd_low = ZIP_LOW(c, d), cd_high = ZIP_HIGH(c, d);
    bytes16_t const out[4] = {ZIP2_LOW(ab_low, cd_low), ZIP2_HIGH(ab_low, cd_low), ZIP2_LOW(ab_high, cd_high), ZIP2_HIGH(ab_high, cd_high)};
    memcpy(value + i, out, sizeof out);
  }
  for (; i < cnt; i++) {
    value[i] = 0;
    for (int k = 0; k < 4; k++) value[i] |= (uint32_t)plane[k].data[(at + i) * plane[k].stride] << (8 * k);
  }
}

static void gather_chunk(pmm__unpacker_t *u, size_t at, size_t cnt) {
  for (int c = 0; c < COLUMNS; c++) {
    gather(u->column[c].plane, at, cnt, u->low[c]);
    if (u->column[c].is_wide) gather(u->column[c].plane + 4, at, cnt, u->high[c]);
  }
}

static uint64_t wide(const pmm__unpacker_t *u, int column, size_t i) { return u->low[column][i] | (uint64_t)u->high[column][i] << 32; }

/* Makes records of a gathered chunk; false when a combo is not in the dictionary or time runs back. */
static bool restore(pmm__unpacker_t *u, size_t cnt, int64_t *recv_ns, pmm_md_t *md) {
  uint64_t const recv_unit = u->column[COL_RECV].unit, exch_unit = u->column[COL_EXCH].unit;
  uint64_t const qty_unit = u->column[COL_QTY].unit;
  uint32_t const price_unit = (uint32_t)u->column[COL_PRICE].unit;
  uint64_t recv = (uint64_t)*recv_ns, combo_max = 0;
  bool back = false;
  for (size_t i = 0; i < cnt; i++) {
    size_t const combo = u->low[COL_COMBO][i];
    size_t const stream = u->combo_stream[combo];
    uint64_t const next = recv + wide(u, COL_RECV, i) * recv_unit, coded = wide(u, COL_EXCH, i);
    combo_max = combo > combo_max ? combo : combo_max;
    back |= (int64_t)next < (int64_t)recv;
    recv = next;
    uint64_t const step = unzigzag(coded - 1) * exch_unit, exch = u->exch[stream] + (coded ? step : 0);
    u->exch[stream] = exch;
    md[i].recv_ns = (int64_t)recv;
    md[i].exch_ns = coded ? (int64_t)exch : PMM_TIME_NONE;
    md[i].qty_e6 = (int64_t)(wide(u, COL_QTY, i) * qty_unit);
    md[i].price_e4 = (int32_t)(u->low[COL_PRICE][i] * price_unit);
    md[i].seq = u->seq[stream] += unzigzag32(u->low[COL_SEQ][i]);
    memcpy(&md[i].market, &u->combo[combo], COMBO_LEN);
  }
  *recv_ns = (int64_t)recv;
  return !back && combo_max < u->combo_cnt;
}

static bool corrupt(const char **why, const char *text) {
  *why = text;
  return false;
}

static bool unpack(pmm__unpacker_t *u, input_t data, uint32_t cnt, int64_t recv_ns, uint32_t market_cnt, uint32_t underlying_cnt,
                   pmm_md_t *md, const char **why) {
  input_t head;
  if (!read_head(u, &data, &head)) return corrupt(why, "block head does not hold");
  if (!read_dictionary(u, &head, market_cnt, underlying_cnt))
    return corrupt(why, "dictionary holds a record of unknown kind, side or market");
  u->planes_used = 0;
  for (int c = 0; c < COLUMNS; c++)
    if (!read_column(u, c, &head, &data, cnt)) return corrupt(why, "column does not unpack");
  if (head.p != head.end || data.p != data.end) return corrupt(why, "bytes left over in a block");
  for (size_t at = 0; at < cnt; at += CHUNK) {
    size_t const n = cnt - at < CHUNK ? cnt - at : CHUNK;
    gather_chunk(u, at, n);
    if (!restore(u, n, &recv_ns, md + at)) return corrupt(why, "record outside the dictionary or back in time");
  }
  return true;
}

pmm_status_t pmm__unpack(pmm__unpacker_t *u, const unsigned char *data, size_t len, uint32_t cnt, int64_t first_ns, uint32_t market_cnt,
                         uint32_t underlying_cnt, pmm_md_t *md, const char **why) {
  input_t const in = {.p = data, .end = data + len};
  return unpack(u, in, cnt, first_ns, market_cnt, underlying_cnt, md, why) ? PMM_OK : PMM_CORRUPT;
}
