/* net/stream.h -- one TCP connection, with TLS or without: connecting (names are looked up off the loop's thread), reading, writing, ending.
   Raw descriptors under uv_poll: bytes are written in the call that has them and read in the turn that sees them. */
#ifndef PMM_NET_STREAM_H
#define PMM_NET_STREAM_H
#include "net/buf.h"
#include "net/loop.h"

typedef struct pmm__stream pmm__stream_t;
/* What its owner learns. After closed (never called from inside a call of the owner's) or after letting it go, nothing more is called and
   the stream is no longer the owner's. */
typedef struct pmm__stream_ops {
  void (*opened)(void *owner);                                             /* connected, TLS agreed and checked */
  void (*data)(void *owner, const char *bytes, size_t len, int64_t recv_ns);
  void (*drained)(void *owner);                                            /* all written; may be NULL */
  void (*closed)(void *owner, const char *why);
} pmm__stream_ops_t;

/* Begins to connect. Plain text goes to loopback addresses only, whatever the name resolves to. */
pmm__stream_t *pmm__stream_connect(pmm__loop_t *loop, const char *host, int port, bool tls, const pmm__stream_ops_t *ops, void *owner);
/* Takes over an accepted or otherwise connected socket; context NULL: plain. NULL: out of memory, fd closed. */
pmm__stream_t *pmm__stream_accept(pmm__loop_t *loop, int fd, SSL_CTX *context, const pmm__stream_ops_t *ops, void *owner);

pmm__buf_t *pmm__stream_out(pmm__stream_t *stream);   /* append here, then flush */
void pmm__stream_flush(pmm__stream_t *stream);
size_t pmm__stream_waiting(const pmm__stream_t *stream); /* bytes not yet taken by the socket */
void pmm__stream_pause(pmm__stream_t *stream, bool pause); /* stop and resume reading; a broken connection is still noticed */

void pmm__stream_cut(pmm__stream_t *stream);          /* lets go; at once */
/* Lets go; what waits is still written (for 10 s at most), and what comes is thrown away for at most a second after that, so that the last
   words arrive: closing a socket with unread bytes would reset the connection over them. */
void pmm__stream_finish(pmm__stream_t *stream);
#endif
