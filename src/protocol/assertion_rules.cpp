#include "protocol/assertion_rules.hpp"

#include "values/json_document.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <array>

namespace coauth::protocol
{
namespace
{

// The claims may be secret: messages show names only.
result<void> check_json_claims(std::string const& subject, std::string_view json_claims)
{
    if (json_claims.empty())
        return {};
    auto const document = detail::json_document::parse(json_claims);
    if (!document)
        return detail::config_error(
            subject + ": json_claims is not the text of a JSON object with different names; write "
                      R"(it as {"name":value})");
    for (auto const& [name, value] : document->members())
        if (name.empty() || is_reserved_claim(name))
            return detail::config_error(
                subject + ": the claim '" + std::string(name) +
                "' in json_claims is reserved or has no name; use the other members");
    return {};
}

} // namespace

bool is_reserved_claim(std::string_view name) noexcept
{
    constexpr std::array<std::string_view, 7> reserved = {"iss", "sub", "aud", "jti",
                                                          "iat", "exp", "nbf"};
    return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

result<void> check_assertion_rules(
    std::string const& subject, std::chrono::seconds backdate, std::string_view json_claims)
{
    using namespace std::chrono;
    if (backdate < seconds(0) || backdate > hours(1))
        return detail::config_error(
            subject + ": backdate is " + std::to_string(backdate.count()) +
            " s; it must be from 0 to 1 hour");
    return check_json_claims(subject, json_claims);
}

result<void> check_assertion_lifetime(std::string const& name, std::chrono::seconds lifetime)
{
    using namespace std::chrono;
    if (lifetime < seconds(1) || lifetime > hours(1))
        return detail::config_error(
            name + " is " + std::to_string(lifetime.count()) + " s; it must be from 1 s to 1 hour");
    return {};
}

} // namespace coauth::protocol
