#ifndef COAUTH_SRC_AUTHENTICATION_ALGORITHM_NEGOTIATION_HPP
#define COAUTH_SRC_AUTHENTICATION_ALGORITHM_NEGOTIATION_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/error.hpp>
#include <coauth/signing_key.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::detail
{

// What a server says it understands, by the names of its metadata.
using supported_names = std::vector<std::string>;

bool contains(supported_names const& list, std::string_view name);

// The first of the algorithms that the server knows, by the name that it knows; without a list any.
std::optional<signature_algorithm>
first_supported(supported_names const& known, std::vector<signature_algorithm> const& of);

// `errc::invalid_configuration`: the context, and behind it the names, which are text of the server
// and are shown without the client's secret.
error no_common_method(
    std::string context, supported_names const& known, client_authentication const& who = {});

} // namespace coauth::detail

#endif
