// The header alone, as C++: it must be valid there, and its functions have C
// linkage.
#include <wsgi_core.h>

int header_test();

int header_test()
{
    wsgi_core_head head = WSGI_CORE_HEAD_INIT;
    wsgi_core_host host = WSGI_CORE_HOST_INIT;
    wsgi_core_log_record record = WSGI_CORE_LOG_RECORD_INIT;
    wsgi_core_option option = WSGI_CORE_OPTION_INIT;
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;
    wsgi_core_server server = WSGI_CORE_SERVER_INIT;

    return head.struct_size == sizeof(head) && host.struct_size == sizeof(host)
           && record.struct_size == sizeof(record)
           && option.struct_size == sizeof(option)
           && outcome.struct_size == sizeof(outcome)
           && info.struct_size == sizeof(info)
           && server.struct_size == sizeof(server)
           && info.method.data == nullptr
           && wsgi_core_abi_version() == WSGI_CORE_ABI_VERSION;
}
