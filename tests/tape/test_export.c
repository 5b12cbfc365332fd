/* Export: the text of each kind of record, in both formats. */
#include "tape/tape_test.h"

static const char *make_tape(void) {
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  uint32_t index;
  pmm_market_t m;
  pmm_underlying_t const u = {.id = "BTC-USD", .source = "coinbase", .kind = PMM_UNDER_TRADE};
  const char *const path = scratch("export.tape");
  ASSERT_OK(pmm_tape_create(&w, path, "", &err), err);
  pmm_market_init(&m, "A");
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  pmm_market_init(&m, "odd,\"na\\me\x01"); /* what no venue should send */
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  ASSERT_OK(pmm_tape_add_underlying(w, &u, &index, &err), err);
  static const pmm_md_t md[] = {
      {.recv_ns = 1, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN},
      {.recv_ns = 2, .exch_ns = 5, .kind = PMM_MD_LEVEL, .side = PMM_ASK, .price_e4 = 5050, .qty_e6 = 1500000, .seq = 7, .flags = PMM_F_LAST},
      {.recv_ns = 3, .exch_ns = -5, .kind = PMM_MD_LEVEL, .side = PMM_BID, .price_e4 = 1, .qty_e6 = 0},
      {.recv_ns = 4, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_TRADE, .side = PMM_ASK, .price_e4 = 5000, .qty_e6 = 1},
      {.recv_ns = 5, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_UNDERLYING, .qty_e6 = 7000012345678},
      {.recv_ns = 6, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK, .market = 1},
      {.recv_ns = 6, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_PRICE, .price_e4 = 0, .flags = PMM_F_LAST},
      {.recv_ns = 6, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_PHASE, .aux = PMM_PHASE_POST_ONLY},
      {.recv_ns = 6, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_SETTLEMENT, .qty_e6 = 5000000000, .price_e4 = 125},
      {.recv_ns = 7, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_VOID, .qty_e6 = 500000},
  };
  for (size_t i = 0; i < COUNT_OF(md); i++) ASSERT_OK(pmm_tape_append(w, &md[i], &err), err);
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  return path;
}

static pmm_status_t run_export(const char *format, const char *market, char **text, pmm_error_t *err) {
  pmm_tape_t *tape;
  size_t len;
  FILE *const out = open_memstream(text, &len);
  ASSERT_OK(pmm_tape_open(&tape, make_tape(), err), *err);
  pmm_status_t const st = pmm_tape_export(tape, &(pmm_export_opts_t){.format = format, .market = market}, out, err);
  fclose(out);
  pmm_tape_close(tape);
  return st;
}

static void test_formats(void **state) {
  (void)state;
  static const struct { const char *format, *market, *want; } rows[] = {
      {"csv", NULL,
       "recv_ns,exch_ns,market,seq,kind,side,price,qty,flags,detail\n"
       "1,,A,0,status,,,,0,open\n"
       "2,5,A,7,level,ask,0.5050,1.5,1,\n"
       "3,-5,A,0,level,bid,0.0001,0,0,\n"
       "4,,A,0,trade,sell,0.5000,0.000001,0,\n"
       "5,,BTC-USD,0,underlying,,,70000.12345678,0,coinbase\n"
       "6,,\"odd,\"\"na\\me\x01\",0,mark,,,,0,\n"
       "6,,A,0,price,,0.0000,,1,\n"
       "6,,A,0,phase,,,,0,post_only\n"
       "6,,A,0,settlement,,0.0125,5000000000,0,\n"
       "7,,A,0,status,void,,0.5,0,resolved\n"},
      {"jsonl", NULL,
       "{\"recv_ns\":1,\"market\":\"A\",\"seq\":0,\"kind\":\"status\",\"flags\":0,\"detail\":\"open\"}\n"
       "{\"recv_ns\":2,\"exch_ns\":5,\"market\":\"A\",\"seq\":7,\"kind\":\"level\",\"side\":\"ask\",\"price\":\"0.5050\",\"qty\":\"1.5\",\"flags\":1}\n"
       "{\"recv_ns\":3,\"exch_ns\":-5,\"market\":\"A\",\"seq\":0,\"kind\":\"level\",\"side\":\"bid\",\"price\":\"0.0001\",\"qty\":\"0\",\"flags\":0}\n"
       "{\"recv_ns\":4,\"market\":\"A\",\"seq\":0,\"kind\":\"trade\",\"side\":\"sell\",\"price\":\"0.5000\",\"qty\":\"0.000001\",\"flags\":0}\n"
       "{\"recv_ns\":5,\"underlying\":\"BTC-USD\",\"seq\":0,\"kind\":\"underlying\",\"value\":\"70000.12345678\",\"flags\":0,\"detail\":\"coinbase\"}\n"
       "{\"recv_ns\":6,\"market\":\"odd,\\\"na\\\\me\\u0001\",\"seq\":0,\"kind\":\"mark\",\"flags\":0}\n"
       "{\"recv_ns\":6,\"market\":\"A\",\"seq\":0,\"kind\":\"price\",\"price\":\"0.0000\",\"flags\":1}\n"
       "{\"recv_ns\":6,\"market\":\"A\",\"seq\":0,\"kind\":\"phase\",\"flags\":0,\"detail\":\"post_only\"}\n"
       "{\"recv_ns\":6,\"market\":\"A\",\"seq\":0,\"kind\":\"settlement\",\"price\":\"0.0125\",\"qty\":\"5000000000\",\"flags\":0}\n"
       "{\"recv_ns\":7,\"market\":\"A\",\"seq\":0,\"kind\":\"status\",\"side\":\"void\",\"qty\":\"0.5\",\"flags\":0,\"detail\":\"resolved\"}\n"},
      {"csv", "odd,\"na\\me\x01", "recv_ns,exch_ns,market,seq,kind,side,price,qty,flags,detail\n6,,\"odd,\"\"na\\me\x01\",0,mark,,,,0,\n"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *text;
    pmm_error_t err = {0};
    ASSERT_OK(run_export(rows[i].format, rows[i].market, &text, &err), err);
    assert_string_equal(text, rows[i].want);
    free(text);
  }
}

static void test_refusals(void **state) {
  (void)state;
  char *text;
  pmm_error_t err = {0};
  assert_int_equal(run_export("xml", NULL, &text, &err), PMM_INVAL);
  free(text);
  assert_int_equal(run_export(NULL, NULL, &text, &err), PMM_INVAL);
  free(text);
  assert_int_equal(run_export("csv", "B", &text, &err), PMM_NOT_FOUND);
  free(text);
  pmm_tape_t *tape;
  ASSERT_OK(pmm_tape_open(&tape, make_tape(), &err), err);
  FILE *const full = fopen("/dev/full", "w");
  if (full) {
    assert_int_equal(pmm_tape_export(tape, &(pmm_export_opts_t){.format = "csv"}, full, &err), PMM_IO);
    fclose(full);
  }
  pmm_tape_close(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
