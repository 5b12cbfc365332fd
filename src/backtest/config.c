/* The configuration's schema, defaults and loading; see pmm/config.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"

/* -- the tables that no other module owns -- */
#define ACCOUNT(field) offsetof(pmm_account_params_t, field)
const pmm_param_t pmm_account_param_table[] = {
  {"cash", PMM_PARAM_CASH, ACCOUNT(cash_e6), "10000", 0, 1e12, "dollars", NULL, "deposited at the start; no order goes beyond what is free of it"},
  {"net_pairs", PMM_PARAM_ENUM, ACCOUNT(net_pairs), "auto", 0, 0, "", "auto|always|never",
   "a YES and a NO held together become one dollar at once; auto: on every venue but Polymarket"},
};
const size_t pmm_account_param_cnt = sizeof pmm_account_param_table / sizeof pmm_account_param_table[0];

#define MARKET(field) offsetof(pmm_market_params_t, field)
const pmm_param_t pmm_market_param_table[] = {
  {"fees", PMM_PARAM_ENUM, MARKET(fees), "market", 0, 0, "", "market|none|kalshi|kalshi_maker|polymarket|degen",
   "fee schedule; market: the one on the tape"},
  {"taker_rate", PMM_PARAM_F64, MARKET(taker_rate), "-1", -1, 1, "", NULL, "taker fee rate of the schedule; below 0: keep"},
  {"maker_rate", PMM_PARAM_F64, MARKET(maker_rate), "-1", -1, 1, "", NULL, "maker fee rate of the schedule; below 0: keep"},
  {"lot", PMM_PARAM_QTY, MARKET(lot_e6), "0", 0, 1e6, "contracts", NULL, "order sizes are multiples of this; 0: keep"},
  {"min_size", PMM_PARAM_QTY, MARKET(min_size_e6), "0", 0, 1e6, "contracts", NULL, "smallest order; 0: keep"},
  {"only", PMM_PARAM_TEXT, MARKET(only), "", 0, 0, "", NULL, "glob on market ids; others are replayed but not traded; empty: all"},
};
const size_t pmm_market_param_cnt = sizeof pmm_market_param_table / sizeof pmm_market_param_table[0];

#define LATENCY(field) offsetof(pmm_latency_params_t, field)
const pmm_param_t pmm_latency_param_table[] = {
  {"model", PMM_PARAM_ENUM, LATENCY(model), "constant", 0, 0, "", "constant|normal|recorded", "how order and response times are drawn"},
  {"order", PMM_PARAM_DURATION, LATENCY(order_ns), "50ms", 0, 3600, "s", NULL, "from our decision to the venue (mean)"},
  {"response", PMM_PARAM_DURATION, LATENCY(response_ns), "50ms", 0, 3600, "s", NULL, "from the venue back to us (mean)"},
  {"std", PMM_PARAM_DURATION, LATENCY(std_ns), "10ms", 0, 3600, "s", NULL, "standard deviation of both, for model normal"},
  {"min", PMM_PARAM_DURATION, LATENCY(min_ns), "0", 0, 3600, "s", NULL, "no message is faster than this, whatever the model"},
  {"samples", PMM_PARAM_TEXT, LATENCY(samples), "", 0, 0, "", NULL,
   "recorded: a file with one order latency in ns a line; empty: the tape's own receive minus exchange times"},
  {"response_samples", PMM_PARAM_TEXT, LATENCY(response_samples), "", 0, 0, "", NULL, "recorded: the same for responses; empty: as for orders"},
  {"feed", PMM_PARAM_ENUM, LATENCY(feed), "none", 0, 0, "", "none|recorded|constant",
   "how much earlier the venue knows its market than we do; none: not at all, recorded: by the tape's times, constant: feed_delay"},
  {"feed_delay", PMM_PARAM_DURATION, LATENCY(feed_ns), "0", 0, 3600, "s", NULL, "for feed constant"},
};
const size_t pmm_latency_param_cnt = sizeof pmm_latency_param_table / sizeof pmm_latency_param_table[0];

#define SCRIPT(field) offsetof(pmm_script_params_t, field)
const pmm_param_t pmm_script_param_table[] = {
  {"file", PMM_PARAM_TEXT, SCRIPT(file), "", 0, 0, "", NULL, "a file with one event a line: TIME MARKET-GLOB EVENT [ARGUMENT]; # begins a comment; empty: none"},
  {"events", PMM_PARAM_TEXT, SCRIPT(events), "", 0, 0, "", NULL, "a few events here instead of in a file, separated by semicolons"},
};
const size_t pmm_script_param_cnt = sizeof pmm_script_param_table / sizeof pmm_script_param_table[0];

/* 2^53: a seed survives every JSON reader. */
const pmm_param_t pmm__seed_param = {"seed", PMM_PARAM_INT, offsetof(pmm_config_t, seed), "1", 0, 9007199254740992.0, "", NULL,
                                     "of everything drawn at random: the same seed gives the same run"};

#define SECTION(name, help) {#name, pmm_##name##_param_table, &pmm_##name##_param_cnt, offsetof(pmm_config_t, name), help}
const pmm__section_t pmm__sections[] = {
  SECTION(account, "The account that trades."),
  SECTION(market, "Overrides of what a tape says of its markets."),
  SECTION(engine, "Books, volatility and when the strategy is asked."),
  SECTION(exec, "From quotes to orders."),
  SECTION(risk, "Checks before every order, and when to stop."),
  {"exchange", pmm_sim_param_table, &pmm_sim_param_cnt, offsetof(pmm_config_t, exchange), "The simulated exchange over recorded data."},
  SECTION(rewards, "Liquidity rewards that a backtest accrues; maker rebates follow the fee schedule."),
  SECTION(latency, "How long messages take in a backtest."),
  SECTION(script, "Events put into recorded data: halts, outages, phases, late resolutions (docs/backtest.md)."),
  SECTION(scenario, "The truth that a synthetic market follows (`pmm backtest --scenario`, `pmm demo`)."),
  SECTION(traders, "Who else trades on a synthetic market."),
  SECTION(merge, "How the feeds of one underlying become one checked price (docs/feeds.md)."),
  SECTION(live, "The running program: `pmm paper`, `pmm live`, `pmm record`."),
  SECTION(faults, "What goes wrong between `pmm exchange` and its clients, on purpose and repeatable."),
};
const size_t pmm__section_cnt = sizeof pmm__sections / sizeof pmm__sections[0];

#define LIST(plural, name, help) {#plural, pmm_##name##_param_table, &pmm_##name##_param_cnt, offsetof(pmm_config_t, name), \
  sizeof(((pmm_config_t *)0)->name[0]), offsetof(pmm_config_t, name##_cnt), sizeof(((pmm_config_t *)0)->name) / sizeof(((pmm_config_t *)0)->name[0]), help}
const pmm__list_t pmm__lists[] = {
  LIST(venues, venue, "Where to trade (`pmm paper`, `pmm live`) and what to record (`pmm record`)."),
  LIST(feeds, feed, "Prices of underlyings."),
  {"serve", pmm_serve_param_table, &pmm_serve_param_cnt, offsetof(pmm_config_t, serve), sizeof(pmm_serve_params_t), offsetof(pmm_config_t, serve_cnt), PMM_SERVE_MAX,
   "Protocols that `pmm exchange` speaks, each on a port of its own."},
  LIST(listings, listing, "Markets of `pmm exchange`."),
  LIST(members, member, "Accounts of `pmm exchange`."),
};
const size_t pmm__list_cnt = sizeof pmm__lists / sizeof pmm__lists[0];

/* -- settings -- */
void pmm__settings_free(pmm__settings_t *settings) {
  for (size_t i = 0; i < settings->cnt; i++) {
    free(settings->item[i].key);
    free(settings->item[i].value);
  }
  free(settings->item);
  settings->item = NULL;
  settings->cnt = settings->cap = 0;
}

static bool grow(pmm__settings_t *settings) {
  size_t const cap = settings->cap ? settings->cap * 2 : 64;
  pmm__setting_t *const item = realloc(settings->item, cap * sizeof *item);
  if (!item) return false;
  settings->item = item;
  settings->cap = cap;
  return true;
}

pmm_status_t pmm__settings_add(pmm__settings_t *settings, const char *key, size_t key_len, pmm__node_t node, const char *value, int line,
                               const char *set, pmm_error_t *err) {
  pmm__setting_t setting = {.key = strndup(key, key_len), .value = strdup(value), .set = set, .line = line, .node = node};
  pmm_status_t st = PMM_OK;
  if (settings->cnt == PMM__SETTINGS_MAX)
    st = pmm__settings_error(settings, &setting, err, PMM_FULL, "too many settings (allowed: %d)", PMM__SETTINGS_MAX);
  else if (!setting.key || !setting.value || (settings->cnt == settings->cap && !grow(settings)))
    st = pmm_error_set(err, PMM_FULL, "%s: out of memory", settings->name);
  if (st == PMM_OK) {
    settings->item[settings->cnt++] = setting;
  } else {
    free(setting.key);
    free(setting.value);
  }
  return st;
}

pmm_status_t pmm__settings_error(const pmm__settings_t *settings, const pmm__setting_t *setting, pmm_error_t *err, pmm_status_t status,
                                 const char *fmt, ...) {
  char reason[sizeof err->text];
  va_list args;
  va_start(args, fmt);
  vsnprintf(reason, sizeof reason, fmt, args);
  va_end(args);
  if (!setting) return pmm_error_set(err, status, "%.200s: %s", settings->name, reason);
  if (setting->set) return pmm_error_set(err, status, "--set %.100s: %s: %s", setting->set, setting->key, reason);
  return pmm_error_set(err, status, "%.200s:%d: %s%s%s", settings->name, setting->line, setting->key, *setting->key ? ": " : "", reason);
}

/* "key=value" from the command line. */
static pmm_status_t add_set(pmm__settings_t *settings, const char *set, pmm_error_t *err) {
  const char *const equals = strchr(set, '=');
  if (!equals || equals == set) return pmm_error_set(err, PMM_PARSE, "--set %.100s: not of the form key=value", set);
  size_t const key_len = (size_t)(equals - set);
  if (key_len > PMM__KEY_MAX) return pmm_error_set(err, PMM_PARSE, "--set %.100s: key too long (allowed: %d bytes)", set, PMM__KEY_MAX);
  return pmm__settings_add(settings, set, key_len, PMM__NODE_VALUE, equals + 1, 0, set, err);
}

/* -- defaults and loading -- */
static void default_sections(pmm_config_t *config) {
  pmm_params_default(&pmm__seed_param, 1, config);
  for (size_t i = 0; i < pmm__section_cnt; i++)
    pmm_params_default(pmm__sections[i].params, *pmm__sections[i].cnt, (char *)config + pmm__sections[i].offset);
}

pmm_status_t pmm__config_use(pmm_config_strategy_t *element, const pmm_strategy_ops_t *ops, pmm_error_t *err) {
  if (ops->params_size > PMM_CONFIG_PARAMS_MAX)
    return pmm_error_set(err, PMM_INVAL, "strategy %.64s has %zu bytes of parameters (allowed: %d)", ops->name, ops->params_size, PMM_CONFIG_PARAMS_MAX);
  element->ops = ops;
  memset(element->params, 0, sizeof element->params);
  pmm_params_default(ops->params, ops->param_cnt, element->params);
  return PMM_OK;
}

void pmm_config_default(pmm_config_t *config) {
  memset(config, 0, sizeof *config);
  default_sections(config);
  config->strategy_cnt = 1;
  pmm_config_strategy_t *const element = &config->strategy[0];
  snprintf(element->name, sizeof element->name, "linear");
  snprintf(element->match, sizeof element->match, "*");
  snprintf(element->source, sizeof element->source, "linear");
  const pmm_strategy_ops_t *ops = NULL;
  if (pmm_strategy_find("linear", &ops, NULL) == PMM_OK) pmm__config_use(element, ops, NULL);
}

pmm_status_t pmm_config_parse(pmm_config_t *config, const char *name, const char *text, size_t len, const char *const *set, size_t set_cnt,
                              pmm_error_t *err) {
  pmm_config_default(config);
  if (strlen(name) >= sizeof config->path) return pmm_error_set(err, PMM_INVAL, "%.100s...: file name too long", name);
  strcpy(config->path, name);
  if (len > PMM__CONFIG_BYTES_MAX)
    return pmm_error_set(err, PMM_INVAL, "%.200s: larger than a configuration may be (allowed: %d bytes)", name, PMM__CONFIG_BYTES_MAX);
  pmm__settings_t settings = {.name = name};
  pmm_status_t st = pmm__settings_read_yaml(&settings, text, len, err);
  for (size_t i = 0; st == PMM_OK && i < set_cnt; i++) st = add_set(&settings, set[i], err);
  if (st == PMM_OK) st = pmm__settings_apply(&settings, config, err);
  pmm__settings_free(&settings);
  return st;
}

/* Reads at most one byte more than allowed, so that pmm_config_parse sees that it is too much. */
static pmm_status_t read_file(const char *path, char *buf, size_t *len, pmm_error_t *err) {
  FILE *const file = fopen(path, "re");
  if (!file) return pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(errno));
  *len = fread(buf, 1, PMM__CONFIG_BYTES_MAX + 1, file);
  int const code = ferror(file) ? errno : 0; /* a folder opens, but does not read */
  fclose(file);
  return code == 0 ? PMM_OK : pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(code));
}

pmm_status_t pmm_config_load(pmm_config_t *config, const char *path, const char *const *set, size_t set_cnt, pmm_error_t *err) {
  char *const text = malloc(PMM__CONFIG_BYTES_MAX + 1);
  if (!text) return pmm_error_set(err, PMM_FULL, "%.200s: out of memory", path);
  size_t len = 0;
  pmm_status_t st = read_file(path, text, &len, err);
  if (st == PMM_OK && len == 0) st = pmm_error_set(err, PMM_PARSE, "%.200s: the file is empty ('pmm config init' writes one)", path);
  if (st == PMM_OK) st = pmm_config_parse(config, path, text, len, set, set_cnt, err);
  free(text);
  return st;
}
