/* net/http.h -- HTTP requests on the real loop, by libcurl's multi interface: kept connections, HTTP/2 over TLS. */
#ifndef PMM_NET_HTTP_H
#define PMM_NET_HTTP_H
#include "net/loop.h"

pmm_status_t pmm__http_open(pmm__loop_t *loop, const pmm_net_config_t *config, pmm_error_t *err);
void pmm__http_close(pmm__loop_t *loop);        /* requests under way end with PMM_STATE; their handles go with the loop's trash */
void pmm__http_fini(void);                      /* after that */
pmm_status_t pmm__http_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err);
#endif
