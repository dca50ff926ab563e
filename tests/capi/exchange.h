/*
 * A host whose client is memory: what it sends is kept, and any of its
 * callbacks can be made to fail.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <wsgi_core.h>

#define EXCHANGE_SENT_MAX (256 * 1024)
#define EXCHANGE_LOG_MAX 8192

typedef struct exchange {
    /* What to do */
    const char *body;
    size_t body_len;
    size_t read_max;  /* largest block that read returns; 0: any */
    unsigned fail_at; /* the callback that fails, from 1; 0: none */
    bool aborted;

    /* What has happened */
    unsigned calls; /* of callbacks that may fail */
    unsigned heads, reads, sends, files, ends;
    size_t body_read;
    uint16_t code;
    int64_t content_length;
    char content_type[64];
    size_t sent_len;
    size_t log_len;
    char log[EXCHANGE_LOG_MAX]; /* lines of the request's log */
    char sent[EXCHANGE_SENT_MAX];
} exchange;

/* All callbacks, with an exchange as their ctx. */
extern const wsgi_core_host exchange_host;

void exchange_init(exchange *x);

wsgi_core_bytes bytes(const char *text);

/* Facts of a request for the script, with all that a server knows. */
wsgi_core_request_info request_info(const char *script, const char *path);

/* New request, served. */
wsgi_core_status exchange_serve(const wsgi_core_engine *engine,
                                const wsgi_core_request_info *info, exchange *x,
                                wsgi_core_outcome *outcome,
                                wsgi_core_error **err);

/* An engine of defaults, prepared and started; without one the program ends. */
wsgi_core_engine *engine_started(void);

#endif
