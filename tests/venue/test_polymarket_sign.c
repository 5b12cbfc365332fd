/* Wallet and request signatures, amounts and bodies against the venue's golden vectors (tests/vectors/polymarket_vectors.json). */
#include <jansson.h>
#include "base/check.h"
#include "pmm/decimal.h"
#include "pmm/polymarket.h"

static json_t *vectors;

static int load(void **state) {
  json_error_t err;
  (void)state;
  vectors = json_load_file("tests/vectors/polymarket_vectors.json", 0, &err);
  return vectors ? 0 : -1;
}

static int unload(void **state) {
  (void)state;
  json_decref(vectors);
  return 0;
}

static const char *text_of(const json_t *o, const char *key) {
  const char *const text = json_string_value(json_object_get(o, key));
  if (!text) fail_msg("no text '%s'", key);
  return text;
}

static pmm_poly_word_t word_of(const json_t *o, const char *key) {
  pmm_poly_word_t word;
  const char *const text = text_of(o, key);
  assert_int_equal(pmm_poly_word_parse(text, strlen(text), &word), PMM_OK);
  return word;
}

static pmm_poly_address_t address_of(const char *text) {
  pmm_poly_address_t address;
  assert_int_equal(pmm_poly_address_parse(text, strlen(text), &address), PMM_OK);
  return address;
}

static pmm_poly_signer_t *signer_of(const char *key) {
  static const uint8_t seed[32] = {7};
  pmm_poly_signer_t *signer;
  assert_int_equal(pmm_poly_signer_new(key, strlen(key), seed, &signer, NULL), PMM_OK);
  return signer;
}

static void assert_word(const pmm_poly_word_t *got, const json_t *o, const char *key) {
  char text[PMM_POLY_HEX_WORD];
  pmm_poly_hex(got->b, sizeof got->b, text);
  assert_string_equal(text, text_of(o, key));
}

static int64_t e6_of(const json_t *number) {
  int64_t value;
  assert_int_equal(pmm_decimal_from_double(json_number_value(number), 6, &value), PMM_OK);
  return value;
}

static int32_t e4_of(const json_t *number) {
  int64_t value;
  assert_int_equal(pmm_decimal_from_double(json_number_value(number), 4, &value), PMM_OK);
  return (int32_t)value;
}

static int32_t tick_of(const json_t *o) {
  int64_t value;
  const char *const text = text_of(o, "tick_size");
  assert_int_equal(pmm_decimal_parse(text, strlen(text), 4, &value, NULL), PMM_OK);
  return (int32_t)value;
}

static void test_addresses(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_true(json_array_size(json_object_get(vectors, "addresses")) > 0);
  json_array_foreach(json_object_get(vectors, "addresses"), i, v) {
    pmm_poly_signer_t *const signer = signer_of(text_of(v, "private_key"));
    char text[PMM_POLY_HEX_ADDRESS];
    pmm_poly_address_print(pmm_poly_signer_address(signer), text);
    assert_string_equal(text, text_of(v, "address"));
    pmm_poly_hex(pmm_poly_signer_address(signer)->b, 20, text);
    assert_string_equal(text, text_of(v, "address_lowercase"));
    pmm_poly_signer_free(signer);
  }
}

static void test_type_hashes(void **state) {
  const char *key;
  json_t *v;
  int cnt = 0;
  (void)state;
  json_object_foreach(json_object_get(vectors, "type_hashes"), key, v) {
    pmm_poly_word_t hash;
    const char *const type = text_of(v, "type_string");
    pmm_keccak256(type, strlen(type), &hash);
    assert_word(&hash, v, "type_hash");
    cnt++;
  }
  assert_int_equal(cnt, 6);
}

static void test_domains(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "domain_separators")), 10);
  json_array_foreach(json_object_get(vectors, "domain_separators"), i, v) {
    pmm_poly_domain_t domain;
    bool const neg_risk = strstr(text_of(v, "exchange"), "neg-risk") != NULL;
    uint64_t const chain = (uint64_t)json_integer_value(json_object_get(v, "chain_id"));
    assert_int_equal(pmm_poly_domain(atoi(text_of(v, "domain_version")), neg_risk, chain, &domain), PMM_OK);
    assert_word(&domain.separator, v, "domain_separator");
    pmm_poly_address_t const exchange = address_of(text_of(v, "verifying_contract"));
    assert_true(pmm_poly_address_eq(&exchange, &domain.exchange));
  }
  pmm_poly_domain_t none;
  assert_int_equal(pmm_poly_domain(2, false, 1, &none), PMM_NOT_FOUND);
  assert_int_equal(pmm_poly_domain(4, false, 137, &none), PMM_NOT_FOUND);
}

static void test_l1(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "l1_auth")), 4);
  json_array_foreach(json_object_get(vectors, "l1_auth"), i, v) {
    pmm_poly_signer_t *const signer = signer_of(text_of(v, "private_key"));
    uint64_t const chain = (uint64_t)json_integer_value(json_object_get(v, "chain_id")), nonce = (uint64_t)json_integer_value(json_object_get(v, "nonce"));
    int64_t const at_s = atoll(text_of(v, "timestamp"));
    pmm_poly_word_t digest;
    pmm_poly_address_t by;
    uint8_t sig[65];
    char hex[2 * 65 + 3];
    pmm_poly_l1_digest(pmm_poly_signer_address(signer), chain, text_of(v, "timestamp"), nonce, &digest);
    assert_word(&digest, v, "digest");
    assert_int_equal(pmm_poly_l1_sign(signer, chain, at_s, nonce, sig), PMM_OK);
    pmm_poly_hex(sig, sizeof sig, hex);
    assert_string_equal(hex, text_of(json_object_get(v, "headers"), "POLY_SIGNATURE"));
    assert_int_equal(pmm_poly_l1_recover(pmm_poly_signer_address(signer), chain, at_s, nonce, sig, &by), PMM_OK);
    assert_true(pmm_poly_address_eq(&by, pmm_poly_signer_address(signer)));
    if (pmm_poly_l1_recover(pmm_poly_signer_address(signer), chain, at_s + 1, nonce, sig, &by) == PMM_OK)
      assert_false(pmm_poly_address_eq(&by, pmm_poly_signer_address(signer)));
    pmm_poly_signer_free(signer);
  }
}

static void test_l2(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "l2_hmac")), 7);
  json_array_foreach(json_object_get(vectors, "l2_hmac"), i, v) {
    pmm_poly_hmac_t hmac;
    const char *const secret = text_of(v, "secret"), *const body = json_string_value(json_object_get(v, "body"));
    const char *const want = text_of(v, "signature"), *const at = text_of(v, "timestamp");
    const char *const method = text_of(v, "method"), *const path = text_of(v, "request_path");
    size_t const len = body ? strlen(body) : 0;
    char got[PMM_POLY_HMAC_TEXT];
    assert_int_equal(pmm_poly_hmac_init(&hmac, secret, strlen(secret)), PMM_OK);
    for (int again = 0; again < 2; again++) { /* the keyed state survives a use */
      pmm_poly_hmac_sign(&hmac, atoll(at), method, path, body, len, got);
      assert_string_equal(got, want);
    }
    assert_true(pmm_poly_hmac_verify(&hmac, at, method, path, body, len, want, strlen(want)));
    assert_false(pmm_poly_hmac_verify(&hmac, at, "PUT", path, body, len, want, strlen(want)));
    assert_false(pmm_poly_hmac_verify(&hmac, at, method, path, body, len, want, strlen(want) - 1));
    got[5] = got[5] == 'A' ? 'B' : 'A';
    assert_false(pmm_poly_hmac_verify(&hmac, at, method, path, body, len, got, strlen(got)));
    pmm_poly_hmac_fini(&hmac);
  }
}

static void test_l2_secrets(void **state) {
  static const struct { const char *why, *secret; pmm_status_t want; } rows[] = {
      {"no padding", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ", PMM_OK},
      {"stray characters are skipped", " c2VjcmV0LXNl Y3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=\n", PMM_OK},
      {"empty", "", PMM_PARSE},
      {"nothing but padding", "====", PMM_PARSE},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_hmac_t hmac;
    char got[PMM_POLY_HMAC_TEXT];
    if (pmm_poly_hmac_init(&hmac, rows[i].secret, strlen(rows[i].secret)) != rows[i].want) fail_msg("%s", rows[i].why);
    if (rows[i].want != PMM_OK) continue;
    pmm_poly_hmac_sign(&hmac, 1700000000, "GET", "/data/orders", NULL, 0, got);
    if (strcmp(got, "DbAmRpEdOaUInDP7_3VWQ_cwc_qbdXdteq6TRxrunK4=") != 0) fail_msg("%s: %s", rows[i].why, got);
  }
  /* A key longer than SHA-256's block is hashed first; checked with Python's hmac: 90 zero bytes over "1700000000GET/data/orders". */
  char zeros[121], sig[PMM_POLY_HMAC_TEXT];
  pmm_poly_hmac_t wide;
  memset(zeros, 'A', 120);
  assert_int_equal(pmm_poly_hmac_init(&wide, zeros, 120), PMM_OK);
  pmm_poly_hmac_sign(&wide, 1700000000, "GET", "/data/orders", NULL, 0, sig);
  assert_string_equal(sig, "ChGpD2x1FLuiSF4DY_HOejRTlVF7NnuTXIVHXs9wL5M=");
  char longest[200];
  memset(longest, 'A', sizeof longest);
  pmm_poly_hmac_t hmac;
  assert_int_equal(pmm_poly_hmac_init(&hmac, longest, sizeof longest), PMM_FULL);
}

/* -- orders -- */
static pmm_poly_order_t order_of(const json_t *v) {
  const json_t *const m = json_object_get(v, "message");
  pmm_poly_order_t o = {.version = (uint8_t)json_integer_value(json_object_get(v, "version"))};
  o.salt = strtoull(text_of(m, "salt"), NULL, 10);
  o.maker = address_of(text_of(m, "maker"));
  o.signer = address_of(text_of(m, "signer"));
  assert_int_equal(pmm_poly_word_from_decimal(text_of(m, "tokenId"), strlen(text_of(m, "tokenId")), &o.token), PMM_OK);
  o.maker_e6 = strtoull(text_of(m, "makerAmount"), NULL, 10);
  o.taker_e6 = strtoull(text_of(m, "takerAmount"), NULL, 10);
  o.side = (uint8_t)json_integer_value(json_object_get(m, "side"));
  o.signature_type = (uint8_t)json_integer_value(json_object_get(m, "signatureType"));
  if (o.version == 1) {
    o.taker = address_of(text_of(m, "taker"));
    o.expiration_s = strtoull(text_of(m, "expiration"), NULL, 10);
    o.nonce = strtoull(text_of(m, "nonce"), NULL, 10);
    o.fee_rate_bps = strtoull(text_of(m, "feeRateBps"), NULL, 10);
    return o;
  }
  o.timestamp_ms = strtoull(text_of(m, "timestamp"), NULL, 10);
  o.metadata = word_of(m, "metadata");
  o.builder = word_of(m, "builder");
  json_error_t err;
  json_t *const body = json_loads(text_of(v, "post_body"), 0, &err); /* not signed, so not in the message */
  o.expiration_s = strtoull(text_of(json_object_get(body, "order"), "expiration"), NULL, 10);
  json_decref(body);
  return o;
}

static void check_order_body(const json_t *v, const pmm_poly_order_t *order, const uint8_t *sig, size_t sig_len) {
  char got[PMM_POLY_ORDER_JSON_MAX];
  const char *const body = text_of(v, "post_body"), *const inner = strstr(body, "\"order\":") + 8, *const end = strstr(inner, "},\"owner\"") + 1;
  size_t const len = pmm_poly_order_json(order, sig, sig_len, got);
  assert_int_equal(len, strlen(got));
  assert_int_equal(len, end - inner);
  assert_memory_equal(got, inner, len);
}

static void check_tampering(const pmm_poly_signer_t *signer, const pmm_poly_domain_t *domain, const pmm_poly_order_t *order, const uint8_t *sig,
                            size_t sig_len) {
  pmm_poly_order_t other = *order;
  pmm_poly_address_t by;
  other.maker_e6++;
  if (pmm_poly_order_recover(domain, &other, sig, sig_len, &by) == PMM_OK) assert_false(pmm_poly_address_eq(&by, pmm_poly_signer_address(signer)));
  assert_int_equal(pmm_poly_order_recover(domain, order, sig, sig_len - 1, &by), PMM_INVAL);
  if (sig_len == 65) return;
  for (size_t i = 65; i < sig_len; i++) { /* every byte of the wrapper counts */
    uint8_t bent[PMM_POLY_SIG_MAX];
    memcpy(bent, sig, sig_len);
    bent[i] ^= 1;
    assert_int_equal(pmm_poly_order_recover(domain, order, bent, sig_len, &by), PMM_INVAL);
  }
}

static void test_orders(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "orders")), 19);
  json_array_foreach(json_object_get(vectors, "orders"), i, v) {
    pmm_poly_signer_t *const signer = signer_of(text_of(v, "private_key"));
    pmm_poly_order_t const order = order_of(v);
    bool const neg_risk = json_is_true(json_object_get(json_object_get(v, "input"), "neg_risk"));
    pmm_poly_domain_t domain;
    pmm_poly_word_t id;
    pmm_poly_address_t by;
    uint8_t sig[PMM_POLY_SIG_MAX];
    char hex[2 * PMM_POLY_SIG_MAX + 3];
    size_t sig_len;
    assert_int_equal(pmm_poly_domain(order.version, neg_risk, (uint64_t)json_integer_value(json_object_get(v, "chain_id")), &domain), PMM_OK);
    assert_word(&domain.separator, v, "domain_separator");
    assert_int_equal(pmm_poly_order_sign(signer, &domain, &order, &id, sig, &sig_len), PMM_OK);
    assert_word(&id, v, "order_id");
    pmm_poly_hex(sig, sig_len, hex);
    assert_string_equal(hex, text_of(v, "signature"));
    assert_int_equal(pmm_poly_order_recover(&domain, &order, sig, sig_len, &by), PMM_OK);
    assert_true(pmm_poly_address_eq(&by, pmm_poly_signer_address(signer)));
    check_order_body(v, &order, sig, sig_len);
    check_tampering(signer, &domain, &order, sig, sig_len);
    pmm_poly_signer_free(signer);
  }
}

static void test_order_limits(void **state) {
  static const uint8_t seed[32] = {0};
  pmm_poly_signer_t *const signer = signer_of("0x0000000000000000000000000000000000000000000000000000000000000001");
  pmm_poly_domain_t v1, v2;
  pmm_poly_order_t const good = {.version = 2, .salt = PMM_POLY_SALT_MAX, .maker_e6 = 1, .taker_e6 = 1};
  pmm_poly_order_t o = good;
  pmm_poly_word_t id;
  uint8_t sig[PMM_POLY_SIG_MAX];
  size_t len;
  (void)state;
  assert_int_equal(pmm_poly_domain(1, false, 137, &v1), PMM_OK);
  assert_int_equal(pmm_poly_domain(2, false, 137, &v2), PMM_OK);
  assert_int_equal(pmm_poly_order_sign(signer, &v2, &o, &id, sig, &len), PMM_OK);
  assert_int_equal(pmm_poly_order_sign(signer, &v1, &o, &id, sig, &len), PMM_INVAL);
  o.salt++;
  assert_int_equal(pmm_poly_order_sign(signer, &v2, &o, &id, sig, &len), PMM_INVAL);
  o = good, o.side = 2;
  assert_int_equal(pmm_poly_order_sign(signer, &v2, &o, &id, sig, &len), PMM_INVAL);
  o = good, o.version = 1, o.signature_type = PMM_POLY_DEPOSIT; /* no deposit wallets in version 1 */
  assert_int_equal(pmm_poly_order_sign(signer, &v1, &o, &id, sig, &len), PMM_INVAL);
  pmm_poly_signer_free(signer);

  pmm_poly_signer_t *none = NULL;
  pmm_error_t err;
  static const char *const bad[] = {"", "0x", "12", "0xzz00000000000000000000000000000000000000000000000000000000000001",
                                    "0000000000000000000000000000000000000000000000000000000000000000",
                                    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"}; /* the group's order */
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    assert_int_not_equal(pmm_poly_signer_new(bad[i], strlen(bad[i]), seed, &none, &err), PMM_OK);
    assert_null(none);
    assert_true(strlen(bad[i]) < 8 || !strstr(err.text, bad[i]));
  }
}

static void test_widest_order(void **state) {
  pmm_poly_order_t o = {.version = 2, .side = PMM_POLY_SELL, .signature_type = 255, .salt = UINT64_MAX, .maker_e6 = UINT64_MAX, .taker_e6 = UINT64_MAX,
                        .timestamp_ms = UINT64_MAX, .expiration_s = UINT64_MAX, .nonce = UINT64_MAX, .fee_rate_bps = UINT64_MAX};
  uint8_t sig[PMM_POLY_SIG_MAX] = {0};
  char buf[PMM_POLY_ORDER_JSON_MAX];
  (void)state;
  memset(o.token.b, 255, 32);
  assert_in_range(pmm_poly_order_json(&o, sig, sizeof sig, buf), 1000, sizeof buf - 1);
  o.version = 1;
  assert_in_range(pmm_poly_order_json(&o, sig, sizeof sig, buf), 1000, sizeof buf - 1);
}

/* -- amounts -- */
static void test_amounts(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "amounts")), 41);
  json_array_foreach(json_object_get(vectors, "amounts"), i, v) {
    bool const limit = strcmp(text_of(v, "kind"), "limit") == 0;
    pmm_poly_side_t const side = strcmp(text_of(v, "side"), "BUY") == 0 ? PMM_POLY_BUY : PMM_POLY_SELL;
    int64_t const qty = e6_of(json_object_get(v, limit ? "size" : "amount"));
    int32_t const price = e4_of(json_object_get(v, "price"));
    pmm_poly_amounts_t got;
    pmm_status_t const st = limit ? pmm_poly_amounts_limit(side, tick_of(v), price, qty, &got)
                                  : pmm_poly_amounts_market(side, tick_of(v), price, qty, 6, &got);
    assert_int_equal(st, PMM_OK);
    if (got.maker_e6 != strtoull(text_of(v, "makerAmount"), NULL, 10) || got.taker_e6 != strtoull(text_of(v, "takerAmount"), NULL, 10))
      fail_msg("row %zu: %llu for %llu", i, (unsigned long long)got.maker_e6, (unsigned long long)got.taker_e6);
  }
}

static void test_amount_limits(void **state) {
  pmm_poly_amounts_t a = {1, 2};
  (void)state;
  assert_int_equal(pmm_poly_amounts_limit(PMM_POLY_BUY, 20, 5000, 1000000, &a), PMM_INVAL);
  assert_int_equal(pmm_poly_amounts_limit(PMM_POLY_BUY, 100, 0, 1000000, &a), PMM_INVAL);
  assert_int_equal(pmm_poly_amounts_limit(PMM_POLY_BUY, 100, 10001, 1000000, &a), PMM_INVAL);
  assert_int_equal(pmm_poly_amounts_limit(PMM_POLY_BUY, 100, 5000, -1, &a), PMM_INVAL);
  assert_int_equal(pmm_poly_amounts_market(PMM_POLY_BUY, 100, 99, 1000000, 6, &a), PMM_INVAL); /* cut to zero */
  assert_int_equal(pmm_poly_amounts_market(PMM_POLY_BUY, 1, 1, INT64_MAX, 6, &a), PMM_OVERFLOW);
  assert_int_equal(a.maker_e6, 1); /* untouched so far */
  assert_int_equal(pmm_poly_amounts_limit(PMM_POLY_SELL, 1, 9999, INT64_MAX, &a), PMM_OK);
  assert_int_equal(pmm_poly_amounts_market(PMM_POLY_BUY, 1, 57, 100000000, 4, &a), PMM_OK);
  assert_int_equal(a.taker_e6, 17543859600); /* the venue takes four decimals */
  static const struct { int32_t tick, price; bool valid; } prices[] = {{100, 100, true}, {100, 9900, true}, {100, 9901, false}, {100, 150, false}, {100, 0, false},
      {10, 10, true}, {10, 9990, true}, {10, 9995, false}, {50, 70, false}, {50, 150, true}, {25, 75, true}, {1, 9999, true}, {1, 10000, false}, {1000, 1000, true}, {20, 20, false}};
  for (size_t i = 0; i < COUNT_OF(prices); i++) assert_int_equal(pmm_poly_price_is_valid(prices[i].tick, prices[i].price), prices[i].valid);
}

static void test_buy_amount(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "adjust_buy_amount_for_fees")), 5);
  json_array_foreach(json_object_get(vectors, "adjust_buy_amount_for_fees"), i, v) {
    int64_t got;
    assert_int_equal(pmm_poly_buy_amount(e6_of(json_object_get(v, "amount")), e4_of(json_object_get(v, "price")), e6_of(json_object_get(v, "user_balance")),
                                         (int32_t)e6_of(json_object_get(v, "fee_rate")), (int)json_integer_value(json_object_get(v, "fee_exponent")),
                                         (int32_t)e6_of(json_object_get(v, "builder_taker_rate")), &got),
                     PMM_OK);
    assert_int_equal(got, e6_of(json_object_get(v, "adjusted_amount")));
  }
  int64_t got = -1;
  assert_int_equal(pmm_poly_buy_amount(100, 0, 100, 1, 1, 0, &got), PMM_INVAL);
  assert_int_equal(pmm_poly_buy_amount(100, 5000, 100, 1, 5, 0, &got), PMM_INVAL);
  assert_int_equal(pmm_poly_buy_amount(INT64_MAX, 5000, INT64_MAX, 1, 1, 0, &got), PMM_OVERFLOW);
  assert_int_equal(pmm_poly_buy_amount(100, 5000, 0, 70000, 1, 0, &got), PMM_OK);
  assert_int_equal(got, 0);
}

static void test_book_hash(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  assert_int_equal(json_array_size(json_object_get(vectors, "book_hash_client_helper")), 2);
  json_array_foreach(json_object_get(vectors, "book_hash_client_helper"), i, v) {
    char hex[41];
    pmm_poly_book_hash(text_of(v, "hashed_json"), strlen(text_of(v, "hashed_json")), hex);
    assert_string_equal(hex, text_of(v, "sha1"));
  }
}

static void test_wallets(void **state) {
  size_t i;
  json_t *v;
  (void)state;
  json_array_foreach(json_object_get(vectors, "wallet_derivation"), i, v) {
    pmm_poly_address_t const owner = address_of(text_of(v, "owner"));
    pmm_poly_address_t wallet;
    char text[PMM_POLY_HEX_ADDRESS];
    pmm_poly_proxy_wallet(&owner, &wallet);
    pmm_poly_address_print(&wallet, text);
    assert_string_equal(text, text_of(v, "poly_proxy"));
    pmm_poly_safe_wallet(&owner, &wallet);
    pmm_poly_address_print(&wallet, text);
    assert_string_equal(text, text_of(v, "gnosis_safe"));
  }
  assert_int_equal(i, 1);
}

static void test_words(void **state) {
  static const struct { const char *text; pmm_status_t want; } rows[] = {
      {"0", PMM_OK}, {"1", PMM_OK}, {"18446744073709551616", PMM_OK},
      {"71321045679252212594626385532706912750332728571942532289631379312455583992563", PMM_OK},
      {"115792089237316195423570985008687907853269984665640564039457584007913129639935", PMM_OK},
      {"115792089237316195423570985008687907853269984665640564039457584007913129639936", PMM_OVERFLOW},
      {"1157920892373161954235709850086879078532699846656405640394575840079131296399350", PMM_OVERFLOW},
      {"", PMM_PARSE}, {"-1", PMM_PARSE}, {"1.0", PMM_PARSE}, {"0x1", PMM_PARSE}, {" 1", PMM_PARSE}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_word_t word;
    char text[PMM_POLY_DEC_WORD];
    if (pmm_poly_word_from_decimal(rows[i].text, strlen(rows[i].text), &word) != rows[i].want) fail_msg("'%s'", rows[i].text);
    if (rows[i].want != PMM_OK) continue;
    pmm_poly_word_to_decimal(&word, text);
    assert_string_equal(text, rows[i].text);
  }
  pmm_poly_word_t one;
  pmm_poly_word_from_u64(258, &one);
  assert_int_equal(one.b[30] * 256 + one.b[31], 258);
  pmm_poly_address_t address;
  assert_int_equal(pmm_poly_address_parse("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226", 41, &address), PMM_PARSE);
  assert_int_equal(pmm_poly_address_parse("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226g", 42, &address), PMM_PARSE);
}

/* Keccak at every length around its block of 136 bytes: the sponge must not care where a block ends, which a copy that absorbs
   byte by byte into nettle's state checks. */
static void test_keccak(void **state) {
  static const struct { size_t len; const char *want; } rows[] = {
      {0, "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
      {135, "0x34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"},
      {136, "0xa6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"},
      {137, "0xd869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"}};
  char text[137], got[PMM_POLY_HEX_WORD];
  (void)state;
  memset(text, 'a', sizeof text);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_word_t hash;
    pmm_keccak256(text, rows[i].len, &hash);
    pmm_poly_hex(hash.b, 32, got);
    assert_string_equal(got, rows[i].want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_addresses), cmocka_unit_test(test_type_hashes), cmocka_unit_test(test_domains), cmocka_unit_test(test_l1),
      cmocka_unit_test(test_l2), cmocka_unit_test(test_l2_secrets), cmocka_unit_test(test_orders), cmocka_unit_test(test_order_limits),
      cmocka_unit_test(test_widest_order), cmocka_unit_test(test_amounts), cmocka_unit_test(test_amount_limits), cmocka_unit_test(test_buy_amount),
      cmocka_unit_test(test_book_hash), cmocka_unit_test(test_wallets), cmocka_unit_test(test_words), cmocka_unit_test(test_keccak)};
  return cmocka_run_group_tests_name("polymarket sign", tests, load, unload);
}
