/* app/demo_sockets.h -- `pmm demo` as it usually runs: an exchange that speaks three dialects, two price feeds, synthetic traders and a market maker, in one
   process and over real loopback sockets. */
#ifndef PMM_APP_DEMO_SOCKETS_H
#define PMM_APP_DEMO_SOCKETS_H
#include "out.h"

typedef struct pmm_app_demo {
  const pmm_app_config_args_t *config; /* the user's file in place of the demo's own (which gives what it lacks: venues, markets), and --set */
  bool one_strategy;                   /* a --set names one for every market, in place of the demo's three */
  double duration_s;
  bool json;
} pmm_app_demo_t;
int pmm_app_demo_sockets(const pmm_app_demo_t *demo); /* exit status */
#endif
