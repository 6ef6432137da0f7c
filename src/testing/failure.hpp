#ifndef COAUTH_SRC_TESTING_FAILURE_HPP
#define COAUTH_SRC_TESTING_FAILURE_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>
#include <coauth/testing/server_options.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>

namespace coauth::testing
{

// An error response of the server.
struct failure
{
    unsigned status;
    // The value of `error`.
    char const* code;
    std::string description;
    // The numeric code, which SMS.CX has for errors of the OAuth parameters alone.
    std::optional<int> number = {};
    // With status 405: the methods that the path accepts.
    char const* allow = "POST";
};

template <class T>
using checked = boost::system::result<T, failure>;

failure invalid_request(std::string description);
failure invalid_client(std::string description);
// Status 400 with this OAuth error code.
failure oauth_failure(char const* code, std::string description);

response to_response(server_flavor flavor, failure const& problem);

// Called by `checked::value()` if there is no value.
[[noreturn]] void
throw_exception_from_error(failure const& problem, boost::source_location const& location);

} // namespace coauth::testing

#endif
