/* net/ws.h -- the client's WebSocket streams on the real loop. */
#ifndef PMM_NET_WS_H
#define PMM_NET_WS_H
#include "net/loop.h"

typedef struct pmm__ws pmm__ws_t;
pmm_ws_t *pmm__ws_base(pmm__ws_t *ws);
pmm_status_t pmm__ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err);
pmm_status_t pmm__ws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len);
void pmm__ws_promote(pmm_ws_t *ws, uint32_t conn);
void pmm__ws_reconnect(pmm_ws_t *ws, uint32_t conn, const char *why);
void pmm__ws_close(pmm_ws_t *ws);
#endif
