#include "net/head.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void pmm__head_reset(pmm__head_t *head) {
  pmm__buf_clear(&head->target, PMM__HEAD_TARGET_MAX);
  pmm__buf_clear(&head->text, PMM__HEAD_MAX);
  head->cnt = 0;
  head->in_value = head->sealed = false;
  head->trailer_len = 0;
  head->fault = PMM__HEAD_OK;
  head->headers = (pmm__headers_t){head->header, 0};
}

void pmm__head_fini(pmm__head_t *head) {
  pmm__buf_fini(&head->target);
  pmm__buf_fini(&head->text);
}

static bool fault(pmm__head_t *head, pmm__head_fault_t what) {
  if (head->fault == PMM__HEAD_OK) head->fault = what;
  return false;
}

bool pmm__head_target(pmm__head_t *head, const char *text, size_t len) {
  if (head->target.len + len > PMM__HEAD_TARGET_MAX) return fault(head, PMM__HEAD_TARGET_LONG);
  return pmm__buf_put(&head->target, text, len) || fault(head, PMM__HEAD_LARGE);
}

static bool put(pmm__head_t *head, const char *text, size_t len) {
  if (head->text.len + len > PMM__HEAD_MAX) return fault(head, PMM__HEAD_LARGE);
  return pmm__buf_put(&head->text, text, len) || fault(head, PMM__HEAD_LARGE);
}

static bool pass_trailer(pmm__head_t *head, size_t len) {
  head->trailer_len += len;
  return head->trailer_len <= PMM__HEAD_MAX || fault(head, PMM__HEAD_LARGE);
}

bool pmm__head_field(pmm__head_t *head, const char *text, size_t len) {
  if (head->sealed) return pass_trailer(head, len);
  if (head->in_value || head->cnt == 0) { /* a new one begins */
    if (head->cnt == PMM__HEAD_CNT_MAX) return fault(head, PMM__HEAD_LARGE);
    if (head->in_value && !put(head, "", 1)) return false;
    head->in_value = false;
    head->at[head->cnt++][0] = (uint32_t)head->text.len;
  }
  return put(head, text, len);
}

bool pmm__head_value(pmm__head_t *head, const char *text, size_t len) {
  if (head->sealed) return pass_trailer(head, len);
  if (head->cnt == 0) return fault(head, PMM__HEAD_BAD);
  if (!head->in_value) {
    if (!put(head, "", 1)) return false;
    head->in_value = true;
    head->at[head->cnt - 1][1] = (uint32_t)head->text.len;
  }
  return put(head, text, len);
}

bool pmm__head_seal(pmm__head_t *head) {
  if (head->cnt > 0 && !put(head, "", 1)) return false;
  if (!pmm__buf_put(&head->target, "", 1) || !pmm__buf_reserve(&head->text, 1)) return fault(head, PMM__HEAD_LARGE);
  size_t texts = 0;
  for (const char *c = pmm__buf_data(&head->text), *end = c + head->text.len; c < end; c++) texts += *c == '\0';
  if (texts != 2 * head->cnt || strlen(pmm__buf_data(&head->target)) + 1 != head->target.len) return fault(head, PMM__HEAD_BAD);
  for (size_t i = 0; i < head->cnt; i++)
    head->header[i] = (pmm_header_t){pmm__buf_data(&head->text) + head->at[i][0], pmm__buf_data(&head->text) + head->at[i][1]};
  head->headers = (pmm__headers_t){head->header, head->cnt};
  head->sealed = true;
  return true;
}

bool pmm__head_has(const pmm__head_t *head, const char *name, const char *word) {
  size_t const len = strlen(word);
  for (size_t i = 0; i < head->cnt; i++) {
    if (strcasecmp(head->header[i].name, name) != 0) continue;
    for (const char *at = head->header[i].value; *at;) {
      at += strspn(at, " \t,");
      size_t const n = strcspn(at, " \t,;");
      if (n == len && strncasecmp(at, word, len) == 0) return true;
      at += strcspn(at, ",");
    }
  }
  return false;
}

void pmm__head_accept(const char *key, char accept[32]) {
  char text[128];
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  int const n = snprintf(text, sizeof text, "%.60s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  EVP_Digest(text, (size_t)n, digest, &len, EVP_sha1(), NULL);
  EVP_EncodeBlock((unsigned char *)accept, digest, (int)len);
}
