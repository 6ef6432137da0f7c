#ifndef COAUTH_TEST_FIELD_RESPONSE_FIXTURE_HPP
#define COAUTH_TEST_FIELD_RESPONSE_FIXTURE_HPP

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace test
{

using namespace std::chrono_literals;
using namespace std::string_literals;
using coauth::testing::response;

inline constexpr char const* client_id = "app";
// Every character that encodings treat differently.
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~<\"";

// A loopback server with scripted responses, and a client of it that makes one attempt.
class scripted_server
{
public:
    scripted_server();

    [[nodiscard]] coauth::client_config config() const { return config_; }

    // The result of a token request with this response.
    coauth::result<coauth::access_token> get_token(response scripted);
    // The error of a token request with this response; ends the test case if there is none.
    coauth::error get_error(response scripted);
    // The result of an introspection with this response.
    coauth::result<coauth::introspection> introspect(response scripted);

private:
    coauth::testing::authorization_server server_;
    coauth::client_config config_;
};

// A response with a body of this type.
response document(unsigned status, std::string type, std::string body);

// The name of the error, or "success".
template <class T>
std::string outcome(coauth::result<T> const& got)
{
    return got ? "success" : std::string(coauth::to_string(got.error().value()));
}

bool contains(std::string_view text, std::string_view part);

} // namespace test

#endif
