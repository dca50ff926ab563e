#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void exchange_init(exchange *x)
{
    /* The buffers are large, and their first byte is enough. */
    memset(x, 0, offsetof(exchange, log));
    x->log[0] = x->sent[0] = '\0';
}

wsgi_core_bytes bytes(const char *text)
{
    wsgi_core_bytes value;

    value.data = text;
    value.len = text ? strlen(text) : 0;
    return value;
}

/* True when this call is the one that has to fail. */
static bool fails(exchange *x)
{
    return ++x->calls == x->fail_at;
}

static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    exchange *x = ctx;
    size_t len = x->body_len - x->body_read;

    x->reads++;
    if (fails(x)) {
        *reason = "the test says so";
        return WSGI_CORE_E_HOST;
    }
    if (len > buffer_len) {
        len = buffer_len;
    }
    if (x->read_max && len > x->read_max) {
        len = x->read_max;
    }
    if (len) {
        memcpy(buffer, x->body + x->body_read, len);
    }
    x->body_read += len;
    *read_len = len;
    return WSGI_CORE_OK;
}

static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    exchange *x = ctx;
    size_t i;

    x->heads++;
    if (fails(x)) {
        return WSGI_CORE_E_HOST;
    }
    x->code = head->code;
    x->content_length = head->content_length;
    for (i = 0; i < head->headers_len; i++) {
        const wsgi_core_pair *pair = &head->headers[i];
        if (pair->name.len == strlen("Content-Type")
            && memcmp(pair->name.data, "Content-Type", pair->name.len) == 0) {
            snprintf(x->content_type, sizeof(x->content_type), "%.*s",
                     (int)pair->value.len, pair->value.data);
        }
    }
    return WSGI_CORE_OK;
}

static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    exchange *x = ctx;

    x->sends++;
    if (flags & WSGI_CORE_SEND_END) {
        x->ends++;
    }
    if (fails(x) || data_len > sizeof(x->sent) - 1 - x->sent_len) {
        return WSGI_CORE_E_HOST;
    }
    if (data_len) {
        memcpy(x->sent + x->sent_len, data, data_len);
    }
    x->sent_len += data_len;
    x->sent[x->sent_len] = '\0';
    return WSGI_CORE_OK;
}

static wsgi_core_status send_file(void *ctx, int fd, uint64_t offset,
                                  uint64_t length, uint32_t flags)
{
    exchange *x = ctx;

    x->files++;
    if (flags & WSGI_CORE_SEND_END) {
        x->ends++;
    }
    if (fails(x) || length > sizeof(x->sent) - 1 - x->sent_len) {
        return WSGI_CORE_E_HOST;
    }
    while (length > 0) {
        ssize_t len =
            pread(fd, x->sent + x->sent_len, (size_t)length, (off_t)offset);
        if (len <= 0) {
            return WSGI_CORE_E_HOST;
        }
        x->sent_len += (size_t)len;
        offset += (uint64_t)len;
        length -= (uint64_t)len;
    }
    x->sent[x->sent_len] = '\0';
    return WSGI_CORE_OK;
}

static bool is_aborted(void *ctx)
{
    exchange *x = ctx;

    return x->aborted;
}

static void log_line(void *ctx, const wsgi_core_log_record *record)
{
    exchange *x = ctx;
    size_t room = sizeof(x->log) - x->log_len;
    int len = snprintf(x->log + x->log_len, room, "%s\n", record->text);

    if (len > 0) {
        x->log_len += (size_t)len < room ? (size_t)len : room - 1;
    }
}

static wsgi_core_level log_level(void *ctx)
{
    (void)ctx;
    return WSGI_CORE_LEVEL_INFO;
}

static wsgi_core_status get_variable(void *ctx, const char *name,
                                     size_t name_len, wsgi_core_bytes *value)
{
    exchange *x = ctx;

    if (fails(x)) {
        return WSGI_CORE_E_HOST;
    }
    if (name_len == strlen("group") && memcmp(name, "group", name_len) == 0) {
        *value = bytes("from-a-variable");
    }
    return WSGI_CORE_OK;
}

static wsgi_core_status get_ssl_variable(void *ctx, const char *name,
                                         size_t name_len,
                                         wsgi_core_bytes *value)
{
    exchange *x = ctx;

    if (fails(x) || name_len != strlen(name)) {
        return WSGI_CORE_E_HOST;
    }
    if (!strcmp(name, "SSL_PROTOCOL")) {
        *value = bytes("TLSv1.3");
    }
    return WSGI_CORE_OK;
}

const wsgi_core_host exchange_host = {
    .struct_size = sizeof(wsgi_core_host),
    .read = read_body,
    .send_head = send_head,
    .send = send_data,
    .send_file = send_file,
    .is_aborted = is_aborted,
    .log = log_line,
    .log_level = log_level,
    .get_variable = get_variable,
    .get_ssl_variable = get_ssl_variable,
};

wsgi_core_request_info request_info(const char *script, const char *path)
{
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;

    info.method = bytes("GET");
    info.request_uri = bytes(path);
    info.script_name = bytes("");
    info.path_info = bytes(path);
    info.query_string = bytes("");
    info.protocol = bytes("HTTP/1.1");
    info.scheme = bytes("http");
    info.server_name = bytes("localhost");
    info.server_port = 8000;
    info.remote_addr = bytes("192.0.2.1");
    info.remote_port = 40000;
    info.script = bytes(script);
    return info;
}

wsgi_core_status exchange_serve(const wsgi_core_engine *engine,
                                const wsgi_core_request_info *info, exchange *x,
                                wsgi_core_outcome *outcome,
                                wsgi_core_error **err)
{
    wsgi_core_request *request = NULL;
    wsgi_core_status status;

    status = wsgi_core_request_new(engine, info, &request, err);
    if (status != WSGI_CORE_OK) {
        return status;
    }
    return wsgi_core_request_serve(request, &exchange_host, x, outcome, err);
}

static void server_log(void *ctx, const wsgi_core_log_record *record)
{
    (void)ctx;
    printf("# log: %s\n", record->text);
}

wsgi_core_engine *engine_started(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_server server = WSGI_CORE_SERVER_INIT;
    wsgi_core_engine *engine = NULL;
    wsgi_core_error *err = NULL;

    server.log = server_log;
    if (wsgi_core_engine_prepare(config, &server, NULL, &engine, &err)
        || wsgi_core_engine_start(engine, &err)) {
        printf("Bail out! the engine does not start: %s\n",
               wsgi_core_error_get_message(err));
        exit(EXIT_FAILURE);
    }
    wsgi_core_config_free(config);
    return engine;
}
