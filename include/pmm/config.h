/* pmm/config.h -- the configuration: YAML (JSON is YAML) against one schema. Sections are parameter tables; from
   the same tables come checking, `pmm config init`, `pmm config check` and docs/config.md.

     seed, strategy, preset, params{}          one strategy for every market of the stream ...
     strategies[]: name, match, strategy, preset, params{}     ... or several, matched to markets by a glob on the id
     account{}, market{}, engine{}, exec{}, risk{}, exchange{}, rewards{}, latency{}, script{}, scenario{}, traders{}
     venues[], feeds[], merge{}, live{}        trading and recording live (pmm/settings.h)
     serve[], listings[], members[], faults{}  `pmm exchange`

   An unknown key, wrong type or value out of range is an error "file:line: key: reason" naming the nearest valid key. */
#ifndef PMM_CONFIG_H
#define PMM_CONFIG_H
#include "pmm/engine.h"
#include "pmm/exchange.h"
#include "pmm/rewards.h"
#include "pmm/settings.h"

#define PMM_CONFIG_STRATEGIES_MAX 16
#define PMM_CONFIG_PARAMS_MAX 4096 /* bytes of one strategy's params struct */

typedef enum pmm_feed_latency { PMM_FEED_NONE, PMM_FEED_RECORDED, PMM_FEED_CONSTANT } pmm_feed_latency_t;

typedef struct pmm_account_params { int64_t cash_e6; int32_t net_pairs; /* pmm_netting_t */ } pmm_account_params_t;
typedef struct pmm_market_params {   /* overrides of what a tape says of its markets; each has a "keep" default */
  int32_t fees;                      /* market | none | kalshi | kalshi_maker | polymarket | degen */
  double taker_rate, maker_rate;     /* < 0: keep */
  int64_t lot_e6, min_size_e6;       /* 0: keep */
  char only[PMM_PARAM_TEXT_MAX];     /* glob on market ids; others are replayed but not traded. "" all */
} pmm_market_params_t;
typedef struct pmm_latency_params {
  int32_t model;                     /* constant | normal | recorded */
  int64_t order_ns, response_ns, std_ns, min_ns;
  char samples[PMM_PARAM_TEXT_MAX];  /* recorded: a text file, one order latency in ns a line; "" : the tape's own receive - exchange times */
  char response_samples[PMM_PARAM_TEXT_MAX]; /* recorded: the same for responses; "": as samples */
  int32_t feed;                      /* pmm_feed_latency_t: none = the market sees itself as the recorder did; recorded = venue side at exch_ns;
                                        constant = venue side feed_ns before receive */
  int64_t feed_ns;
} pmm_latency_params_t;
/* Scenario events in a recorded stream, "TIME MARKET-GLOB EVENT [ARGUMENT]"; see docs/backtest.md. */
typedef struct pmm_script_params {
  char file[PMM_PARAM_TEXT_MAX];     /* one event a line; "" none */
  char events[PMM_PARAM_TEXT_MAX];   /* more of them, separated by semicolons */
} pmm_script_params_t;
extern const pmm_param_t pmm_account_param_table[], pmm_market_param_table[], pmm_latency_param_table[], pmm_script_param_table[];
extern const size_t pmm_account_param_cnt, pmm_market_param_cnt, pmm_latency_param_cnt, pmm_script_param_cnt;

typedef struct pmm_config_strategy {
  char name[64], match[PMM_ID_MAX];  /* for reports; a glob on market ids, "*" for all: several may match one market */
  char source[1024];                 /* how it was found: a built-in strategy's name or the path of a shared object */
  const pmm_strategy_ops_t *ops;
  _Alignas(64) unsigned char params[PMM_CONFIG_PARAMS_MAX]; /* the strategy's params struct */
} pmm_config_strategy_t;

typedef struct pmm_config {
  uint64_t seed;
  char path[4096];                   /* where it came from, for messages */
  uint32_t strategy_cnt;
  pmm_config_strategy_t strategy[PMM_CONFIG_STRATEGIES_MAX];
  pmm_account_params_t account;
  pmm_market_params_t market;
  pmm_engine_params_t engine;
  pmm_exec_params_t exec;
  pmm_risk_params_t risk;
  pmm_sim_params_t exchange;
  pmm_rewards_params_t rewards;
  pmm_latency_params_t latency;
  pmm_script_params_t script;
  pmm_scenario_params_t scenario;
  pmm_traders_params_t traders;
  uint32_t venue_cnt, feed_cnt, serve_cnt, listing_cnt, member_cnt;
  pmm_venue_params_t venue[PMM_VENUES_MAX];
  pmm_feed_params_t feed[PMM_FEEDS_MAX];
  pmm_merge_params_t merge;
  pmm_live_params_t live;
  pmm_serve_params_t serve[PMM_SERVE_MAX];
  pmm_listing_params_t listing[PMM_LISTINGS_MAX];
  pmm_member_params_t member[PMM_MEMBERS_MAX];
  pmm_faults_params_t faults;
} pmm_config_t;

/* pmm_config_default: the linear strategy and every default. */
void pmm_config_default(pmm_config_t *config);
/* Reads a file (defaults first), then applies `set` ("key=value", keys dotted: "params.spread_bps=80", "risk.max_heat=.3",
   "strategies.0.params.size=5"), then checks parameters against each other. Presets come before params whatever their order.
   Relative .so paths are taken from the config's folder, those of a --set from the current one. On an error config is unusable and
   err is ready to print. PMM_IO, PMM_PARSE (not YAML, not a number), PMM_INVAL (range, combination), PMM_NOT_FOUND (key, strategy, preset),
   PMM_FULL (more settings than any configuration has). */
pmm_status_t pmm_config_load(pmm_config_t *config, const char *path, const char *const *set, size_t set_cnt, pmm_error_t *err);
/* The same from a buffer (name for messages): tests and the fuzz target. */
pmm_status_t pmm_config_parse(pmm_config_t *config, const char *name, const char *text, size_t len, const char *const *set, size_t set_cnt, pmm_error_t *err);
/* Writes a commented configuration for a strategy with every default; the reference as Markdown; the effective
   configuration as YAML. Each to a stdio stream. */
#include <stdio.h>
void pmm_config_write_init(FILE *out, const pmm_strategy_ops_t *ops);
void pmm_config_write_reference(FILE *out);
void pmm_config_write(FILE *out, const pmm_config_t *config);
void pmm_config_write_json(FILE *out, const pmm_config_t *config); /* one line; reads back as a configuration, too */
#endif
