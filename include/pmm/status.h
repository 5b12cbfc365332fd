/* pmm/status.h -- status codes: how every function of pmm says that it could not do something.
   Anything from outside (files, venue bytes, configuration, the user) can be wrong: such calls return a
   status and leave their state and outputs as they were. A broken precondition is our bug: assert. */
#ifndef PMM_STATUS_H
#define PMM_STATUS_H

#define PMM_STATUS_MAP(X)                                   \
  X(OK, 0, "ok")                                            \
  X(INVAL, -1, "argument out of range")                     \
  X(FULL, -2, "fixed capacity reached")                     \
  X(PARSE, -3, "malformed input")                           \
  X(SEQ_GAP, -4, "update missed, snapshot needed")          \
  X(REJECTED, -5, "refused by a risk limit")                \
  X(OVERFLOW, -6, "number does not fit its integer type")   \
  X(IO, -7, "input or output failed")                       \
  X(CORRUPT, -8, "checksum or structure does not hold")     \
  X(TRUNCATED, -9, "file ends inside a block")              \
  X(NOT_FOUND, -10, "no such thing")                        \
  X(NOT_READY, -11, "not enough data yet")                  \
  X(STATE, -12, "not possible in the present state")        \
  X(EXISTS, -13, "already there")                           \
  X(UNSUPPORTED, -14, "not supported")                      \
  X(VERSION, -15, "other format or interface version")      \
  X(FUNDS, -16, "not enough free cash or contracts")        \
  X(CROSSED, -17, "would cross the book")                   \
  X(CLOSED, -18, "market takes no orders")                  \
  X(END, -19, "no more items")

typedef enum pmm_status {
#define X(name, value, text) PMM_##name = (value),
  PMM_STATUS_MAP(X)
#undef X
} pmm_status_t;

/* pmm_status_to_string returns the text of a status: static storage, never NULL. */
const char *pmm_status_to_string(pmm_status_t status);

/* pmm_error_t carries what a user needs to mend an input: the place and the reason, ready to print.
   Filled only when a call fails; callers own it, any thread, no allocation. */
typedef struct pmm_error {
  pmm_status_t status;
  char text[512]; /* "examples/linear.yaml:12: spread_bps: ...", always NUL-terminated */
} pmm_error_t;

/* pmm_error_set formats text into err (NULL allowed) and returns status, so that a failing branch reads
   return pmm_error_set(err, PMM_PARSE, "%s:%d: ...", path, line). Overlong text is cut. */
pmm_status_t pmm_error_set(pmm_error_t *err, pmm_status_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
