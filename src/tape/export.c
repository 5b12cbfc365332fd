/* Records as text. One row of columns for every kind, so that any table program reads it. */
#include <errno.h>
#include <string.h>
#include "pmm/decimal.h"
#include "npz.h"
#include "pmm/tape.h"

typedef struct exporter {
  const pmm_tape_t *tape;
  FILE *out;
  bool json, all;
  uint32_t market; /* unless all */
} exporter_t;

static const char *const kinds[] = {[PMM_MD_LEVEL] = "level",           [PMM_MD_TRADE] = "trade",
                                    [PMM_MD_CLEAR] = "clear",           [PMM_MD_MARK] = "mark",
                                    [PMM_MD_STATUS] = "status",         [PMM_MD_TICK] = "tick",
                                    [PMM_MD_UNDERLYING] = "underlying", [PMM_MD_GAP] = "gap",
                                    [PMM_MD_VOLUME] = "volume",         [PMM_MD_SETTLE_MEAN] = "settle_mean",
                                    [PMM_MD_PRICE] = "price",           [PMM_MD_PHASE] = "phase",
                                    [PMM_MD_SETTLEMENT] = "settlement", [PMM_MD_STRIKE] = "strike"};

const char *pmm_md_kind_to_string(uint8_t kind) {
  return kind < sizeof kinds / sizeof kinds[0] && kinds[kind] ? kinds[kind] : "unknown";
}

static const char *name_of(const exporter_t *x, const pmm_md_t *md) {
  return pmm_kind_is_underlying(md->kind) ? pmm_tape_underlying(x->tape, md->market)->id : pmm_tape_market(x->tape, md->market)->id;
}

static const char *side_of(const pmm_md_t *md) {
  if (md->kind == PMM_MD_LEVEL) return md->side == PMM_BID ? "bid" : "ask";
  if (md->kind == PMM_MD_TRADE) return md->side == PMM_BID ? "buy" : "sell";
  if (md->kind == PMM_MD_STATUS && md->aux == PMM_LIFE_RESOLVED) return pmm_outcome_to_string((pmm_outcome_t)md->side);
  return "";
}

static const char *const phases[] = {
    [PMM_PHASE_NORMAL] = "normal", [PMM_PHASE_POST_ONLY] = "post_only", [PMM_PHASE_CANCEL_ONLY] = "cancel_only"};

/* The last column says what aux means for its kind. */
static const char *detail_of(const exporter_t *x, const pmm_md_t *md) {
  if (md->kind == PMM_MD_STATUS) return pmm_life_to_string((pmm_life_t)md->aux);
  if (md->kind == PMM_MD_PHASE) return phases[md->aux];
  return pmm_kind_is_underlying(md->kind) ? pmm_tape_underlying(x->tape, md->market)->source : "";
}

typedef struct cells {
  char exch[PMM_DECIMAL_BUF], price[PMM_DECIMAL_BUF], qty[PMM_DECIMAL_BUF];
} cells_t;

static void fill_cells(const pmm_md_t *md, cells_t *c) {
  c->exch[0] = c->price[0] = c->qty[0] = '\0';
  if (md->exch_ns != PMM_TIME_NONE) snprintf(c->exch, sizeof c->exch, "%lld", (long long)md->exch_ns);
  if (md->price_e4 != 0 || md->kind == PMM_MD_PRICE) pmm_decimal_print(md->price_e4, 4, 4, c->price);
  if (pmm_kind_is_underlying(md->kind)) pmm_decimal_print(md->qty_e6, 8, 0, c->qty);
  else if (md->kind == PMM_MD_STRIKE) pmm_decimal_print(md->qty_e6, 8, 0, c->qty);
  else if (md->kind == PMM_MD_SETTLEMENT) snprintf(c->qty, sizeof c->qty, "%lld", (long long)md->qty_e6); /* a delay in ns */
  else if (md->kind == PMM_MD_LEVEL || md->qty_e6 != 0) pmm_decimal_print(md->qty_e6, 6, 0, c->qty);
}

/* Ids are whatever the venue sent: quotes and control characters must not break a line. */
static void put_text(const exporter_t *x, const char *text) {
  bool const quote = x->json || strpbrk(text, ",\"\r\n") != NULL;
  if (quote) fputc('"', x->out);
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
    if (x->json && *s < 0x20) fprintf(x->out, "\\u%04x", *s);
    else if (*s == '"') fputs(x->json ? "\\\"" : "\"\"", x->out);
    else if (*s == '\\' && x->json) fputs("\\\\", x->out);
    else fputc(*s, x->out);
  }
  if (quote) fputc('"', x->out);
}

static void put_csv(const exporter_t *x, const pmm_md_t *md) {
  cells_t c;
  fill_cells(md, &c);
  fprintf(x->out, "%lld,%s,", (long long)md->recv_ns, c.exch);
  put_text(x, name_of(x, md));
  fprintf(x->out, ",%u,%s,%s,%s,%s,%u,%s\n", md->seq, kinds[md->kind], side_of(md), c.price, c.qty, md->flags, detail_of(x, md));
}

static void put_member(const exporter_t *x, const char *key, const char *text, bool quoted) {
  if (text[0] == '\0') return;
  fprintf(x->out, quoted ? ",\"%s\":\"%s\"" : ",\"%s\":%s", key, text);
}

static void put_json(const exporter_t *x, const pmm_md_t *md) {
  cells_t c;
  fill_cells(md, &c);
  fprintf(x->out, "{\"recv_ns\":%lld", (long long)md->recv_ns);
  put_member(x, "exch_ns", c.exch, false);
  fprintf(x->out, ",\"%s\":", pmm_kind_is_underlying(md->kind) ? "underlying" : "market");
  put_text(x, name_of(x, md));
  fprintf(x->out, ",\"seq\":%u,\"kind\":\"%s\"", md->seq, kinds[md->kind]);
  put_member(x, "side", side_of(md), true);
  put_member(x, "price", c.price, true);
  put_member(x, pmm_kind_is_underlying(md->kind) ? "value" : "qty", c.qty, true);
  fprintf(x->out, ",\"flags\":%u", md->flags);
  char const *const detail = detail_of(x, md);
  if (detail[0]) {
    fputs(",\"detail\":", x->out);
    put_text(x, detail);
  }
  fputs("}\n", x->out);
}

static void put_block(const exporter_t *x, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (!x->all && (pmm_kind_is_underlying(md[i].kind) || md[i].market != x->market)) continue;
    if (x->json) put_json(x, &md[i]);
    else put_csv(x, &md[i]);
  }
}

static pmm_status_t export_all(const exporter_t *x, const pmm_export_opts_t *opts, pmm_error_t *err) {
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt;
  uint64_t done = 0;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, x->tape, err);
  if (st != PMM_OK) return st;
  if (!x->json) fputs("recv_ns,exch_ns,market,seq,kind,side,price,qty,flags,detail\n", x->out);
  while ((st = pmm_tape_cursor_next(cursor, &md, &cnt, err)) == PMM_OK && !ferror(x->out)) {
    put_block(x, md, cnt);
    done += cnt;
    if (opts->progress) opts->progress(opts->ctx, done, pmm_tape_info(x->tape)->records);
  }
  pmm_tape_cursor_close(cursor);
  return st == PMM_END || st == PMM_OK ? PMM_OK : st;
}

static bool find_market(exporter_t *x, const char *id) {
  for (x->market = 0; x->market < pmm_tape_market_cnt(x->tape); x->market++)
    if (strcmp(pmm_tape_market(x->tape, x->market)->id, id) == 0) return true;
  return false;
}

pmm_status_t pmm_tape_export(const pmm_tape_t *tape, const pmm_export_opts_t *opts, FILE *out, pmm_error_t *err) {
  bool const npz = opts->format && strcmp(opts->format, "npz") == 0;
  bool const csv = opts->format && strcmp(opts->format, "csv") == 0, json = opts->format && strcmp(opts->format, "jsonl") == 0;
  exporter_t x = {.tape = tape, .out = out, .json = json, .all = opts->market == NULL};
  if (!csv && !json && !npz) return pmm_error_set(err, PMM_INVAL, "format %s: none of csv, jsonl, npz", opts->format ? opts->format : "(none)");
  if (opts->market && !find_market(&x, opts->market)) return pmm_error_set(err, PMM_NOT_FOUND, "market %s: not on this tape", opts->market);
  if (npz && x.all && pmm_tape_market_cnt(tape) != 1)
    return pmm_error_set(err, PMM_INVAL, "npz holds one market and this tape has %u: --market ID", pmm_tape_market_cnt(tape));
  if (x.all) x.market = 0;
  errno = 0;
  pmm_tape_progress_t const progress = {.step = opts->progress, .ctx = opts->ctx};
  pmm_status_t const st = npz ? pmm__npz_export(tape, x.market, &progress, out, err) : export_all(&x, opts, err);
  if (st != PMM_OK) return st;
  return fflush(out) == 0 && !ferror(out) ? PMM_OK : pmm_error_set(err, PMM_IO, "output: %s", errno ? strerror(errno) : "write failed");
}
