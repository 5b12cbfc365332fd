/* cmd_live.c -- `pmm live`, `pmm paper` and `pmm record`: one program, with real orders, with simulated fills, or with none. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "out.h"
#include "pmm/arena.h"
#include "pmm/decimal.h"
#include "pmm/live.h"
#include "secrets.h"
#include "state.h"
#include "tape/provenance.h"

#define STEP_NS (100 * PMM_NS_PER_S / 1000)
#define SAVE_NS STEP_NS               /* after a fill the state is written down, at most so often ... */
#define SAVE_IDLE_NS (30 * PMM_NS_PER_S) /* ... and so often without one: values change */
#define LEARNED_NS (300 * PMM_NS_PER_S) /* what strategies learned is written down so often, and at the end */
#define CONSENT "trade real money"
#define CONSENT_ENV "PMM_REAL_MONEY"

static const char HELP_LIVE[] =
    "usage: pmm live -c FILE [--set key=value]... [--real-money] [--duration S] [--record DIR] [--json] [--log FILE]\n"
    "\n"
    "Trades on the venues of the configuration with real orders.\n"
    "\n"
    "      --real-money      needed where a venue's host is not this machine; asks for a typed confirmation, or takes\n"
    "                        PMM_REAL_MONEY=\"trade real money\" from the environment\n"
    "      --reset-kill      takes back the kill switch that an earlier run left on, and ends\n";
static const char HELP_PAPER[] =
    "usage: pmm paper -c FILE [--set key=value]... [--duration S] [--record DIR] [--json] [--log FILE]\n"
    "\n"
    "Trades on live data with simulated fills, as a backtest would give them; sends no order and needs no key where the\n"
    "venue's data are public.\n"
    "\n";
static const char HELP_RECORD[] =
    "usage: pmm record -c FILE -o DIR [--set key=value]... [--duration S] [--log FILE]\n"
    "\n"
    "Records venues and feeds of the configuration to tapes in DIR, a new one every live.record_every. What was missed is marked.\n"
    "\n";
static const char HELP_COMMON[] =
    "      --duration S      stop after so many seconds (default: until Ctrl-C)\n"
    "      --record DIR      also write everything seen to tapes in DIR; -o is the same\n"
    "      --json            ends with one JSON object of the result keys, and shows no status line\n"
    "      --log FILE        notices as JSON lines to FILE ('-': stderr) instead of text on stderr\n"
    "  -c, --config FILE     configuration; --set KEY=VALUE overrides one value of it\n"
    "\n"
    "Ctrl-C cancels every order, confirms it and exits within five seconds; a second one exits at once.\n";

typedef struct args {
  pmm_live_mode_t mode;
  const char *command;
  pmm_app_config_args_t config;
  bool json, real_money, reset_kill;
  double duration_s;
  const char *record, *log;
} args_t;

static volatile sig_atomic_t signals;
static pmm_net_t *signalled_net;
static void on_signal(int sig) {
  (void)sig;
  if (signals++) _exit(PMM_EXIT_FAILED);
  if (signalled_net) pmm_net_stop(signalled_net);
}

/* -- arguments -- */
static bool seconds(const char *text, double *out) {
  int64_t v;
  if (pmm_decimal_parse(text, strlen(text), 6, &v, NULL) != PMM_OK || v <= 0) return false;
  *out = (double)v / 1e6;
  return true;
}

static int print_help(const args_t *a) {
  fputs(a->mode == PMM_LIVE_TRADE ? HELP_LIVE : a->mode == PMM_LIVE_PAPER ? HELP_PAPER : HELP_RECORD, stdout);
  fputs(HELP_COMMON, stdout);
  return PMM_EXIT_DONE;
}

static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {
      {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'}, {"duration", required_argument, NULL, 'd'}, {"record", required_argument, NULL, 'o'},
      {"json", no_argument, NULL, 'j'}, {"log", required_argument, NULL, 'l'}, {"real-money", no_argument, NULL, 'r'}, {"reset-kill", no_argument, NULL, 'k'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:o:h", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's': if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE; break;
    case 'd': if (!seconds(optarg, &a->duration_s)) return pmm_app_usage(a->command, "--duration: %.40s (allowed: more than 0 seconds)", optarg); break;
    case 'o': a->record = optarg; break;
    case 'j': a->json = true; break;
    case 'l': a->log = optarg; break;
    case 'r':
      if (a->mode != PMM_LIVE_TRADE) return pmm_app_usage(a->command, "--real-money is for pmm live");
      a->real_money = true;
      break;
    case 'k':
      if (a->mode != PMM_LIVE_TRADE) return pmm_app_usage(a->command, "--reset-kill is for pmm live");
      a->reset_kill = true;
      break;
    case 'h': return print_help(a);
    default: return pmm_app_usage(a->command, NULL);
  }
  if (optind < argc) return pmm_app_usage(a->command, "unexpected argument %.60s", argv[optind]);
  if (!a->config.path && a->config.set_cnt == 0) return pmm_app_usage(a->command, "no configuration: -c FILE");
  return -1;
}

/* -- where to -- */
/* The net would refuse them as well, each time an adapter tries: a mistake in the configuration is told once, before anything starts. */
static bool can_go_there(const pmm_config_t *c) {
  for (uint32_t i = 0; i < c->venue_cnt; i++) {
    const pmm_venue_params_t *const v = &c->venue[i];
    const struct { const char *key, *url; bool socket; } place[] = {{"rest", v->rest, false}, {"ws", v->ws, true}, {"gamma", v->gamma, false}, {"data", v->data, false}};
    for (size_t k = 0; k < sizeof place / sizeof place[0]; k++) {
      pmm_error_t err;
      if (!*place[k].url || pmm_url_check(place[k].url, place[k].socket, &err) == PMM_OK) continue;
      pmm_app_error("venues.%u.%s: %s", i, place[k].key, err.text);
      return false;
    }
  }
  return true;
}

/* -- real money -- */
static bool is_local(const pmm_venue_params_t *v) {
  const char *const url[] = {v->rest, v->ws};
  for (size_t i = 0; i < 2; i++)
    if (!*url[i] || !pmm_url_is_loopback(url[i])) return false;
  return true;
}

static bool typed_consent(void) {
  char line[64];
  fprintf(stderr, "Type \"%s\" to go on: ", CONSENT);
  if (!fgets(line, sizeof line, stdin)) return false;
  line[strcspn(line, "\r\n")] = '\0';
  return strcmp(line, CONSENT) == 0;
}

static bool has_consent(const args_t *a, const pmm_config_t *c) {
  uint32_t remote = 0;
  for (uint32_t i = 0; i < c->venue_cnt; i++) remote += !is_local(&c->venue[i]);
  if (remote == 0 || a->mode != PMM_LIVE_TRADE) return true;
  if (!a->real_money) {
    pmm_app_error("%u of %u venues are not on this machine: orders there cost real money; say --real-money if that is meant", remote, c->venue_cnt);
    return false;
  }
  const char *const env = getenv(CONSENT_ENV);
  if (env && strcmp(env, CONSENT) == 0) return true;
  fprintf(stderr, "Orders will be sent to %u venue%s with real money, up to $%.2f of loss a day.\n", remote, remote == 1 ? "" : "s",
          (double)c->risk.max_daily_loss_e6 / 1e6);
  if (isatty(STDIN_FILENO) && typed_consent()) return true;
  pmm_app_error("not confirmed: nothing was sent (without a terminal: %s=\"%s\")", CONSENT_ENV, CONSENT);
  return false;
}

/* -- notices -- */
typedef struct logger { FILE *file; bool json, status_shown; } logger_t;

static void wipe_status(logger_t *g) {
  if (g->status_shown) fputs("\r\033[K", stderr);
  g->status_shown = false;
}

static void on_notice(void *ctx, const pmm_notice_t *n) {
  logger_t *const g = ctx;
  static const char *const words[] = {"note", "warn", "alert"};
  int64_t const at = n->at_ns ? n->at_ns : pmm_app_wall_ns();
  wipe_status(g);
  if (g->json) {
    fprintf(g->file, "{\"t_ns\":%" PRId64 ",\"severity\":\"%s\",\"source\":", at, words[n->severity]);
    pmm__put_quoted(g->file, n->source);
    fputs(",\"code\":", g->file);
    pmm__put_quoted(g->file, n->code);
    if (n->market != PMM_NOTICE_NO_MARKET) fprintf(g->file, ",\"market\":%u", n->market);
    fputs(",\"text\":", g->file);
    pmm__put_quoted(g->file, n->text);
    fputs("}\n", g->file);
  } else {
    time_t const s = (time_t)(at / PMM_NS_PER_S);
    struct tm t;
    gmtime_r(&s, &t);
    fprintf(g->file, "%02d:%02d:%02d.%03d %-5s %s %s: %s\n", t.tm_hour, t.tm_min, t.tm_sec, (int)(at / 1000000 % 1000), words[n->severity], n->source, n->code, n->text);
  }
  fflush(g->file);
}

static bool open_log(logger_t *g, const char *path) {
  *g = (logger_t){.file = stderr, .json = path != NULL};
  if (!path || strcmp(path, "-") == 0) return true;
  g->file = fopen(path, "ae");
  if (!g->file) pmm_app_error("%s: cannot be opened for writing", path);
  return g->file != NULL;
}

static void show_status(logger_t *g, pmm_live_t *live, const args_t *a) {
  if (a->json || !isatty(STDERR_FILENO) || g->file != stderr || g->json) return;
  pmm_live_status_t s;
  pmm_live_status(live, &s);
  uint32_t ready = 0;
  uint64_t fills = 0, orders = 0, records = 0;
  for (uint32_t i = 0; i < s.venue_cnt; i++) {
    ready += s.venue[i].ready;
    fills += s.venue[i].fills;
    orders += s.venue[i].orders;
    records += s.venue[i].records;
  }
  wipe_status(g);
  fprintf(stderr, "%s%s  venues %u/%u  records %" PRIu64, pmm_live_phase_to_string(s.phase), s.killed ? " KILLED" : s.paused ? " paused" : "", ready, s.venue_cnt, records);
  if (a->mode != PMM_LIVE_RECORD)
    fprintf(stderr, "  orders %u open, %" PRIu64 " sent  fills %" PRIu64 "  equity $%.4f", s.open_orders, orders, fills, (double)s.equity_e6 / 1e6);
  if (s.recorded) fprintf(stderr, "  taped %" PRIu64, s.recorded);
  fflush(stderr);
  g->status_shown = true;
}

/* -- what survives -- */
typedef struct keeper { pmm_app_state_t state; pmm_live_kept_t before; pmm_app_learned_t learned; bool open, dirty; int64_t saved_ns, learned_ns; } keeper_t;

static void save(keeper_t *k, pmm_live_t *live, bool durable) {
  pmm_live_kept_t kept;
  pmm_error_t err;
  pmm_live_kept(live, &kept);
  pmm_app_state_take(&k->state, &kept);
  if (pmm_app_state_save(&k->state, durable, &err) != PMM_OK) pmm_app_error("%s", err.text);
  k->dirty = false;
}

static void on_persist(void *ctx, pmm_live_t *live, bool at_once) {
  keeper_t *const k = ctx;
  if (at_once) save(k, live, true); /* before anything else happens */
  else k->dirty = true;
}

static void save_learned(keeper_t *k, pmm_live_t *live) {
  pmm_error_t err;
  if (pmm_app_learned_save(&k->state, live, &err) != PMM_OK) pmm_app_error("%s", err.text);
}

static void save_now_and_then(keeper_t *k, pmm_live_t *live, int64_t mono_ns) {
  if (k->open && mono_ns - k->learned_ns >= LEARNED_NS) {
    save_learned(k, live);
    k->learned_ns = mono_ns;
  }
  if (!k->open || mono_ns - k->saved_ns < (k->dirty ? SAVE_NS : SAVE_IDLE_NS)) return;
  save(k, live, false);
  k->saved_ns = mono_ns;
}

/* -- the run -- */
static void loop(pmm_net_t *net, pmm_live_t *live, const args_t *a, logger_t *log, keeper_t *keeper) {
  int64_t const start = pmm_net_mono(net), end = a->duration_s > 0 ? start + (int64_t)(a->duration_s * 1e9) : PMM_NS_MAX;
  int64_t shown = start;
  while (pmm_live_phase(live) != PMM_LIVE_DONE) {
    int64_t const now = pmm_net_mono(net);
    pmm_net_step(net, pmm_min64(STEP_NS, end > now ? end - now : STEP_NS));
    if (signals || pmm_net_mono(net) >= end) pmm_live_stop(live);
    save_now_and_then(keeper, live, pmm_net_mono(net));
    if (pmm_net_mono(net) - shown < PMM_NS_PER_S / 2) continue;
    show_status(log, live, a);
    shown = pmm_net_mono(net);
  }
  wipe_status(log);
}

static int report(pmm_live_t *live, const args_t *a) {
  pmm_live_status_t s;
  pmm_live_status(live, &s);
  const pmm_error_t *const failed = pmm_live_error(live);
  if (failed) pmm_app_error("%s", failed->text);
  bool left = false, traded = true;
  for (uint32_t i = 0; i < s.venue_cnt; i++) left = left || s.venue[i].orders_left;
  pmm_result_t result = {0};
  pmm_error_t err;
  if (a->mode != PMM_LIVE_RECORD) {
    traded = pmm_live_result(live, &result, &err) == PMM_OK;
    if (!traded) pmm_app_error("%s", err.text);
    else if (a->json) pmm_result_write_json(stdout, &result);
    else pmm_result_write_table(stdout, &result);
    pmm_result_free(&result);
  }
  return failed || left || !traded || s.killed ? PMM_EXIT_FAILED : PMM_EXIT_DONE;
}

static int run_with(const args_t *a, const pmm_config_t *config, pmm_app_secrets_t *secrets, keeper_t *keeper, logger_t *log) {
  pmm_error_t err;
  pmm_net_t *net = NULL;
  pmm_notice_sink_t const sink = {.fn = on_notice, .ctx = log};
  pmm_net_config_t const nc = {.ca_file = *config->live.ca ? config->live.ca : NULL, .notices = sink};
  if (pmm_net_open(&net, &nc, &err) != PMM_OK) { pmm_app_error("%s", err.text); return PMM_EXIT_FAILED; }
  pmm_live_config_t lc = {.mode = a->mode, .config = config, .secrets = {.get = pmm_app_secret, .ctx = secrets}, .run_id = keeper->open ? keeper->state.run_id : 1,
                          .before = keeper->open ? &keeper->before : NULL, .learned = keeper->learned.list, .learned_cnt = keeper->learned.cnt, .record = a->record ? a->record : *config->live.record ? config->live.record : NULL,
                          .notices = sink, .persist = keeper->open ? on_persist : NULL, .persist_ctx = keeper};
  pmm_live_t *live = NULL;
  int status = PMM_EXIT_USAGE;
  if (pmm_live_open(&live, net, &lc, &err) != PMM_OK) {
    pmm_app_error("%s", err.text);
  } else {
    signalled_net = net;
    if (lc.before && lc.before->killed) pmm_app_error("the kill switch is on since an earlier run: nothing will be quoted ('pmm live --reset-kill' after looking into it)");
    loop(net, live, a, log, keeper);
    if (keeper->open) {
      save(keeper, live, true);
      save_learned(keeper, live);
    }
    status = report(live, a);
    signalled_net = NULL;
    pmm_live_close(live);
  }
  pmm_net_close(net);
  return status;
}

/* By a person, after looking into it. */
static int reset_kill(const pmm_config_t *config) {
  pmm_error_t err;
  pmm_app_state_t state;
  if (pmm_app_state_open(&state, config->live.state, pmm_app_wall_ns(), &err) != PMM_OK) { pmm_app_error("%s", err.text); return PMM_EXIT_FAILED; }
  bool const was = state.killed;
  if (was) state.day.result_e6 = 0; /* or the next run would be stopped at once: what it lost is accepted */
  state.killed = false;
  pmm_status_t const st = pmm_app_state_save(&state, true, &err);
  if (st != PMM_OK) pmm_app_error("%s", err.text);
  else printf("the kill switch %s\n", was ? "is off" : "was not on");
  pmm_app_state_close(&state);
  return st == PMM_OK ? PMM_EXIT_DONE : PMM_EXIT_FAILED;
}

/* Those of venues not in use as well: a running program shows none of them in its environment. */
static void take_all(pmm_app_secrets_t *secrets) {
  for (int v = PMM_VENUE_KALSHI; v <= PMM_VENUE_DEGEN; v++) {
    const pmm_venue_ops_t *const ops = pmm_venue_ops((pmm_venue_t)v);
    if (ops) pmm_app_secrets_take(secrets, ops->secrets);
  }
}

static int run_config(const args_t *a, const pmm_config_t *config) {
  pmm_error_t err;
  pmm_app_secrets_t *secrets = NULL;
  keeper_t keeper = {0};
  logger_t log;
  char why[400];
  if (a->reset_kill) return reset_kill(config);
  if (!can_go_there(config) || !has_consent(a, config)) return PMM_EXIT_USAGE;
  if (pmm_app_secrets_open(&secrets, config->live.secrets, &err) != PMM_OK) { pmm_app_error("%s", err.text); return PMM_EXIT_USAGE; }
  take_all(secrets);
  int status = PMM_EXIT_USAGE;
  if (a->mode == PMM_LIVE_TRADE) {
    keeper.open = pmm_app_state_open(&keeper.state, config->live.state, pmm_app_wall_ns(), &err) == PMM_OK;
    if (!keeper.open) pmm_app_error("%s", err.text);
    else {
      pmm_app_state_venues(&keeper.state, config->venue, config->venue_cnt);
      pmm_app_state_before(&keeper.state, &keeper.before);
      pmm_app_learned_open(&keeper.learned, &keeper.state, why, sizeof why);
      if (*why) pmm_app_error("%s: strategies begin anew", why);
    }
  }
  if ((keeper.open || a->mode != PMM_LIVE_TRADE) && open_log(&log, a->log)) {
    status = run_with(a, config, secrets, &keeper, &log);
    if (log.file != stderr) fclose(log.file);
  }
  pmm_app_learned_close(&keeper.learned);
  if (keeper.open) pmm_app_state_close(&keeper.state);
  pmm_app_secrets_close(secrets);
  return status;
}

static int run(pmm_live_mode_t mode, const char *command, int argc, char **argv) {
  args_t a = {.mode = mode, .command = command};
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  pmm_heap_huge();
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) { pmm_app_error("out of memory"); return PMM_EXIT_FAILED; }
  int status = PMM_EXIT_USAGE;
  if (pmm_app_config_load(&a.config, config)) {
    if (mode == PMM_LIVE_RECORD && !a.record && !*config->live.record) status = pmm_app_usage(command, "no folder to record to: -o DIR");
    else {
      struct sigaction sa = {.sa_handler = on_signal};
      sigaction(SIGINT, &sa, NULL);
      sigaction(SIGTERM, &sa, NULL);
      sigaction(SIGHUP, &sa, NULL);
      signal(SIGPIPE, SIG_IGN);
      status = run_config(&a, config);
    }
  }
  free(config);
  return status;
}

int pmm_cmd_live(int argc, char **argv) { return run(PMM_LIVE_TRADE, "live", argc, argv); }
int pmm_cmd_paper(int argc, char **argv) { return run(PMM_LIVE_PAPER, "paper", argc, argv); }
int pmm_cmd_record(int argc, char **argv) { return run(PMM_LIVE_RECORD, "record", argc, argv); }
