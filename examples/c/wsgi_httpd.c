/*
 * wsgi_httpd: an HTTP server for one WSGI application, on libmicrohttpd.
 *
 *     wsgi_httpd [-p port] [-t threads] [-m mount] [-o option=value]... script
 *
 * libmicrohttpd pushes request bodies and pulls responses; an application pulls
 * its input and pushes its output.  The two meet in run(): each thread has an
 * MHD_Daemon of its own, for one connection at a time, and lets it run while
 * the application waits for input or for its output to leave.  So both bodies
 * stream, whoever is ahead waits, and nothing here needs a lock.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsgi_core.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" /* those of callbacks */

#define MEMORY_LIMIT ((size_t)64 << 10)
#define MAX_HEADERS 1000
#define MAX_THREADS 256
#define TIMEOUT_S 30u
#define STOP_TIMEOUT_MS 10000

static wsgi_core_engine *engine;
static const wsgi_core_settings *settings;
static const char *script, *mount = "";
static struct sockaddr_in address;
static int listener, stop_pipe[2];
static _Atomic bool stopping;

/* What follows belongs to one thread: the exchange it is busy with. */
static _Thread_local struct MHD_Daemon *server;
static _Thread_local struct MHD_Connection *suspended;
static _Thread_local wsgi_core_pair headers[MAX_HEADERS];
static _Thread_local char text[3 * MEMORY_LIMIT], *text_end;
static _Thread_local struct {
    struct MHD_Connection *connection;
    char *uri; /* as received; NULL: there is none */
    wsgi_core_request_info info;
    char *in, *in_end; /* room for input */
    FILE *early;       /* input that came while output waited */
    struct MHD_Response *response;
    unsigned int code;
    const char *out; /* output that waits; NULL: it is in the file */
    uint64_t out_len, file_at;
    int file;
    bool bodyless, in_complete, out_taken, served, complete, over;
} x;

static void check(bool ok, const char *what, const char *why)
{
    if (!ok) {
        fprintf(stderr, "wsgi_httpd: %s: %s\n", what, why);
        exit(EXIT_FAILURE);
    }
}

static void write_log(void *ctx, const wsgi_core_log_record *record)
{
    static const char *levels[] = { "emerg",  "alert", "crit",  "error", "warn",
                                    "notice", "info",  "debug", "trace1" };
    time_t now = time(NULL);
    char when[32];

    strftime(when, sizeof(when), "%F %T", localtime_r(&now, &(struct tm){ 0 }));
    fprintf(stderr, "[%s] [wsgi:%s] [pid %d] %s\n", when, levels[record->level],
            (int)getpid(), record->text);
}

/* Lets libmicrohttpd run until something has happened. */
static void run(int timeout_ms)
{
    if (suspended != NULL) {
        MHD_resume_connection(suspended);
        suspended = NULL;
    }
    check(MHD_run_wait(server, timeout_ms) == MHD_YES, "daemon", "failed");
}

/* Keeps it from asking again before the next run(). */
static enum MHD_Result suspend(struct MHD_Connection *connection)
{
    suspended = connection;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* Callbacks of the engine. */

static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    x.in = buffer;
    x.in_end = buffer + buffer_len;
    if (x.early != NULL) {
        x.in += fread(buffer, 1, buffer_len, x.early);
    }
    while (x.in == buffer && !x.in_complete && !x.over) {
        run(-1);
    }
    x.in_end = x.in;
    *read_len = x.in - buffer;
    *reason = "the client did not send all of it";
    return *read_len > 0 || x.in_complete ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

static ssize_t take_output(void *cls, uint64_t pos, char *buf, size_t max)
{
    ssize_t n = x.out_len < max ? x.out_len : max;

    if (n == 0 && !x.served) {
        x.out_taken = true;
        suspend(x.connection);
        return 0;
    }
    if (n == 0) {
        return x.complete ? MHD_CONTENT_READER_END_OF_STREAM
                          : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (x.out != NULL) {
        memcpy(buf, x.out, n);
        x.out += n;
    }
    else if ((n = pread(x.file, buf, n, x.file_at)) <= 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    x.file_at += n;
    x.out_len -= n;
    return n;
}

static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    uint64_t length = head->content_length;
    bool empty = head->code == 204 || head->code == 304;
    size_t i;

    if (head->content_length < 0) {
        length = empty ? 0 : MHD_SIZE_UNKNOWN;
    }
    x.code = head->code;
    x.response = MHD_create_response_from_callback(length, MEMORY_LIMIT,
                                                   take_output, NULL, NULL);
    check(x.response != NULL, "response", "out of memory");
    if (x.bodyless && length == MHD_SIZE_UNKNOWN) {
        /* To HEAD it would send a last chunk; this way it closes instead. */
        MHD_set_response_options(x.response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                 MHD_RO_END);
    }
    x.bodyless |= empty;
    for (i = 0; i < head->headers_len; i++) {
        wsgi_core_pair pair = head->headers[i];
        char *name = strndup(pair.name.data, pair.name.len);
        char *value = strndup(pair.value.data, pair.value.len);

        check(name != NULL && value != NULL, "header", "out of memory");
        /* Refuses Content-Length, which is known, and an empty value. */
        MHD_add_response_header(x.response, name, *value ? value : " ");
        free(name);
        free(value);
    }
    return WSGI_CORE_OK;
}

static wsgi_core_status send_output(uint64_t len)
{
    x.out_len = x.bodyless ? 0 : len;
    x.out_taken = x.out_len == 0;
    while (!x.out_taken && !x.over) {
        run(-1);
    }
    return x.out_len == 0 ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    x.out = data;
    return send_output(data_len);
}

static wsgi_core_status send_file(void *ctx, int fd, uint64_t offset,
                                  uint64_t length, uint32_t flags)
{
    x.out = NULL;
    x.file = fd;
    x.file_at = offset;
    return send_output(length);
}

static bool is_aborted(void *ctx)
{
    return x.over;
}

static const wsgi_core_host host = {
    .struct_size = sizeof(host),
    .read = read_body,
    .send_head = send_head,
    .send = send_data,
    .send_file = send_file,
    .is_aborted = is_aborted,
};

static void serve(void)
{
    wsgi_core_request *request;
    wsgi_core_error *err = NULL;

    if (x.code == 0
        && wsgi_core_request_new(engine, &x.info, &request, &err)
               == WSGI_CORE_OK
        && wsgi_core_request_serve(request, &host, NULL, NULL, &err)
               == WSGI_CORE_OK) {
        x.complete = true;
    }
    else if (!wsgi_core_error_head_sent(err)) {
        x.code = err != NULL ? wsgi_core_error_get_http_status(err) : x.code;
        x.response = MHD_create_response_from_buffer(6, "Sorry\n",
                                                     MHD_RESPMEM_PERSISTENT);
    }
    wsgi_core_error_free(err);
    x.served = true;
    while (!x.over) {
        run(-1);
    }
    MHD_destroy_response(x.response);
    if (x.early != NULL) {
        fclose(x.early);
    }
    free(x.uri);
    x.uri = NULL;
}

/* Callbacks of libmicrohttpd. */

static void *begin(void *cls, const char *uri,
                   struct MHD_Connection *connection)
{
    char *copy = strdup(uri);

    check(copy != NULL, "request", "out of memory");
    return copy;
}

/* Its own strings may end before serve() does. */
static wsgi_core_bytes keep(const char *string)
{
    wsgi_core_bytes kept = { text_end, strlen(string) };

    text_end = stpcpy(text_end, string) + 1;
    return kept;
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind,
                                  const char *name, const char *value)
{
    wsgi_core_pair pair = { keep(name), keep(value) };

    headers[x.info.headers_len++] = pair;
    return x.info.headers_len < MAX_HEADERS ? MHD_YES : MHD_NO;
}

static void start(struct MHD_Connection *connection, char *uri, const char *url,
                  const char *method, const char *version)
{
    static const wsgi_core_pair software = { { "SERVER_SOFTWARE", 15 },
                                             { "libmicrohttpd", 13 } };
    const struct sockaddr_in *peer =
        (const struct sockaddr_in *)MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr;
    const char *query = strchr(uri, '?'), *nul = strstr(uri, "%00");
    size_t mount_len = strlen(mount);
    bool found = strncmp(url, mount, mount_len) == 0
                 && (url[mount_len] == '/' || url[mount_len] == '\0')
                 && (nul == NULL || (query != NULL && nul > query));

    memset(&x, 0, sizeof(x));
    x.connection = connection;
    x.uri = uri;
    x.code = found ? 0 : 404;
    x.bodyless = strcmp(method, "HEAD") == 0;
    text_end = text;
    x.info = (wsgi_core_request_info){
        .struct_size = sizeof(x.info),
        .method = keep(method),
        .request_uri = keep(uri),
        .script_name = keep(mount),
        .path_info = keep(found ? url + mount_len : url),
        .query_string = keep(query != NULL ? query + 1 : ""),
        .protocol = keep(version),
        .scheme = keep("http"),
        .server_addr = keep("127.0.0.1"),
        .server_port = ntohs(address.sin_port),
        .remote_addr = keep(inet_ntoa(peer->sin_addr)),
        .remote_port = ntohs(peer->sin_port),
        .script = keep(script),
        .variables = &software,
        .variables_len = 1,
        .settings = &settings,
        .settings_len = 1,
        .headers = headers,
    };
    MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, NULL);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection,
                              const char *url, const char *method,
                              const char *version, const char *data,
                              size_t *data_len, void **con_cls)
{
    size_t n = *data_len;

    if (x.uri == NULL) {
        start(connection, *con_cls, url, method, version);
        return MHD_YES;
    }
    if (x.uri != *con_cls) {
        return suspend(connection); /* pipelined: it waits for its turn */
    }
    if (n == 0) {
        if (x.early != NULL && !x.in_complete) {
            rewind(x.early);
        }
        x.in_complete = true;
        return x.response == NULL
                   ? suspend(connection)
                   : MHD_queue_response(connection, x.code, x.response);
    }
    if (x.in < x.in_end) {
        n = n < (size_t)(x.in_end - x.in) ? n : (size_t)(x.in_end - x.in);
        x.in = mempcpy(x.in, data, n);
    }
    else if (x.out_len > 0) {
        x.early = x.early != NULL ? x.early : tmpfile();
        check(x.early != NULL && fwrite(data, 1, n, x.early) == n,
              "temporary file", strerror(errno));
    }
    else if (!x.served) {
        n = 0;
    }
    *data_len -= n;
    return *data_len > 0 ? suspend(connection) : MHD_YES;
}

static void end(void *cls, struct MHD_Connection *connection, void **con_cls,
                enum MHD_RequestTerminationCode code)
{
    if (*con_cls == x.uri) {
        x.over = true;
    }
    else {
        free(*con_cls);
    }
}

static bool is_connected(void)
{
    return MHD_get_daemon_info(server, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
               ->num_connections
           > 0;
}

static void *work(void *unused)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);

    server = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        handle, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_LIMIT,
        MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_URI_LOG_CALLBACK,
        begin, NULL, MHD_OPTION_NOTIFY_COMPLETED, end, NULL, MHD_OPTION_END);
    check(server != NULL, "libmicrohttpd", "cannot start");
    while (!stopping) {
        int fd = accept(listener, (struct sockaddr *)&peer, &len);

        if (fd >= 0) {
            MHD_add_connection(server, fd, (struct sockaddr *)&peer, len);
        }
        do {
            run(500);
            if (x.uri != NULL) {
                serve();
            }
        } while (is_connected() && !stopping);
    }
    if (suspended != NULL) {
        MHD_resume_connection(suspended);
    }
    MHD_stop_daemon(server);
    return unused;
}

static void set_option(wsgi_core_config *config, wsgi_core_settings *layer,
                       char *option)
{
    char *value = strchrnul(option, '=');
    size_t len = *value != '\0' ? strlen(value + 1) : 0;
    wsgi_core_error *err = NULL;

    *value++ = '\0';
    if (wsgi_core_settings_set(layer, option, value, len, NULL)
        != WSGI_CORE_OK) {
        wsgi_core_config_set(config, option, value, len, &err);
    }
    check(err == NULL, option, wsgi_core_error_get_message(err));
}

static void on_signal(int number)
{
    (void)!write(stop_pipe[1], "", 1);
}

int main(int argc, char **argv)
{
    wsgi_core_server log = { .struct_size = sizeof(log), .log = write_log };
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_settings *layer =
        wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    wsgi_core_error *err = NULL;
    socklen_t len = sizeof(address);
    pthread_t ids[MAX_THREADS];
    int c, i, on = 1, threads = 8;

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(8000);
    wsgi_core_config_set(config, "processes", "1", 1, NULL);
    wsgi_core_config_set(config, "threads", "8", 1, NULL);
    while ((c = getopt(argc, argv, "p:t:m:o:")) != -1) {
        if (c == 'p') {
            address.sin_port = htons(atoi(optarg));
        }
        else if (c == 't') {
            threads = atoi(optarg);
            wsgi_core_config_set(config, "threads", optarg, strlen(optarg),
                                 NULL);
        }
        else if (c == 'm') {
            mount = strcmp(optarg, "/") == 0 ? "" : optarg;
        }
        else if (c == 'o') {
            set_option(config, layer, optarg);
        }
    }
    script = optind + 1 == argc ? realpath(argv[optind], NULL) : NULL;
    check(script != NULL && threads > 0 && threads <= MAX_THREADS, "usage",
          "[-p port] [-t threads] [-m mount] [-o option=value]... script");

    settings = layer;
    if (wsgi_core_config_add_application(config, script, strlen(script), false,
                                         &settings, 1, &err)
            == WSGI_CORE_OK
        && wsgi_core_engine_prepare(config, &log, NULL, &engine, &err)
               == WSGI_CORE_OK) {
        wsgi_core_engine_start(engine, &err);
    }
    check(err == NULL, script, wsgi_core_error_get_message(err));
    wsgi_core_config_free(config);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0
              && bind(listener, (struct sockaddr *)&address, len) == 0
              && listen(listener, SOMAXCONN) == 0
              && getsockname(listener, (struct sockaddr *)&address, &len) == 0
              && pipe2(stop_pipe, O_CLOEXEC) == 0,
          "listening", strerror(errno));
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    for (i = 0; i < threads; i++) {
        check(pthread_create(&ids[i], NULL, work, NULL) == 0, "threads",
              "too many");
    }
    printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);

    (void)!read(stop_pipe[0], &c, 1);
    stopping = true;
    shutdown(listener, SHUT_RDWR);
    if (wsgi_core_engine_stop(engine, STOP_TIMEOUT_MS, NULL) != WSGI_CORE_OK) {
        _exit(EXIT_SUCCESS); /* what is still busy is not to be waited for */
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    wsgi_core_engine_free(engine);
    wsgi_core_settings_free(layer);
    free((char *)script);
    return EXIT_SUCCESS;
}
