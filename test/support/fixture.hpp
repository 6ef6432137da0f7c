#ifndef COAUTH_TEST_SUPPORT_FIXTURE_HPP
#define COAUTH_TEST_SUPPORT_FIXTURE_HPP

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace test
{

using namespace std::chrono_literals;
using coauth::testing::authorization_server;
using coauth::testing::response;
using coauth::testing::response_end;
using coauth::testing::server_options;
using token_result = coauth::result<coauth::access_token>;

// Credentials with every character that encodings treat differently. The library's own texts do not
// contain them.
inline constexpr char const* client_id = "app+1%2F&=\"\xC3\xA9";
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~";

// The credentials as a value of HTTP Basic: with form encoding, and without.
inline constexpr char const* basic_value =
    "YXBwJTJCMSUyNTJGJTI2JTNEJTIyJUMzJUE5OnAlM0FTKzMlMkJjciUyRiUyNXQlMjYlM0QlQzMlQkMlN0U=";
inline constexpr char const* raw_basic_value = "YXBwKzElMkYmPSLDqTpwOlMgMytjci8ldCY9w7x+";

inline constexpr char const* token_body =
    R"({"access_token":"tok.en-1","token_type":"Bearer","expires_in":3600})";

// Options with these credentials.
server_options options();
// Starts a server. Ends the test case if it does not start.
authorization_server start(server_options settings = options());

// Runs one operation until the event loop has no more work.
token_result fetch(coauth::client_config config, coauth::token_request const& request = {});
// The same without `with_log_scan`, which allocates memory.
token_result
fetch_without_log_scan(coauth::client_config config, coauth::token_request const& request = {});
// Runs `count` operations at the same time.
std::vector<token_result> fetch_many(coauth::client_config config, std::size_t count);

// "success", or the name of the error.
template <class T>
std::string outcome(coauth::result<T> const& got)
{
    return got ? "success" : std::string(coauth::to_string(got.error().value()));
}
// Ends the test case if there is no token.
coauth::access_token const& require_token(token_result const& got);
// Adds a debug function and an observer that search every text for the credentials and the token.
// Does not replace those of the configuration.
coauth::client_config with_log_scan(coauth::client_config config);
// Checks that no text of the error contains the credentials in any form, or `also`.
void check_no_secret(token_result const& got, std::string_view also = {});

class stopwatch
{
public:
    [[nodiscard]] std::chrono::milliseconds elapsed() const
    {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A response with Content-Length.
std::string http_response(std::string_view body, std::string_view more_headers = {});

} // namespace test

namespace std::chrono
{
// For Boost.Test's messages.
inline std::ostream& boost_test_print_type(std::ostream& out, milliseconds time)
{
    return out << time.count() << " ms";
}
} // namespace std::chrono

#endif
