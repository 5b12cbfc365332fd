/* net/header.h -- headers of an answer as both networks keep them: what pmm_http_response_t.impl points to. */
#ifndef PMM_NET_HEADER_H
#define PMM_NET_HEADER_H
#include "pmm/net.h"

typedef struct pmm__headers { const pmm_header_t *header; size_t cnt; } pmm__headers_t;
/* First header of that name, case does not matter; NULL. */
const char *pmm__headers_find(const pmm__headers_t *headers, const char *name);
#endif
