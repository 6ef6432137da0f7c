#include "testing/token_store.hpp"

#include "testing/encoding.hpp"

#include <utility>

namespace coauth::testing
{

std::string token_store::add(issued_token token)
{
    auto value = random_text(40);
    add(value, std::move(token));
    return value;
}

void token_store::add(std::string value, issued_token token)
{
    tokens_.emplace(std::move(value), std::move(token));
}

issued_token const*
token_store::find(std::string const& value, std::chrono::system_clock::time_point now) const
{
    auto const found = tokens_.find(value);
    return found == tokens_.end() || found->second.expires_at <= now ? nullptr : &found->second;
}

void token_store::remove(std::string const& value)
{
    tokens_.erase(value);
}

} // namespace coauth::testing
