/*
 * Prints the versions of header and library, and of the Python that an engine
 * would use. A program that holds the static library says where the runtimes
 * are in its first argument.
 */
#include <stdio.h>
#include <string.h>

#include <wsgi_core.h>

static int fail(wsgi_core_error *err)
{
    fprintf(stderr, "%s\n", wsgi_core_error_get_message(err));
    wsgi_core_error_free(err);
    return 1;
}

int main(int argc, char **argv)
{
    wsgi_core_server server = { 0 };
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_engine *engine = NULL;
    wsgi_core_error *err = NULL;

    server.struct_size = sizeof(server);
    if (argc > 1
        && wsgi_core_config_set(config, "runtime-dir", argv[1], strlen(argv[1]),
                                &err)
               != WSGI_CORE_OK) {
        return fail(err);
    }
    if (wsgi_core_engine_prepare(config, &server, NULL, &engine, &err)
        != WSGI_CORE_OK) {
        return fail(err);
    }
    printf("%s %s %d %s\n", WSGI_CORE_VERSION, wsgi_core_version(),
           wsgi_core_abi_version() == WSGI_CORE_ABI_VERSION,
           wsgi_core_engine_get_python_version(engine));
    wsgi_core_engine_free(engine);
    wsgi_core_config_free(config);
    return 0;
}
