#ifndef COAUTH_SRC_VALUES_CALL_SECRET_PROVIDER_HPP
#define COAUTH_SRC_VALUES_CALL_SECRET_PROVIDER_HPP

#include <coauth/secret_provider.hpp>

#include <string_view>

namespace coauth::detail
{

// Calls the user's function and returns its result; an exception becomes an error. `subject` names
// the secret in messages, such as "client secret".
COAUTH_DECL result<secret>
call_secret_provider(secret_provider const& provider, std::string_view subject);

} // namespace coauth::detail

#endif
