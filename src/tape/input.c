#include "input.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "base/json.h"

#define READ_LEN ((size_t)1 << 17)
#define FIRST_CAP ((size_t)1 << 18)

struct pmm__input {
  char *name;
  int fd; /* -1: memory */
  const unsigned char *memory;
  size_t memory_len;
  unsigned char *read_buffer; /* of fd */
  const unsigned char *raw;   /* read, not yet taken */
  size_t raw_len;
  uint64_t consumed, line_no;
  bool started, is_gzip, in_member, raw_ended;
  z_stream z;
  char *text; /* text[at..end) is decoded and not yet given out */
  size_t at, end, cap;
};

void pmm__input_close(pmm__input_t *in) {
  if (!in) return;
  if (in->fd >= 0) close(in->fd);
  if (in->is_gzip) inflateEnd(&in->z);
  free(in->read_buffer);
  free(in->text);
  free(in->name);
  free(in);
}

static pmm__input_t *input_new(const char *name) {
  pmm__input_t *const in = calloc(1, sizeof *in);
  if (!in) return NULL;
  in->fd = -1;
  in->name = strdup(name);
  in->text = malloc(FIRST_CAP + PMM_JSON_PAD);
  in->cap = FIRST_CAP;
  if (in->name && in->text) return in;
  pmm__input_close(in);
  return NULL;
}

static pmm_status_t out_of_memory(const char *name, pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "%s: out of memory", name); }

pmm_status_t pmm__input_open(pmm__input_t **input, const char *path, pmm_error_t *err) {
  pmm__input_t *const in = input_new(path);
  if (!in || !(in->read_buffer = malloc(READ_LEN))) {
    pmm__input_close(in);
    return out_of_memory(path, err);
  }
  in->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (in->fd < 0) {
    pmm_error_set(err, PMM_IO, "%s: %s", path, strerror(errno));
    pmm__input_close(in);
    return PMM_IO;
  }
  *input = in;
  return PMM_OK;
}

pmm_status_t pmm__input_memory(pmm__input_t **input, const char *name, const void *data, size_t len, pmm_error_t *err) {
  pmm__input_t *const in = input_new(name);
  if (!in) return out_of_memory(name, err);
  in->memory = data;
  in->memory_len = len;
  *input = in;
  return PMM_OK;
}

const char *pmm__input_name(const pmm__input_t *in) { return in->name; }
uint64_t pmm__input_line_no(const pmm__input_t *in) { return in->line_no; }
uint64_t pmm__input_consumed(const pmm__input_t *in) { return in->consumed - in->raw_len; }

static pmm_status_t refill_raw(pmm__input_t *in, pmm_error_t *err) {
  if (in->raw_len > 0 || in->raw_ended) return PMM_OK;
  if (in->fd < 0) {
    in->raw = in->memory;
    in->raw_len = in->memory_len;
    in->raw_ended = true;
  } else {
    ssize_t n;
    while ((n = read(in->fd, in->read_buffer, READ_LEN)) < 0 && errno == EINTR) continue;
    if (n < 0) return pmm_error_set(err, PMM_IO, "%s: read: %s", in->name, strerror(errno));
    in->raw = in->read_buffer;
    in->raw_len = (size_t)n;
    in->raw_ended = n == 0;
  }
  in->consumed += in->raw_len;
  return PMM_OK;
}

static pmm_status_t start(pmm__input_t *in, pmm_error_t *err) {
  in->started = true;
  pmm_status_t const st = refill_raw(in, err);
  if (st != PMM_OK || in->raw_len < 2 || in->raw[0] != 0x1f || in->raw[1] != 0x8b) return st;
  if (inflateInit2(&in->z, 15 + 16) != Z_OK) return out_of_memory(in->name, err);
  in->is_gzip = in->in_member = true;
  return PMM_OK;
}

static pmm_status_t bad_gzip(const pmm__input_t *in, const char *why, pmm_error_t *err) {
  return pmm_error_set(err, PMM_PARSE, "%s:%llu: byte %llu of the compressed file: %s", in->name, (unsigned long long)in->line_no + 1,
                       (unsigned long long)pmm__input_consumed(in), why);
}

static size_t clamp_uint(size_t n) { return n < (size_t)1 << 30 ? n : (size_t)1 << 30; }

/* Decodes some bytes into room at the end of text; *got 0 at the end of the data. */
static pmm_status_t inflate_some(pmm__input_t *in, size_t room, size_t *got, pmm_error_t *err) {
  *got = 0;
  while (*got == 0) {
    pmm_status_t const st = refill_raw(in, err);
    if (st != PMM_OK) return st;
    if (in->raw_len == 0) return in->in_member ? bad_gzip(in, "gzip data end early", err) : PMM_OK;
    if (!in->in_member && inflateReset(&in->z) != Z_OK) return bad_gzip(in, "gzip state lost", err);
    in->in_member = true;
    in->z.next_in = (unsigned char *)(uintptr_t)in->raw;
    in->z.avail_in = (unsigned)clamp_uint(in->raw_len);
    in->z.next_out = (unsigned char *)in->text + in->end;
    in->z.avail_out = (unsigned)clamp_uint(room);
    int const code = inflate(&in->z, Z_NO_FLUSH);
    *got = (size_t)(in->z.next_out - ((unsigned char *)in->text + in->end));
    in->raw_len -= (size_t)(in->z.next_in - in->raw);
    in->raw = in->z.next_in;
    if (code == Z_STREAM_END) in->in_member = false; /* gzip files may hold several members */
    else if (code != Z_OK && code != Z_BUF_ERROR) return bad_gzip(in, "gzip data damaged", err);
  }
  return PMM_OK;
}

static pmm_status_t copy_some(pmm__input_t *in, size_t room, size_t *got, pmm_error_t *err) {
  pmm_status_t const st = refill_raw(in, err);
  if (st != PMM_OK) return st;
  *got = in->raw_len < room ? in->raw_len : room;
  memcpy(in->text + in->end, in->raw, *got);
  in->raw += *got;
  in->raw_len -= *got;
  return PMM_OK;
}

static pmm_status_t make_room(pmm__input_t *in, pmm_error_t *err) {
  if (in->at > 0) {
    memmove(in->text, in->text + in->at, in->end - in->at);
    in->end -= in->at;
    in->at = 0;
  }
  if (in->end < in->cap / 2) return PMM_OK;
  if (in->cap >= PMM__LINE_MAX)
    return pmm_error_set(err, PMM_PARSE, "%s:%llu: byte 1: longer than %zu bytes", in->name, (unsigned long long)in->line_no + 1,
                         PMM__LINE_MAX);
  char *const grown = realloc(in->text, in->cap * 2 + PMM_JSON_PAD);
  if (!grown) return out_of_memory(in->name, err);
  in->text = grown;
  in->cap *= 2;
  return PMM_OK;
}

static pmm_status_t more_text(pmm__input_t *in, size_t *got, pmm_error_t *err) {
  pmm_status_t st = in->started ? PMM_OK : start(in, err);
  if (st == PMM_OK) st = make_room(in, err);
  if (st != PMM_OK) return st;
  st = in->is_gzip ? inflate_some(in, in->cap - in->end, got, err) : copy_some(in, in->cap - in->end, got, err);
  if (st != PMM_OK) return st;
  in->end += *got;
  memset(in->text + in->end, 0, PMM_JSON_PAD); /* scanned along with the last line, though its value does not matter */
  return PMM_OK;
}

/* One line, blank or not; without a newline at the very end too. */
static pmm_status_t any_line(pmm__input_t *in, const char **line, size_t *len, pmm_error_t *err) {
  size_t searched = 0;
  for (;;) {
    const char *const from = in->text + in->at;
    const char *const newline = memchr(from + searched, '\n', in->end - in->at - searched);
    size_t got = 0;
    searched = in->end - in->at;
    if (!newline) {
      pmm_status_t const st = more_text(in, &got, err);
      if (st != PMM_OK) return st;
      if (got > 0) continue;
      if (searched == 0) return PMM_END;
    }
    *line = in->text + in->at;
    *len = newline ? (size_t)(newline - from) : searched;
    in->at += *len + (newline != NULL);
    in->line_no++;
    return PMM_OK;
  }
}

static bool is_blank(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (s[i] != ' ' && s[i] != '\t') return false;
  return true;
}

pmm_status_t pmm__input_line(pmm__input_t *in, const char **line, size_t *len, pmm_error_t *err) {
  for (;;) {
    pmm_status_t const st = any_line(in, line, len, err);
    if (st != PMM_OK) return st;
    if (*len > 0 && (*line)[*len - 1] == '\r') --*len;
    if (!is_blank(*line, *len)) return PMM_OK;
  }
}

pmm_status_t pmm__input_rest(pmm__input_t *in, const char **text, size_t *len, pmm_error_t *err) {
  size_t got = 1;
  while (got > 0) {
    pmm_status_t const st = more_text(in, &got, err);
    if (st != PMM_OK) return st;
  }
  *text = in->text + in->at;
  *len = in->end - in->at;
  in->at = in->end;
  in->line_no = 1;
  return *len > 0 ? PMM_OK : PMM_END;
}
