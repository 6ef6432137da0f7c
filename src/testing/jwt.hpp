#ifndef COAUTH_SRC_TESTING_JWT_HPP
#define COAUTH_SRC_TESTING_JWT_HPP

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coauth::testing
{

// A JSON Web Token in its compact form (RFC 7515 section 3.1), decoded but not verified.
struct jwt
{
    boost::json::object header;
    boost::json::object claims;
    std::string signing_input;
    std::string signature;
};

std::optional<jwt> read_jwt(std::string_view text);

// The value of the member. Empty if there is none, or if it is not a string.
std::string text_member(boost::json::object const& object, std::string_view name);
// The value of the member. None if there is none, or if it is not a number.
std::optional<double> number_member(boost::json::object const& object, std::string_view name);

} // namespace coauth::testing

#endif
