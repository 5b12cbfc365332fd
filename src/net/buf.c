#include "net/buf.h"
#include <stdlib.h>
#include <string.h>

bool pmm__buf_reserve(pmm__buf_t *buf, size_t more) {
  if (buf->cap - buf->at - buf->len >= more && buf->mem) return true;
  if (buf->at > 0 && buf->cap - buf->len >= more) {
    memmove(buf->mem, buf->mem + buf->at, buf->len);
    buf->at = 0;
    return true;
  }
  size_t cap = buf->cap ? buf->cap : 256;
  while (cap - buf->len < more) cap *= 2;
  char *const mem = malloc(cap);
  if (!mem) return false;
  if (buf->len > 0) memcpy(mem, pmm__buf_data(buf), buf->len);
  if (buf->mem) explicit_bzero(buf->mem, buf->cap);
  free(buf->mem);
  *buf = (pmm__buf_t){.mem = mem, .len = buf->len, .cap = cap};
  return true;
}

bool pmm__buf_put(pmm__buf_t *buf, const void *data, size_t len) {
  if (!pmm__buf_reserve(buf, len)) return false;
  if (len > 0) memcpy(pmm__buf_data(buf) + buf->len, data, len);
  buf->len += len;
  return true;
}

void pmm__buf_drop(pmm__buf_t *buf, size_t len) {
  buf->at += len;
  buf->len -= len;
  if (buf->len == 0) buf->at = 0;
}

void pmm__buf_clear(pmm__buf_t *buf, size_t keep) {
  if (buf->cap > keep) pmm__buf_fini(buf);
  buf->at = buf->len = 0;
}

void pmm__buf_fini(pmm__buf_t *buf) {
  if (buf->mem) explicit_bzero(buf->mem, buf->cap);
  free(buf->mem);
  *buf = (pmm__buf_t){0};
}
