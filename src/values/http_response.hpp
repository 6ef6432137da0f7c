#ifndef COAUTH_SRC_VALUES_HTTP_RESPONSE_HPP
#define COAUTH_SRC_VALUES_HTTP_RESPONSE_HPP

#include <coauth/http_headers.hpp>
#include <coauth/secret.hpp>

namespace coauth
{

// A complete HTTP response.
struct http_response
{
    unsigned status = 0;
    http_headers headers;
    secret body;
};

} // namespace coauth

#endif
