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

// One row of a server's table of errors.
struct failure
{
    unsigned status;
    char const* word;
    std::string description;
    // SMS.CX numbers the errors of the OAuth parameters, and no others.
    std::optional<int> code = {};
    // The methods that the path takes, of a 405.
    char const* allow = "POST";
};

template <class T>
using checked = boost::system::result<T, failure>;

failure invalid_request(std::string description);
failure invalid_client(std::string description);
// A failure of the OAuth parameters.
failure refused(char const* word, std::string description);

response to_response(server_flavor how, failure const& what);

// What a `checked` without a value calls where one is asked for.
[[noreturn]] void
throw_exception_from_error(failure const& what, boost::source_location const& where);

} // namespace coauth::testing

#endif
