/* pmm/optimal.h -- quotes that are optimal in the market-making models of the literature: a mid price that is a Brownian motion of
   deviation sigma, orders of one contract that fill at rate A exp(-k distance), and a maker of constant absolute risk aversion gamma.
   Prices and distances are in any one unit, k in one over it, time in any one unit with sigma per its square root and A per it. Pure
   functions: PMM_INVAL with the outputs untouched for input that is not finite or out of range.
   Sources: M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008; O. Gueant,
   C.-A. Lehalle, J. Fernandez-Tapia, "Dealing with the inventory risk", Mathematics and Financial Economics 7, 2013. What they give,
   checked by simulation: docs/validation.md. */
#ifndef PMM_OPTIMAL_H
#define PMM_OPTIMAL_H
#include "pmm/types.h"

/* -- Avellaneda-Stoikov: an approximation for small q gamma -- */
typedef struct pmm_as { double gamma, sigma, k; } pmm_as_t; /* gamma, k > 0; sigma >= 0 */
/* What a contract more or less is worth to a holder of q: mid - q gamma sigma^2 time_left. */
pmm_status_t pmm_as_reservation(const pmm_as_t *model, double mid, double q, double time_left, double *price);
/* Ask - bid: gamma sigma^2 time_left + (2/gamma) ln(1 + gamma/k). With time_left 0 it is the constant spread of their tables. */
pmm_status_t pmm_as_spread(const pmm_as_t *model, double time_left, double *spread);

/* -- Gueant-Lehalle-Fernandez-Tapia: exact, with inventory kept within [-q_max, q_max] -- */
#define PMM_GLFT_Q_MAX 1000
#define PMM_GLFT_SIZE(q_max) (2 * (size_t)(q_max) + 1)
typedef struct pmm_glft { double sigma, a, k, gamma; int32_t q_max; } pmm_glft_t; /* a, k, gamma > 0; sigma >= 0; 1 .. PMM_GLFT_Q_MAX */

/* The value function in their form: with v_q below, the maker's expected utility is -exp(-gamma (cash + q mid)) v_q^(-gamma/k), so that
   ln(v_q)/k is what being in this place is worth in sure money. v solves, backward from v = 1 at the end,
       dv_q/d(time left) = -(k gamma sigma^2/2) q^2 v_q + eta (v_{q-1} + v_{q+1}),   eta = A (1 + gamma/k)^-(1 + k/gamma),
   a matrix exponential. pmm_glft_advance multiplies v by that of time more; v[q + q_max] > 0 on entry and exit, scaled to a largest of 1
   while *log_scale collects the logarithm of what was divided out. Every term summed is positive, so that the smallest v keeps as many
   digits as the largest. PMM_INVAL also when time (k gamma sigma^2 q_max^2/2 + 2 eta) is above 1e6: by then the quotes stand still.
   pmm_glft_value begins at the end: v = 1, *log_scale = 0. */
pmm_status_t pmm_glft_advance(const pmm_glft_t *model, double time, double *v, double *log_scale);
pmm_status_t pmm_glft_value(const pmm_glft_t *model, double time_left, double *v, double *log_scale);
/* Distances of the optimal bid and ask from the mid, given v; INFINITY for the side that would pass q_max. They may be negative. */
pmm_status_t pmm_glft_exact(const pmm_glft_t *model, const double *v, int32_t q, double *bid, double *ask);
/* Their closed form for a time far from the end and q far from q_max (which it does not look at, beyond the sides it leaves out):
       bid = (1/gamma) ln(1 + gamma/k) + (2q + 1)/2 w,  ask = the same with (1 - 2q)/2,  w^2 = sigma^2 gamma/(2 k A) (1 + gamma/k)^(1 + k/gamma). */
pmm_status_t pmm_glft_asymptotic(const pmm_glft_t *model, int32_t q, double *bid, double *ask);
#endif
