/* Source files: lines, gzip with several members, and what is wrong with them. */
#include <zlib.h>
#include "tape/input.h"
#include "tape/tape_test.h"

static void assert_lines(pmm__input_t *in, const char *const *want, size_t cnt) {
  const char *line;
  size_t len;
  pmm_error_t err = {0};
  for (size_t i = 0; i < cnt; i++) {
    ASSERT_OK(pmm__input_line(in, &line, &len, &err), err);
    assert_int_equal(len, strlen(want[i]));
    assert_memory_equal(line, want[i], len);
  }
  assert_int_equal(pmm__input_line(in, &line, &len, &err), PMM_END);
  assert_int_equal(pmm__input_line(in, &line, &len, &err), PMM_END);
  pmm__input_close(in);
}

static void test_lines(void **state) {
  (void)state;
  static const struct { const char *text; const char *want[3]; size_t cnt; } rows[] = {
      {"", {NULL}, 0}, {"\n\n", {NULL}, 0}, {"a", {"a"}, 1}, {"a\nb\r\n", {"a", "b"}, 2}, {"\n a \n \t\nb", {" a ", "b"}, 2}, {"\r\n", {NULL}, 0}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm__input_t *in;
    pmm_error_t err = {0};
    ASSERT_OK(pmm__input_memory(&in, "m", rows[i].text, strlen(rows[i].text), &err), err);
    assert_lines(in, rows[i].want, rows[i].cnt);
    write_file(scratch("l"), rows[i].text, strlen(rows[i].text));
    ASSERT_OK(pmm__input_open(&in, scratch("l"), &err), err);
    assert_lines(in, rows[i].want, rows[i].cnt);
  }
}

/* Lines of all lengths around the buffers' sizes, plain and gzip, from file and memory. */
static void test_long_lines(void **state) {
  (void)state;
  static const size_t lengths[] = {1, 5000, 131071, 131072, 131073, 262143, 262144, 700000, 3, 2000000, 1};
  char *const line = malloc(2000000);
  for (int gz = 0; gz < 2; gz++) {
    gzFile out = gzopen(scratch("long"), gz ? "wb1" : "wbT");
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
      memset(line, 'a' + (int)i, lengths[i]);
      gzwrite(out, line, (unsigned)lengths[i]);
      gzputc(out, '\n');
    }
    gzclose(out);
    size_t file_len;
    unsigned char *const data = read_file(scratch("long"), &file_len);
    for (int memory = 0; memory < 2; memory++) {
      pmm__input_t *in;
      pmm_error_t err = {0};
      const char *got;
      size_t len;
      if (memory) ASSERT_OK(pmm__input_memory(&in, "m", data, file_len, &err), err);
      else ASSERT_OK(pmm__input_open(&in, scratch("long"), &err), err);
      for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        ASSERT_OK(pmm__input_line(in, &got, &len, &err), err);
        assert_int_equal(len, lengths[i]);
        assert_int_equal(got[0], 'a' + (int)i);
        assert_int_equal(got[len - 1], 'a' + (int)i);
        assert_int_equal(pmm__input_line_no(in), i + 1);
      }
      assert_int_equal(pmm__input_line(in, &got, &len, &err), PMM_END);
      assert_int_equal(pmm__input_consumed(in), file_len);
      pmm__input_close(in);
    }
    free(data);
  }
  free(line);
}

static size_t gzip(const char *text, unsigned char *out, size_t cap) {
  z_stream z = {0};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = (unsigned char *)(uintptr_t)text;
  z.avail_in = (unsigned)strlen(text);
  z.next_out = out;
  z.avail_out = (unsigned)cap;
  deflate(&z, Z_FINISH);
  size_t const len = z.total_out;
  deflateEnd(&z);
  return len;
}

static void test_gzip(void **state) {
  (void)state;
  static const char *const want[] = {"one", "two", "three"};
  unsigned char data[512];
  size_t len = gzip("one\ntw", data, sizeof data);
  len += gzip("o\nthree", data + len, sizeof data - len); /* two members, as appending recorders write */
  pmm__input_t *in;
  pmm_error_t err = {0};
  ASSERT_OK(pmm__input_memory(&in, "m", data, len, &err), err);
  assert_lines(in, want, 3);
  for (size_t cut = 2; cut < len; cut++) { /* cut anywhere but between the members it is an error */
    const char *line;
    size_t n;
    pmm_status_t st;
    ASSERT_OK(pmm__input_memory(&in, "cut.gz", data, cut, &err), err);
    while ((st = pmm__input_line(in, &line, &n, &err)) == PMM_OK) continue;
    if (st == PMM_END) assert_int_equal(cut, gzip("one\ntw", (unsigned char[512]){0}, 512));
    else assert_non_null(strstr(err.text, "cut.gz:"));
    pmm__input_close(in);
  }
  data[14] ^= 0xff;
  ASSERT_OK(pmm__input_memory(&in, "bad.gz", data, len, &err), err);
  const char *line;
  size_t n;
  pmm_status_t st;
  while ((st = pmm__input_line(in, &line, &n, &err)) == PMM_OK) continue;
  assert_int_equal(st, PMM_PARSE);
  assert_non_null(strstr(err.text, "bad.gz:1: byte"));
  assert_non_null(strstr(err.text, "damaged"));
  pmm__input_close(in);
}

static void test_rest(void **state) {
  (void)state;
  pmm__input_t *in;
  pmm_error_t err = {0};
  const char *text;
  size_t len;
  ASSERT_OK(pmm__input_memory(&in, "m", "a\nb\n", 4, &err), err);
  ASSERT_OK(pmm__input_rest(in, &text, &len, &err), err);
  assert_int_equal(len, 4);
  assert_memory_equal(text, "a\nb\n", 4);
  assert_int_equal(pmm__input_rest(in, &text, &len, &err), PMM_END);
  pmm__input_close(in);
}

static void test_missing(void **state) {
  (void)state;
  pmm__input_t *in;
  pmm_error_t err = {0};
  const char *line;
  size_t len;
  assert_int_equal(pmm__input_open(&in, scratch("none"), &err), PMM_IO);
  assert_non_null(strstr(err.text, "none: No such file"));
  ASSERT_OK(pmm__input_open(&in, scratch_dir, &err), err); /* a folder opens but does not read */
  assert_int_equal(pmm__input_line(in, &line, &len, &err), PMM_IO);
  pmm__input_close(in);
  pmm__input_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_long_lines), cmocka_unit_test(test_gzip), cmocka_unit_test(test_rest), cmocka_unit_test(test_missing)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
