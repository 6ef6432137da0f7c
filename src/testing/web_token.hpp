#ifndef COAUTH_SRC_TESTING_WEB_TOKEN_HPP
#define COAUTH_SRC_TESTING_WEB_TOKEN_HPP

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coauth::testing
{

// A JSON Web Token in its compact form (RFC 7515 section 3.1), read and not verified.
struct web_token
{
    boost::json::object header;
    boost::json::object claims;
    std::string signed_part;
    std::string signature;
};

std::optional<web_token> read_web_token(std::string_view text);

// The text of the member; empty where there is none, or one that is no text.
std::string text_member(boost::json::object const& of, std::string_view name);
// The number of the member, such as seconds since 1970; none where there is none.
std::optional<double> number_member(boost::json::object const& of, std::string_view name);

} // namespace coauth::testing

#endif
