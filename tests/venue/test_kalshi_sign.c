/* Kalshi's signatures: the golden vectors, keys in every form, headers signed ahead. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "base/check.h"
#include "pmm/kalshi.h"

#define T0 (INT64_C(1790000000123) * PMM_NS_PER_MS)

static json_t *signing;
static json_t *vectors;

static int load(void **state) {
  (void)state;
  vectors = json_load_file("tests/vectors/kalshi_vectors.json", 0, NULL);
  signing = json_object_get(vectors, "signing");
  return signing ? 0 : 1;
}
static int unload(void **state) {
  (void)state;
  json_decref(vectors);
  return 0;
}
static const char *text_of(const json_t *row, const char *key) { return json_string_value(json_object_get(row, key)); }

static pmm_kalshi_key_t *pair(bool ed25519) {
  pmm_kalshi_key_t *key = NULL;
  pmm_error_t err = {0};
  if (pmm_kalshi_key_generate(&key, ed25519, &err) != PMM_OK) fail_msg("%s", err.text);
  return key;
}

static void strings_to_sign(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(signing, "strings");
  assert_int_equal(json_array_size(rows), 7);
  json_array_foreach(rows, i, row) {
    char buf[PMM_KALSHI_SIGN_TEXT_BUF];
    size_t len = 0;
    const char *const path = strchr(strstr(text_of(row, "url"), "://") + 3, '/');
    assert_int_equal(pmm_kalshi_sign_text(text_of(row, "timestamp_ms"), text_of(row, "method"), path, buf, sizeof buf, &len), PMM_OK);
    assert_string_equal(buf, text_of(row, "string_to_sign"));
    assert_int_equal(len, strlen(buf));
  }
}

/* The vectors give the whole message: its first 13 bytes are the time, then the verb, then the path. Some were made over a text with a
   query, which we never sign: there the path as sent is verified. */
static void signatures_verify(void **state) {
  (void)state;
  const json_t *const verify = json_object_get(signing, "verify");
  const char *const pem = text_of(verify, "public_key_pem");
  pmm_kalshi_key_t *key = NULL;
  assert_int_equal(pmm_kalshi_key_read_public(&key, pem, strlen(pem), NULL), PMM_OK);
  size_t i;
  json_t *row;
  int good = 0;
  json_array_foreach(json_object_get(verify, "cases"), i, row) {
    const char *const message = text_of(row, "message");
    char ts[14] = "", method[8] = "";
    memcpy(ts, message, 13);
    size_t const verb = strcspn(message + 13, "/");
    memcpy(method, message + 13, verb);
    pmm_status_t const st = pmm_kalshi_verify(key, ts, method, message + 13 + verb, text_of(row, "signature_b64"));
    bool const valid = json_is_true(json_object_get(row, "valid"));
    good += valid;
    if ((st == PMM_OK) != valid) fail_msg("%s: %s", text_of(row, "why"), pmm_status_to_string(st));
  }
  assert_int_equal(good, 2);
  char signature[PMM_KALSHI_SIGNATURE_BUF];
  assert_int_equal(pmm_kalshi_sign(key, "1790000000123", "GET", "/x", signature), PMM_STATE);
  pmm_kalshi_key_free(key);
}

static void what_is_signed_verifies(void **state) {
  (void)state;
  for (int ed25519 = 0; ed25519 < 2; ed25519++) {
    pmm_kalshi_key_t *const key = pair(ed25519), *other = pair(ed25519);
    char s[PMM_KALSHI_SIGNATURE_BUF], again[PMM_KALSHI_SIGNATURE_BUF];
    assert_int_equal(pmm_kalshi_sign(key, "1790000000123", "GET", "/trade-api/v2/portfolio/orders?status=resting", s), PMM_OK);
    assert_int_equal(pmm_kalshi_sign(key, "1790000000123", "GET", "/trade-api/v2/portfolio/orders", again), PMM_OK);
    assert_int_equal(strcmp(s, again) == 0, ed25519); /* PSS is salted */
    const struct { const char *ts, *method, *path, *signature; pmm_kalshi_key_t *key; pmm_status_t want; } rows[] = {
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", s, key, PMM_OK},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders?a=1", s, key, PMM_OK},
        {"1790000000124", "GET", "/trade-api/v2/portfolio/orders", s, key, PMM_REJECTED},
        {"1790000000123", "POST", "/trade-api/v2/portfolio/orders", s, key, PMM_REJECTED},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/order", s, key, PMM_REJECTED},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", s, other, PMM_REJECTED},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", "", key, PMM_PARSE},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", "AAA", key, PMM_PARSE},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", "AA==AAAA", key, PMM_PARSE},
        {"1790000000123", "GET", "/trade-api/v2/portfolio/orders", "AAAA", key, PMM_REJECTED},
        {"1790000000123", "GET", "", s, key, PMM_INVAL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
      if (pmm_kalshi_verify(rows[i].key, rows[i].ts, rows[i].method, rows[i].path, rows[i].signature) != rows[i].want) fail_msg("row %zu", i);
    pmm_kalshi_key_free(key);
    pmm_kalshi_key_free(other);
  }
}

/* The salt has 32 bytes: OpenSSL is told to accept no other length. */
static void salt_is_as_long_as_the_digest(void **state) {
  (void)state;
  pmm_kalshi_key_t *const key = pair(false);
  char pem[PMM_KALSHI_PEM_BUF], s[PMM_KALSHI_SIGNATURE_BUF];
  assert_int_equal(pmm_kalshi_key_pem(key, false, pem, sizeof pem), PMM_OK);
  assert_int_equal(pmm_kalshi_sign(key, "1790000000123", "GET", "/trade-api/ws/v2", s), PMM_OK);
  BIO *const bio = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *const pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
  unsigned char raw[600];
  int const len = EVP_DecodeBlock(raw, (const unsigned char *)s, (int)strlen(s)) - (s[strlen(s) - 2] == '=' ? 2 : 1);
  static const char message[] = "1790000000123GET/trade-api/ws/v2";
  for (int salt = 31; salt <= 33; salt++) {
    EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, pkey), 1);
    EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt);
    assert_int_equal(EVP_DigestVerify(ctx, raw, (size_t)len, (const unsigned char *)message, sizeof message - 1) == 1, salt == 32);
    EVP_MD_CTX_free(ctx);
  }
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  pmm_kalshi_key_free(key);
}

static void keys_in_every_form(void **state) {
  (void)state;
  pmm_kalshi_key_t *const key = pair(false), *back = NULL;
  char pem[PMM_KALSHI_PEM_BUF], s[PMM_KALSHI_SIGNATURE_BUF];
  assert_int_equal(pmm_kalshi_key_pem(key, true, pem, sizeof pem), PMM_OK);
  assert_int_equal(pmm_kalshi_key_pem(key, true, pem, 100), PMM_FULL);
  assert_int_equal(pmm_kalshi_key_read(&back, pem, strlen(pem), NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_sign(back, "1", "GET", "/a", s), PMM_OK);
  assert_int_equal(pmm_kalshi_verify(key, "1", "GET", "/a", s), PMM_OK);
  pmm_kalshi_key_free(back);
  BIO *const bio = BIO_new_mem_buf(pem, -1), *const out = BIO_new(BIO_s_mem());
  EVP_PKEY *const pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  assert_int_equal(PEM_write_bio_PrivateKey_traditional(out, pkey, NULL, NULL, 0, NULL, NULL), 1);
  char *pkcs1 = NULL;
  long const len = BIO_get_mem_data(out, &pkcs1);
  assert_non_null(strstr(pkcs1, "BEGIN RSA PRIVATE KEY"));
  assert_int_equal(pmm_kalshi_key_read(&back, pkcs1, (size_t)len, NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_sign(back, "1", "GET", "/a", s), PMM_OK);
  assert_int_equal(pmm_kalshi_verify(key, "1", "GET", "/a", s), PMM_OK);
  pmm_kalshi_key_free(back);
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  BIO_free(out);
  pmm_kalshi_key_free(key);
}

static void write_pem(EVP_PKEY *pkey, const EVP_CIPHER *cipher, char *pem, size_t cap) {
  BIO *const out = BIO_new(BIO_s_mem());
  char *text = NULL;
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, pkey, cipher, "secret", 6, NULL, NULL), 1);
  long const len = BIO_get_mem_data(out, &text);
  assert_in_range(len, 1, (long)cap - 1);
  memcpy(pem, text, (size_t)len);
  pem[len] = '\0';
  BIO_free(out);
}

static void keys_refused(void **state) {
  (void)state;
  char small[PMM_KALSHI_PEM_BUF], curve[PMM_KALSHI_PEM_BUF], locked[PMM_KALSHI_PEM_BUF];
  EVP_PKEY *const rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), *const ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
  write_pem(rsa, NULL, small, sizeof small);
  write_pem(ec, NULL, curve, sizeof curve);
  write_pem(rsa, EVP_aes_256_cbc(), locked, sizeof locked);
  const struct { const char *pem; pmm_status_t want; } rows[] = {
      {small, PMM_UNSUPPORTED}, {curve, PMM_UNSUPPORTED}, {locked, PMM_PARSE}, {"", PMM_PARSE},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", PMM_PARSE}, {"ssh-rsa AAAA", PMM_PARSE}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_kalshi_key_t *key = NULL;
    pmm_error_t err = {0};
    assert_int_equal(pmm_kalshi_key_read(&key, rows[i].pem, strlen(rows[i].pem), &err), rows[i].want);
    assert_null(key);
    assert_true(err.text[0] != '\0');
    if (strlen(rows[i].pem) > 40) assert_null(strstr(err.text, rows[i].pem + 30)); /* no key material in messages */
  }
  EVP_PKEY_free(rsa);
  EVP_PKEY_free(ec);
}

/* -- headers signed ahead -- */

static void check_headers(const pmm_kalshi_key_t *key, const pmm_header_t *h, const char *ts, const char *method, const char *path) {
  assert_string_equal(h[0].name, "KALSHI-ACCESS-KEY");
  assert_string_equal(h[0].value, "key-1");
  assert_string_equal(h[1].name, "KALSHI-ACCESS-TIMESTAMP");
  assert_string_equal(h[1].value, ts);
  assert_string_equal(h[2].name, "KALSHI-ACCESS-SIGNATURE");
  assert_int_equal(pmm_kalshi_verify(key, ts, method, path, h[2].value), PMM_OK);
}

static void headers_signed_ahead(void **state) {
  (void)state;
  pmm_kalshi_key_t *const key = pair(true);
  pmm_kalshi_signer_t *s = NULL;
  uint32_t create = 9, cancel = 9;
  pmm_header_t h[PMM_KALSHI_HEADERS];
  static const char orders[] = "/trade-api/v2/portfolio/events/orders";
  assert_int_equal(pmm_kalshi_signer_open(&s, key, "key-1", NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_signer_prepare(s, "POST", orders, &create), PMM_OK);
  assert_int_equal(pmm_kalshi_signer_prepare(s, "DELETE", "/trade-api/v2/portfolio/events/orders/batched?x=1", &cancel), PMM_OK);
  assert_true(pmm_kalshi_signer_refill(s, T0));
  assert_true(pmm_kalshi_signer_refill(s, T0));
  assert_false(pmm_kalshi_signer_refill(s, T0));
  assert_int_equal(pmm_kalshi_signer_at(s, create, T0 + PMM_KALSHI_WINDOW_NS, h), PMM_OK);
  check_headers(key, h, "1790000000123", "POST", orders);
  assert_int_equal(pmm_kalshi_signer_at(s, cancel, T0 - PMM_NS_PER_S, h), PMM_OK); /* a clock that is set back a little */
  check_headers(key, h, "1790000000123", "DELETE", "/trade-api/v2/portfolio/events/orders/batched");
  const pmm_kalshi_signer_stats_t *const stats = pmm_kalshi_signer_stats(s);
  assert_int_equal(stats->ready, 2);
  assert_int_equal(stats->late, 0);
  assert_int_equal(pmm_kalshi_signer_at(s, create, T0 + PMM_KALSHI_WINDOW_NS + PMM_NS_PER_MS, h), PMM_OK); /* too old: signed again */
  check_headers(key, h, "1790000004124", "POST", orders);
  assert_int_equal(stats->late, 1);
  assert_true(pmm_kalshi_signer_refill(s, T0 + 5 * PMM_NS_PER_S)); /* the other one is old, this one is not */
  assert_false(pmm_kalshi_signer_refill(s, T0 + 5 * PMM_NS_PER_S));
  assert_int_equal(pmm_kalshi_signer_sign(s, "GET", "/trade-api/v2/portfolio/fills?limit=5", T0, h), PMM_OK);
  check_headers(key, h, "1790000000123", "GET", "/trade-api/v2/portfolio/fills");
  assert_int_equal(pmm_kalshi_signer_at(s, 2, T0, h), PMM_INVAL);
  pmm_kalshi_signer_close(s);
  pmm_kalshi_key_free(key);
}

static void signers_refused(void **state) {
  (void)state;
  pmm_kalshi_key_t *const key = pair(true);
  pmm_kalshi_signer_t *s = NULL;
  char longest[PMM_KALSHI_KEY_ID_BUF + 1];
  memset(longest, 'a', sizeof longest);
  longest[PMM_KALSHI_KEY_ID_BUF] = '\0';
  assert_int_equal(pmm_kalshi_signer_open(&s, key, "", NULL), PMM_INVAL);
  assert_int_equal(pmm_kalshi_signer_open(&s, key, "a\r\nX-Evil: 1", NULL), PMM_INVAL);
  assert_int_equal(pmm_kalshi_signer_open(&s, key, longest, NULL), PMM_INVAL);
  assert_int_equal(pmm_kalshi_signer_open(&s, key, longest + 1, NULL), PMM_OK);
  uint32_t slot;
  for (int i = 0; i < PMM_KALSHI_PREPARED_MAX; i++) assert_int_equal(pmm_kalshi_signer_prepare(s, "GET", "/a", &slot), PMM_OK);
  assert_int_equal(pmm_kalshi_signer_prepare(s, "GET", "/a", &slot), PMM_FULL);
  pmm_kalshi_signer_close(s);
  pmm_kalshi_key_free(key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_to_sign),    cmocka_unit_test(signatures_verify), cmocka_unit_test(what_is_signed_verifies),
      cmocka_unit_test(salt_is_as_long_as_the_digest), cmocka_unit_test(keys_in_every_form), cmocka_unit_test(keys_refused),
      cmocka_unit_test(headers_signed_ahead), cmocka_unit_test(signers_refused),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
