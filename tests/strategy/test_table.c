/* The table of strategies, its parameter tables, the loader's refusals. */
#include <unistd.h>

#include "fixture.h"

static void test_find(void **unused) {
  (void)unused;
  static const char *const names[] = {"linear", "adaptive", "logit", "digital", "curve", "arbitrage"};
  size_t cnt;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  assert_int_equal(cnt, COUNT_OF(names));
  assert_ptr_equal(pmm_strategy_table(NULL), table);
  for (size_t i = 0; i < cnt; i++) {
    const pmm_strategy_ops_t *ops = NULL;
    assert_int_equal(pmm_strategy_find(names[i], &ops, NULL), PMM_OK);
    assert_ptr_equal(ops, table[i]);
    assert_string_equal(ops->name, names[i]);
  }
}

/* What `pmm config` and the loader expect of any table. */
static void test_tables(void **unused) {
  (void)unused;
  size_t cnt;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) {
    const pmm_strategy_ops_t *const ops = table[i];
    assert_int_equal(ops->abi, PMM_STRATEGY_ABI);
    assert_true(ops->help && ops->on_view && ops->state_size > 0 && ops->wake != 0);
    char *const params = calloc(1, ops->params_size);
    pmm_params_default(ops->params, ops->param_cnt, params);
    pmm_error_t err;
    if (ops->check && ops->check(params, &err) != PMM_OK) fail_msg("%s's defaults: %s", ops->name, err.text);
    for (size_t k = 0; k < ops->param_cnt; k++) {
      const pmm_param_t *const p = &ops->params[k];
      assert_true(p->offset < ops->params_size && strlen(p->help) > 0 && p->unit);
      if (pmm_param_find(ops->params, k, p->name)) fail_msg("%s: %s stands twice", ops->name, p->name);
    }
    for (size_t k = 0; k < ops->preset_cnt; k++) {
      assert_int_equal(pmm_preset_apply(ops->presets, ops->preset_cnt, ops->presets[k].name, ops->params, ops->param_cnt, params, &err), PMM_OK);
      assert_true(!ops->check || ops->check(params, &err) == PMM_OK);
    }
    free(params);
  }
}

/* Each strategy's page names each of its parameters with its default. */
static void test_pages(void **unused) {
  (void)unused;
  size_t cnt;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  for (size_t i = 0; i < cnt; i++) {
    char path[128];
    static char page[1 << 16];
    snprintf(path, sizeof path, "docs/strategies/%s.md", table[i]->name);
    FILE *const file = fopen(path, "r");
    if (!file) fail_msg("%s is missing", path);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (size_t k = 0; k < table[i]->param_cnt; k++) {
      char row[256];
      snprintf(row, sizeof row, "| `%s` | %s | ", table[i]->params[k].name, table[i]->params[k].def);
      if (!strstr(page, row)) fail_msg("%s does not have %s", path, row);
    }
  }
}

static void test_refusals(void **unused) {
  (void)unused;
  pmm_error_t err;
  const pmm_strategy_ops_t *ops = NULL;
  assert_int_equal(pmm_strategy_find("liner", &ops, &err), PMM_NOT_FOUND);
  assert_non_null(strstr(err.text, "linear, adaptive, logit, digital, curve, arbitrage"));
  assert_int_equal(pmm_strategy_find("", &ops, &err), PMM_NOT_FOUND);
  assert_int_equal(pmm_strategy_find(".so", &ops, &err), PMM_NOT_FOUND);
  assert_int_equal(pmm_strategy_find("./nothing-here.so", &ops, &err), PMM_IO);
  assert_non_null(strstr(err.text, "nothing-here.so"));
  assert_int_equal(pmm_strategy_find("nothing-here.so", &ops, &err), PMM_IO); /* looked for in the working directory */
  assert_non_null(strstr(err.text, "./nothing-here.so"));
  static char path[5000];
  memset(path, '/', sizeof path - 1);
  assert_int_equal(pmm_strategy_find(path, &ops, &err), PMM_INVAL);
  assert_null(ops);
}

/* Builds a shared object from one line of C; NULL when there is no compiler. */
static const char *build_object(const char *name, const char *body) {
  static char path[256];
  char source[300], command[1024];
  snprintf(path, sizeof path, "/tmp/pmm_test_%s_%ld.so", name, (long)getpid());
  snprintf(source, sizeof source, "%s.c", path);
  FILE *const file = fopen(source, "w");
  fprintf(file, "#include \"pmm/strategy.h\"\n%s\n", body);
  fclose(file);
  snprintf(command, sizeof command, "cc -std=gnu17 -shared -fPIC -Iinclude -o %s %s 2>/dev/null", path, source);
  int const status = system(command);
  unlink(source);
  return status == 0 ? path : NULL;
}

#define VIEW "static pmm_status_t view(void *s, const pmm_view_t *v, pmm_quotes_t *q) { (void)s; (void)v; (void)q; return PMM_OK; }\n"
#define PARAM "static const pmm_param_t params[] = {{\"x\", PMM_PARAM_F64, "
#define OPS "const pmm_strategy_ops_t pmm_strategy = {.abi = PMM_STRATEGY_ABI, .name = \"own\", .state_size = 8, .on_view = view"
#define WITH_PARAM ", .params = params, .param_cnt = sizeof params / sizeof params[0], .params_size = 8};"

static void test_shared_objects(void **unused) {
  (void)unused;
  static const struct { const char *name, *body; pmm_status_t want; const char *text; } rows[] = {
    {"good", VIEW PARAM "0, \"1\", 0, 2, \"\", 0, \"\"}};" OPS WITH_PARAM, PMM_OK, ""},
    {"plain", VIEW OPS "};", PMM_OK, ""},
    {"empty", "int nothing;", PMM_IO, "does not export 'pmm_strategy'"},
    {"abi", VIEW "const pmm_strategy_ops_t pmm_strategy = {.abi = 99, .name = \"own\", .state_size = 8, .on_view = view};", PMM_VERSION, "interface 99"},
    {"nameless", VIEW OPS ", .name = \"\"};", PMM_INVAL, "no name"},
    {"viewless", VIEW OPS ", .on_view = view ? 0 : 0};", PMM_INVAL, "no on_view"},
    {"stateless", VIEW OPS ", .state_size = 0};", PMM_INVAL, "state_size"},
    {"rowless", VIEW OPS ", .param_cnt = 3, .params_size = 8};", PMM_INVAL, "no rows"},
    {"helpless", VIEW PARAM "0, \"1\", 0, 2, \"\", 0, 0}};" OPS WITH_PARAM, PMM_INVAL, "lacks its name"},
    {"typeless", VIEW "static const pmm_param_t params[] = {{\"x\", 99, 0, \"1\", 0, 2, \"\", 0, \"\"}};" OPS WITH_PARAM, PMM_INVAL, "no known type"},
    {"outside", VIEW PARAM "8, \"1\", 0, 2, \"\", 0, \"\"}};" OPS WITH_PARAM, PMM_INVAL, "outside params_size"},
    {"default", VIEW PARAM "0, \"3\", 0, 2, \"\", 0, \"\"}};" OPS WITH_PARAM, PMM_INVAL, "default"},
    {"twice", VIEW PARAM "0, \"1\", 0, 2, \"\", 0, \"\"}, {\"x\", PMM_PARAM_F64, 0, \"1\", 0, 2, \"\", 0, \"\"}};" OPS WITH_PARAM, PMM_INVAL, "two parameters"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const char *const path = build_object(rows[i].name, rows[i].body);
    if (!path) {
      if (i == 0) skip(); /* no compiler on this machine */
      fail_msg("%s does not compile", rows[i].name);
    }
    pmm_error_t err = {.status = PMM_OK, .text = ""};
    const pmm_strategy_ops_t *ops = NULL;
    pmm_status_t const got = pmm_strategy_find(path, &ops, &err);
    unlink(path);
    if (got != rows[i].want || !strstr(err.text, rows[i].text)) fail_msg("%s: %s: %s", rows[i].name, pmm_status_to_string(got), err.text);
    assert_true((ops != NULL) == (got == PMM_OK));
  }
}

static void test_helpers(void **unused) {
  (void)unused;
  static const char *const words[] = {"quote", "pause", "exit", "keep"};
  for (int i = 0; i < 4; i++) assert_string_equal(pmm_quote_action_to_string((pmm_quote_action_t)i), words[i]);
  assert_string_equal(pmm_quote_action_to_string((pmm_quote_action_t)9), "unknown action");
  pmm_quotes_t q;
  memset(&q, 0xff, sizeof q);
  pmm_quotes_clear(&q);
  assert_true(q.action == PMM_QUOTE_QUOTE && q.bid_cnt == 0 && q.ask_cnt == 0 && isnan(q.fair) && isnan(q.raw_bid) && isnan(q.exit_limit) && !q.why && q.cash_floor_e6 == 0);
  for (int i = 0; i < PMM_REASONS_MAX + 3; i++) pmm_quotes_reason(&q, "n", i);
  assert_int_equal(q.reason_cnt, PMM_REASONS_MAX);
  pmm_signals_t s;
  pmm_signals_none(&s);
  assert_true(isnan(s.sigma) && isnan(s.users) && isnan(s.volatility) && s.volatility_high == -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_tables), cmocka_unit_test(test_pages), cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_shared_objects), cmocka_unit_test(test_helpers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
