#ifndef COAUTH_SRC_VALUES_SECRET_FUNCTION_HPP
#define COAUTH_SRC_VALUES_SECRET_FUNCTION_HPP

#include <coauth/secret_function.hpp>

#include <string_view>

namespace coauth::protocol
{

// What the user's function yields, and an error in place of what it throws. `what` names it in what
// an error says, as in "client secret".
result<secret> ask(secret_function const& function, std::string_view what);

} // namespace coauth::protocol

#endif
