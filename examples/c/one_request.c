/*
 * one_request: the shortest host.  It serves one GET request with a WSGI
 * application and writes the response to stdout.
 *
 *     cc one_request.c $(pkg-config --cflags --libs wsgi_core) -o one_request
 *     ./one_request hello.wsgi
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsgi_core.h>

/* The engine asks for the request body; a GET has none. */
static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    (void)ctx, (void)buffer, (void)buffer_len, (void)reason;
    *read_len = 0;
    return WSGI_CORE_OK;
}

/* The status line and the header fields, once, before any data. */
static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    const wsgi_core_pair *field, *end = head->headers + head->headers_len;

    fprintf(ctx, "%.*s\n", (int)head->status.len, head->status.data);
    for (field = head->headers; field < end; field++) {
        fprintf(ctx, "%.*s: %.*s\n", (int)field->name.len, field->name.data,
                (int)field->value.len, field->value.data);
    }
    return putc('\n', ctx) != EOF ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

/* A block of the body, which is ours until we return. */
static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    (void)flags;
    return fwrite(data, 1, data_len, ctx) == data_len ? WSGI_CORE_OK
                                                      : WSGI_CORE_E_HOST;
}

int main(int argc, char **argv)
{
    const char *script = argc > 1 ? argv[1] : "hello.wsgi";
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;
    wsgi_core_mapping mapping = WSGI_CORE_MAPPING_INIT;
    wsgi_core_host host = WSGI_CORE_HOST_INIT;
    wsgi_core_error *err = NULL;
    wsgi_core_engine *engine;
    wsgi_core_request *request;

    info.method = wsgi_core_bytes_of("GET");
    info.path_info = wsgi_core_bytes_of("/world");
    info.script = wsgi_core_bytes_of(script);
    mapping.script = info.script;
    host.read = read_body;
    host.send_head = send_head;
    host.send = send_data;

    /* Each of these returns WSGI_CORE_OK, which is 0, or sets err. */
    if (wsgi_core_config_add_application(config, &mapping, &err)
        || wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err)
        || wsgi_core_engine_start(engine, &err)
        || wsgi_core_request_new(engine, &info, &request, &err)
        || wsgi_core_request_serve(request, &host, stdout, NULL, &err)
        || wsgi_core_engine_stop(engine, 1000, &err)) {
        fprintf(stderr, "%s\n", wsgi_core_error_get_message(err));
        return EXIT_FAILURE;
    }
    wsgi_core_engine_free(engine);
    wsgi_core_config_free(config);
    return EXIT_SUCCESS;
}
