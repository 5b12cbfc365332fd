#include "tape_tools.h"
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define GLOBS_MAX 256

void pmm_tape_print_quoted(const char *text) {
  putchar('"');
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
    if (*s == '"' || *s == '\\') printf("\\%c", *s);
    else if (*s < 0x20) printf("\\u%04x", *s);
    else putchar(*s);
  }
  putchar('"');
}

/* -- options -- */
typedef struct globs {
  const char *at[GLOBS_MAX];
  size_t cnt;
} globs_t;

typedef struct tool_args {
  const char *output;
  int64_t from_ns, to_ns;
  globs_t market, underlying;
  bool json, join, help;
  char **file;
  int file_cnt;
} tool_args_t;

enum { OPT_FROM = 256, OPT_TO, OPT_MARKET, OPT_UNDERLYING, OPT_SAME, OPT_JSON };

static bool take_glob(globs_t *g, const char *glob) {
  if (g->cnt == GLOBS_MAX) {
    pmm_app_error("more than %d patterns", GLOBS_MAX);
    return false;
  }
  g->at[g->cnt++] = glob;
  return true;
}

/* RFC 3339, or an integer: Unix nanoseconds. */
static bool take_time(const char *text, int64_t *ns) {
  size_t const len = strlen(text);
  if (pmm_time_parse(text, len, ns, NULL) == PMM_OK || pmm_decimal_parse(text, len, 0, ns, NULL) == PMM_OK) return true;
  pmm_app_error("%s: neither a time like 2026-05-13T15:30:00Z nor Unix nanoseconds", text);
  return false;
}

static bool take_same(tool_args_t *a, const char *text) {
  a->join = true;
  if (strcmp(text, "join") == 0) return true;
  pmm_app_error("--same-market %s: only join is known", text);
  return false;
}

static bool take_option(tool_args_t *a, int option) {
  switch (option) {
  case 'h': return a->help = true;
  case 'o': a->output = optarg; return true;
  case OPT_FROM: return take_time(optarg, &a->from_ns);
  case OPT_TO: return take_time(optarg, &a->to_ns);
  case OPT_MARKET: return take_glob(&a->market, optarg);
  case OPT_UNDERLYING: return take_glob(&a->underlying, optarg);
  case OPT_SAME: return take_same(a, optarg);
  case OPT_JSON: return a->json = true;
  default: return false;
  }
}

static bool parse(tool_args_t *a, int argc, char **argv, const struct option *options) {
  *a = (tool_args_t){.from_ns = PMM_TIME_NONE, .to_ns = PMM_NS_MAX};
  optind = 0;
  for (int option; (option = getopt_long(argc, argv, "ho:", options, NULL)) != -1;)
    if (!take_option(a, option)) return false;
  a->file = argv + optind;
  a->file_cnt = argc - optind;
  return true;
}

static int failed(const pmm_error_t *err) {
  pmm_app_error("%s", err->text);
  return err->status == PMM_INVAL ? PMM_EXIT_USAGE : PMM_EXIT_FAILED;
}

/* -- cut -- */
static int cut_to(const tool_args_t *a, const pmm_tape_t *tape) {
  pmm_tape_cut_opts_t opts;
  pmm_tape_cut_stats_t s;
  pmm_progress_t progress;
  pmm_error_t err = {0};
  pmm_tape_cut_opts_default(&opts);
  opts.from_ns = a->from_ns;
  opts.to_ns = a->to_ns;
  opts.market = a->market.at;
  opts.market_cnt = a->market.cnt;
  opts.underlying = a->underlying.at;
  opts.underlying_cnt = a->underlying.cnt;
  opts.progress = (pmm_tape_progress_t){.step = pmm_progress_step, .ctx = &progress};
  pmm_progress_start(&progress, "cut");
  pmm_status_t const st = pmm_tape_cut(tape, &opts, a->output, &s, &err);
  pmm_progress_end(&progress);
  if (st != PMM_OK) return failed(&err);
  printf("%s: %" PRIu64 " records of %u markets and %u underlyings, %" PRIu64 " of them the state at the beginning\n", a->output, s.records,
         s.markets, s.underlyings, s.state_records);
  return PMM_EXIT_DONE;
}

int pmm_tape_cmd_cut(int argc, char **argv) {
  static const struct option options[] = {
      {"help", no_argument, NULL, 'h'},        {"output", required_argument, NULL, 'o'},
      {"from", required_argument, NULL, OPT_FROM}, {"to", required_argument, NULL, OPT_TO},
      {"market", required_argument, NULL, OPT_MARKET}, {"underlying", required_argument, NULL, OPT_UNDERLYING},
      {NULL, 0, NULL, 0}};
  tool_args_t a;
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  if (!parse(&a, argc, argv, options)) return pmm_app_usage("tape", NULL);
  if (a.help) return PMM_TAPE_HELP;
  if (!a.output) return pmm_app_usage("tape", "cut needs -o TAPE");
  if (a.file_cnt != 1) return pmm_app_usage("tape", "cut needs one tape");
  if (pmm_tape_open(&tape, a.file[0], &err) != PMM_OK) {
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  int const status = cut_to(&a, tape);
  pmm_tape_close(tape);
  return status;
}

/* -- merge -- */
int pmm_tape_cmd_merge(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"same-market", required_argument, NULL, OPT_SAME},
                                          {NULL, 0, NULL, 0}};
  tool_args_t a;
  pmm_tape_merge_stats_t s;
  pmm_progress_t progress;
  pmm_error_t err = {0};
  if (!parse(&a, argc, argv, options)) return pmm_app_usage("tape", NULL);
  if (a.help) return PMM_TAPE_HELP;
  if (!a.output) return pmm_app_usage("tape", "merge needs -o TAPE");
  if (a.file_cnt == 0) return pmm_app_usage("tape", "merge needs tapes");
  pmm_tape_merge_opts_t const opts = {.join = a.join, .progress = {.step = pmm_progress_step, .ctx = &progress}};
  pmm_progress_start(&progress, "merge");
  pmm_status_t const st = pmm_tape_merge((const char *const *)a.file, (size_t)a.file_cnt, &opts, a.output, &s, &err);
  pmm_progress_end(&progress);
  if (st != PMM_OK) return failed(&err);
  printf("%s: %" PRIu64 " records of %u markets and %u underlyings; %u markets joined, %" PRIu64 " life-cycle records of earlier parts dropped\n",
         a.output, s.records, s.markets, s.underlyings, s.joined, s.dropped);
  return PMM_EXIT_DONE;
}

/* -- stats -- */
static double ms(int64_t ns) { return (double)ns / 1e6; }

void pmm_tape_print_skew_json(const pmm_tape_skew_t *s) {
  printf("{\"messages\":%" PRIu64 ",\"median_ms\":%.3f,\"p1_ms\":%.3f,\"p99_ms\":%.3f,\"negative_share\":%.6f", s->cnt, ms(s->median_ns),
         ms(s->p1_ns), ms(s->p99_ns), s->negative_share);
  if (s->has_drift) printf(",\"drift_ms_per_h\":%.3f", s->drift_ms_per_h);
  putchar('}');
}

void pmm_tape_print_skew(const pmm_tape_skew_t *s) {
  if (s->cnt == 0) {
    puts("clocks: no message of a market bears a venue time beside the receive time");
    return;
  }
  printf("clocks: receive minus venue time is %.1f ms in the middle (1%% %.1f, 99%% %.1f) of %" PRIu64
         " messages: the offset of the recorder's clock plus the way of the message, which stamps alone cannot tell apart",
         ms(s->median_ns), ms(s->p1_ns), ms(s->p99_ns), s->cnt);
  if (s->negative_share >= 0.001)
    printf("; %.1f%% came before they were sent, so that clock is behind, by at least %.1f ms", s->negative_share * 100, ms(-s->p1_ns > 0 ? -s->p1_ns : 0));
  if (s->has_drift && fabs(s->drift_ms_per_h) >= 1) printf("; the clocks drift by %+.1f ms an hour", s->drift_ms_per_h);
  putchar('\n');
}

static void print_kinds(const pmm_tape_stream_t *s, const char *format, const char *between) {
  const char *sep = "";
  for (int kind = 0; kind < PMM_MD_KIND_END; kind++) {
    if (s->records[kind] == 0) continue;
    fputs(sep, stdout);
    printf(format, pmm_md_kind_to_string((uint8_t)kind), s->records[kind]);
    sep = between;
  }
}

static const char *decimal(int64_t value, int scale, int min_decimals, char buf[PMM_DECIMAL_BUF]) {
  pmm_decimal_print(value, scale, min_decimals, buf);
  return buf;
}

static void print_times(const pmm_tape_stream_t *s) {
  char first[PMM_TIME_BUF], last[PMM_TIME_BUF];
  pmm_time_print(s->first_ns, 3, first);
  pmm_time_print(s->last_ns, 3, last);
  printf("  %s .. %s, %" PRIu64 " messages: ", first, last, s->messages);
  print_kinds(s, "%s %" PRIu64, ", ");
  putchar('\n');
}

static void print_book(const pmm_tape_stream_t *s) {
  char a[PMM_DECIMAL_BUF], b[PMM_DECIMAL_BUF];
  if (s->spread_cnt == 0) return;
  printf("  spread %s in the middle, %s at 95%%, one tick in %.1f%% of %" PRIu64 " messages; one-sided after %" PRIu64 ", locked after %" PRIu64
         ", crossed after %" PRIu64 "\n",
         decimal(s->spread_median_e4, 4, 2, a), decimal(s->spread_p95_e4, 4, 2, b), s->one_tick_share * 100, s->spread_cnt, s->one_sided_msgs,
         s->locked_msgs, s->crossed_msgs);
  printf("  size at the best price in the middle: bid %s, ask %s\n", decimal(s->best_qty_e6[PMM_BID], 6, 0, a),
         decimal(s->best_qty_e6[PMM_ASK], 6, 0, b));
}

static void print_stream(const pmm_tape_stream_t *s) {
  char volume[PMM_DECIMAL_BUF];
  printf("%s%s%s\n", s->id, s->source ? " from " : "", s->source ? s->source : "");
  if (s->first_ns == PMM_TIME_NONE) {
    puts("  no records");
    return;
  }
  print_times(s);
  print_book(s);
  if (s->records[PMM_MD_TRADE]) printf("  %" PRIu64 " trades of %s contracts\n", s->records[PMM_MD_TRADE], decimal(s->volume_e6, 6, 0, volume));
  if (s->gaps) printf("  %" PRIu64 " gap%s, the longest of %.1f s\n", s->gaps, s->gaps == 1 ? "" : "s", (double)s->gap_longest_ns / 1e9);
  if (s->skew.cnt == 0) return;
  printf("  receive minus venue time: %.1f ms (1%% %.1f, 99%% %.1f)", ms(s->skew.median_ns), ms(s->skew.p1_ns), ms(s->skew.p99_ns));
  if (s->skew.has_drift) printf(", drift %+.1f ms/h", s->skew.drift_ms_per_h);
  printf(", %.1f%% below zero\n", s->skew.negative_share * 100);
}

static void print_book_json(const pmm_tape_stream_t *s) {
  char a[PMM_DECIMAL_BUF], b[PMM_DECIMAL_BUF];
  printf(",\"spread\":{\"messages\":%" PRIu64 ",\"median\":\"%s\",\"p95\":\"%s\",\"one_tick_share\":%.6f}", s->spread_cnt,
         decimal(s->spread_median_e4, 4, 2, a), decimal(s->spread_p95_e4, 4, 2, b), s->one_tick_share);
  printf(",\"best_bid_size\":\"%s\",\"best_ask_size\":\"%s\"", decimal(s->best_qty_e6[PMM_BID], 6, 0, a),
         decimal(s->best_qty_e6[PMM_ASK], 6, 0, b));
  printf(",\"one_sided\":%" PRIu64 ",\"locked\":%" PRIu64 ",\"crossed\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"gap_longest_ns\":%" PRId64
         ",\"volume\":\"%s\"",
         s->one_sided_msgs, s->locked_msgs, s->crossed_msgs, s->gaps, s->gap_longest_ns, decimal(s->volume_e6, 6, 0, a));
}

static void print_stream_json(const pmm_tape_stream_t *s) {
  fputs("{\"id\":", stdout);
  pmm_tape_print_quoted(s->id);
  if (s->source) {
    fputs(",\"source\":", stdout);
    pmm_tape_print_quoted(s->source);
  }
  printf(",\"messages\":%" PRIu64, s->messages);
  if (s->first_ns != PMM_TIME_NONE) printf(",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64, s->first_ns, s->last_ns);
  fputs(",\"records\":{", stdout);
  print_kinds(s, "\"%s\":%" PRIu64, ",");
  putchar('}');
  if (!s->source) print_book_json(s);
  if (s->skew.cnt) {
    fputs(",\"skew\":", stdout);
    pmm_tape_print_skew_json(&s->skew);
  }
  putchar('}');
}

static void print_streams_json(const pmm_tape_stats_t *stats, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) {
    if (i > from) putchar(',');
    print_stream_json(&stats->stream[i]);
  }
}

static void print_stats_json(const char *path, const pmm_tape_stats_t *stats) {
  fputs("{\"tape\":", stdout);
  pmm_tape_print_quoted(path);
  fputs(",\"markets\":[", stdout);
  print_streams_json(stats, 0, stats->market_cnt);
  fputs("],\"underlyings\":[", stdout);
  print_streams_json(stats, stats->market_cnt, stats->cnt);
  fputs("],\"skew\":", stdout);
  pmm_tape_print_skew_json(&stats->skew);
  puts("}");
}

static void print_stats(const char *path, const pmm_tape_stats_t *stats) {
  printf("%s: %u markets, %u underlyings\n", path, stats->market_cnt, stats->cnt - stats->market_cnt);
  for (uint32_t i = 0; i < stats->cnt; i++) print_stream(&stats->stream[i]);
  pmm_tape_print_skew(&stats->skew);
}

static int stats_of(const char *path, bool json) {
  pmm_tape_t *tape;
  pmm_tape_stats_t stats;
  pmm_progress_t progress;
  pmm_error_t err = {0};
  pmm_tape_progress_t const step = {.step = pmm_progress_step, .ctx = &progress};
  pmm_status_t st = pmm_tape_open(&tape, path, &err);
  if (st == PMM_OK) {
    pmm_progress_start(&progress, "stats");
    st = pmm_tape_stats(tape, &step, &stats, &err);
    pmm_progress_end(&progress);
    if (st == PMM_OK) {
      if (json) print_stats_json(path, &stats);
      else print_stats(path, &stats);
      pmm_tape_stats_fini(&stats);
    }
    pmm_tape_close(tape);
  }
  if (st == PMM_OK) return PMM_EXIT_DONE;
  pmm_app_error("%s", err.text);
  return PMM_EXIT_FAILED;
}

int pmm_tape_cmd_stats(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, OPT_JSON}, {NULL, 0, NULL, 0}};
  tool_args_t a;
  int status = PMM_EXIT_DONE;
  if (!parse(&a, argc, argv, options)) return pmm_app_usage("tape", NULL);
  if (a.help) return PMM_TAPE_HELP;
  if (a.output) return pmm_app_usage("tape", "stats does not take -o");
  if (a.file_cnt == 0) return pmm_app_usage("tape", "stats needs a tape");
  for (int i = 0; i < a.file_cnt; i++)
    if (stats_of(a.file[i], a.json) != PMM_EXIT_DONE) status = PMM_EXIT_FAILED;
  return status;
}
