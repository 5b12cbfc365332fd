/* The state folder from the inside: a venue's part is found by what the venue is, whatever its place; what cannot be read is refused. The sources of the
   program are no library, so they are taken in here. */
#include "app/state.c"
#include "app/learned.c"
#include "app/state_text.c"
#include "base/check.h"

#define NOW (INT64_C(1767268800) * PMM_NS_PER_S)
static char folder[64];

static int set_up(void **state) {
  (void)state;
  strcpy(folder, "/tmp/pmm-state-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}
static int tear_down(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static pmm_venue_params_t venue(pmm_venue_t kind, const char *rest, const char *name, int64_t subaccount) {
  pmm_venue_params_t v = {.venue = (int32_t)kind - 1, .subaccount = subaccount};
  snprintf(v.rest, sizeof v.rest, "%s", rest);
  snprintf(v.name, sizeof v.name, "%s", name);
  return v;
}

static void test_key(void **state) {
  (void)state;
  const struct { pmm_venue_params_t v; const char *key; } rows[] = {
    {venue(PMM_VENUE_KALSHI, "", "", 0), "kalshi"},
    {venue(PMM_VENUE_KALSHI, "", "", 3), "kalshi/3"},
    {venue(PMM_VENUE_KALSHI, "https://API.Example.com/trade-api/v2", "", 0), "kalshi@api.example.com"},
    {venue(PMM_VENUE_DEGEN, "http://127.0.0.1:4000?x", "", 0), "degen@127.0.0.1:4000"},
    {venue(PMM_VENUE_POLYMARKET, "https://clob.example", "My Second", 0), "polymarket@clob.example My Second"},
    {venue(PMM_VENUE_KALSHI, "https://API.example.com", "", 0), "kalshi@api.example.com #2"},
    {venue(PMM_VENUE_POLYMARKET, "https://clob.example/", "My Second", 0), "polymarket@clob.example My Second #2"},
  };
  pmm_venue_params_t all[COUNT_OF(rows)];
  char key[PMM_APP_VENUE_KEY_MAX];
  for (size_t i = 0; i < COUNT_OF(rows); i++) all[i] = rows[i].v;
  for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_app_venue_key(all, COUNT_OF(rows), i, key);
    assert_string_equal(key, rows[i].key);
  }
}

static void open_with(pmm_app_state_t *s, const pmm_venue_params_t *v, uint32_t cnt) {
  pmm_error_t err;
  if (pmm_app_state_open(s, folder, NOW, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_app_state_venues(s, v, cnt);
}

/* Three venues; then in another order with one between; then without two of them; then all again. */
static void test_places_change(void **state) {
  (void)state;
  pmm_error_t err;
  pmm_live_kept_t kept;
  pmm_app_state_t s;
  pmm_venue_params_t const a = venue(PMM_VENUE_KALSHI, "http://a", "", 0), b = venue(PMM_VENUE_POLYMARKET, "http://b", "", 0), c = venue(PMM_VENUE_DEGEN, "http://c", "", 0),
                           x = venue(PMM_VENUE_DEGEN, "http://x", "", 0);
  pmm_live_value_t const values[] = {{0, "RAIN", 4950}, {2, "RAIN", 100}, {2, "SNOW", 9999}};
  pmm_live_kept_t const first = {.killed = true, .fills_until_ns = {11, 22, PMM_TIME_NONE}, .day = {.day = 20454, .result_e6 = -5, .trades = 7, .streak = 2}, .value = values, .value_cnt = 3};
  open_with(&s, (pmm_venue_params_t[]){a, b, c}, 3);
  uint64_t const run = s.run_id;
  pmm_app_state_before(&s, &kept);
  assert_true(!kept.killed && kept.value_cnt == 0 && kept.day.day == 0 && kept.fills_until_ns[0] == PMM_TIME_NONE);
  pmm_app_state_take(&s, &first);
  assert_int_equal(pmm_app_state_save(&s, true, &err), PMM_OK);
  pmm_app_state_close(&s);

  open_with(&s, (pmm_venue_params_t[]){c, x, b, a}, 4);
  assert_int_equal(s.run_id, run + 1);
  pmm_app_state_before(&s, &kept);
  assert_true(kept.killed);
  assert_memory_equal(&kept.day, &first.day, sizeof kept.day);
  assert_true(kept.fills_until_ns[0] == PMM_TIME_NONE && kept.fills_until_ns[1] == PMM_TIME_NONE && kept.fills_until_ns[2] == 22 && kept.fills_until_ns[3] == 11);
  assert_int_equal(kept.value_cnt, 3);
  for (size_t i = 0; i < 3; i++) { /* in whatever order */
    const pmm_live_value_t *const v = &kept.value[i];
    assert_int_equal(v->yes_e4, v->venue == 3 ? 4950 : strcmp(v->market, "SNOW") == 0 ? 9999 : 100);
    assert_true(v->venue == 3 || v->venue == 0);
  }
  kept.fills_until_ns[0] = 33;
  kept.value_cnt = 1;
  pmm_app_state_take(&s, &kept); /* its texts are those that it was told */
  pmm_app_state_take(&s, &kept);
  assert_int_equal(s.value_cnt, 1);
  pmm_app_state_save(&s, false, &err);
  pmm_app_state_close(&s);

  open_with(&s, &b, 1);
  pmm_app_state_before(&s, &kept);
  assert_true(kept.fills_until_ns[0] == 22 && kept.value_cnt == 0);
  kept.fills_until_ns[0] = 44;
  pmm_app_state_take(&s, &kept);
  pmm_app_state_save(&s, false, &err);
  pmm_app_state_close(&s);

  open_with(&s, (pmm_venue_params_t[]){a, b, c}, 3);
  pmm_app_state_before(&s, &kept);
  assert_true(kept.fills_until_ns[0] == 11 && kept.fills_until_ns[1] == 44 && kept.fills_until_ns[2] == 33 && kept.value_cnt == 1);
  pmm_app_state_close(&s);
}

/* Too many to remember: those in use stay, those not in use for longest go. */
static void test_many_venues(void **state) {
  (void)state;
  pmm_error_t err;
  pmm_live_kept_t kept;
  for (int i = 0; i < PMM_APP_KNOWN_MAX + 4; i++) {
    pmm_app_state_t s;
    char host[32];
    snprintf(host, sizeof host, "http://h%d", i);
    pmm_venue_params_t const v[] = {venue(PMM_VENUE_KALSHI, "http://always", "", 0), venue(PMM_VENUE_DEGEN, host, "", 0)};
    open_with(&s, v, 2);
    pmm_app_state_before(&s, &kept);
    assert_true(kept.fills_until_ns[0] == (i ? 99 + i : PMM_TIME_NONE) && kept.fills_until_ns[1] == PMM_TIME_NONE);
    kept.fills_until_ns[0] = 100 + i;
    kept.fills_until_ns[1] = i;
    pmm_app_state_take(&s, &kept);
    assert_int_equal(pmm_app_state_save(&s, false, &err), PMM_OK);
    pmm_app_state_close(&s);
  }
  pmm_app_state_t s;
  pmm_venue_params_t const v[] = {venue(PMM_VENUE_DEGEN, "http://h0", "", 0), venue(PMM_VENUE_DEGEN, "http://h20", "", 0)};
  open_with(&s, v, 2);
  assert_true(s.known[0].fills_until_ns == PMM_TIME_NONE && s.known[1].fills_until_ns == 20);
  pmm_app_state_close(&s);
}

#define DAY "\"day\":{\"utc_day\":1,\"result_e6\":-2,\"trades\":3,\"streak\":4}"
#define GOOD "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":5,\"values\":{\"RAIN\":4950}},\"degen\":{\"fills_until_ns\":null,\"values\":{}}}}"
static bool reads(const char *text, size_t len) {
  pmm_app_state_t s = {.lock = -1};
  char why[160];
  s.value = calloc(PMM_APP_VALUES_MAX, sizeof *s.value);
  bool const ok = pmm_app_state_read(&s, text, len, why, sizeof why);
  assert_true(ok || *why);
  free(s.value);
  return ok;
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
    "", "[]", "null", "{}", "{\"run\":1,\"killed\":false,\"fills_until_ns\":[]}", "{\"run\":1,\"killed\":false,\"venues\":{}}", "{\"run\":1,\"killed\":false," DAY "}",
    "{\"run\":-1,\"killed\":false," DAY ",\"venues\":{}}", "{\"run\":1,\"killed\":0," DAY ",\"venues\":{}}", "{\"run\":1,\"killed\":false," DAY ",\"venues\":[]}",
    "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":5}}", "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":\"5\",\"values\":{}}}}",
    "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":5}}}", "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":5,\"values\":{\"RAIN\":0}}}}",
    "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":5,\"values\":{\"RAIN\":10000}}}}",
    "{\"run\":1,\"killed\":false," DAY ",\"venues\":{\"kalshi\":{\"fills_until_ns\":5,\"values\":{\"RAIN\":0.5}}}}",
    "{\"run\":1,\"killed\":false,\"day\":{\"utc_day\":1,\"result_e6\":-2,\"trades\":-1,\"streak\":4},\"venues\":{}}",
    "{\"run\":1,\"killed\":false,\"day\":{\"utc_day\":1,\"result_e6\":1e3,\"trades\":1,\"streak\":4},\"venues\":{}}",
    "{\"run\":1,\"killed\":false,\"day\":{\"utc_day\":1,\"result_e6\":9000000000000000000,\"trades\":1,\"streak\":4},\"venues\":{}}",
    "{\"run\":1,\"run\":2,\"killed\":false," DAY ",\"venues\":{}}", GOOD "x",
  };
  assert_true(reads(GOOD, strlen(GOOD)));
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    if (reads(rows[i], strlen(rows[i]))) fail_msg("read: %s", rows[i]);
  for (size_t len = 0; len < strlen(GOOD); len++) assert_false(reads(GOOD, len)); /* cut short */
}

/* In the folder: refused by name, and the lock is free again. */
static void test_damaged_file(void **state) {
  (void)state;
  pmm_app_state_t s;
  pmm_error_t err;
  char path[128];
  snprintf(path, sizeof path, "%s/state.json", folder);
  FILE *f = fopen(path, "w");
  fputs("{\"run\":1,", f);
  fclose(f);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pmm_app_state_open(&s, folder, NOW, &err), PMM_PARSE);
    assert_non_null(strstr(err.text, path));
  }
  f = fopen(path, "w");
  for (size_t i = 0; i <= STATE_TEXT_MAX; i++) fputc(' ', f);
  fclose(f);
  assert_int_equal(pmm_app_state_open(&s, folder, NOW, &err), PMM_PARSE);
  assert_non_null(strstr(err.text, "too large"));
}

/* What strategies learned: of venues in use, whatever their place; a file that is none is told and otherwise ignored. */
static void test_learned(void **state) {
  (void)state;
#define ENTRY(venue, params) "{\"venue\":\"" venue "\",\"market\":\"RAIN\",\"strategy\":\"logit\",\"params\":\"" params "\",\"text\":\"a\\u00e9b\"}"
  static const struct { const char *text; size_t cnt; bool bad; } rows[] = {
    {NULL, 0, false}, {"[]", 0, false}, {"[" ENTRY("kalshi@a", "ff") "," ENTRY("degen@gone", "1") "," ENTRY("degen@c", "8000000000000001") "]", 2, false},
    {"{}", 0, true}, {"[", 0, true}, {"[5]", 0, true}, {"", 0, true}, {"[" ENTRY("kalshi@a", "fg") "]", 0, true}, {"[" ENTRY("kalshi@a", "") "]", 0, true},
    {"[" ENTRY("kalshi@a", "11111111111111111") "]", 0, true}, {"[{\"venue\":\"kalshi@a\"}]", 0, true}};
  pmm_venue_params_t const v[] = {venue(PMM_VENUE_DEGEN, "http://c", "", 0), venue(PMM_VENUE_KALSHI, "http://a", "", 0)};
  pmm_app_state_t s;
  char path[128], why[400];
  snprintf(path, sizeof path, "%s/learned.json", folder);
  open_with(&s, v, 2);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    FILE *const f = rows[i].text ? fopen(path, "w") : NULL;
    if (f) fputs(rows[i].text, f);
    if (f) fclose(f);
    pmm_app_learned_t l;
    pmm_app_learned_open(&l, &s, why, sizeof why);
    if (l.cnt != rows[i].cnt || (*why != '\0') != rows[i].bad) fail_msg("row %zu: %zu, '%s'", i, l.cnt, why);
    if (rows[i].cnt == 2) {
      assert_true(l.list[0].venue == 1 && l.list[0].params == 255 && l.list[0].len == 4 && strcmp(l.list[0].market, "RAIN") == 0);
      assert_true(l.list[1].venue == 0 && l.list[1].params == UINT64_C(0x8000000000000001) && strcmp(l.list[1].strategy, "logit") == 0);
    }
    assert_true(!rows[i].bad || strstr(why, path));
    pmm_app_learned_close(&l);
  }
  pmm_app_state_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_key), cmocka_unit_test_setup_teardown(test_places_change, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_many_venues, set_up, tear_down), cmocka_unit_test(test_refused), cmocka_unit_test_setup_teardown(test_damaged_file, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_learned, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
