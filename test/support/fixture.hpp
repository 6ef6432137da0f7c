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

// Credentials in which every character that an encoding may get wrong occurs, and which no text of
// ours contains by accident.
inline constexpr char const* client_id = "app+1%2F&=\"\xC3\xA9";
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~";

// Both as a value of Basic: form-encoded first, and as they are.
inline constexpr char const* basic_value =
    "YXBwJTJCMSUyNTJGJTI2JTNEJTIyJUMzJUE5OnAlM0FTKzMlMkJjciUyRiUyNXQlMjYlM0QlQzMlQkMlN0U=";
inline constexpr char const* raw_basic_value = "YXBwKzElMkYmPSLDqTpwOlMgMytjci8ldCY9w7x+";

inline constexpr char const* token_body =
    R"({"access_token":"tok.en-1","token_type":"Bearer","expires_in":3600})";

// Those credentials, and defaults beside.
server_options options();
// A server, or the end of the test case.
authorization_server start(server_options chosen = options());

// Runs one operation to its end, and until nothing of it is left in the event loop.
token_result fetch(coauth::client_config config, coauth::token_request const& request = {});
// The same without a look at what is said meanwhile, which takes memory.
token_result
fetch_without_log_scan(coauth::client_config config, coauth::token_request const& request = {});
// So many at the same time.
std::vector<token_result> fetch_many(coauth::client_config config, std::size_t count);

// "success", or the name of the error.
template <class T>
std::string outcome(coauth::result<T> const& got)
{
    return got ? "success" : std::string(coauth::to_string(got.error().value()));
}
// Ends the test case when there is no token.
coauth::access_token const& require_token(token_result const& got);
// The same, but every text that the library makes for logs is looked at, as `check_no_secret` does,
// for the token too. What the configuration has for them already is left alone.
coauth::client_config with_log_scan(coauth::client_config config);
// Neither the credentials in any form nor `also` occur in any text of the error.
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

// A response with a Content-Length, as text.
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
