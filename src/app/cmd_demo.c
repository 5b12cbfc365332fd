/* cmd_demo.c -- `pmm demo`: an exchange, synthetic traders and a market maker, watched in the terminal: over loopback sockets (demo_sockets.c), or with
   --simulated in simulated time. */
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "demo_sockets.h"
#include "out.h"
#include "pmm/backtest.h"
#include "pmm/decimal.h"

#define FRAMES_PER_S 10
#define SPEED_DEFAULT 60
#define DEPTH 6
#define TRACE 60

static const char HELP[] =
    "usage: pmm demo [--duration S] [--seed N] [--json] [--strategy NAME] [-c FILE] [--set key=value]... [--simulated [--speed X]]\n"
    "\n"
    "Makes markets on three venues at once: an exchange that speaks as Kalshi, Polymarket and Degen do, two price feeds, synthetic traders and one engine,\n"
    "in one process and over real loopback sockets. Needs no account, no network, no config.\n"
    "\n"
    "      --duration S      seconds to watch (default 30)\n"
    "      --simulated       one synthetic market in simulated time instead, the same from a seed to the last bit; it lives S times X seconds\n"
    "      --speed X         with --simulated: market seconds per second (default 60)\n"
    "      --seed N          seed of everything random (default 1)\n"
    "      --strategy NAME   the same in every market: linear, adaptive, logit, curve, or the path of a shared object\n"
    "      --json            no table; ends with one JSON object of the result keys (--simulated: as fast as it goes)\n"
    "  -c, --config FILE     configuration; --set KEY=VALUE overrides one value of it\n"
    "\n"
    "Ctrl-C stops, and shows the result so far.\n";

typedef struct args {
  pmm_app_config_args_t config;
  double duration_s, speed;
  bool json, simulated, has_speed;
  char seed_set[64], duration_set[64], strategy_set[PMM_APP_SETS_MAX + 32];
} args_t;

static volatile sig_atomic_t stop;
static void on_signal(int sig) { (void)sig; stop = 1; }

static bool number(const char *text, double lo, double hi, double *out) {
  int64_t v;
  if (pmm_decimal_parse(text, strlen(text), 6, &v, NULL) != PMM_OK) return false;
  *out = (double)v / 1e6;
  return *out >= lo && *out <= hi;
}

static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {
      {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'}, {"duration", required_argument, NULL, 'd'},
      {"seed", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {"strategy", required_argument, NULL, 'y'},
      {"speed", required_argument, NULL, 'x'}, {"simulated", no_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:h", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's': if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE; break;
    case 'd': if (!number(optarg, 0.1, 86400, &a->duration_s)) return pmm_app_usage("demo", "--duration: %.40s (allowed: 0.1 to 86400 seconds)", optarg); break;
    case 'm': a->simulated = true; break;
    case 'x': a->has_speed = true; if (!number(optarg, 0.1, 100000, &a->speed)) return pmm_app_usage("demo", "--speed: %.40s (allowed: 0.1 to 100000)", optarg); break;
    case 'r':
      if (strlen(optarg) > 40) return pmm_app_usage("demo", "--seed: too long");
      snprintf(a->seed_set, sizeof a->seed_set, "seed=%s", optarg);
      if (!pmm_app_set_add(&a->config, a->seed_set)) return PMM_EXIT_USAGE;
      break;
    case 'y':
      if (strlen(optarg) > PMM_APP_SETS_MAX) return pmm_app_usage("demo", "--strategy: too long");
      snprintf(a->strategy_set, sizeof a->strategy_set, "strategy=%s", optarg);
      if (!pmm_app_set_add(&a->config, a->strategy_set)) return PMM_EXIT_USAGE;
      break;
    case 'j': a->json = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("demo", NULL);
  }
  if (optind < argc) return pmm_app_usage("demo", "unexpected argument %.60s", argv[optind]);
  snprintf(a->duration_set, sizeof a->duration_set, "scenario.duration=%.3fs", a->duration_s * a->speed);
  return pmm_app_set_add(&a->config, a->duration_set) ? -1 : PMM_EXIT_USAGE;
}

/* Without a configuration of the user's own the demo shows the linear strategy with an inventory skew; the user's --set come after. */
static void demo_defaults(args_t *a) {
  static const char *const set[] = {"params.spread_bps=200", "params.inventory_alpha=0.0005"};
  size_t const n = sizeof set / sizeof set[0];
  if (a->config.path || a->strategy_set[0] || a->config.set_cnt + n > PMM_APP_SETS_MAX) return;
  memmove(a->config.set + n, a->config.set, a->config.set_cnt * sizeof a->config.set[0]);
  memcpy(a->config.set, set, sizeof set);
  a->config.set_cnt += n;
}

/* -- the screen -- */
typedef struct screen { double equity[TRACE]; int equity_cnt; } screen_t;

static void sparkline(const screen_t *s) {
  static const char *const bar[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double lo = INFINITY, hi = -INFINITY;
  for (int i = 0; i < s->equity_cnt; i++) { lo = fmin(lo, s->equity[i]); hi = fmax(hi, s->equity[i]); }
  for (int i = 0; i < s->equity_cnt; i++) fputs(bar[hi > lo ? (int)((s->equity[i] - lo) / (hi - lo) * 7.999) : 3], stdout);
}

static void remember(screen_t *s, double equity) {
  if (s->equity_cnt == TRACE) {
    memmove(s->equity, s->equity + 1, sizeof s->equity - sizeof s->equity[0]);
    s->equity_cnt--;
  }
  s->equity[s->equity_cnt++] = equity;
}

static int64_t own_at(pmm_engine_t *e, pmm_side_t side, int32_t price_e4) {
  pmm_own_order_t o[64];
  size_t const n = pmm_exec_own_orders(pmm_engine_exec(e), 0, o, 64);
  int64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    if (o[i].side == side && o[i].price_e4 == price_e4) sum += o[i].open_e6;
  return sum;
}

/* One price level as the venue shows it: the others' size, and ours beside it. */
static void level_line(pmm_engine_t *e, pmm_side_t side, int32_t tick) {
  pmm_ladder_t const *const l = pmm_engine_ladder(e, 0);
  int32_t const price = tick * l->tick_e4;
  int64_t const own = own_at(e, side, price);
  fputs(own ? "\033[1;33m" : side == PMM_BID ? "\033[32m" : "\033[31m", stdout);
  printf("   %s %5.2f %10.2f", side == PMM_BID ? "bid" : "ask", price / 1e4, (double)pmm_ladder_qty(l, side, tick) / 1e6);
  if (own) printf("   <- ours %.2f", (double)own / 1e6);
  printf("\033[0m\033[K\n");
}

/* Levels to show: used by others or by us. */
static bool shown(pmm_engine_t *e, pmm_side_t side, int32_t tick) {
  pmm_ladder_t const *const l = pmm_engine_ladder(e, 0);
  return pmm_ladder_qty(l, side, tick) || own_at(e, side, tick * l->tick_e4);
}
static void draw_book(pmm_engine_t *e) {
  pmm_ladder_t const *const l = pmm_engine_ladder(e, 0);
  int32_t ask[DEPTH];
  int n = 0;
  for (int32_t t = 1; t < l->tick_cnt && n < DEPTH; t++)
    if (shown(e, PMM_ASK, t)) ask[n++] = t;
  for (int i = DEPTH; i > n; i--) printf("\033[K\n");
  for (int i = n; i-- > 0;) level_line(e, PMM_ASK, ask[i]);
  printf("   ---\033[K\n");
  n = 0;
  for (int32_t t = l->tick_cnt - 1; t > 0 && n < DEPTH; t--)
    if (shown(e, PMM_BID, t)) { level_line(e, PMM_BID, t); n++; }
  for (; n < DEPTH; n++) printf("\033[K\n");
}

static void draw(pmm_session_t *s, const args_t *a, screen_t *screen) {
  pmm_engine_t *const e = pmm_session_engine(s);
  pmm_view_t v;
  pmm_engine_view(e, 0, &v);
  pmm_exec_stats_t const *const x = pmm_exec_stats(pmm_engine_exec(e), 0);
  double const pnl = (double)(pmm_engine_equity(e) - pmm_ledger_deposits(pmm_engine_ledger(e))) / 1e6;
  remember(screen, pnl);
  double const left = a->duration_s * a->speed - (double)pmm_session_now(s) / 1e9;
  printf("\033[H pmm demo   %s   resolves in %.0f s of market time (x%.0f)   Ctrl-C stops\033[K\n\033[K\n", v.market->id, fmax(left, 0), a->speed);
  printf("   true probability %.3f    mid %.3f    time %.0f s\033[K\n\033[K\n", pmm_session_truth(s), v.mid, (double)pmm_session_now(s) / 1e9);
  draw_book(e);
  printf("\033[K\n   inventory  YES %.2f  NO %.2f  net %+.2f\033[K\n", (double)v.position.yes_e6 / 1e6, (double)v.position.no_e6 / 1e6, (double)pmm_position_net(&v.position) / 1e6);
  printf("   orders %llu   cancels %llu   fills %llu   bought %.2f   sold %.2f\033[K\n", (unsigned long long)x->orders, (unsigned long long)x->cancels,
         (unsigned long long)x->fills, (double)x->bought_e6 / 1e6, (double)x->sold_e6 / 1e6);
  printf("\033[36m   P&L $%+.4f   cash $%.4f\033[K\n   ", pnl, (double)pmm_ledger_cash(pmm_engine_ledger(e)) / 1e6);
  sparkline(screen);
  printf("\033[0m\033[K\n\033[J");
  fflush(stdout);
}

static void sleep_until(struct timespec *next) {
  next->tv_nsec += 1000000000 / FRAMES_PER_S;
  if (next->tv_nsec >= 1000000000) { next->tv_sec++; next->tv_nsec -= 1000000000; }
  while (!stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) != 0) { /* interrupted: look at stop */ }
}

static void watch(pmm_session_t *s, const args_t *a) {
  bool const live = !a->json && isatty(STDOUT_FILENO);
  int64_t const frame = (int64_t)(a->speed * 1e9 / FRAMES_PER_S);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  screen_t screen = {0};
  if (live) fputs("\033[2J\033[?25l", stdout);
  for (int64_t t = frame; !stop; t += frame) {
    bool const more = pmm_session_run(s, t);
    if (live) draw(s, a, &screen);
    if (!more) break;
    if (live) sleep_until(&next);
  }
  if (live) fputs("\033[?25h\n", stdout);
}

static int demo(const args_t *a, const pmm_config_t *config) {
  pmm_session_t *s;
  pmm_error_t err = {0};
  pmm_result_t r;
  if (pmm_session_open(&s, config, &err) != PMM_OK) { pmm_app_error("%s", err.text); return PMM_EXIT_FAILED; }
  watch(s, a);
  pmm_error_t const *const failed = pmm_session_error(s);
  if (failed || pmm_session_result(s, &r, &err) != PMM_OK) {
    pmm_app_error("%s", failed ? failed->text : err.text);
    pmm_session_close(s);
    return PMM_EXIT_FAILED;
  }
  if (a->json) pmm_result_write_json(stdout, &r);
  else pmm_result_write_table(stdout, &r);
  pmm_result_free(&r);
  pmm_session_close(s);
  return PMM_EXIT_DONE;
}

int pmm_cmd_demo(int argc, char **argv) {
  static args_t a;
  a = (args_t){.duration_s = 30, .speed = SPEED_DEFAULT};
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  if (a.has_speed && !a.simulated) return pmm_app_usage("demo", "--speed is for --simulated: sockets take the time they take");
  if (!a.simulated) {
    pmm_app_demo_t const d = {.config = &a.config, .one_strategy = a.strategy_set[0] != '\0', .duration_s = a.duration_s, .json = a.json};
    return pmm_app_demo_sockets(&d);
  }
  demo_defaults(&a);
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) { pmm_app_error("no memory"); return PMM_EXIT_FAILED; }
  struct sigaction sa = {.sa_handler = on_signal};
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
  int const status = pmm_app_config_load(&a.config, config) ? demo(&a, config) : PMM_EXIT_USAGE;
  free(config);
  return status;
}
