/* cmd_exchange.c -- `pmm exchange`: venues of one's own, each on a local port. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "cmd.h"
#include "out.h"
#include "pmm/config.h"
#include "pmm/net.h"
#include "pmm/server.h"

static const char HELP[] =
    "usage: pmm exchange -c FILE [--set key=value]... [--json] [--verbose]\n"
    "\n"
    "Serves each dialect of the configuration's list `serve` on a port: the venue's REST, WebSocket and authentication over a matching engine of\n"
    "its own, with the markets in `listings`, the accounts in `members`, and whatever `faults` asks for. Says where, one line a dialect, once\n"
    "all of them listen; then runs until interrupted (Ctrl-C).\n"
    "\n"
    "  -c, --config FILE     the configuration; examples/exchange.yaml works as it is\n"
    "      --set KEY=VALUE   override one value, for example --set serve.0.port=8080\n"
    "      --json            one JSON object a line: {\"dialect\":..,\"url\":..,\"ws\":..}\n"
    "      --verbose         every notice on stderr, not only warnings\n"
    "\n"
    "From the environment: PMM_EXCHANGE_ADMIN_TOKEN, the bearer token of calls below /admin (without it they are refused);\n"
    "DEGEN_EXCHANGE_SECRET, which signs the tokens of Degen's members. At least 16 bytes each.\n"
    "\n"
    "docs/exchange-server.md has every setting and call. Exit status: 0 ended by a signal, 1 a port, certificate or file failed, 2 usage or\n"
    "configuration error.\n";

typedef struct args { pmm_app_config_args_t config; bool json, verbose; } args_t;

/* -1: go on. */
static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {{"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
                                           {"json", no_argument, NULL, 'j'},         {"verbose", no_argument, NULL, 'v'},
                                           {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:h", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's':
      if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE;
      break;
    case 'j': a->json = true; break;
    case 'v': a->verbose = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("exchange", NULL);
    }
  if (optind < argc) return pmm_app_usage("exchange", "%.60s: no arguments are taken", argv[optind]);
  return a->config.path ? -1 : pmm_app_usage("exchange", "no configuration: -c FILE");
}

/* ---- one run ---- */

typedef struct run {
  const args_t *args;
  const pmm_config_t *config;
  pmm_net_t *net;
  pmm_exchange_t *exchange;
  pmm_host_t *host[PMM_SERVE_MAX];
} run_t;

static pmm_net_t *running; /* for the signal handler, which may only stop it */

static void on_signal(int number) {
  (void)number;
  pmm_net_stop(running);
}

static const char *secret_of(void *ctx, const char *name) {
  (void)ctx;
  return getenv(name);
}

static void on_notice(void *ctx, const pmm_notice_t *n) {
  static const char *const severity[] = {"note", "warning", "alert"};
  const args_t *const a = ctx;
  if (a->verbose || n->severity > PMM_NOTE) fprintf(stderr, "pmm: %s: %s: %s: %s\n", severity[n->severity], n->source, n->code, n->text);
}

static pmm_status_t open_exchange(run_t *r, pmm_error_t *err) {
  const pmm_config_t *const c = r->config;
  pmm_exchange_config_t const x = {.serve = c->serve,
                                   .serve_cnt = c->serve_cnt,
                                   .listing = c->listing,
                                   .listing_cnt = c->listing_cnt,
                                   .member = c->member,
                                   .member_cnt = c->member_cnt,
                                   .faults = &c->faults,
                                   .scenario = &c->scenario,
                                   .traders = &c->traders,
                                   .seed = c->seed,
                                   .start_ns = pmm_app_wall_ns(),
                                   .admin_token = getenv("PMM_EXCHANGE_ADMIN_TOKEN"),
                                   .secret = secret_of,
                                   .notices = {on_notice, (void *)(uintptr_t)r->args}};
  return pmm_exchange_open(&r->exchange, &x, err);
}

static pmm_status_t open_hosts(run_t *r, pmm_error_t *err) {
  for (uint32_t i = 0; i < r->config->serve_cnt; i++) {
    const pmm_serve_params_t *const s = &r->config->serve[i];
    pmm_host_config_t const h = {.bind = s->bind[0] ? s->bind : NULL,
                                 .port = (int)s->port,
                                 .cert_file = s->cert[0] ? s->cert : NULL,
                                 .key_file = s->key[0] ? s->key : NULL,
                                 .notices = {on_notice, (void *)(uintptr_t)r->args}};
    pmm_status_t const st = pmm_host_open(&r->host[i], r->net, pmm_exchange_service(r->exchange, i), &h, err);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* Where a dialect's sockets are; Polymarket has several, below this. */
static const char *socket_path(int32_t dialect) {
  if (dialect >= PMM_SERVE_FEED) return "";
  return dialect + 1 == PMM_VENUE_KALSHI ? "/trade-api/ws/v2" : dialect + 1 == PMM_VENUE_DEGEN ? "/ws" : "";
}

static void say_where(const run_t *r) {
  for (uint32_t i = 0; i < r->config->serve_cnt; i++) {
    const pmm_serve_params_t *const s = &r->config->serve[i];
    const char *const name = s->dialect >= PMM_SERVE_FEED ? pmm_feed_to_string((pmm_feed_source_t)(s->dialect - PMM_SERVE_FEED)) : pmm_venue_to_string((pmm_venue_t)(s->dialect + 1)), *const tls = s->cert[0] ? "s" : "",
                      *const path = socket_path(s->dialect);
    const char *const address = s->bind[0] ? s->bind : "127.0.0.1", *const open = strchr(address, ':') ? "[" : "", *const close = open[0] ? "]" : "";
    int const port = pmm_host_port(r->host[i]);
    printf(r->args->json ? "{\"dialect\":\"%s\",\"url\":\"http%s://%s%s%s:%d\",\"ws\":\"ws%s://%s%s%s:%d%s\"}\n"
                         : "%-10s  http%s://%s%s%s:%d  ws%s://%s%s%s:%d%s\n",
           name, tls, open, address, close, port, tls, open, address, close, port, path);
  }
  fflush(stdout);
}

static void serve(run_t *r) {
  struct sigaction const act = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
  running = r->net;
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGTERM, &act, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
  say_where(r);
  pmm_net_run(r->net);
}

static int run(run_t *r) {
  pmm_error_t err = {0};
  pmm_net_config_t const nc = {.notices = {on_notice, (void *)(uintptr_t)r->args}};
  int status = PMM_EXIT_DONE;
  if (open_exchange(r, &err) != PMM_OK) status = err.status == PMM_IO ? PMM_EXIT_FAILED : PMM_EXIT_USAGE;
  else if (pmm_net_open(&r->net, &nc, &err) != PMM_OK || open_hosts(r, &err) != PMM_OK) status = PMM_EXIT_FAILED;
  else serve(r);
  if (status != PMM_EXIT_DONE) pmm_app_error("exchange: %s", err.text);
  for (uint32_t i = 0; i < PMM_SERVE_MAX; i++)
    if (r->host[i]) pmm_host_close(r->host[i]);
  pmm_net_close(r->net);
  pmm_exchange_close(r->exchange);
  return status;
}

int pmm_cmd_exchange(int argc, char **argv) {
  args_t a = {0};
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) {
    pmm_app_error("no memory");
    return PMM_EXIT_FAILED;
  }
  setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* members' secrets are in memory */
  run_t r = {.args = &a, .config = config};
  int const status = pmm_app_config_load(&a.config, config) ? run(&r) : PMM_EXIT_USAGE;
  free(config);
  return status;
}
