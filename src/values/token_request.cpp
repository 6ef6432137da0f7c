#include <coauth/token_request.hpp>

#include "values/encoding.hpp"

#include <algorithm>

namespace coauth
{
namespace
{

// Requests share their grants: a copy can be changed.
std::shared_ptr<token_grant> copy_of(token_grant const* grant)
{
    return grant != nullptr ? std::make_shared<token_grant>(*grant)
                            : std::make_shared<token_grant>(token_grant{"client_credentials", {}});
}

} // namespace

token_request& token_request::header(std::string name, secret value) &
{
    auto const same = std::find_if(
        headers_.begin(), headers_.end(),
        [&](auto const& field) { return detail::equal_ignoring_case(field.first, name); });
    if (same != headers_.end())
        same->second = std::move(value);
    else
        headers_.emplace_back(std::move(name), std::move(value));
    return *this;
}

void token_request::add_secret(std::string name, secret value)
{
    auto grant = copy_of(grant_.get());
    grant->parameters.emplace_back(std::move(name), std::move(value));
    grant_ = std::move(grant);
}

void token_request::add_provider(std::string name, secret_provider value)
{
    auto grant = copy_of(grant_.get());
    grant->dynamic_parameters.emplace_back(std::move(name), std::move(value));
    grant_ = std::move(grant);
}

} // namespace coauth
