/* What tests of Kalshi's codec share: a codec, messages with the padding that readers need, the golden vectors. */
#ifndef PMM_TESTS_KALSHI_RIG_H
#define PMM_TESTS_KALSHI_RIG_H
#include <jansson.h>
#include "base/check.h"
#include "pmm/kalshi.h"

#define RIG_PAD 64
#define RIG_TEXT_MAX (1 << 20)

static pmm_kalshi_codec_t *codec;
static json_t *vectors;
static char rig_buf[RIG_TEXT_MAX + RIG_PAD];
static pmm_error_t rig_err;

static int rig_open(void **state) {
  (void)state;
  json_error_t err;
  vectors = json_load_file("tests/vectors/kalshi_vectors.json", 0, &err);
  return vectors && pmm_kalshi_codec_open(&codec) == PMM_OK ? 0 : 1;
}
static int rig_close(void **state) {
  (void)state;
  json_decref(vectors);
  pmm_kalshi_codec_close(codec);
  return 0;
}

/* A copy with bytes behind it that would be noticed if a reader took them. */
static inline const char *padded(const char *text, size_t *len) {
  *len = strlen(text);
  assert_true(*len < RIG_TEXT_MAX);
  memcpy(rig_buf, text, *len);
  memset(rig_buf + *len, '9', RIG_PAD);
  return rig_buf;
}

static inline pmm_status_t read_frame(const char *text, pmm_kalshi_frame_t *f) {
  size_t len;
  const char *const p = padded(text, &len);
  rig_err = (pmm_error_t){0};
  return pmm_kalshi_frame_read(codec, p, len, f, &rig_err);
}

/* JSON as the venue prints it, without blanks; the caller frees. */
static inline char *dump(const json_t *value) { return json_dumps(value, JSON_COMPACT); }

static inline void text_is(pmm_kalshi_text_t t, const char *want) {
  if (t.len != strlen(want) || (t.len > 0 && memcmp(t.at, want, t.len) != 0)) fail_msg("\"%.*s\", not \"%s\"", (int)t.len, t.at, want);
}
static inline const char *str(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }
#endif
