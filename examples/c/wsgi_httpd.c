/*
 * wsgi_httpd: an HTTP server for one WSGI application, on libmicrohttpd.
 * wsgi_httpd_auth.c knows who may come in; wsgi_httpd_main.c has the command
 * line, the listener, the threads, start and stop.
 *
 * libmicrohttpd pushes request bodies and pulls responses; an application pulls
 * its input and pushes its output.  The two meet in run(): each thread has an
 * MHD_Daemon of its own, for one connection at a time, and lets it run while
 * the application waits for input or for its output to leave.  So both bodies
 * stream, whoever is ahead waits, and nothing here needs a lock.
 */

#define _GNU_SOURCE
#include "wsgi_httpd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void run(struct exchange *x, int timeout_ms)
{
    if (x->suspended) {
        MHD_resume_connection(x->mhd);
        x->suspended = false;
    }
    check(MHD_run_wait(x->worker->daemon, timeout_ms) == MHD_YES, "daemon",
          "failed");
}

/* Keeps it from asking again before the next run(). */
static enum MHD_Result suspend(struct exchange *x)
{
    MHD_suspend_connection(x->mhd);
    x->suspended = true;
    return MHD_YES;
}

/* Callbacks of the engine. */

static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    struct exchange *x = ctx;

    x->in = buffer;
    x->in_room = buffer_len;
    if (x->early != NULL) {
        x->in += fread(buffer, 1, buffer_len, x->early);
    }
    while (x->in == buffer && !x->in_complete && !x->over) {
        run(x, -1);
    }
    x->in_room = 0;
    *read_len = x->in - buffer;
    *reason = "the client did not send all of it";
    return *read_len > 0 || x->in_complete ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

static ssize_t take_output(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct exchange *x = cls;
    ssize_t n = x->out_len < max ? x->out_len : max;

    (void)pos;
    if (n == 0 && x->result != 0) {
        return x->result;
    }
    if (n == 0) {
        x->out_taken = true;
        suspend(x);
    }
    else if (x->out != NULL) {
        memcpy(buf, x->out, n);
        x->out += n;
    }
    else if ((n = pread(x->file, buf, n, x->file_at)) <= 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    x->file_at += n;
    x->out_len -= n;
    return n;
}

static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    struct exchange *x = ctx;
    bool empty = head->code == 204 || head->code == 304;
    uint64_t length = head->content_length; /* -1 is MHD_SIZE_UNKNOWN */
    const wsgi_core_pair *field, *end = head->headers + head->headers_len;

    if (head->error_page || (empty && length == MHD_SIZE_UNKNOWN)) {
        length = 0;
    }
    x->code = head->code;
    x->response = MHD_create_response_from_callback(length, MEMORY_LIMIT,
                                                    take_output, x, NULL);
    if (x->bodyless && length == MHD_SIZE_UNKNOWN) {
        /* To HEAD it would send a last chunk; this way it closes instead. */
        MHD_set_response_options(x->response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                 MHD_RO_END);
    }
    x->bodyless |= empty;
    for (field = head->headers; field < end; field++) {
        char *name = strndup(field->name.data, field->name.len);
        char *value = strndup(field->value.data, field->value.len);

        check(name != NULL && value != NULL, "header", "out of memory");
        /* Refuses Content-Length, which is known, and an empty value. */
        MHD_add_response_header(x->response, name, *value ? value : " ");
        free(name);
        free(value);
    }
    return WSGI_CORE_OK;
}

static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    struct exchange *x = ctx;

    (void)flags;
    x->out = data;
    x->out_len = x->bodyless ? 0 : data_len;
    x->out_taken = x->out_len == 0;
    while (!x->out_taken && !x->over) {
        run(x, -1);
    }
    return x->out_len == 0 ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

static wsgi_core_status send_file(void *ctx, int fd, uint64_t offset,
                                  uint64_t length, uint32_t flags)
{
    struct exchange *x = ctx;

    x->file = fd;
    x->file_at = offset;
    return send_data(ctx, NULL, length, flags);
}

static void set_send_timeout(void *ctx, uint32_t seconds)
{
    struct exchange *x = ctx;

    MHD_set_connection_option(x->mhd, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

static bool is_aborted(void *ctx)
{
    return ((struct exchange *)ctx)->over;
}

const wsgi_core_host host = {
    .struct_size = sizeof(host),
    .read = read_body,
    .send_head = send_head,
    .send = send_data,
    .send_file = send_file,
    .is_aborted = is_aborted,
    .set_send_timeout = set_send_timeout,
};

void serve(struct exchange *x)
{
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_request *request;

    x->code = x->code != 0 ? x->code : refusal(x);
    outcome.code = x->code != 0 ? x->code : 500;
    if (x->code == 0
        && wsgi_core_request_new(engine, &x->info, &request, NULL)
               == WSGI_CORE_OK) {
        wsgi_core_request_serve(request, &host, x, &outcome, NULL);
    }
    if (x->response == NULL) {
        x->code = outcome.code;
        x->response = MHD_create_response_from_buffer(6, "Sorry\n",
                                                      MHD_RESPMEM_PERSISTENT);
        if (outcome.retry_after != 0) {
            char seconds[16];

            snprintf(seconds, sizeof(seconds), "%u", outcome.retry_after);
            MHD_add_response_header(x->response, "Retry-After", seconds);
        }
    }
    x->result = outcome.complete ? MHD_CONTENT_READER_END_OF_STREAM
                                 : MHD_CONTENT_READER_END_WITH_ERROR;
    while (!x->over) {
        run(x, -1);
    }
    MHD_destroy_response(x->response);
    MHD_free(x->user);
    wsgi_core_decision_free(x->identity);
    if (x->early != NULL) {
        fclose(x->early);
    }
    x->busy = false;
}

/* Callbacks of libmicrohttpd. */

void *begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct exchange *x = cls;

    (void)mhd;
    return strcpy(x->worker->uri, uri);
}

/* Its own strings may end before serve() does. */
static wsgi_core_bytes keep(struct worker *w, const char *string)
{
    wsgi_core_bytes kept = { w->text_end, strlen(string) };

    w->text_end = stpcpy(w->text_end, string) + 1;
    return kept;
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind,
                                  const char *name, const char *value)
{
    struct exchange *x = cls;
    wsgi_core_pair header = { keep(x->worker, name), keep(x->worker, value) };

    (void)kind;
    x->worker->headers[x->info.headers_len++] = header;
    return x->info.headers_len < MAX_HEADERS ? MHD_YES : MHD_NO;
}

static void start(struct exchange *x, struct MHD_Connection *mhd,
                  const char *url, const char *method, const char *version)
{
    struct worker *w = x->worker;
    const char *query = strchrnul(w->uri, '?');
    const char *rest =
        wsgi_core_path_rest(url, strlen(url), mount, strlen(mount));
    bool found =
        rest != NULL && memmem(w->uri, query - w->uri, "%00", 3) == NULL;

    *x = (struct exchange){ .worker = w, .mhd = mhd, .busy = true };
    x->code = found ? 0 : 404;
    x->bodyless = strcmp(method, "HEAD") == 0;
    w->text_end = w->text;
    x->info = w->common;
    x->info.method = keep(w, method);
    x->info.request_uri = keep(w, w->uri);
    x->info.path_info = keep(w, found ? rest : "");
    x->info.query_string = keep(w, query + (*query == '?'));
    x->info.protocol = keep(w, version);
    x->info.headers = w->headers;
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, add_header, x);
}

enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *url,
                       const char *method, const char *version,
                       const char *data, size_t *data_len, void **con_cls)
{
    struct exchange *x = cls;
    size_t n = *data_len;

    (void)con_cls;
    if (!x->busy) {
        start(x, mhd, url, method, version);
        return MHD_YES;
    }
    if (x->over) {
        return suspend(x); /* pipelined: it waits for its turn */
    }
    if (n == 0) {
        if (x->early != NULL && !x->in_complete) {
            rewind(x->early);
        }
        x->in_complete = true;
        return x->response == NULL ? suspend(x) : respond(x);
    }
    if (x->in_room > 0) {
        n = n < x->in_room ? n : x->in_room;
        x->in = mempcpy(x->in, data, n);
        x->in_room -= n;
    }
    else if (x->out_len > 0) {
        x->early = x->early != NULL ? x->early : tmpfile();
        check(x->early != NULL && fwrite(data, 1, n, x->early) == n,
              "temporary file", strerror(errno));
    }
    else if (x->result == 0) {
        n = 0;
    }
    *data_len -= n;
    return *data_len > 0 ? suspend(x) : MHD_YES;
}

void end(void *cls, struct MHD_Connection *mhd, void **con_cls,
         enum MHD_RequestTerminationCode code)
{
    (void)mhd, (void)con_cls, (void)code;
    ((struct exchange *)cls)->over = true;
}
