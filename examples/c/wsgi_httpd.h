/* wsgi_httpd: what its files share. */

#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <wsgi_core.h>

#define MEMORY_LIMIT ((size_t)64 << 10) /* of libmicrohttpd, per connection */
#define MAX_HEADERS 1000
#define MAX_VARIABLES 3 /* SERVER_SOFTWARE, and what is known of the user */

extern wsgi_core_engine *engine;
extern const char *mount; /* path of the application */
extern const wsgi_core_host host;

/* Whom it lets in; access-script may turn away others as well. */
extern struct policy {
    const char *realm;  /* users with a password for it; NULL: everybody */
    const char *groups; /* those who are in one of them; NULL: all of them */
    bool digest;        /* how they prove it: Digest, else Basic */
} policy;

/* A thread, which serves one connection at a time. */
struct worker {
    struct MHD_Daemon *daemon;
    char nonce_seed[16], nonce_owner[9];
    wsgi_core_request_info common; /* to the requests of the connection */
    char uri[MEMORY_LIMIT];        /* of the next request, as received */
    char text[3 * MEMORY_LIMIT], *text_end;
    wsgi_core_pair headers[MAX_HEADERS];
};

/* The request that it is busy with. */
struct exchange {
    struct worker *worker;
    struct MHD_Connection *mhd;
    wsgi_core_request_info info;
    wsgi_core_pair variables[MAX_VARIABLES];
    char *user;                   /* as the client says */
    wsgi_core_decision *identity; /* what is said of it, as its new name */
    char *in;                     /* where the application wants input */
    size_t in_room;
    FILE *early; /* input that came while output waited */
    struct MHD_Response *response;
    unsigned int code; /* 0: the application decides */
    const char *out;   /* output that waits; NULL: it is in the file */
    uint64_t out_len, file_at;
    int file;
    ssize_t result; /* for libmicrohttpd; 0: the application is not done */
    bool busy, suspended, bodyless, in_complete, out_taken, over;
    bool challenged, stale;
};

/* Lets libmicrohttpd run until something has happened. */
void run(struct exchange *x, int timeout_ms);

/* Serves the request that has arrived. */
void serve(struct exchange *x);

/* Before libmicrohttpd makes any for this thread. */
void make_nonces(struct worker *w);

/* The status to refuse it with, or 0. */
unsigned int refusal(struct exchange *x);

/* Hands its response to libmicrohttpd. */
enum MHD_Result respond(struct exchange *x);

/* Callbacks of libmicrohttpd, with the exchange as their cls. */
void *begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *url,
                       const char *method, const char *version,
                       const char *data, size_t *data_len, void **con_cls);
void end(void *cls, struct MHD_Connection *mhd, void **con_cls,
         enum MHD_RequestTerminationCode code);

/* Ends the program unless all is well. */
void check(bool ok, const char *what, const char *why);
