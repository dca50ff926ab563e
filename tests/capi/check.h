/*
 * Checks for the C tests.  A test is a function; CHECK notes a failure and goes
 * on, REQUIRE leaves the test.  The result is TAP.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wsgi_core.h>

/* Also written by the threads of a test, but only ever with 1. */
static volatile int check_failed;
static int check_tests;
static int check_failures;

#define CHECK_NOTE(...) \
    (check_failed = 1, printf("# %s:%d: ", __FILE__, __LINE__), \
     printf(__VA_ARGS__), printf("\n"))

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            CHECK_NOTE("%s", #condition); \
        } \
    } while (0)

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            CHECK_NOTE("%s", #condition); \
            return; \
        } \
    } while (0)

#define CHECK_INT(actual, expected) \
    do { \
        long long check_actual = (long long)(actual); \
        long long check_expected = (long long)(expected); \
        if (check_actual != check_expected) { \
            CHECK_NOTE("%s is %lld, not %lld", #actual, check_actual, \
                       check_expected); \
        } \
    } while (0)

#define CHECK_TEXT(actual, expected) \
    do { \
        const char *check_actual = (actual); \
        if (!check_actual || strcmp(check_actual, (expected)) != 0) { \
            CHECK_NOTE("%s is \"%s\", not \"%s\"", #actual, \
                       check_actual ? check_actual : "(null)", (expected)); \
        } \
    } while (0)

#define CHECK_CONTAINS(actual, part) \
    do { \
        const char *check_actual = (actual); \
        if (!check_actual || !strstr(check_actual, (part))) { \
            CHECK_NOTE("%s is \"%s\", without \"%s\"", #actual, \
                       check_actual ? check_actual : "(null)", (part)); \
        } \
    } while (0)

/*
 * A call that has to return this status.  `err` is the variable that the call
 * writes its details to: set exactly on failure, and released here.
 */
#define CHECK_CALL(call, expected, err) \
    do { \
        wsgi_core_status check_status; \
        (err) = CHECK_STALE; \
        check_status = (call); \
        check_detail(__FILE__, __LINE__, #call, check_status, (expected), \
                     (err)); \
    } while (0)

/* Nothing a call may leave in place. */
#define CHECK_STALE ((wsgi_core_error *)(void *)&check_failures)

static inline void check_detail(const char *file, int line, const char *call,
                                wsgi_core_status status,
                                wsgi_core_status expected, wsgi_core_error *err)
{
    const char *message = NULL;

    if (err == CHECK_STALE) {
        printf("# %s:%d: %s did not set its error\n", file, line, call);
        check_failed = 1;
        err = NULL;
    }
    if (err) {
        message = wsgi_core_error_get_message(err);
    }
    if (status != expected) {
        printf("# %s:%d: %s returned %d, not %d: %s\n", file, line, call,
               (int)status, (int)expected, message ? message : "no details");
        check_failed = 1;
    }
    if ((status == WSGI_CORE_OK) != (err == NULL)) {
        printf("# %s:%d: %s: status %d %s an error\n", file, line, call,
               (int)status, err ? "with" : "without");
        check_failed = 1;
    }
    if (err) {
        if (wsgi_core_error_get_status(err) != status || !message || !*message
            || strchr(message, '\n')) {
            printf("# %s:%d: %s: bad details: status %d, \"%s\"\n", file, line,
                   call, (int)wsgi_core_error_get_status(err),
                   message ? message : "(null)");
            check_failed = 1;
        }
        wsgi_core_error_free(err);
    }
}

/* Fewer rounds where everything is slow, as under valgrind. */
static inline int check_rounds(int usual)
{
    return getenv("CAPI_SLOW") ? (usual + 9) / 10 : usual;
}

static inline void check_run(const char *name, void (*test)(void))
{
    check_failed = 0;
    test();
    check_failures += check_failed;
    printf("%s %d - %s\n", check_failed ? "not ok" : "ok", ++check_tests, name);
    fflush(stdout);
}

#define RUN(test) check_run(#test, test)

static inline int check_end(void)
{
    printf("1..%d\n", check_tests);
    return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
