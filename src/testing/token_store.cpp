#include "testing/token_store.hpp"

#include "testing/encoding.hpp"

#include <utility>

namespace coauth::testing
{

std::string token_store::add(issued_token token)
{
    auto name = random_text(40);
    add(name, std::move(token));
    return name;
}

void token_store::add(std::string name, issued_token token)
{
    tokens_.emplace(std::move(name), std::move(token));
}

issued_token const*
token_store::find(std::string const& name, std::chrono::system_clock::time_point now) const
{
    auto const found = tokens_.find(name);
    return found == tokens_.end() || found->second.expires_at <= now ? nullptr : &found->second;
}

void token_store::remove(std::string const& name)
{
    tokens_.erase(name);
}

} // namespace coauth::testing
