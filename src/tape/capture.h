/* tape/capture.h -- socket captures as people record them, one message a line:
     MESSAGE                 the venue's frame as it came: an object, or a list of them
     TIME MESSAGE            with the receive time before it (blank, tab or comma between): Unix s, ms, us or ns, told apart by
                             their size, or RFC 3339
     {..., TIME, ..., MESSAGE}  an envelope: an object with a receive time (recv_ns, recv_us, recv_ms, recv_ts, recv_time, received_at,
                             recv_wall_ts, capturedAt, captured_at) and the frame (payload, message, data, raw, frame), as JSON or as text
   What a keep-alive leaves behind (PING, PONG, NO NEW ASSETS) is passed over. */
#ifndef PMM_TAPE_CAPTURE_H
#define PMM_TAPE_CAPTURE_H
#include "import.h"

/* The next line: source->root is the frame. *recv_ns: PMM_TIME_NONE when the line tells none. PMM_END, PMM_PARSE. */
pmm_status_t pmm__capture_line(pmm__import_t *import, pmm__source_t *source, int64_t *recv_ns);
#endif
