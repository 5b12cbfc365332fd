/* The configuration: every way of being wrong with the exact words a user reads, and round trips of what is right. */
#include <unistd.h>

#include "base/check.h"
#include "pmm/config.h"

static pmm_config_t config, other;

static pmm_status_t parse(const char *text, const char *const *set, size_t set_cnt, pmm_error_t *err) {
  return pmm_config_parse(&config, "x.yaml", text, strlen(text), set, set_cnt, err);
}

/* -- wrong inputs -- */
typedef struct bad { const char *why, *text, *set, *want; pmm_status_t status; } bad_t;
static const bad_t bad_rows[] = {
  /* not YAML */
  {"only blanks", " \n\n", NULL, "x.yaml:1: no settings in it", PMM_PARSE},
  {"only a comment", "# seed: 1\n", NULL, "x.yaml:1: no settings in it", PMM_PARSE},
  {"a scalar", "linear\n", NULL, "x.yaml:1: a configuration is a mapping: lines of 'key: value'", PMM_PARSE},
  {"a list", "- seed: 1\n", NULL, "x.yaml:1: a configuration is a mapping: lines of 'key: value'", PMM_PARSE},
  {"an empty document", "---\n", NULL, "x.yaml:2: a configuration is a mapping: lines of 'key: value'", PMM_PARSE},
  {"two documents", "seed: 1\n---\nseed: 2\n", NULL, "x.yaml:2: a second document; one is allowed", PMM_PARSE},
  {"a tab", "risk:\n\tmax_heat: .3\n", NULL, "x.yaml:2: a tab; YAML is indented with spaces", PMM_PARSE},
  {"an open quote", "seed: \"1\nstrategy: linear\n", NULL, "x.yaml:3: found unexpected end of stream", PMM_PARSE},
  {"an open brace", "account: {cash: 5\n", NULL, "x.yaml:2: did not find expected ',' or '}'", PMM_PARSE},
  {"wrong indentation", "account:\n  cash: 5\n net_pairs: auto\n", NULL, "x.yaml:3: did not find expected key", PMM_PARSE},
  {"a colon too many", "seed: 1: 2\n", NULL, "x.yaml:1: mapping values are not allowed in this context", PMM_PARSE},
  {"bytes that are no text", "seed: 1\naccount: \x01\x02\n", NULL, "x.yaml:2: control characters are not allowed", PMM_PARSE},
  {"bytes that are no UTF-8", "seed: 1\n\n# \xff\xfe\n", NULL, "x.yaml:3: invalid leading UTF-8 octet", PMM_PARSE},
  /* YAML that configurations do without */
  {"an anchor", "account: &a {cash: 5}\n", NULL, "x.yaml:1: account: anchors and aliases are not supported; write the value out", PMM_PARSE},
  {"an alias", "seed: *a\n", NULL, "x.yaml:1: seed: anchors and aliases are not supported; write the value out", PMM_PARSE},
  {"an anchor on a list", "strategies: &a []\n", NULL, "x.yaml:1: strategies: anchors and aliases are not supported; write the value out", PMM_PARSE},
  {"an anchor on the whole", "&a\nseed: 1\n", NULL, "x.yaml:1: anchors and aliases are not supported; write the value out", PMM_PARSE},
  {"a merge key", "account:\n  <<: {cash: 5}\n", NULL, "x.yaml:2: account: merge keys are not supported; write the values out", PMM_PARSE},
  {"a tag", "seed: !!int 5\n", NULL, "x.yaml:1: seed: tags are not supported", PMM_PARSE},
  {"a mapping as key", "? {a: 1}\n: 2\n", NULL, "x.yaml:1: a key must be plain text", PMM_PARSE},
  {"an empty key", "'': 1\n", NULL, "x.yaml:1: an empty key", PMM_PARSE},
  {"a key with a dot", "account.cash: 5\n", NULL, "x.yaml:1: a key with a dot; write sections as nested keys", PMM_PARSE},
  {"a newline in a value", "market:\n  only: |\n    a\n    b\n", NULL, "x.yaml:2: market.only: a control character", PMM_PARSE},
  {"a NUL in a value", "seed: \"1\\0\"\n", NULL, "x.yaml:1: seed: a control character", PMM_PARSE},
  {"too deep", "a: {b: {c: {d: {e: {f: {g: 1}}}}}}\n", NULL, "x.yaml:1: a.b.c.d.e.f: nested too deep", PMM_PARSE},
  {"a key given twice", "seed: 1\naccount: {cash: 1}\nseed: 2\n", NULL, "x.yaml:3: seed: given twice (first in line 1)", PMM_PARSE},
  {"a key given twice in a section", "account:\n  cash: 1\n  cash: 2\n", NULL, "x.yaml:3: account.cash: given twice (first in line 2)", PMM_PARSE},
  {"a section given twice", "account: {cash: 1}\naccount: {cash: 1}\n", NULL, "x.yaml:2: account: given twice (first in line 1)", PMM_PARSE},
  /* keys */
  {"an unknown section", "acount: {cash: 5}\n", NULL, "x.yaml:1: acount: unknown key (did you mean 'account'?)", PMM_NOT_FOUND},
  {"an unknown key", "account:\n  cahs: 5\n", NULL, "x.yaml:2: account.cahs: unknown key (did you mean 'cash'?)", PMM_NOT_FOUND},
  {"an unknown parameter", "params: {spread_bsp: 5}\n", NULL,
   "x.yaml:1: params.spread_bsp: strategy linear has no such parameter (did you mean 'spread_bps'?)", PMM_NOT_FOUND},
  {"a parameter outside params", "spread_bps: 80\n", NULL, "x.yaml:1: spread_bps: unknown key (did you mean 'params.spread_bps'?)", PMM_NOT_FOUND},
  {"a setting outside its section", "cash: 80\n", NULL, "x.yaml:1: cash: unknown key (did you mean 'account.cash'?)", PMM_NOT_FOUND},
  {"a key below a value", "account:\n  cash:\n    usd: 5\n", NULL, "x.yaml:2: account.cash: must be a single value, not a section", PMM_PARSE},
  {"a name at the top", "name: a\n", NULL, "x.yaml:1: name: unknown key (did you mean 'live'?)", PMM_NOT_FOUND},
  {"a list that is none", "venues: {rest: x}\n", NULL, "x.yaml:1: venues: must be a list: lines of '- name: ...' below it", PMM_PARSE},
  {"an unknown key of an item", "venues:\n  - venue: kalshi\n    marktes: X\n", NULL, "x.yaml:3: venues.0.marktes: unknown key (did you mean 'markets'?)", PMM_NOT_FOUND},
  {"an item that is no section", "feeds:\n  - binance\n", NULL, "x.yaml:2: feeds.0: must be a section: lines of 'key: value' below it", PMM_PARSE},
  {"a value out of range in an item", "serve:\n  - port: 70000\n", NULL, "x.yaml:2: serve.0.port: 70000 is out of range (allowed: 0 to 65535)", PMM_INVAL},
  {"a key below an item's value", "feeds:\n  - symbol: {a: 1}\n", NULL, "x.yaml:2: feeds.0.symbol: must be a single value, not a section", PMM_PARSE},
  {"a --set of an item that is not there", "{}", "venues.2.rest=x", "--set venues.2.rest=x: venues.2.rest: no such item (0 in the list)", PMM_NOT_FOUND},
  {"a --set of an item beyond all", "{}", "venues.99.rest=x", "--set venues.99.rest=x: venues.99.rest: too many venues (allowed: 8)", PMM_FULL},
  {"a --set of a list's key without a number", "{}", "venues.rest=x", "--set venues.rest=x: venues.rest: venues are numbered: venues.0.name", PMM_NOT_FOUND},
  /* shapes */
  {"a value for a section", "account: 5\n", NULL, "x.yaml:1: account: must be a section: lines of 'key: value' below it", PMM_PARSE},
  {"a list for a section", "account: [5]\n", NULL, "x.yaml:1: account: must be a section: lines of 'key: value' below it", PMM_PARSE},
  {"a list for a value", "seed: [5]\n", NULL, "x.yaml:1: seed: must be a single value, not a list", PMM_PARSE},
  {"nothing for a value", "seed:\n", NULL, "x.yaml:1: seed: must be a single value, not empty (\"\" is an empty text)", PMM_PARSE},
  {"null for a value", "seed: null\n", NULL, "x.yaml:1: seed: must be a single value, not empty (\"\" is an empty text)", PMM_PARSE},
  {"a section for the list", "strategies: {strategy: linear}\n", NULL, "x.yaml:1: strategies: must be a list: lines of '- strategy: ...' below it", PMM_PARSE},
  {"a value in the list", "strategies: [linear]\n", NULL, "x.yaml:1: strategies.0: must be a section: lines of 'key: value' below it", PMM_PARSE},
  /* values */
  {"a word for a number", "account: {cash: lots}\n", NULL, "x.yaml:1: account.cash: 'lots' is not a number (allowed: 0 to 1e+12 dollars)", PMM_PARSE},
  {"not a number", "market: {taker_rate: nan}\n", NULL, "x.yaml:1: market.taker_rate: 'nan' is not a number (allowed: -1 to 1)", PMM_PARSE},
  {"YAML's not a number", "market: {taker_rate: .nan}\n", NULL, "x.yaml:1: market.taker_rate: '.nan' is not a number (allowed: -1 to 1)", PMM_PARSE},
  {"infinity", "market: {taker_rate: .inf}\n", NULL, "x.yaml:1: market.taker_rate: '.inf' is not a number (allowed: -1 to 1)", PMM_PARSE},
  {"negative", "account: {cash: -1}\n", NULL, "x.yaml:1: account.cash: -1 is out of range (allowed: 0 to 1e+12 dollars)", PMM_INVAL},
  {"too large", "account: {cash: 1e13}\n", NULL, "x.yaml:1: account.cash: '1e13' is not a number (allowed: 0 to 1e+12 dollars)", PMM_PARSE},
  {"too many decimals", "account: {cash: 0.0000001}\n", NULL, "x.yaml:1: account.cash: '0.0000001' has too many decimals (allowed: 6)", PMM_INVAL},
  {"an overlong number", "market: {taker_rate: 0.00000000000000000000000000000000000000000000000000000000000000001}\n", NULL,
   "x.yaml:1: market.taker_rate: '0.00000000000000000000000000000000000000000000000000000000000000' is not a number (allowed: -1 to 1)", PMM_PARSE},
  {"hexadecimal", "seed: 0x10\n", NULL, "x.yaml:1: seed: '0x10' is not a whole number (allowed: 0 to 9.00719925474e+15)", PMM_PARSE},
  {"a broken seed", "seed: 1.5\n", NULL, "x.yaml:1: seed: '1.5' is not a whole number (allowed: 0 to 9.00719925474e+15)", PMM_PARSE},
  {"a choice misspelt", "market: {fees: kalsi}\n", NULL,
   "x.yaml:1: market.fees: 'kalsi' is not a choice (allowed: market|none|kalshi|kalshi_maker|polymarket|degen)", PMM_INVAL},
  {"an unknown unit", "latency: {order: 5 parsecs}\n", NULL,
   "x.yaml:1: latency.order: '5 parsecs' is not a time such as 250ms, 1.5s or 10m (allowed: 0 to 3600 s)", PMM_PARSE},
  {"a negative time", "latency: {order: -5ms}\n", NULL, "x.yaml:1: latency.order: -0.005 is out of range (allowed: 0 to 3600 s)", PMM_INVAL},
  {"a parameter out of range", "params:\n  size: 0\n", NULL, "x.yaml:2: params.size: 0 is out of range (allowed: 1e-06 to 1000000000 contracts)", PMM_INVAL},
  /* strategies */
  {"an unknown strategy", "strategy: linaer\n", NULL,
   "x.yaml:1: strategy: no 'linaer' (known: linear, adaptive, logit, digital, curve, arbitrage, or the path of a shared object)", PMM_NOT_FOUND},
  {"a strategy without a name", "strategy: ''\n", NULL, "x.yaml:1: strategy: empty (allowed: 1 to 1023 bytes)", PMM_INVAL},
  {"an unknown preset", "strategy: adaptive\npreset: brave\n", NULL,
   "x.yaml:2: preset: no 'brave' (known: conservative, aggressive, high_frequency)", PMM_NOT_FOUND},
  {"a preset where there is none", "preset: brave\n", NULL, "x.yaml:1: preset: no 'brave' (known: none)", PMM_NOT_FOUND},
  {"another strategy's parameter", "strategy: adaptive\nparams: {spread_bps: 5}\n", NULL,
   "x.yaml:2: params.spread_bps: strategy adaptive has no such parameter (did you mean 'min_spread'?)", PMM_NOT_FOUND},
  {"no strategy at all", "strategies: []\n", NULL, "x.yaml:1: strategies: needs at least one strategy", PMM_INVAL},
  {"an element without a strategy", "strategies:\n  - match: 'A*'\n", NULL, "x.yaml:2: strategies.0: no 'strategy' in it", PMM_INVAL},
  {"one name for two", "strategies:\n  - strategy: linear\n  - strategy: linear\n", NULL,
   "x.yaml:3: strategies.1: a second strategy named 'linear': give each its own 'name'", PMM_INVAL},
  {"an empty glob", "strategies:\n  - {strategy: linear, match: ''}\n", NULL, "x.yaml:2: strategies.0.match: empty (allowed: 1 to 95 bytes)", PMM_INVAL},
  {"an unknown key of an element", "strategies:\n  - {strategy: linear, matches: a}\n", NULL,
   "x.yaml:2: strategies.0.matches: unknown key (did you mean 'match'?)", PMM_NOT_FOUND},
  {"both forms", "strategy: linear\nstrategies:\n  - strategy: linear\n", NULL,
   "x.yaml:2: strategies: 'strategies' stands in place of strategy, preset and params (write strategies.0.params...)", PMM_INVAL},
  {"both forms by --set", "strategies:\n  - strategy: linear\n", "params.size=5",
   "--set params.size=5: params.size: 'strategies' stands in place of strategy, preset and params (write strategies.0.params...)", PMM_INVAL},
  {"parameters against each other", "strategy: adaptive\nparams:\n  min_spread: .2\n  base_spread: .05\n", NULL,
   "x.yaml:3: params.min_spread: above max_spread", PMM_INVAL},
  {"one parameter against another's default", "strategy: adaptive\nparams:\n  max_spread: .01\n", NULL,
   "x.yaml:3: params.max_spread: min_spread: above max_spread", PMM_INVAL},
  {"parameters in a list", "strategies:\n  - strategy: digital\n    params:\n      z1: .5\n", NULL, "x.yaml:4: strategies.0.params.z1: z0: not below z1", PMM_INVAL},
  {"a --set against a default", "strategy: digital\n", "params.z0=3", "--set params.z0=3: params.z0: not below z1", PMM_INVAL},
  /* sections against each other */
  {"samples too rare", "rewards: {period: 1m, every: 2m}\n", NULL, "x.yaml:1: rewards.every: longer than rewards.period", PMM_INVAL},
  {"samples unused", "latency: {samples: a.txt}\n", NULL, "x.yaml:1: latency.samples: has no effect without latency.model: recorded", PMM_INVAL},
  {"samples of responses unused", "latency: {response_samples: a.txt}\n", NULL, "x.yaml:1: latency.response_samples: has no effect without latency.model: recorded", PMM_INVAL},
  {"a cost that no bucket holds", "exchange: {rate_limit: custom, rate_capacity: 5, rate_cost_place: 6, rate_cost_amend: 0}\n", NULL,
   "x.yaml:1: exchange.rate_cost_place: more than exchange.rate_capacity ever holds", PMM_INVAL},
  {"a share above one", "exchange: {settle_fail_share: 1.5}\n", NULL, "x.yaml:1: exchange.settle_fail_share: 1.5 is out of range (allowed: 0 to 1)", PMM_INVAL},
  {"feed delay unused", "latency: {feed_delay: 5ms}\n", NULL, "x.yaml:1: latency.feed_delay: has no effect without latency.feed: constant", PMM_INVAL},
  {"a step too long", "{}", "scenario.duration=1ms", "x.yaml: scenario.step: longer than scenario.duration", PMM_INVAL},
  /* --set */
  {"a --set without a value", "{}", "seed", "--set seed: not of the form key=value", PMM_PARSE},
  {"a --set without a key", "{}", "=5", "--set =5: not of the form key=value", PMM_PARSE},
  {"a --set of nothing known", "{}", "risk.max_heatt=.3", "--set risk.max_heatt=.3: risk.max_heatt: unknown key (did you mean 'max_heat'?)", PMM_NOT_FOUND},
  {"a --set of no number", "{}", "params.spread_bps=wide",
   "--set params.spread_bps=wide: params.spread_bps: 'wide' is not a number (allowed: 0 to 20000 bps)", PMM_PARSE},
  {"a --set of a section", "{}", "risk=5", "--set risk=5: risk: must be a section: lines of 'key: value' below it", PMM_PARSE},
  {"a --set below a value", "{}", "seed.a=5", "--set seed.a=5: seed.a: unknown key: nothing lies below a single value", PMM_NOT_FOUND},
  {"a --set below a parameter", "{}", "params.size.a=5", "--set params.size.a=5: params.size.a: unknown key: nothing lies below a single value", PMM_NOT_FOUND},
  {"a --set below a field", "{}", "risk.max_heat.a=5", "--set risk.max_heat.a=5: risk.max_heat.a: unknown key: nothing lies below a single value", PMM_NOT_FOUND},
  {"a --set of an element that is not there", "strategies:\n  - strategy: linear\n", "strategies.1.params.size=5",
   "--set strategies.1.params.size=5: strategies.1.params.size: no such strategy (1 in the list)", PMM_NOT_FOUND},
  {"a --set of a list that is not there", "{}", "strategies.0.params.size=5",
   "--set strategies.0.params.size=5: strategies.0.params.size: no such strategy (0 in the list)", PMM_NOT_FOUND},
  {"a --set of an element without its number", "{}", "strategies.linear.size=5",
   "--set strategies.linear.size=5: strategies.linear.size: strategies are numbered: strategies.0.size", PMM_NOT_FOUND},
};

static void test_bad(void **state) {
  (void)state;
  int wrong = 0;
  for (size_t i = 0; i < COUNT_OF(bad_rows); i++) {
    const bad_t *const row = &bad_rows[i];
    pmm_error_t err = {0};
    pmm_status_t const st = parse(row->text, row->set ? &row->set : NULL, row->set != NULL, &err);
    if (st == row->status && strcmp(err.text, row->want) == 0) continue;
    print_error("%s: %s\n  want %s\n  have %s\n", row->why, pmm_status_to_string(st), row->want, err.text);
    wrong++;
  }
  assert_int_equal(wrong, 0);
}

/* -- limits of size -- */
static void test_limits(void **state) {
  (void)state;
  pmm_error_t err = {0};
  static char text[(1 << 20) + 2];
  memset(text, '#', sizeof text);
  assert_int_equal(pmm_config_parse(&config, "x.yaml", text, sizeof text - 1, NULL, 0, &err), PMM_INVAL);
  assert_string_equal(err.text, "x.yaml: larger than a configuration may be (allowed: 1048576 bytes)");

  size_t len = 0;
  for (int i = 0; i < 5000; i++) len += (size_t)snprintf(text + len, sizeof text - len, "k%d: 1\n", i);
  assert_int_equal(pmm_config_parse(&config, "x.yaml", text, len, NULL, 0, &err), PMM_FULL);
  assert_string_equal(err.text, "x.yaml:4097: k4096: too many settings (allowed: 4096)");

  len = (size_t)snprintf(text, sizeof text, "strategies:\n");
  for (int i = 0; i < 17; i++) len += (size_t)snprintf(text + len, sizeof text - len, "  - {strategy: linear, name: s%d}\n", i);
  assert_int_equal(pmm_config_parse(&config, "x.yaml", text, len, NULL, 0, &err), PMM_FULL);
  assert_string_equal(err.text, "x.yaml:18: strategies.16: too many strategies (allowed: 16)");

  memset(text, 'k', 300);
  strcpy(text + 300, ": 1\n");
  assert_int_equal(parse(text, NULL, 0, &err), PMM_PARSE);
  assert_string_equal(err.text, "x.yaml:1: key too long");
  strcpy(text + 300, "=1");
  const char *set = text;
  assert_int_equal(parse("{}", &set, 1, &err), PMM_PARSE);
  assert_non_null(strstr(err.text, ": key too long (allowed: 200 bytes)"));

  len = (size_t)snprintf(text, sizeof text, "market: {only: \"");
  memset(text + len, 'a', 300);
  strcpy(text + len + 300, "\"}\n");
  assert_int_equal(parse(text, NULL, 0, &err), PMM_INVAL);
  assert_string_equal(err.text, "x.yaml:1: market.only: text too long (allowed: 255 bytes)");

  memset(text, '[', 100000); /* libyaml's own limit, and ours, long before the stack's */
  text[100000] = '\0';
  assert_int_equal(parse(text, NULL, 0, &err), PMM_PARSE);
  memset(text, 'n', 5000);
  text[5000] = '\0';
  assert_int_equal(pmm_config_parse(&config, text, "{}", 2, NULL, 0, &err), PMM_INVAL);
}

/* -- files -- */
static char folder[] = "/tmp/pmm_config_XXXXXX";

static const char *file_with(const char *name, const char *text) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *const file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  return path;
}

static void expect_load_error(const char *path, const char *reason, pmm_status_t status) {
  pmm_error_t err = {0};
  char want[256];
  snprintf(want, sizeof want, "%s%s", path, reason);
  assert_int_equal(pmm_config_load(&config, path, NULL, 0, &err), status);
  assert_string_equal(err.text, want);
}

static void test_files(void **state) {
  (void)state;
  expect_load_error("/nonexistent/x.yaml", ": No such file or directory", PMM_IO);
  expect_load_error(folder, ": Is a directory", PMM_IO);
  expect_load_error(file_with("empty.yaml", ""), ": the file is empty ('pmm config init' writes one)", PMM_PARSE);
  expect_load_error(file_with("bad.yaml", "seed: 1\nsede: 2\n"), ":2: sede: unknown key (did you mean 'seed'?)", PMM_NOT_FOUND);
  expect_load_error("/dev/zero", ": larger than a configuration may be (allowed: 1048576 bytes)", PMM_INVAL);

  const char *const set = "account.cash=7";
  const char *const path = file_with("good.yaml", "account: {cash: 5}\nseed: 3\n");
  pmm_error_t err = {0};
  assert_int_equal(pmm_config_load(&config, path, &set, 1, &err), PMM_OK);
  assert_int_equal(config.account.cash_e6, 7 * PMM_ONE_E6);
  assert_int_equal(config.seed, 3);
  assert_string_equal(config.path, path);
}

/* A shared object is looked for beside the configuration, not beside the user. */
static void test_shared_object_path(void **state) {
  (void)state;
  pmm_error_t err = {0};
  char want[256];
  snprintf(want, sizeof want, "%s/mine.so", folder);
  const char *const path = file_with("mine.yaml", "strategy: mine.so\n");
  assert_int_not_equal(pmm_config_load(&config, path, NULL, 0, &err), PMM_OK);
  assert_non_null(strstr(err.text, want));
  const char *const set = "strategy=mine.so";
  assert_int_not_equal(pmm_config_load(&config, path, &set, 1, &err), PMM_OK);
  assert_non_null(strstr(err.text, "--set strategy=mine.so: strategy: cannot load ./mine.so"));
  assert_int_not_equal(parse("strategy: /nonexistent/mine.so\n", NULL, 0, &err), PMM_OK);
  assert_non_null(strstr(err.text, "x.yaml:1: strategy: cannot load /nonexistent/mine.so"));
}

/* -- what is right -- */
static double param_f64(uint32_t strategy, const char *name) {
  const pmm_config_strategy_t *const s = &config.strategy[strategy];
  const pmm_param_t *const param = pmm_param_find(s->ops->params, s->ops->param_cnt, name);
  assert_non_null(param);
  char text[PMM_PARAM_TEXT_MAX];
  pmm_param_print(param, s->params, text);
  return strtod(text, NULL);
}

static void must_parse(const char *text, const char *const *set, size_t set_cnt) {
  pmm_error_t err = {0};
  pmm_status_t const st = parse(text, set, set_cnt, &err);
  if (st != PMM_OK) print_error("%s\n", err.text);
  assert_int_equal(st, PMM_OK);
}

static void test_good(void **state) {
  (void)state;
  must_parse("{}", NULL, 0);
  assert_int_equal(config.strategy_cnt, 1);
  assert_string_equal(config.strategy[0].name, "linear");
  assert_string_equal(config.strategy[0].match, "*");
  assert_int_equal(config.seed, 1);

  must_parse("{\"seed\": 9, \"strategy\": \"linear\", \"params\": {\"spread_bps\": 80, \"size\": \"2.5\"}, \"account\": {\"cash\": 12.5}}", NULL, 0);
  assert_true(param_f64(0, "spread_bps") == 80 && param_f64(0, "size") == 2.5);
  assert_int_equal(config.account.cash_e6, 12500000);

  must_parse("risk:\nparams:\nseed: 4\n", NULL, 0); /* sections whose lines are all commented out */
  assert_int_equal(config.seed, 4);

  must_parse("strategy: adaptive\n", NULL, 0);
  assert_string_equal(config.strategy[0].name, "adaptive");
  assert_true(param_f64(0, "base_spread") == .04);
}

/* models.md section 4: conservative has base .06, size 5; a parameter given beside the preset wins wherever it stands. */
static void test_preset_before_params(void **state) {
  (void)state;
  static const char *const texts[] = {"params: {quote_size: 7}\npreset: conservative\nstrategy: adaptive\n",
                                      "strategy: adaptive\npreset: conservative\nparams: {quote_size: 7}\n"};
  for (size_t i = 0; i < 2; i++) {
    must_parse(texts[i], NULL, 0);
    assert_true(param_f64(0, "base_spread") == .06 && param_f64(0, "quote_size") == 7);
  }
  const char *const set[] = {"preset=aggressive"};
  must_parse(texts[0], set, 1); /* a later --set replaces the file's preset, not its params */
  assert_true(param_f64(0, "base_spread") == .03 && param_f64(0, "quote_size") == 7);
  const char *const none[] = {"preset="};
  must_parse(texts[0], none, 1);
  assert_true(param_f64(0, "base_spread") == .04 && param_f64(0, "quote_size") == 7);
}

static void test_lists(void **state) {
  (void)state;
  const char *const set[] = {"venues.1.stale=3s", "venues.2.venue=degen", "feeds.0.symbol=ethusdt"};
  must_parse("venues:\n  - venue: polymarket\n    markets: a b\n  -\n    rest: http://127.0.0.1:1\nmerge: {quorum: 3}\n", set, 3);
  assert_int_equal(config.venue_cnt, 3);
  assert_int_equal(config.feed_cnt, 1);
  assert_int_equal(config.venue[0].venue, 1);
  assert_string_equal(config.venue[0].markets, "a b");
  assert_string_equal(config.venue[1].rest, "http://127.0.0.1:1");
  assert_int_equal(config.venue[1].stale_ns, 3 * PMM_NS_PER_S);
  assert_int_equal(config.venue[1].reconcile_ns, 30 * PMM_NS_PER_S);
  assert_int_equal(config.venue[2].venue, 2);
  assert_string_equal(config.feed[0].symbol, "ethusdt");
  assert_int_equal(config.merge.quorum, 3);
  must_parse("{}", NULL, 0);
  assert_int_equal(config.venue_cnt, 0);
}

static void test_strategies(void **state) {
  (void)state;
  static const char text[] = "strategies:\n  - strategy: adaptive\n    match: 'KX*'\n    preset: conservative\n"
                             "  - name: wide\n    strategy: linear\n    params: {spread_bps: 300}\n";
  const char *const set[] = {"strategies.1.params.size=3", "strategies.1.params.size=4"};
  must_parse(text, set, 2);
  assert_int_equal(config.strategy_cnt, 2);
  assert_string_equal(config.strategy[0].name, "adaptive");
  assert_string_equal(config.strategy[0].match, "KX*");
  assert_string_equal(config.strategy[1].name, "wide");
  assert_string_equal(config.strategy[1].match, "*");
  assert_true(param_f64(0, "base_spread") == .06);
  assert_true(param_f64(1, "spread_bps") == 300 && param_f64(1, "size") == 4);
}

/* -- round trips -- */
static char *written(void (*write)(FILE *, const pmm_config_t *), size_t *len) {
  char *text = NULL;
  FILE *const out = open_memstream(&text, len);
  write(out, &config);
  fclose(out);
  return text;
}

/* Same meaning: everything but where it came from. */
static bool same(const pmm_config_t *a, const pmm_config_t *b) {
  if (a->seed != b->seed || a->strategy_cnt != b->strategy_cnt) return false;
  for (uint32_t i = 0; i < a->strategy_cnt; i++) {
    const pmm_config_strategy_t *const x = &a->strategy[i], *const y = &b->strategy[i];
    if (strcmp(x->name, y->name) || strcmp(x->match, y->match) || x->ops != y->ops || memcmp(x->params, y->params, sizeof x->params)) return false;
  }
  return memcmp(&a->account, &b->account, sizeof *a - offsetof(pmm_config_t, account)) == 0;
}

static void assert_round_trip(void (*write)(FILE *, const pmm_config_t *)) {
  size_t len = 0;
  char *const text = written(write, &len);
  pmm_error_t err = {0};
  pmm_status_t const st = pmm_config_parse(&other, "written", text, len, NULL, 0, &err);
  if (st != PMM_OK || !same(&config, &other)) print_error("%s\n%s\n", err.text, text);
  assert_int_equal(st, PMM_OK);
  assert_true(same(&config, &other));
  free(text);
}

/* A value inside a parameter's range, as text: any double, any choice, any duration to the nanosecond. */
static void random_value(pmm_rng_t *rng, const pmm_param_t *param, char *out) {
  double const span = (param->max > 1e6 ? 1e6 : param->max) - param->min;
  double const x = param->min + span * pmm_rng_unit(rng);
  switch (param->type) {
  case PMM_PARAM_F64: snprintf(out, PMM_PARAM_TEXT_MAX, "%.17g", x); return;
  case PMM_PARAM_INT: snprintf(out, PMM_PARAM_TEXT_MAX, "%.0f", x); return;
  case PMM_PARAM_BOOL: strcpy(out, pmm_rng_below(rng, 2) ? "true" : "false"); return;
  case PMM_PARAM_TEXT: snprintf(out, PMM_PARAM_TEXT_MAX, "a \"b\" \\ '#: %d é", (int)pmm_rng_below(rng, 100)); return;
  case PMM_PARAM_PRICE: snprintf(out, PMM_PARAM_TEXT_MAX, "%.4f", x); return;
  case PMM_PARAM_DURATION: snprintf(out, PMM_PARAM_TEXT_MAX, "%.9f", x); return;
  case PMM_PARAM_ENUM: {
    size_t cnt = 1;
    for (const char *c = param->choices; *c; c++) cnt += *c == '|';
    const char *at = param->choices;
    for (size_t i = pmm_rng_below(rng, cnt); i > 0; i--) at = strchr(at, '|') + 1;
    snprintf(out, PMM_PARAM_TEXT_MAX, "%.*s", (int)strcspn(at, "|"), at);
    return;
  }
  default: snprintf(out, PMM_PARAM_TEXT_MAX, "%.6f", x); return;
  }
}

/* Each value that stands in a table is set at random; combinations that a check refuses are passed over. */
static void randomize(pmm_rng_t *rng, const pmm_param_t *params, size_t cnt, void *out) {
  for (size_t i = 0; i < cnt; i++) {
    char text[PMM_PARAM_TEXT_MAX];
    random_value(rng, &params[i], text);
    pmm_param_set(&params[i], out, text, NULL);
  }
}

static bool randomize_config(pmm_rng_t *rng, const pmm_strategy_ops_t *ops) {
  pmm_config_default(&config);
  config.seed = pmm_rng_below(rng, UINT64_C(1) << 53);
  pmm_config_strategy_t *const s = &config.strategy[0];
  s->ops = ops;
  memset(s->params, 0, sizeof s->params);
  pmm_params_default(ops->params, ops->param_cnt, s->params);
  snprintf(s->source, sizeof s->source, "%s", ops->name);
  snprintf(s->name, sizeof s->name, pmm_rng_below(rng, 2) ? "%s" : "my %s", ops->name);
  randomize(rng, ops->params, ops->param_cnt, s->params);
  if (ops->check && ops->check(s->params, NULL) != PMM_OK) pmm_params_default(ops->params, ops->param_cnt, s->params);
  randomize(rng, pmm_account_param_table, pmm_account_param_cnt, &config.account);
  randomize(rng, pmm_market_param_table, pmm_market_param_cnt, &config.market);
  randomize(rng, pmm_engine_param_table, pmm_engine_param_cnt, &config.engine);
  randomize(rng, pmm_exec_param_table, pmm_exec_param_cnt, &config.exec);
  randomize(rng, pmm_risk_param_table, pmm_risk_param_cnt, &config.risk);
  randomize(rng, pmm_sim_param_table, pmm_sim_param_cnt, &config.exchange);
  randomize(rng, pmm_rewards_param_table, pmm_rewards_param_cnt, &config.rewards);
  config.exchange.rate_capacity = 1e6; /* holds any cost */
  config.rewards.every_ns = 0;
  randomize(rng, pmm_script_param_table, pmm_script_param_cnt, &config.script);
  randomize(rng, pmm_latency_param_table, pmm_latency_param_cnt, &config.latency);
  randomize(rng, pmm_traders_param_table, pmm_traders_param_cnt, &config.traders);
  config.latency.model = PMM_LATENCY_RECORDED;
  config.latency.feed = PMM_FEED_CONSTANT;
  return config.risk.max_order_rate <= 0 || config.risk.cancel_reserve < config.risk.max_order_burst;
}

static void test_round_trip(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("configurations"));
  size_t cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (uint64_t i = 0; i < check_ops(400); i++) {
    if (!randomize_config(&rng, table[pmm_rng_below(&rng, cnt)])) continue;
    assert_round_trip(pmm_config_write);
    assert_round_trip(pmm_config_write_json);
  }
}

static void test_round_trip_list(void **state) {
  (void)state;
  must_parse("strategies:\n  - {strategy: linear, name: 'a \"b\"', match: 'KX[0-9]?\\*'}\n  - {strategy: digital, match: x}\n", NULL, 0);
  assert_round_trip(pmm_config_write);
  assert_round_trip(pmm_config_write_json);
}

/* The comparison above can fail: one value changed after writing is noticed. */
static void test_canary(void **state) {
  (void)state;
  must_parse("{}", NULL, 0);
  size_t len = 0;
  char *const text = written(pmm_config_write, &len);
  config.account.cash_e6++;
  assert_int_equal(pmm_config_parse(&other, "written", text, len, NULL, 0, NULL), PMM_OK);
  assert_false(same(&config, &other));
  free(text);
}

/* -- what `pmm config` writes -- */
static void test_init_loads(void **state) {
  (void)state;
  size_t cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) {
    char *text = NULL;
    size_t len = 0;
    FILE *const out = open_memstream(&text, &len);
    pmm_config_write_init(out, table[i]);
    fclose(out);
    must_parse(text, NULL, 0);
    free(text);
    char minimal[96];
    snprintf(minimal, sizeof minimal, "strategy: %s\n", table[i]->name);
    other = config;
    must_parse(minimal, NULL, 0);
    assert_true(same(&config, &other)); /* every value written is the default */
  }
}

/* Every key the reference names is settable to its stated default, and no table row is missing from it. */
static void test_reference(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  FILE *const out = open_memstream(&text, &len);
  pmm_config_write_reference(out);
  fclose(out);
  char strategy[64] = "linear";
  size_t keys = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    sscanf(line, "### `%63[a-z]`", strategy);
    char key[128], def[256] = "", set[512], yaml[96];
    int columns = 0;
    for (const char *c = line; *c; c++) columns += *c == '|';
    if (columns < 6 || sscanf(line, "| `%127[^`]` | %*[^|]| `%255[^`]`", key, def) < 1) continue;
    char *const number = strstr(key, ".N.");
    if (number) number[1] = '0'; /* adds the first item */
    snprintf(set, sizeof set, "%s=%s", key, def);
    const pmm_strategy_ops_t *ops = NULL;
    snprintf(yaml, sizeof yaml, "strategy: %s\n", pmm_strategy_find(strategy, &ops, NULL) == PMM_OK ? strategy : "linear");
    const char *const sets[] = {set};
    must_parse(yaml, sets, 1);
    keys++;
  }
  free(text);
  size_t want = 1 + pmm_account_param_cnt + pmm_market_param_cnt + pmm_engine_param_cnt + pmm_exec_param_cnt + pmm_risk_param_cnt +
                pmm_sim_param_cnt + pmm_rewards_param_cnt + pmm_latency_param_cnt + pmm_script_param_cnt + pmm_scenario_param_cnt + pmm_traders_param_cnt +
                pmm_venue_param_cnt + pmm_feed_param_cnt + pmm_merge_param_cnt + pmm_live_param_cnt + pmm_serve_param_cnt + pmm_listing_param_cnt +
                pmm_member_param_cnt + pmm_faults_param_cnt, cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) want += table[i]->param_cnt;
  assert_int_equal(keys, want);
}

/* Rows of one table write to fields of their own: a row whose type is wider than its field would reach into the next. */
static size_t width_of(const pmm_param_t *param) {
  switch (param->type) {
  case PMM_PARAM_BOOL: return sizeof(bool);
  case PMM_PARAM_ENUM:
  case PMM_PARAM_PRICE: return sizeof(int32_t);
  case PMM_PARAM_TEXT: return PMM_PARAM_TEXT_MAX;
  default: return 8;
  }
}

static const char *overlapping(const pmm_param_t *params, size_t cnt, size_t size) {
  for (size_t i = 0; i < cnt; i++) {
    if (params[i].offset + width_of(&params[i]) > size) return params[i].name;
    for (size_t j = 0; j < i; j++)
      if (params[i].offset < params[j].offset + width_of(&params[j]) && params[j].offset < params[i].offset + width_of(&params[i])) return params[i].name;
  }
  return NULL;
}

static void test_rows_do_not_overlap(void **state) {
  (void)state;
  const struct { const char *name; const pmm_param_t *params; size_t cnt, size; } sections[] = {
    {"account", pmm_account_param_table, pmm_account_param_cnt, sizeof config.account},
    {"market", pmm_market_param_table, pmm_market_param_cnt, sizeof config.market},
    {"engine", pmm_engine_param_table, pmm_engine_param_cnt, sizeof config.engine},
    {"exec", pmm_exec_param_table, pmm_exec_param_cnt, sizeof config.exec},
    {"risk", pmm_risk_param_table, pmm_risk_param_cnt, sizeof config.risk},
    {"exchange", pmm_sim_param_table, pmm_sim_param_cnt, sizeof config.exchange},
    {"rewards", pmm_rewards_param_table, pmm_rewards_param_cnt, sizeof config.rewards},
    {"latency", pmm_latency_param_table, pmm_latency_param_cnt, sizeof config.latency},
    {"script", pmm_script_param_table, pmm_script_param_cnt, sizeof config.script},
    {"scenario", pmm_scenario_param_table, pmm_scenario_param_cnt, sizeof config.scenario},
    {"traders", pmm_traders_param_table, pmm_traders_param_cnt, sizeof config.traders}};
  for (size_t i = 0; i < COUNT_OF(sections); i++) {
    const char *const row = overlapping(sections[i].params, sections[i].cnt, sections[i].size);
    if (row) fail_msg("%s.%s reaches into another field", sections[i].name, row);
  }
  size_t cnt = 0;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) {
    const char *const row = overlapping(table[i]->params, table[i]->param_cnt, table[i]->params_size);
    if (row) fail_msg("%s: params.%s reaches into another field", table[i]->name, row);
  }
  const pmm_param_t broken[] = {{.name = "a", .type = PMM_PARAM_INT, .offset = 0}, {.name = "b", .type = PMM_PARAM_INT, .offset = 4}}; /* canary */
  assert_string_equal(overlapping(broken, 2, 16), "b");
  assert_string_equal(overlapping(broken, 1, 4), "a");
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : 1;
}
static int remove_folder(void **state) {
  (void)state;
  static const char *const names[] = {"empty.yaml", "bad.yaml", "good.yaml", "mine.yaml"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bad), cmocka_unit_test(test_limits), cmocka_unit_test(test_files), cmocka_unit_test(test_shared_object_path),
    cmocka_unit_test(test_good), cmocka_unit_test(test_preset_before_params), cmocka_unit_test(test_strategies),
    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_round_trip_list), cmocka_unit_test(test_canary),
    cmocka_unit_test(test_init_loads), cmocka_unit_test(test_reference), cmocka_unit_test(test_lists), cmocka_unit_test(test_rows_do_not_overlap)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
