#include "base/check.h"
#include "pmm/hash.h"

/* CRC-32C bit by bit, as the polynomial is written. */
static uint32_t slow_crc32c(uint32_t crc, const unsigned char *p, size_t len, uint32_t polynomial) {
  crc = ~crc;
  for (size_t i = 0; i < len; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
  }
  return ~crc;
}

static void crc_known_answers(void **state) {
  (void)state;
  unsigned char bytes[32] = {0};
  assert_int_equal(pmm_crc32c(0, "123456789", 9), 0xe3069283);
  assert_int_equal(pmm_crc32c(0, bytes, 0), 0);
  assert_int_equal(pmm_crc32c(0, bytes, 32), 0x8a9136aa); /* RFC 3720, B.4 */
  memset(bytes, 0xff, 32);
  assert_int_equal(pmm_crc32c(0, bytes, 32), 0x62a8ab43);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(pmm_crc32c(0, bytes, 32), 0x46dd794e);
}

static uint64_t crc(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  static unsigned char data[4096];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)pmm_rng_u64(&rng);
  for (uint64_t n = 0; n < ops; n++) {
    size_t const from = pmm_rng_below(&rng, 64), len = pmm_rng_below(&rng, pmm_rng_below(&rng, 4) ? 100 : 4000);
    size_t const cut = pmm_rng_below(&rng, len + 1);
    uint32_t const whole = pmm_crc32c(0, data + from, len);
    uint32_t const parts = pmm_crc32c(pmm_crc32c(0, data + from, cut), data + from + cut, len - cut);
    if (whole != slow_crc32c(0, data + from, len, broken ? 0xedb88320 : 0x82f63b78) || parts != whole) return n;
  }
  return NO_MISMATCH;
}

static void crc_matches_model(void **state) {
  (void)state;
  check_random("crc32c", crc, 5000);
  check_canary("crc32c", crc, 100);
}

static void hash64_known_answers(void **state) {
  (void)state;
  assert_true(pmm_hash64("", 0, 0) == UINT64_C(0x2d06800538d394c2));
  assert_true(pmm_hash64("a", 1, 0) == UINT64_C(0xe6c632b61e964e1f));
  assert_true(pmm_hash64("abc", 3, 0) == UINT64_C(0x78af5f94892f3950));
  assert_true(pmm_hash64("abc", 3, 1) != pmm_hash64("abc", 3, 0));
}

static void hash_mix_is_stable_and_ordered(void **state) {
  (void)state;
  assert_true(pmm_hash_mix(pmm_hash_mix(0, 1), 2) != pmm_hash_mix(pmm_hash_mix(0, 2), 1));
  uint64_t h = 0;
  for (uint64_t v = 0; v < 1000; v++) h = pmm_hash_mix(h, v * v);
  if (h != UINT64_C(0x9a62b4b78b3f3b64)) fail_msg("0x%016llx", (unsigned long long)h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc_known_answers),
      cmocka_unit_test(crc_matches_model),
      cmocka_unit_test(hash64_known_answers),
      cmocka_unit_test(hash_mix_is_stable_and_ordered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
