#ifndef COAUTH_SRC_VALUES_CALL_SECRET_PROVIDER_HPP
#define COAUTH_SRC_VALUES_CALL_SECRET_PROVIDER_HPP

#include <coauth/secret_provider.hpp>

#include <string_view>

namespace coauth::protocol
{

// What the user's function yields, and an error in place of what it throws. `what` names it in what
// an error says, as in "client secret".
result<secret> ask(secret_provider const& function, std::string_view what);

} // namespace coauth::protocol

#endif
