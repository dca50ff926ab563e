/*
 * wsgi_httpd: command line, listener, start and stop.
 *
 *     wsgi_httpd [-p port] [-t threads] [-m mount] [-o option=value]...
 *                [-g group:option=value,...] [-b realm | -d realm] [-r groups]
 *                script
 */

#define _GNU_SOURCE
#include "wsgi_httpd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 256
#define TIMEOUT_S 30u
#define STOP_TIMEOUT_MS 10000
#define TEND_MS 500

wsgi_core_engine *engine;
const char *mount = "/";
static wsgi_core_request_info site = WSGI_CORE_REQUEST_INFO_INIT;
static int listener, stop_pipe[2];
static _Atomic bool stopping;

void check(bool ok, const char *what, const char *why)
{
    if (!ok) {
        fprintf(stderr, "wsgi_httpd: %s: %s\n", what, why);
        exit(EXIT_FAILURE);
    }
}

static void set_option(wsgi_core_config *config, wsgi_core_settings *settings,
                       char *option)
{
    char *value = strchrnul(option, '=');
    size_t len = *value != '\0' ? strlen(value + 1) : 0;
    wsgi_core_error *err = NULL;

    *value++ = '\0';
    if (wsgi_core_settings_set(settings, option, value, len, NULL)
        != WSGI_CORE_OK) {
        wsgi_core_config_set(config, option, value, len, &err);
    }
    check(err == NULL, option, wsgi_core_error_get_message(err));
}

/* Processes of their own for the application. */
static void set_group(wsgi_core_config *config, wsgi_core_settings *settings,
                      char *text)
{
    wsgi_core_settings *group = wsgi_core_settings_new(WSGI_CORE_SCOPE_GROUP);
    wsgi_core_error *err = NULL;
    size_t len = strcspn(text, ":");
    char *option = strtok(text + len, ":,");

    for (; option != NULL; option = strtok(NULL, ",")) {
        set_option(config, group, option);
    }
    wsgi_core_config_add_group(config, text, len, NULL, group, &err);
    check(err == NULL, text, wsgi_core_error_get_message(err));
    wsgi_core_settings_set(settings, "process-group", text, len, NULL);
    wsgi_core_settings_free(group);
}

static void on_signal(int number)
{
    (void)number;
    (void)!write(stop_pipe[1], "", 1);
}

/* Opens the listener, and tells its port. */
static uint16_t open_listener(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(port),
    };
    socklen_t len = sizeof(address);
    int on = 1;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0
              && bind(listener, (struct sockaddr *)&address, len) == 0
              && listen(listener, SOMAXCONN) == 0
              && getsockname(listener, (struct sockaddr *)&address, &len) == 0
              && pipe2(stop_pipe, O_CLOEXEC) == 0,
          "listening", strerror(errno));
    return ntohs(address.sin_port);
}

static void start_engine(wsgi_core_config *config)
{
    wsgi_core_mapping mapping = WSGI_CORE_MAPPING_INIT;
    wsgi_core_error *err = NULL;

    mapping.script = site.script;
    mapping.settings = site.settings;
    mapping.settings_len = site.settings_len;
    if (wsgi_core_config_add_application(config, &mapping, &err) == WSGI_CORE_OK
        && wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err)
               == WSGI_CORE_OK) {
        wsgi_core_engine_start(engine, &err);
    }
    check(err == NULL, site.script.data, wsgi_core_error_get_message(err));
    wsgi_core_config_free(config);
}

static bool is_connected(const struct worker *w)
{
    return MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
               ->num_connections
           > 0;
}

static void serve_connection(struct exchange *x, int fd,
                             const struct sockaddr_in *peer)
{
    struct worker *w = x->worker;
    char address[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &peer->sin_addr, address, sizeof(address));
    w->common = site;
    w->common.remote_addr = wsgi_core_bytes_of(address);
    w->common.remote_port = ntohs(peer->sin_port);
    MHD_add_connection(w->daemon, fd, (const struct sockaddr *)peer,
                       sizeof(*peer));
    do {
        run(x, 500);
        if (x->busy) {
            serve(x);
        }
    } while (is_connected(w) && !stopping);
}

static void *work(void *unused)
{
    struct worker w;
    struct exchange x = { .worker = &w };
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);

    make_nonces(&w);
    w.daemon = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        handle, &x, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_LIMIT,
        MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_URI_LOG_CALLBACK,
        begin, &x, MHD_OPTION_NOTIFY_COMPLETED, end, &x,
        MHD_OPTION_DIGEST_AUTH_RANDOM, sizeof(w.nonce_seed), w.nonce_seed,
        MHD_OPTION_END);
    check(w.daemon != NULL, "libmicrohttpd", "cannot start");
    while (!stopping) {
        int fd = accept(listener, (struct sockaddr *)&peer, &len);

        if (fd >= 0) {
            serve_connection(&x, fd, &peer);
        }
    }
    if (x.suspended) {
        MHD_resume_connection(x.mhd);
    }
    MHD_stop_daemon(w.daemon);
    return unused;
}

static void run_threads(int count)
{
    struct pollfd stop = { .fd = stop_pipe[0], .events = POLLIN };
    pthread_t threads[MAX_THREADS];
    int i;

    for (i = 0; i < count; i++) {
        check(pthread_create(&threads[i], NULL, work, NULL) == 0, "threads",
              "too many");
    }
    while (poll(&stop, 1, TEND_MS) <= 0) {
        wsgi_core_engine_tend(engine, NULL); /* it logs what it does */
    }
    stopping = true;
    shutdown(listener, SHUT_RDWR);
    if (wsgi_core_engine_stop(engine, STOP_TIMEOUT_MS, NULL) != WSGI_CORE_OK) {
        _exit(EXIT_SUCCESS); /* what is still busy is not to be waited for */
    }
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argc, char **argv)
{
    static const wsgi_core_pair software = { { "SERVER_SOFTWARE", 15 },
                                             { "libmicrohttpd", 13 } };
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_settings *settings =
        wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *layer = settings;
    char *script;
    int c, port = 8000, threads = 8;

    wsgi_core_config_set(config, "processes", "1", 1, NULL);
    wsgi_core_config_set(config, "threads", "8", 1, NULL);
    while ((c = getopt(argc, argv, "p:t:m:o:g:b:d:r:")) != -1) {
        if (c == 'p') {
            port = atoi(optarg);
        }
        else if (c == 't') {
            threads = atoi(optarg);
            wsgi_core_config_set(config, "threads", optarg, strlen(optarg),
                                 NULL);
        }
        else if (c == 'm') {
            mount = optarg;
        }
        else if (c == 'o') {
            set_option(config, settings, optarg);
        }
        else if (c == 'g') {
            set_group(config, settings, optarg);
        }
        else if (c == 'b' || c == 'd') {
            policy.realm = optarg;
            policy.digest = c == 'd';
        }
        else if (c == 'r') {
            policy.groups = optarg;
        }
    }
    script = optind + 1 == argc ? realpath(argv[optind], NULL) : NULL;
    check(script != NULL && threads > 0 && threads <= MAX_THREADS
              && (policy.groups == NULL || policy.realm != NULL),
          "usage",
          "[-p port] [-t threads] [-m mount] [-o option=value]... "
          "[-g group:option=value,...] [-b realm | -d realm] [-r groups] "
          "script");
    site.script_name = wsgi_core_bytes_of(strcmp(mount, "/") ? mount : "");
    site.scheme = wsgi_core_bytes_of("http");
    site.server_addr = wsgi_core_bytes_of("127.0.0.1");
    site.script = wsgi_core_bytes_of(script);
    site.variables = &software;
    site.variables_len = 1;
    site.settings = &layer;
    site.settings_len = 1;

    start_engine(config);
    site.server_port = open_listener(port);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    printf("listening on http://127.0.0.1:%d\n", site.server_port);
    fflush(stdout);
    run_threads(threads);
    wsgi_core_engine_free(engine);
    wsgi_core_settings_free(settings);
    free(script);
    return EXIT_SUCCESS;
}
