/* pmm/rng.h -- seeded random numbers, the same on every machine: xoshiro256++ seeded by splitmix64.
   Source: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021. */
#ifndef PMM_RNG_H
#define PMM_RNG_H
#include "pmm/types.h"

typedef struct pmm_rng { uint64_t s[4]; double spare; bool has_spare; } pmm_rng_t;

void pmm_rng_seed(pmm_rng_t *rng, uint64_t seed);
uint64_t pmm_rng_u64(pmm_rng_t *rng);
double pmm_rng_unit(pmm_rng_t *rng);                       /* [0,1), 53 bits */
uint64_t pmm_rng_below(pmm_rng_t *rng, uint64_t n);        /* 0 .. n-1 without bias; n > 0 */
double pmm_rng_normal(pmm_rng_t *rng);                     /* mean 0, deviation 1 */
double pmm_rng_exponential(pmm_rng_t *rng, double rate);   /* mean 1/rate; rate > 0 */
uint64_t pmm_rng_poisson(pmm_rng_t *rng, double mean);     /* mean in [0, 1e9] */
/* pmm_rng_fork derives an independent stream, so that adding one consumer does not shift the others. */
pmm_rng_t pmm_rng_fork(const pmm_rng_t *rng, uint64_t stream);
#endif
