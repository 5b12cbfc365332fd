#include "net/header.h"
#include <strings.h>

const char *pmm__headers_find(const pmm__headers_t *headers, const char *name) {
  for (size_t i = 0; headers && i < headers->cnt; i++)
    if (strcasecmp(headers->header[i].name, name) == 0) return headers->header[i].value;
  return NULL;
}

const char *pmm_http_header(const pmm_http_response_t *response, const char *name) { return pmm__headers_find(response->impl, name); }
