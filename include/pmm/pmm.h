/* pmm/pmm.h -- everything at once, for programs that embed the library (C17; link with `pkg-config --libs pmm`). */
#ifndef PMM_PMM_H
#define PMM_PMM_H
#include "pmm/backtest.h"
#include "pmm/clock.h"
#include "pmm/config.h"
#include "pmm/decimal.h"
#include "pmm/engine.h"
#include "pmm/exchange.h"
#include "pmm/hash.h"
#include "pmm/optimal.h"
#include "pmm/pricing.h"
#include "pmm/rewards.h"
#include "pmm/ring.h"
#include "pmm/strategy.h"
#include "pmm/tape.h"
#endif
