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

// Methods or algorithms that a server supports, by their names in its metadata.
using supported_names = std::vector<std::string>;

bool contains(supported_names const& names, std::string_view name);

// The first algorithm that the server supports, under the name that it uses. If its metadata name
// no algorithms, the first of all.
std::optional<signature_algorithm> first_supported(
    supported_names const& supported, std::vector<signature_algorithm> const& algorithms);

// `errc::invalid_configuration`: the context, followed by the names, which are the server's text
// and are shown without the client's secret.
error no_common_method(
    std::string context, supported_names const& supported,
    client_authentication const& authentication = {});

} // namespace coauth::detail

#endif
