/* report_page.c -- pages: a JSON document, deflated and in base64, inside a template with script and style; and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "report_impl.h"

#define DATA_MARK "<script type=\"application/octet-stream\" id=\"pmm-data\" data-kind=\""
#define FILE_MAX_BYTES ((size_t)1 << 30)

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(FILE *out, const unsigned char *in, size_t len) {
  char line[4 * 1024];
  size_t n = 0;
  for (size_t i = 0; i < len; i += 3) {
    size_t const left = len - i;
    uint32_t const x = (uint32_t)in[i] << 16 | (uint32_t)(left > 1 ? in[i + 1] : 0) << 8 | (uint32_t)(left > 2 ? in[i + 2] : 0);
    line[n++] = BASE64[x >> 18];
    line[n++] = BASE64[x >> 12 & 63];
    line[n++] = left > 1 ? BASE64[x >> 6 & 63] : '=';
    line[n++] = left > 2 ? BASE64[x & 63] : '=';
    if (n == sizeof line) { fwrite(line, 1, n, out); n = 0; }
  }
  fwrite(line, 1, n, out);
}

/* Decodes in place up to the first character that is none of base64's; returns the length. */
static size_t read_base64(unsigned char *text, size_t len) {
  uint32_t acc = 0;
  int bits = 0;
  size_t n = 0;
  for (size_t i = 0; i < len && text[i]; i++) {
    const char *const at = strchr(BASE64, text[i]);
    if (!at) break;
    acc = acc << 6 | (uint32_t)(at - BASE64);
    bits += 6;
    if (bits >= 8) text[n++] = (unsigned char)(acc >> (bits -= 8));
  }
  return n;
}

static void write_text(FILE *out, const char *text) {
  for (; *text; text++) switch (*text) {
    case '&': fputs("&amp;", out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '"': fputs("&quot;", out); break;
    default: fputc(*text, out);
  }
}

typedef struct page { const char *kind, *title; const unsigned char *packed; size_t packed_len, json_len; } page_t;

static void write_data(FILE *out, const page_t *p) {
  fprintf(out, DATA_MARK "%s\" data-size=\"%zu\">", p->kind, p->json_len);
  write_base64(out, p->packed, p->packed_len);
  fputs("</script>", out);
}

/* The template has {{title}}, {{style}}, {{script}} and {{data}} where these go. */
static void write_slot(FILE *out, const page_t *p, const char *name, size_t len) {
  if (len == 5 && memcmp(name, "title", 5) == 0) write_text(out, p->title);
  else if (len == 5 && memcmp(name, "style", 5) == 0) fwrite(pmm__report_css, 1, pmm__report_css_size, out);
  else if (len == 6 && memcmp(name, "script", 6) == 0) fwrite(pmm__report_js, 1, pmm__report_js_size, out);
  else if (len == 4 && memcmp(name, "data", 4) == 0) write_data(out, p);
}

static void write_template(FILE *out, const page_t *p) {
  const char *at = (const char *)pmm__report_html, *const end = at + pmm__report_html_size;
  while (at < end) {
    const char *const open = memmem(at, (size_t)(end - at), "{{", 2), *const close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
    if (!close) break;
    fwrite(at, 1, (size_t)(open - at), out);
    write_slot(out, p, open + 2, (size_t)(close - open - 2));
    at = close + 2;
  }
  fwrite(at, 1, (size_t)(end - at), out);
}

static bool known_kind(const char *kind) { return strcmp(kind, "backtest") == 0 || strcmp(kind, "compare") == 0 || strcmp(kind, "sweep") == 0; }

pmm_status_t pmm_report_page(FILE *out, const char *kind, const char *title, const char *json, size_t len, pmm_error_t *err) {
  if (!known_kind(kind)) return pmm_error_set(err, PMM_INVAL, "report: kind '%s' (known: backtest, compare, sweep)", kind);
  json_error_t je;
  json_t *const doc = json_loadb(json, len, 0, &je);
  const char *const wrong = json_is_object(doc) ? NULL : doc ? "it is another value" : je.text;
  json_decref(doc);
  if (wrong) return pmm_error_set(err, PMM_INVAL, "report: the document is no JSON object: %s", wrong);
  uLongf packed_len = compressBound(len);
  unsigned char *const packed = malloc(packed_len);
  if (!packed || compress2(packed, &packed_len, (const unsigned char *)json, len, Z_DEFAULT_COMPRESSION) != Z_OK) {
    free(packed);
    return pmm_error_set(err, PMM_FULL, "report: no memory");
  }
  page_t const page = {.kind = kind, .title = title, .packed = packed, .packed_len = packed_len, .json_len = len};
  write_template(out, &page);
  free(packed);
  return ferror(out) ? pmm_error_set(err, PMM_IO, "report: writing failed") : PMM_OK;
}

/* -- a run's page -- */
static char *document_text(const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, char title[128], pmm_error_t *err) {
  if (!r->finished) {
    pmm_error_set(err, PMM_STATE, "report: no run was recorded");
    return NULL;
  }
  json_t *const doc = pmm__report_document(r, info, result, err);
  if (!doc) return NULL;
  snprintf(title, 128, "%s", json_string_value(json_object_get(doc, "title")));
  char *const text = json_dumps(doc, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
  json_decref(doc);
  if (!text) pmm_error_set(err, PMM_FULL, "report: no memory");
  return text;
}

static pmm_status_t status_of(const pmm_error_t *err) { return err->status != PMM_OK ? err->status : PMM_FULL; }

pmm_status_t pmm_report_write(FILE *out, const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err) {
  pmm_error_t local = {0};
  char title[128];
  char *const text = document_text(r, info, result, title, &local);
  pmm_status_t const st = text ? pmm_report_page(out, "backtest", title, text, strlen(text), &local) : status_of(&local);
  free(text);
  if (st != PMM_OK && err) *err = local;
  return st;
}

pmm_status_t pmm_report_write_json(FILE *out, const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err) {
  pmm_error_t local = {0};
  char title[128];
  char *const text = document_text(r, info, result, title, &local);
  if (!text) {
    if (err) *err = local;
    return status_of(&local);
  }
  fputs(text, out);
  fputc('\n', out);
  free(text);
  return ferror(out) ? pmm_error_set(err, PMM_IO, "report: writing failed") : PMM_OK;
}

/* -- reading -- */
static char *read_file(const char *path, size_t *len, pmm_error_t *err) {
  FILE *const f = fopen(path, "rb");
  if (!f) {
    pmm_error_set(err, PMM_IO, "%s: %s", path, strerror(errno));
    return NULL;
  }
  char *text = NULL;
  size_t cap = 0;
  *len = 0;
  for (;;) {
    if (*len + 1 >= cap) {
      char *const more = cap < FILE_MAX_BYTES ? realloc(text, cap = cap ? 2 * cap : 65536) : NULL;
      if (!more) {
        pmm_error_set(err, PMM_FULL, "%s: too large", path);
        break;
      }
      text = more;
    }
    size_t const got = fread(text + *len, 1, cap - *len - 1, f);
    if (got == 0) {
      bool const failed = ferror(f);
      if (failed) pmm_error_set(err, PMM_IO, "%s: %s", path, strerror(errno));
      fclose(f);
      if (failed) break;
      text[*len] = 0;
      return text;
    }
    *len += got;
  }
  free(text);
  return NULL;
}

/* kind" data-size="N">base64</script> */
static pmm_status_t unpack(const char *path, char *at, size_t left, char kind[16], char **json, size_t *len, pmm_error_t *err) {
  char size_text[24];
  int used = 0;
  if (sscanf(at, "%15[a-z]\" data-size=\"%23[0-9]\">%n", kind, size_text, &used) != 2 || used == 0)
    return pmm_error_set(err, PMM_CORRUPT, "%s: the head of its data cannot be read", path);
  unsigned long long const size = strtoull(size_text, NULL, 10);
  if (size == 0 || size > FILE_MAX_BYTES) return pmm_error_set(err, PMM_CORRUPT, "%s: data of %llu bytes", path, size);
  size_t const packed = read_base64((unsigned char *)at + used, left - (size_t)used);
  uLongf got = (uLongf)size;
  char *const text = malloc((size_t)size + 1);
  if (!text) return pmm_error_set(err, PMM_FULL, "%s: no memory", path);
  if (uncompress((unsigned char *)text, &got, (unsigned char *)at + used, packed) != Z_OK || got != size) {
    free(text);
    return pmm_error_set(err, PMM_CORRUPT, "%s: its data is damaged", path);
  }
  text[size] = 0;
  *json = text;
  *len = (size_t)size;
  return PMM_OK;
}

pmm_status_t pmm_report_read(const char *path, char kind[16], char **json, size_t *len, pmm_error_t *err) {
  size_t n;
  pmm_error_t local = {0};
  char *const text = read_file(path, &n, &local);
  if (!text) {
    if (err) *err = local;
    return local.status;
  }
  char *const mark = memmem(text, n, DATA_MARK, sizeof DATA_MARK - 1);
  if (mark) {
    char *const at = mark + sizeof DATA_MARK - 1;
    pmm_status_t const st = unpack(path, at, n - (size_t)(at - text), kind, json, len, err);
    free(text);
    return st;
  }
  json_error_t je;
  json_t *const doc = json_loadb(text, n, 0, &je);
  bool const is_object = json_is_object(doc);
  int const line = doc ? 1 : je.line;
  const char *const reason = doc ? "not an object" : je.text;
  json_decref(doc);
  if (!is_object) {
    free(text);
    return pmm_error_set(err, PMM_PARSE, "%s:%d: neither a report nor a JSON result: %s", path, line, reason);
  }
  kind[0] = 0;
  *json = text;
  *len = n;
  return PMM_OK;
}
