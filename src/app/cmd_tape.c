/* pmm tape -- import, inspect, verify and export recordings. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "pmm/tape.h"
#include "tape_tools.h"

static void print_formats(void) {
  const char *name, *what;
  for (size_t i = 0; (name = pmm_import_format(i, &what)) != NULL; i++) printf("  %-21s  %s\n", name, what);
}

static int print_help(void) {
  puts("pmm tape -- recorded market data\n\n"
       "usage: pmm tape import --format FORMAT -o TAPE [OPTIONS] FILE...\n"
       "       pmm tape info [--json] TAPE\n"
       "       pmm tape verify [--json] TAPE...\n"
       "       pmm tape stats [--json] TAPE...\n"
       "       pmm tape cut -o TAPE [--from TIME] [--to TIME] [--market GLOB]... [--underlying GLOB]... TAPE\n"
       "       pmm tape merge -o TAPE [--same-market join] TAPE...\n"
       "       pmm tape export --format csv|jsonl|npz [--market ID] [-o FILE] TAPE\n\n"
       "import: FORMAT is one of");
  print_formats();
  puts("  FILEs may be gzip. They are merged by receive time; a malformed line stops the import and leaves no tape.\n"
       "  -o, --output TAPE          the tape to write (needed)\n"
       "      --outcome OUTCOME      yes, no, void or auto (default): auto takes the source's own, or the rule in docs/data.md\n"
       "      --outcomes FILE        lines 'market,yes|no|void' that go before --outcome\n"
       "      --gap TIME             a source silent for longer (like 5m) makes a gap, in which nobody quotes; 'never'\n"
       "                             (default: by format, docs/data.md)\n"
       "      --map MAP              csv-bbo: which column is what, as 'time=ts,market=ticker,bid=yes_bid,ask=yes_ask';\n"
       "                             also bid_size ask_size no_bid no_ask trade_price trade_size trade_side event, and the settings\n"
       "                             market_id=NAME event_id=NAME time_unit=iso|s|ms|us|ns zone=-08:00\n"
       "                             price_unit=dollars|cents|bps venue=kalshi|polymarket tick=0.01 delimiter=;|tab\n"
       "      --market ID, --tick 0.01, --scale 1\n"
       "                             hftbacktest: the market's name, its grid, and what prices are divided by to be dollars\n"
       "      --no-inferred-trades   kalshi-ws: leave out trades inferred from volume\n\n"
       "info: what a tape holds, its markets and where it came from\n"
       "verify: reads everything; finds any damaged bit and any record that makes no sense\n"
       "stats: per market messages, records, spreads, depth, gaps, and how far venue and recorder clocks are apart\n"
       "cut: some markets, some time; the new tape begins with the books and states of that moment.\n"
       "  TIME is like 2026-05-13T15:30:00Z or Unix nanoseconds; --to is not included; GLOB is a shell pattern of ids.\n"
       "  With --market and without --underlying the underlyings that settle those markets are kept.\n"
       "merge: by receive time. A market on two tapes is an error; --same-market join makes one market of its parts.\n"
       "export: records as text, or one market's book and trades as .npz for hftbacktest; -o FILE (default: standard output),\n"
       "  --market ID only this one\n\n"
       "  --json prints figures as one JSON object. Exit status: 0 done, 1 the work failed, 2 wrong usage.");
  return PMM_EXIT_DONE;
}

typedef struct args {
  const char *format, *output, *outcome, *outcomes, *gap, *map, *market, *tick, *scale;
  bool json, no_inferred, help;
  char **file;
  int file_cnt;
} args_t;

enum { OPT_OUTCOME = 256, OPT_OUTCOMES, OPT_GAP, OPT_MAP, OPT_NO_INFERRED, OPT_JSON, OPT_MARKET, OPT_TICK, OPT_SCALE };
#define TAKES(c) (strchr(allowed, (c)) != NULL)

/* Options share one table; `allowed` lists those of the subcommand, by a letter each. */
static bool take_option(args_t *a, int option, const char *allowed) {
  switch (option) {
  case 'h': a->help = true; return true;
  case 'o': a->output = optarg; return TAKES('o');
  case 'f': a->format = optarg; return TAKES('f');
  case OPT_OUTCOME: a->outcome = optarg; return TAKES('i');
  case OPT_OUTCOMES: a->outcomes = optarg; return TAKES('i');
  case OPT_GAP: a->gap = optarg; return TAKES('i');
  case OPT_MAP: a->map = optarg; return TAKES('i');
  case OPT_NO_INFERRED: a->no_inferred = true; return TAKES('i');
  case OPT_JSON: a->json = true; return TAKES('j');
  case OPT_MARKET: a->market = optarg; return TAKES('m');
  case OPT_TICK: a->tick = optarg; return TAKES('i');
  case OPT_SCALE: a->scale = optarg; return TAKES('i');
  default: return false;
  }
}

static bool parse_args(args_t *a, int argc, char **argv, const char *allowed) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"outcome", required_argument, NULL, OPT_OUTCOME},
                                          {"outcomes", required_argument, NULL, OPT_OUTCOMES},
                                          {"gap", required_argument, NULL, OPT_GAP},
                                          {"map", required_argument, NULL, OPT_MAP},
                                          {"no-inferred-trades", no_argument, NULL, OPT_NO_INFERRED},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"market", required_argument, NULL, OPT_MARKET},
                                          {"tick", required_argument, NULL, OPT_TICK},
                                          {"scale", required_argument, NULL, OPT_SCALE},
                                          {NULL, 0, NULL, 0}};
  *a = (args_t){0};
  optind = 0; /* the program may parse more than one command line in tests */
  for (int option, at = 1; (option = getopt_long(argc, argv, "+ho:f:", options, NULL)) != -1 || optind < argc;) {
    if (option == -1) { /* a file between options */
      argv[at++] = argv[optind++];
      a->file_cnt++;
      continue;
    }
    if (!take_option(a, option, allowed)) {
      if (option != '?') pmm_app_error("tape %s does not take %s", argv[0], argv[optind - 1]);
      return false;
    }
  }
  a->file = argv + 1;
  return true;
}

static int failed(const pmm_error_t *err) {
  pmm_app_error("%s", err->text);
  return err->status == PMM_INVAL ? PMM_EXIT_USAGE : PMM_EXIT_FAILED;
}

/* -- import -- */
static void print_import(const args_t *a, const pmm_import_stats_t *s) {
  static const char text[] = "%s: %" PRIu64 " records of %" PRIu64 " messages in %" PRIu64 " lines; %" PRIu64 " trades (%" PRIu64
                             " inferred), %" PRIu64 " gaps, %" PRIu64 " skipped, %" PRIu64 " times set forward\n";
  static const char json[] = "{\"tape\":\"%s\",\"records\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"trades\":%" PRIu64
                             ",\"inferred\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"clamped\":%" PRIu64 "}\n";
  printf(a->json ? json : text, a->output, s->records, s->messages, s->lines, s->trades, s->inferred, s->gaps, s->skipped, s->clamped);
}

static bool read_gap(const char *text, int64_t *gap_ns) {
  *gap_ns = PMM_NS_MAX;
  return strcmp(text, "never") == 0 || (pmm_duration_parse(text, strlen(text), gap_ns, NULL) == PMM_OK && *gap_ns > 0);
}

/* What an archive without tables needs to be told. */
static bool read_npz_terms(const args_t *a, pmm_import_opts_t *opts) {
  int64_t tick_e4 = opts->tick_e4, scale_e6 = PMM_ONE_E6;
  opts->market = a->market;
  if (a->tick && (pmm_decimal_parse(a->tick, strlen(a->tick), 4, &tick_e4, NULL) != PMM_OK || tick_e4 < 1 || tick_e4 >= PMM_ONE_E4)) return false;
  if (a->scale && (pmm_decimal_parse(a->scale, strlen(a->scale), 6, &scale_e6, NULL) != PMM_OK || scale_e6 <= 0)) return false;
  opts->tick_e4 = (int32_t)tick_e4;
  opts->scale = (double)scale_e6 / PMM_ONE_E6;
  return true;
}

static int run_import(const args_t *a) {
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_progress_t progress;
  if (!a->format) return pmm_app_usage("tape", "import needs --format");
  if (!a->output) return pmm_app_usage("tape", "import needs -o TAPE");
  if (a->file_cnt == 0) return pmm_app_usage("tape", "import needs files");
  pmm_import_opts_default(&opts);
  opts.format = a->format;
  if (a->outcome) opts.outcome = a->outcome;
  opts.outcomes_path = a->outcomes;
  opts.map = a->map;
  if (a->map && strcmp(a->format, "csv-bbo") != 0) return pmm_app_usage("tape", "--map is for --format csv-bbo");
  if (a->gap && !read_gap(a->gap, &opts.gap_ns)) return pmm_app_usage("tape", "--gap %s: not a time like 5m, or never", a->gap);
  if ((a->market || a->tick || a->scale) && strcmp(a->format, "hftbacktest") != 0)
    return pmm_app_usage("tape", "--market, --tick and --scale are for --format hftbacktest");
  if (!read_npz_terms(a, &opts)) return pmm_app_usage("tape", "--tick and --scale: not numbers above 0, --tick below 1");
  opts.infer_trades = !a->no_inferred;
  opts.progress = pmm_progress_step;
  opts.ctx = &progress;
  pmm_progress_start(&progress, "import");
  pmm_status_t const st = pmm_import(&opts, (const char *const *)a->file, (size_t)a->file_cnt, a->output, &stats, &err);
  pmm_progress_end(&progress);
  if (st != PMM_OK) return failed(&err);
  print_import(a, &stats);
  return PMM_EXIT_DONE;
}

/* -- info -- */
static const char *time_text(int64_t ns, char buf[PMM_TIME_BUF]) {
  pmm_time_print(ns, 3, buf);
  return buf;
}

static const char *data_text(uint32_t data, char *buf, size_t len) {
  static const char *const names[] = {"depth", "top", "nosize", "trades", "inferred", "underlying", "price"};
  buf[0] = '\0';
  for (size_t i = 0, at = 0; i < sizeof names / sizeof names[0]; i++)
    if (data >> i & 1 && at < len) at += (size_t)snprintf(buf + at, len - at, "%s%s", at ? "+" : "", names[i]);
  return buf;
}

static void print_market_json(const pmm_market_t *m) {
  char data[80], strike[PMM_DECIMAL_BUF];
  pmm_decimal_print(m->strike_e8, 8, 2, strike);
  fputs("{\"id\":", stdout);
  pmm_tape_print_quoted(m->id);
  fputs(",\"event\":", stdout);
  pmm_tape_print_quoted(m->event);
  printf(",\"venue\":\"%s\",\"outcome\":\"%s\",\"tick_e4\":%d,\"open_ns\":%" PRId64 ",\"close_ns\":%" PRId64
         ",\"strike\":\"%s\",\"data\":\"%s\"}",
         pmm_venue_to_string((pmm_venue_t)m->venue), pmm_outcome_to_string((pmm_outcome_t)m->outcome), m->grid.tick_e4,
         m->open_ns == PMM_TIME_NONE ? 0 : m->open_ns, m->close_ns == PMM_TIME_NONE ? 0 : m->close_ns, m->strike_e8 ? strike : "",
         data_text(m->data, data, sizeof data));
}

static void print_underlying_json(const pmm_underlying_t *u) {
  fputs("{\"id\":", stdout);
  pmm_tape_print_quoted(u->id);
  fputs(",\"source\":", stdout);
  pmm_tape_print_quoted(u->source);
  printf(",\"kind\":%u}", u->kind);
}

static void print_info_json(const pmm_tape_t *tape, const char *path, const pmm_tape_skew_t *skew) {
  const pmm_tape_info_t *const i = pmm_tape_info(tape);
  fputs("{\"tape\":", stdout);
  pmm_tape_print_quoted(path);
  printf(",\"version\":%u,\"records\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"raw_bytes\":%" PRIu64
         ",\"data_bytes\":%" PRIu64 ",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64 ",\"truncated\":%s,\"lost_bytes\":%" PRIu64
         ",\"markets\":[",
         i->version, i->records, i->blocks, i->bytes, i->raw_bytes, i->data_bytes, i->first_ns, i->last_ns, i->truncated ? "true" : "false",
         i->lost_bytes);
  for (uint32_t k = 0; k < pmm_tape_market_cnt(tape); k++) {
    if (k > 0) putchar(',');
    print_market_json(pmm_tape_market(tape, k));
  }
  fputs("],\"underlyings\":[", stdout);
  for (uint32_t k = 0; k < pmm_tape_underlying_cnt(tape); k++) {
    if (k > 0) putchar(',');
    print_underlying_json(pmm_tape_underlying(tape, k));
  }
  fputs("],\"skew\":", stdout);
  pmm_tape_print_skew_json(skew);
  fputs(",\"provenance\":", stdout);
  pmm_tape_print_quoted(i->provenance);
  puts("}");
}

static void print_market(const pmm_market_t *m) {
  char open[PMM_TIME_BUF], close[PMM_TIME_BUF], data[80], strike[PMM_DECIMAL_BUF];
  pmm_decimal_print(m->strike_e8, 8, 2, strike);
  printf("  %-32s %-10s %-8s %s .. %s  %s%s%s\n", m->id, pmm_venue_to_string((pmm_venue_t)m->venue),
         pmm_outcome_to_string((pmm_outcome_t)m->outcome), time_text(m->open_ns, open), time_text(m->close_ns, close),
         data_text(m->data, data, sizeof data), m->strike_e8 ? "  strike " : "", m->strike_e8 ? strike : "");
}

static void print_info(const pmm_tape_t *tape, const char *path, const pmm_tape_skew_t *skew) {
  const pmm_tape_info_t *const i = pmm_tape_info(tape);
  char first[PMM_TIME_BUF], last[PMM_TIME_BUF];
  printf("%s: tape version %u, %" PRIu64 " records in %" PRIu64 " blocks, %" PRIu64 " bytes", path, i->version, i->records, i->blocks,
         i->bytes);
  if (i->records)
    printf(" (%.2f a record)\n%s .. %s\n", (double)i->bytes / (double)i->records, time_text(i->first_ns, first),
           time_text(i->last_ns, last));
  else putchar('\n');
  if (i->truncated) printf("cut off: no trailer; %" PRIu64 " bytes after the last whole block are lost\n", i->lost_bytes);
  printf("%u markets\n", pmm_tape_market_cnt(tape));
  for (uint32_t k = 0; k < pmm_tape_market_cnt(tape); k++) print_market(pmm_tape_market(tape, k));
  for (uint32_t k = 0; k < pmm_tape_underlying_cnt(tape); k++)
    printf("underlying %s from %s\n", pmm_tape_underlying(tape, k)->id, pmm_tape_underlying(tape, k)->source);
  if (skew->cnt)
    printf("clocks: receive minus venue time about %.1f ms (1%% %.1f, 99%% %.1f); pmm tape stats says more\n", (double)skew->median_ns / 1e6,
           (double)skew->p1_ns / 1e6, (double)skew->p99_ns / 1e6);
  if (i->provenance[0]) printf("provenance:\n%s\n", i->provenance);
}

static int run_info(const args_t *a) {
  pmm_tape_t *tape;
  pmm_tape_skew_t skew;
  pmm_error_t err = {0};
  if (a->file_cnt != 1) return pmm_app_usage("tape", "info needs one tape");
  if (pmm_tape_open(&tape, a->file[0], &err) != PMM_OK) {
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  if (pmm_tape_skew(tape, &skew, &err) != PMM_OK) { /* a damaged block is for verify to find */
    pmm_app_error("%s", err.text);
    skew = (pmm_tape_skew_t){0};
  }
  if (a->json) print_info_json(tape, a->file[0], &skew);
  else print_info(tape, a->file[0], &skew);
  pmm_tape_close(tape);
  return PMM_EXIT_DONE;
}

/* -- verify -- */
static void print_check(const args_t *a, const char *path, const pmm_tape_check_t *c, bool ok, const char *why) {
  if (!a->json) {
    if (ok)
      printf("%s: sound: %" PRIu64 " records, %" PRIu64 " blocks, %" PRIu64 " markets, %" PRIu64 " levels, %" PRIu64 " trades, %" PRIu64
             " gaps; crossed after %" PRIu64 " messages\n",
             path, c->records, c->blocks, c->markets, c->levels, c->trades, c->gaps, c->crossed_msgs);
    return;
  }
  fputs("{\"tape\":", stdout);
  pmm_tape_print_quoted(path);
  printf(",\"sound\":%s,\"records\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"markets\":%" PRIu64 ",\"levels\":%" PRIu64 ",\"trades\":%" PRIu64
         ",\"gaps\":%" PRIu64 ",\"crossed_msgs\":%" PRIu64,
         ok ? "true" : "false", c->records, c->blocks, c->markets, c->levels, c->trades, c->gaps, c->crossed_msgs);
  if (!ok) {
    fputs(",\"error\":", stdout);
    pmm_tape_print_quoted(why);
  }
  puts("}");
}

static int run_verify(const args_t *a) {
  int status = PMM_EXIT_DONE;
  if (a->file_cnt == 0) return pmm_app_usage("tape", "verify needs a tape");
  for (int i = 0; i < a->file_cnt; i++) {
    pmm_tape_check_t check;
    pmm_error_t err = {0};
    bool const ok = pmm_tape_verify(a->file[i], &check, &err) == PMM_OK;
    if (!ok) {
      pmm_app_error("%s", err.text);
      status = PMM_EXIT_FAILED;
    }
    print_check(a, a->file[i], &check, ok, err.text);
  }
  return status;
}

/* -- export -- */
static pmm_status_t export_to(const args_t *a, const pmm_tape_t *tape, pmm_error_t *err) {
  pmm_out_t out;
  pmm_progress_t progress;
  pmm_export_opts_t const opts = {.format = a->format, .market = a->market, .progress = pmm_progress_step, .ctx = &progress};
  pmm_status_t st = pmm_out_open(&out, a->output ? a->output : "-", err);
  if (st != PMM_OK) return st;
  pmm_progress_start(&progress, "export");
  st = pmm_tape_export(tape, &opts, out.file, err);
  pmm_progress_end(&progress);
  if (st == PMM_OK) return pmm_out_commit(&out, err);
  pmm_out_abort(&out);
  return st;
}

static int run_export(const args_t *a) {
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  if (!a->format) return pmm_app_usage("tape", "export needs --format csv, jsonl or npz");
  if (a->file_cnt != 1) return pmm_app_usage("tape", "export needs one tape");
  if (pmm_tape_open(&tape, a->file[0], &err) != PMM_OK) {
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  pmm_status_t const st = export_to(a, tape, &err);
  pmm_tape_close(tape);
  return st == PMM_OK ? PMM_EXIT_DONE : failed(&err);
}

static const struct {
  const char *name, *allowed;
  int (*run)(const args_t *);
} commands[] = {{"import", "ofijm", run_import}, {"info", "j", run_info}, {"verify", "j", run_verify}, {"export", "ofm", run_export}};

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} tools[] = {{"stats", pmm_tape_cmd_stats}, {"cut", pmm_tape_cmd_cut}, {"merge", pmm_tape_cmd_merge}};

int pmm_cmd_tape(int argc, char **argv) {
  args_t a;
  if (argc < 2) return pmm_app_usage("tape", "tape needs one of import, info, verify, stats, cut, merge, export");
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print_help();
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(argv[1], commands[i].name) != 0) continue;
    if (!parse_args(&a, argc - 1, argv + 1, commands[i].allowed)) return pmm_app_usage("tape", NULL);
    return a.help ? print_help() : commands[i].run(&a);
  }
  for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
    if (strcmp(argv[1], tools[i].name) != 0) continue;
    int const status = tools[i].run(argc - 1, argv + 1);
    return status == PMM_TAPE_HELP ? print_help() : status;
  }
  return pmm_app_usage("tape", "tape %s: not one of import, info, verify, stats, cut, merge, export", argv[1]);
}
