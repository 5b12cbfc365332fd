/* net/frames.h -- RFC 6455 messages over bytes: framing by wslay, reassembly with a limit, UTF-8 and control-frame rules, and permessage-deflate
   (RFC 7692) when agreed. Knows neither sockets nor roles but who masks. Feeding allocates only while the largest message grows. */
#ifndef PMM_NET_FRAMES_H
#define PMM_NET_FRAMES_H
#include "net/buf.h"
#include "net/deflate.h"

typedef enum pmm__opcode { PMM__TEXT = 1, PMM__BINARY = 2, PMM__CLOSE = 8, PMM__PING = 9, PMM__PONG = 10 } pmm__opcode_t;
typedef struct pmm__frames_ops {
  void (*message)(void *owner, const char *text, size_t len); /* PMM_JSON_PAD readable bytes follow */
  void (*ping)(void *owner, const char *payload, size_t len);
  void (*pong)(void *owner, const char *payload, size_t len);
  void (*close)(void *owner, int code, const char *why);      /* 1005: the frame had no code. Nothing after it is read */
  void (*mask)(void *owner, unsigned char *out, size_t len);  /* random bytes, for the client's end */
} pmm__frames_ops_t;

typedef struct pmm__frames pmm__frames_t;
typedef struct pmm__frames_config {
  bool client;               /* this end masks, the other must not */
  size_t message_max;        /* of an incoming message, inflated */
  pmm__deflate_params_t deflate;
} pmm__frames_config_t;

pmm__frames_t *pmm__frames_new(const pmm__frames_config_t *config, const pmm__frames_ops_t *ops, void *owner); /* NULL: out of memory */
void pmm__frames_free(pmm__frames_t *frames);
/* Reads bytes. 0, or the close code with which the connection has to end (1002, 1007, 1009, 1011) and *why; nothing more may be fed then. */
int pmm__frames_feed(pmm__frames_t *frames, const char *bytes, size_t len, const char **why);
void pmm__frames_stop(pmm__frames_t *frames);  /* from inside a callback: nothing more of what is being fed is delivered */
/* Appends one frame, whole; false: out of memory. Messages are deflated when agreed and worth it. */
bool pmm__frames_put(pmm__frames_t *frames, pmm__buf_t *out, pmm__opcode_t opcode, const char *data, size_t len);
bool pmm__frames_put_close(pmm__frames_t *frames, pmm__buf_t *out, int code, const char *why);
#endif
