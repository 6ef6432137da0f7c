#include "authentication/algorithm_negotiation.hpp"

#include "protocol/redacted_trace.hpp"
#include "values/make_error.hpp"

#include <algorithm>

namespace coauth::detail
{
namespace
{

// Ed25519 signatures have two names (RFC 8037, RFC 9864).
signature_algorithm other_name(signature_algorithm of)
{
    using enum signature_algorithm;
    return of == eddsa ? ed25519 : of == ed25519 ? eddsa : of;
}

} // namespace

bool contains(supported_names const& list, std::string_view name)
{
    return std::find(list.begin(), list.end(), name) != list.end();
}

std::optional<signature_algorithm>
first_supported(supported_names const& known, std::vector<signature_algorithm> const& of)
{
    for (auto const one : of)
        for (auto const name : {one, other_name(one)})
            if (known.empty() || contains(known, to_string(name)))
                return name;
    return std::nullopt;
}

error no_common_method(
    std::string context, supported_names const& known, client_authentication const& who)
{
    std::string listed;
    for (auto const& one : known)
        listed += ' ' + one;
    return config_error(std::move(context) + protocol::sanitize(listed, who));
}

} // namespace coauth::detail
