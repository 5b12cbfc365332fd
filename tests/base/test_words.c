/* Words of text against the same done byte by byte: every length, every byte behind a run of digits. */
#include "base/words.h"
#include "base/check.h"

static void a_run_ends_at_any_other_byte(void **state) {
  (void)state;
  for (uint32_t cnt = 0; cnt < 8; cnt++)
    for (int stop = 0; stop < 256; stop++)
      for (int behind = 0; behind < 256; behind++) {
        char text[8] = "09182736";
        if (stop >= '0' && stop <= '9') continue;
        memset(text + cnt, behind, 8 - cnt);
        text[cnt] = (char)stop;
        if (pmm_word_digits(pmm_word_load(text)) != cnt) fail_msg("%u digits, then %d and %d", cnt, stop, behind);
      }
  assert_int_equal(pmm_word_digits(pmm_word_load("90817263")), 8);
}

static uint64_t values(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    uint32_t const cnt = (uint32_t)check_between(&rng, 1, 8);
    uint32_t value = 0, fraction = 0;
    char text[8];
    for (uint32_t i = 0; i < 8; i++) {
      text[i] = (char)(i < cnt ? check_between(&rng, '0', '9') : check_between(&rng, 0, 255));
      if (i < cnt) value = value * 10 + (uint32_t)(text[i] - '0');
      fraction = fraction * 10 + (uint32_t)(i < cnt ? text[i] - '0' : 0);
    }
    uint64_t const word = pmm_word_load(text);
    if (pmm_word_value(word, cnt) != value + broken) return n;
    if (cnt < 8 && (pmm_word_fraction(word, cnt) != fraction || pmm_word_fraction(word, 0) != 0)) return n;
  }
  return NO_MISMATCH;
}

static void values_match_model(void **state) {
  (void)state;
  check_random("words", values, 200000);
}

static void whole_numbers(void **state) {
  (void)state;
  static const struct { const char *text; uint32_t digits; uint64_t value; } rows[] = {
      {"0,              ", 1, 0},        {"7}              ", 1, 7},          {"1234567 99999999", 7, 1234567},  {"12345678,9999999", 8, 12345678},
      {"123456789       ", 9, 123456789}, {"1763715000123,\"c", 13, UINT64_C(1763715000123)}, {"999999999999999,", 15, UINT64_C(999999999999999)},
      {"1234567890123456", 0, 0},        {"01,             ", 0, 0},          {"00000000        ", 0, 0},       {"-1              ", 0, 0},
      {"                ", 0, 0},        {"x123456789012345", 0, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint64_t value = 0;
    assert_int_equal(strlen(rows[i].text), 16);
    if (pmm_word_whole(rows[i].text, &value) != rows[i].digits || value != rows[i].value) fail_msg("%s: %llu", rows[i].text, (unsigned long long)value);
  }
}

static void literals_and_masks(void **state) {
  (void)state;
  assert_true(pmm_word_load("[\"0.\0\0\0") == PMM_WORD("[\"0."));
  assert_true(PMM_WORD_BYTES(0, 8) == UINT64_MAX && PMM_WORD_BYTES(0, 1) == 0xff && PMM_WORD_BYTES(7, 8) == UINT64_C(0xff) << 56);
  assert_true(PMM_WORD_BYTES(3, 5) == UINT64_C(0xffff000000));
}

#define CHECK_SAME(len)                                                                                                  \
  for (size_t i = 0; i < 40; i++) {                                                                                      \
    char a[40], b[40];                                                                                                   \
    memset(a, 'x', sizeof a);                                                                                            \
    memset(b, 'x', sizeof b);                                                                                            \
    assert_true(pmm_word_same(a, b, len));                                                                               \
    b[i] = 'y';                                                                                                          \
    assert_int_equal(pmm_word_same(a, b, len), i >= (len));                                                              \
  }

static void texts_are_the_same_to_their_last_byte_only(void **state) {
  (void)state;
  CHECK_SAME(1)
  CHECK_SAME(7)
  CHECK_SAME(8)
  CHECK_SAME(9)
  CHECK_SAME(15)
  CHECK_SAME(16)
  CHECK_SAME(17)
  CHECK_SAME(31)
  CHECK_SAME(39)
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_ends_at_any_other_byte),
      cmocka_unit_test(values_match_model),
      cmocka_unit_test(whole_numbers),
      cmocka_unit_test(literals_and_masks),
      cmocka_unit_test(texts_are_the_same_to_their_last_byte_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
