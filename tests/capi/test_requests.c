/*
 * Requests through a real runtime to apps/probe.wsgi.
 */
#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"

static wsgi_core_engine *engine;
static wsgi_core_error *err;
static exchange x;
static wsgi_core_outcome outcome;

/* One request for a path of the application; the result is in x and outcome. */
static void serve(const char *path, wsgi_core_status expected)
{
    wsgi_core_request_info info = request_info(SCRIPT, path);

    exchange_init(&x);
    memset(&outcome, 0xff, sizeof(outcome));
    outcome.struct_size = sizeof(outcome);
    CHECK_CALL(exchange_serve(engine, &info, &x, &outcome, &err), expected,
               err);
}

static void list(void)
{
    serve("/hello", WSGI_CORE_OK);
    CHECK_INT(x.code, 200);
    CHECK_TEXT(x.content_type, "text/plain");
    CHECK_TEXT(x.sent, "Hello World!");
    CHECK_INT(x.heads, 1);
    CHECK_INT(x.sends, 1); /* head, body and end in one go */
    CHECK_INT(x.ends, 1);
    CHECK_INT(x.reads, 0);
    CHECK_INT(outcome.code, 200);
    CHECK_INT(outcome.head_sent, true);
    CHECK_INT(outcome.complete, true);
    CHECK_INT(outcome.bytes_in, 0);
    CHECK_INT(outcome.bytes_out, strlen("Hello World!"));
    CHECK(outcome.application_start > 0.0);
    CHECK(outcome.application_finish >= outcome.application_start);
}

static void generator(void)
{
    serve("/stream", WSGI_CORE_OK);
    CHECK_TEXT(x.sent, "one,two,three");
    CHECK(x.sends >= 3);
    CHECK_INT(x.ends, 1);
    CHECK_INT(x.content_length, -1);
}

static void nothing(void)
{
    serve("/empty", WSGI_CORE_OK);
    CHECK_INT(x.heads, 1);
    CHECK_INT(x.ends, 1);
    CHECK_INT(x.sent_len, 0);
    CHECK_INT(outcome.complete, true);
}

static void large(void)
{
    serve("/large", WSGI_CORE_OK);
    CHECK_INT(x.sent_len, 2 * 65536);
    CHECK(x.sent[0] == 'x' && x.sent[x.sent_len - 1] == 'y');
    CHECK_INT(outcome.bytes_out, 2 * 65536);
}

static void not_found(void)
{
    serve("/nowhere", WSGI_CORE_OK);
    CHECK_INT(x.code, 404);
    CHECK_INT(outcome.code, 404);
}

static void file(void)
{
    serve("/file", WSGI_CORE_OK);
    CHECK_CONTAINS(x.sent, "What the C tests ask for");
    CHECK_INT(x.files, 1);
    CHECK_INT(outcome.bytes_out, x.sent_len);
}

/* Serve a request with a body, with a table of the caller's. */
static void post(const char *path, const char *body, size_t read_max,
                 const wsgi_core_host *host)
{
    wsgi_core_request_info info = request_info(SCRIPT, path);
    wsgi_core_request *request = NULL;
    wsgi_core_pair header;
    char length[24];

    exchange_init(&x);
    x.body = body;
    x.body_len = strlen(body);
    x.read_max = read_max;
    snprintf(length, sizeof(length), "%zu", x.body_len);
    header.name = bytes("Content-Length");
    header.value = bytes(length);
    info.method = bytes("POST");
    info.headers = &header;
    info.headers_len = 1;
    CHECK_CALL(wsgi_core_request_new(engine, &info, &request, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_request_serve(request, host, &x, NULL, &err),
               WSGI_CORE_OK, err);
}

static void request_body(void)
{
    post("/echo", "some bytes that come back", 0, &exchange_host);
    CHECK_TEXT(x.sent, "some bytes that come back");
    post("/echo", "some bytes that come back", 1, &exchange_host);
    CHECK_TEXT(x.sent, "some bytes that come back");
    post("/lines", "one\ntwo\n\nthree", 2, &exchange_host);
    CHECK_TEXT(x.sent, "one\ntwo\n\nthree");
    post("/hello", "nobody reads this", 0, &exchange_host);
    CHECK_INT(x.reads, 0);
}

static void optional_callbacks(void)
{
    wsgi_core_host host = exchange_host;

    host.send_file = NULL;
    host.is_aborted = NULL;
    host.log = NULL;
    host.log_level = NULL;
    host.get_variable = NULL;
    post("/echo", "all there is", 0, &host);
    CHECK_TEXT(x.sent, "all there is");
    post("/file", "", 0, &host);
    CHECK_CONTAINS(x.sent, "What the C tests ask for");
    CHECK_INT(x.files, 0);
    post("/errors", "", 0, &host);
}

static void raises_before_the_head(void)
{
    serve("/raising", WSGI_CORE_E_APPLICATION);
    CHECK_INT(x.heads, 0);
    CHECK_INT(x.ends, 0);
    CHECK_INT(outcome.code, 500);
    CHECK_INT(outcome.head_sent, false);
    CHECK_INT(outcome.complete, false);
    CHECK_CONTAINS(x.log, "ValueError: early");
    CHECK_CONTAINS(x.log, "Traceback (most recent call last):");
}

static void raises_after_the_head(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/late");
    wsgi_core_error *detail = NULL;

    exchange_init(&x);
    CHECK_INT(exchange_serve(engine, &info, &x, NULL, &detail),
              WSGI_CORE_E_APPLICATION);
    CHECK_INT(wsgi_core_error_head_sent(detail), true);
    wsgi_core_error_free(detail);
    CHECK_TEXT(x.sent, "too ");
    CHECK_INT(x.ends, 0);
    CHECK_CONTAINS(x.log, "ValueError: late");
}

static void system_exit(void)
{
    serve("/leaving", WSGI_CORE_E_APPLICATION);
    CHECK_INT(outcome.code, 500);
    serve("/hello", WSGI_CORE_OK);
}

static void errors_stream(void)
{
    serve("/errors", WSGI_CORE_OK);
    CHECK_CONTAINS(x.log, "a line for the log");
}

static void missing_script(void)
{
    wsgi_core_request_info info = request_info(CAPI_APPS "/none.wsgi", "/");
    wsgi_core_error *detail = NULL;

    exchange_init(&x);
    CHECK(exchange_serve(engine, &info, &x, NULL, &detail) != WSGI_CORE_OK);
    CHECK_INT(wsgi_core_error_get_http_status(detail), 404);
    CHECK_INT(x.heads, 0);
    wsgi_core_error_free(detail);
}

static void missing_callable(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *const layers[] = { s };
    wsgi_core_error *detail = NULL;

    CHECK_CALL(wsgi_core_settings_set(s, "callable-object", "none", 4, &err),
               WSGI_CORE_OK, err);
    info.settings = layers;
    info.settings_len = 1;
    exchange_init(&x);
    CHECK(exchange_serve(engine, &info, &x, NULL, &detail) != WSGI_CORE_OK);
    CHECK_INT(wsgi_core_error_get_http_status(detail), 500);
    CHECK_CONTAINS(x.log, "WC0043");
    wsgi_core_error_free(detail);
    wsgi_core_settings_free(s);
}

/* The response to a request in this group, asked for in two layers. */
static void serve_in_group(const char *group)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/group");
    wsgi_core_settings *outer =
        wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    wsgi_core_settings *inner = wsgi_core_settings_new(WSGI_CORE_SCOPE_SCRIPT);
    const wsgi_core_settings *layers[2];

    layers[0] = outer;
    layers[1] = inner;
    CHECK_CALL(
        wsgi_core_settings_set(outer, "application-group", "hidden", 6, &err),
        WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_settings_set(inner, "application-group", group,
                                      strlen(group), &err),
               WSGI_CORE_OK, err);
    info.settings = layers;
    info.settings_len = 2;
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    wsgi_core_settings_free(outer);
    wsgi_core_settings_free(inner);
}

static void application_groups(void)
{
    serve_in_group("%{GLOBAL}");
    CHECK_TEXT(x.sent, "");
    serve_in_group("another");
    CHECK_TEXT(x.sent, "another");
    serve_in_group("%{SERVER}");
    CHECK_TEXT(x.sent, "localhost:8000");
    serve_in_group("%{ENV:group}");
    CHECK_TEXT(x.sent, "from-a-variable");
}

static void variables(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/variable");
    wsgi_core_pair pair = { 0 };

    pair.name = bytes("probe.value");
    pair.value.data = "a\0\xe9";
    pair.value.len = 3;
    info.variables = &pair;
    info.variables_len = 1;
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    CHECK_TEXT(x.sent, "'a\\x00\\xe9'");
}

static void tls(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/tls");
    wsgi_core_host host = exchange_host;
    wsgi_core_pair pair;

    pair.name = bytes("HTTPS");
    pair.value = bytes("on");
    info.variables = &pair;
    info.variables_len = 1;
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    CHECK_TEXT(x.sent, "[1, 'TLSv1.3', None]");

    /* A host without the callback, and a lookup that fails */
    host.get_ssl_variable = NULL;
    post("/tls", "", 0, &host);
    CHECK_TEXT(x.sent, "[0, None, None]");
    exchange_init(&x);
    x.fail_at = 1;
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    CHECK_TEXT(x.sent, "[1, None, None]");
}

/* The response to a request with a structure of the host's own */
static void serve_native(void *native, const char *value)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/native");
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *const layers[] = { s };

    CHECK_CALL(wsgi_core_settings_set(s, "pass-apache-request", value,
                                      strlen(value), &err),
               WSGI_CORE_OK, err);
    info.settings = layers;
    info.settings_len = 1;
    info.native_request = native;
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    wsgi_core_settings_free(s);
}

static void native_requests(void)
{
    serve_native(&x, "Off");
    CHECK_TEXT(x.sent, "None, None");
    serve_native(NULL, "On");
    CHECK_TEXT(x.sent, "None, None");
    serve_native(&x, "On");
    CHECK_TEXT(x.sent, "None, <capsule object NULL");
    serve_native(&x, "Off");
    CHECK_TEXT(x.sent, "<capsule object \"of a request that is over\", None");
}

static void refused(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_error *detail = NULL;
    wsgi_core_pair header;

    header.name = bytes("Content-Length");
    header.value = bytes("12");
    info.headers = &header;
    info.headers_len = 1;
    info.body_limit = 11;
    exchange_init(&x);
    CHECK_INT(exchange_serve(engine, &info, &x, NULL, &detail),
              WSGI_CORE_E_REFUSED);
    CHECK_INT(wsgi_core_error_get_http_status(detail), 413);
    CHECK_INT(x.calls, 0);
    wsgi_core_error_free(detail);
}

int main(void)
{
    engine = engine_started();
    RUN(list);
    RUN(generator);
    RUN(nothing);
    RUN(large);
    RUN(not_found);
    RUN(file);
    RUN(request_body);
    RUN(optional_callbacks);
    RUN(raises_before_the_head);
    RUN(raises_after_the_head);
    RUN(system_exit);
    RUN(errors_stream);
    RUN(missing_script);
    RUN(missing_callable);
    RUN(application_groups);
    RUN(variables);
    RUN(tls);
    RUN(native_requests);
    RUN(refused);
    CHECK_CALL(wsgi_core_engine_stop(engine, 10000, &err), WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    return check_end();
}
