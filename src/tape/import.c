/* Importing: formats, options, a run and what the tape tells of it. Markets are in markets.c, messages in messages.c, the sources in import_*.c. */
#include "import.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PRICES (PMM_ONE_E4 + 1)
#define NOTES_MAX 65536

static const pmm__importer_t *const importers[] = {
    &pmm__importer_kalshi,
    &pmm__importer_books,
    &pmm__importer_ws,
    &pmm__importer_multifeed,
    &pmm__importer_bbo,
    &pmm__importer_updown,
    &pmm__importer_daily,
    &pmm__importer_prices,
    &pmm__importer_outcomes,
    &pmm__importer_kalshi_bbo,
    &pmm__importer_polls,
    &pmm__importer_ladder,
    &pmm__importer_candles,
    &pmm__importer_depth,
    &pmm__importer_chainlink,
    &pmm__importer_envelope,
    &pmm__importer_binance,
    &pmm__importer_coinbase,
    &pmm__importer_npz,
};
#define IMPORTERS (sizeof importers / sizeof importers[0])

const char *pmm_import_format(size_t index, const char **what) {
  if (index >= IMPORTERS) return NULL;
  if (what) *what = importers[index]->what;
  return importers[index]->name;
}

pmm_status_t pmm__no_memory(const pmm__import_t *im) { return pmm_error_set(im->err, PMM_FULL, "import: out of memory"); }

void pmm__note(pmm__import_t *im, const char *fmt, ...) {
  char text[256];
  va_list args;
  if (im->notes_len > NOTES_MAX) return; /* enough to see what goes on */
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char *grown;
  int const n = asprintf(&grown, "%s%s\"%s\"", im->notes ? im->notes : "", im->notes ? "," : "", text);
  if (n < 0) return;
  free(im->notes);
  im->notes = grown;
  im->notes_len = (size_t)n;
}

/* -- running one -- */
void pmm_import_opts_default(pmm_import_opts_t *opts) { *opts = (pmm_import_opts_t){.outcome = "auto", .infer_trades = true, .tick_e4 = 100, .scale = 1}; }

static const pmm__importer_t *importer_of(const pmm_import_opts_t *opts, pmm_error_t *err) {
  char names[sizeof err->text - 112] = ""; /* what the rest of the message leaves */
  for (size_t i = 0; i < IMPORTERS; i++) {
    if (opts->format && strcmp(importers[i]->name, opts->format) == 0) return importers[i];
    size_t const at = strlen(names);
    snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", importers[i]->name);
  }
  pmm_error_set(err, PMM_INVAL, "format %.80s: not one of %s", opts->format ? opts->format : "(none)", names);
  return NULL;
}

static bool outcome_is_known(const pmm_import_opts_t *opts) {
  pmm_outcome_t outcome;
  if (strcmp(opts->outcome, "auto") == 0) return true;
  return pmm_outcome_from_string(opts->outcome, &outcome) == PMM_OK && outcome != PMM_OUTCOME_UNKNOWN;
}

static bool take_memory(pmm__import_t *im) {
  bool ok = true;
  for (int side = 0; side < 2; side++) {
    ok = (im->full_qty[side] = calloc(PRICES, sizeof(int64_t))) && ok;
    ok = (im->full_price[side] = calloc(PRICES, sizeof(int32_t))) && ok;
  }
  return ok;
}

static void import_fini(pmm__import_t *im) {
  for (size_t i = 0; i < im->source_cnt; i++) pmm__source_close(&im->sources[i]);
  pmm__trades_free(im->trades);
  for (uint32_t i = 0; i < im->market_cnt; i++) {
    pmm__book_fini(&im->market[i]->book);
    free(im->market[i]);
  }
  for (int side = 0; side < 2; side++) {
    free(im->full_qty[side]);
    free(im->full_price[side]);
  }
  for (int i = 0; i < 2; i++) pmm__skew_fini(&im->skew[i]);
  free(im->market);
  free(im->md);
  pmm__names_fini(&im->names);
  pmm__names_fini(&im->named);
  free(im->named_outcome);
  free(im->notes);
}

static const char *file_name(const char *path) { /* provenance names files, not folders of this machine */
  const char *const slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void put_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *s = text; *s; s++) {
    if (*s == '"' || *s == '\\') fputc('\\', out);
    if ((unsigned char)*s < 0x20) fprintf(out, "\\u%04x", (unsigned)*s);
    else fputc(*s, out);
  }
  fputc('"', out);
}

/* One JSON object on one line; nothing in it depends on when or where it was made. */
static char *make_provenance(const pmm__import_t *im) {
  char *text = NULL;
  size_t len;
  FILE *const out = open_memstream(&text, &len);
  if (!out) return NULL;
  fprintf(out, "{\"made_by\":\"pmm tape import\",\"format\":\"%s\",\"outcome\":\"%s\",\"infer_trades\":%s,\"files\":[", im->importer->name,
          im->opts->outcome, im->opts->infer_trades ? "true" : "false");
  for (size_t i = 0; i < im->source_cnt; i++) {
    if (i > 0) fputc(',', out);
    put_quoted(out, file_name(im->sources[i].name));
  }
  fputc(']', out);
  if (im->gap_ns != PMM_NS_MAX) fprintf(out, ",\"gap_ns\":%lld", (long long)im->gap_ns);
  if (im->opts->map) {
    fputs(",\"map\":", out);
    put_quoted(out, im->opts->map);
  }
  fputc('}', out);
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

/* Both clocks stand on the tape as they were; how far they are apart is for whoever reads it. */
static void put_skew(pmm__import_t *im, int of_underlyings, const char *key, char *out, size_t len) {
  pmm_tape_skew_t skew;
  pmm__skew_result(&im->skew[of_underlyings], &skew);
  out[0] = '\0';
  if (skew.cnt == 0) return;
  snprintf(out, len, "\"%s\":{\"median\":%.3f,\"p1\":%.3f,\"p99\":%.3f,\"messages\":%llu},", key, (double)skew.median_ns / 1e6,
           (double)skew.p1_ns / 1e6, (double)skew.p99_ns / 1e6, (unsigned long long)skew.cnt);
}

static char *make_note(pmm__import_t *im) {
  char *text, of_markets[160], of_underlyings[160];
  const pmm_import_stats_t *const s = im->stats;
  put_skew(im, 0, "recv_minus_venue_ms", of_markets, sizeof of_markets);
  put_skew(im, 1, "recv_minus_feed_ms", of_underlyings, sizeof of_underlyings);
  int const n = asprintf(
      &text,
      "{\"lines\":%llu,\"messages\":%llu,\"skipped\":%llu,\"clamped\":%llu,\"gaps\":%llu,\"trades\":%llu,\"inferred\":%llu,%s%s\"notes\":[%s]}",
      (unsigned long long)s->lines, (unsigned long long)s->messages, (unsigned long long)s->skipped, (unsigned long long)s->clamped,
      (unsigned long long)s->gaps, (unsigned long long)s->trades, (unsigned long long)s->inferred, of_markets, of_underlyings, im->notes ? im->notes : "");
  return n < 0 ? NULL : text;
}

static pmm_status_t run_importer(pmm__import_t *im) {
  pmm_status_t st = im->importer->run(im, im->sources, im->source_cnt);
  if (st == PMM_OK && im->stats->messages == 0)
    st = pmm_error_set(im->err, PMM_PARSE, "%s: no %s messages in it", im->sources[0].name, im->importer->name);
  return st == PMM_OK ? pmm__markets_end(im) : st;
}

static pmm_status_t finish(pmm__import_t *im) {
  if (im->trades) pmm__trades_note(im);
  char *const note = make_note(im);
  if (!note) {
    pmm_tape_abort(im->writer);
    return pmm__no_memory(im);
  }
  pmm_status_t const st = pmm_tape_finish(im->writer, note, im->err);
  free(note);
  return st;
}

static pmm_status_t write_tape(pmm__import_t *im, const char *out_path) {
  char *const provenance = make_provenance(im);
  if (!provenance) return pmm__no_memory(im);
  pmm__tape_remove_leftover(out_path);
  pmm_status_t st = pmm_tape_create(&im->writer, out_path, provenance, im->err);
  free(provenance);
  if (st != PMM_OK) return st;
  st = run_importer(im);
  if (st == PMM_OK) return finish(im);
  pmm_tape_abort(im->writer);
  return st;
}

static pmm_status_t import(const pmm_import_opts_t *opts, pmm__source_t *source, size_t n, const char *out_path, pmm_import_stats_t *stats,
                           pmm_error_t *err) {
  *stats = (pmm_import_stats_t){0};
  pmm__import_t im = {
      .opts = opts, .stats = stats, .err = err, .sources = source, .source_cnt = n, .now_ns = INT64_MIN + 1, .next_due_ns = PMM_NS_MAX};
  im.importer = importer_of(opts, err);
  if (!im.importer) return PMM_INVAL;
  if (!outcome_is_known(opts)) return pmm_error_set(err, PMM_INVAL, "outcome %s: not one of yes, no, void, auto", opts->outcome);
  int64_t const gap_ns = opts->gap_ns ? opts->gap_ns : im.importer->gap_ns;
  im.gap_ns = gap_ns > 0 ? gap_ns : PMM_NS_MAX;
  for (size_t i = 0; i < n; i++) {
    struct stat info;
    source[i].order = i;
    im.total_bytes += source[i].path && stat(source[i].path, &info) == 0 ? (uint64_t)info.st_size : source[i].len;
  }
  pmm_status_t st = take_memory(&im) ? pmm__outcomes_read(&im) : pmm__no_memory(&im);
  if (st == PMM_OK) st = write_tape(&im, out_path);
  import_fini(&im);
  return st;
}

pmm_status_t pmm_import(const pmm_import_opts_t *opts, const char *const *path, size_t n, const char *out_path, pmm_import_stats_t *stats,
                        pmm_error_t *err) {
  if (n == 0) return pmm_error_set(err, PMM_INVAL, "nothing to import");
  pmm__source_t *const source = calloc(n, sizeof *source);
  if (!source) return pmm_error_set(err, PMM_FULL, "import: out of memory");
  for (size_t i = 0; i < n; i++) source[i].path = source[i].name = path[i];
  pmm_status_t const st = import(opts, source, n, out_path, stats, err);
  free(source);
  return st;
}

pmm_status_t pmm_import_buffer(const pmm_import_opts_t *opts, const char *name, const void *data, size_t len, const char *out_path,
                               pmm_import_stats_t *stats, pmm_error_t *err) {
  pmm__source_t source = {.name = name, .data = data, .len = len};
  return import(opts, &source, 1, out_path, stats, err);
}
