#ifndef COAUTH_TEST_UNIT_SUPPORT_HPP
#define COAUTH_TEST_UNIT_SUPPORT_HPP

#include <coauth/client_config.hpp>

#include "protocol/http_request.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace test
{

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

// Credentials with every character that encodings treat differently. The library's own texts do not
// contain them.
inline constexpr char const* client_id = "app+1%2F&=\"\xC3\xA9";
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~";

// The credentials as value of HTTP Basic: with form encoding, and without.
inline constexpr char const* basic_value =
    "YXBwJTJCMSUyNTJGJTI2JTNEJTIyJUMzJUE5OnAlM0FTKzMlMkJjciUyRiUyNXQlMjYlM0QlQzMlQkMlN0U=";
inline constexpr char const* raw_basic_value = "YXBwKzElMkYmPSLDqTpwOlMgMytjci8ldCY9w7x+";

// A token request as sent, without assertion and DPoP proof.
inline coauth::result<coauth::secret> build_token_request(
    coauth::client_config const& config, coauth::protocol::endpoint const& endpoint,
    coauth::token_request const& request)
{
    auto const form = coauth::protocol::token_request_form(request);
    if (!form)
        return form.error();
    return coauth::protocol::build_form_request(config, config.authentication, endpoint, *form, {});
}

// "success", or the name of the error.
template <class T>
std::string outcome(coauth::result<T> const& got)
{
    return got ? "success" : std::string(to_string(got.error().value()));
}

inline std::string text(coauth::secret const& s)
{
    return std::string(s.view());
}

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

inline void check_contains(std::string_view text, std::string_view part)
{
    BOOST_TEST(contains(text, part), "\"" << part << "\" is not in: " << text.substr(0, 2048));
}

inline void check_lacks(std::string_view text, std::string_view part)
{
    BOOST_TEST(!contains(text, part), "\"" << part << "\" is in: " << text.substr(0, 2048));
}

// A complete configuration: an https endpoint and the credentials above.
inline coauth::client_config config()
{
    coauth::client_config configuration;
    configuration.server.token_endpoint = "https://as.example.com/oauth/token";
    configuration.authentication =
        coauth::client_authentication::client_secret_basic(client_id, client_secret);
    return configuration;
}

} // namespace test

#endif
