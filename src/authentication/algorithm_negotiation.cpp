#include "authentication/algorithm_negotiation.hpp"

#include "protocol/redacted_trace.hpp"
#include "values/make_error.hpp"

#include <algorithm>

namespace coauth::detail
{
namespace
{

// Ed25519 signatures have two names (RFC 8037, RFC 9864).
signature_algorithm synonym(signature_algorithm algorithm)
{
    using enum signature_algorithm;
    return algorithm == eddsa ? ed25519 : algorithm == ed25519 ? eddsa : algorithm;
}

} // namespace

bool contains(supported_names const& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<signature_algorithm> first_supported(
    supported_names const& supported, std::vector<signature_algorithm> const& algorithms)
{
    for (auto const algorithm : algorithms)
        for (auto const name : {algorithm, synonym(algorithm)})
            if (supported.empty() || contains(supported, to_string(name)))
                return name;
    return std::nullopt;
}

error no_common_method(
    std::string context, supported_names const& supported,
    client_authentication const& authentication)
{
    std::string names;
    for (auto const& name : supported)
        names += ' ' + name;
    return config_error(std::move(context) + protocol::sanitize(names, authentication));
}

} // namespace coauth::detail
