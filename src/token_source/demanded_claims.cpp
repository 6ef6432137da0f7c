#include "token_source/demanded_claims.hpp"

#include "values/json_merge.hpp"

#include <algorithm>
#include <utility>

namespace coauth::detail
{
namespace
{

// Of all demands together. Further ones replace the earlier ones.
constexpr std::size_t max_claims = std::size_t(16) * 1024;

} // namespace

void demanded_claims::add(api_challenge const& challenge)
{
    std::lock_guard const lock(mutex_);
    if (!challenge.claims.empty())
    {
        auto const merged = merge_json_objects(claims_, challenge.claims);
        claims_ = merged.size() <= max_claims ? merged.view() : challenge.claims;
    }
    if (!challenge.acr_values.empty())
        acr_values_ = challenge.acr_values;
    if (challenge.max_age)
        max_age_ = std::to_string(challenge.max_age->count());
}

token_request demanded_claims::apply(token_request request) const
{
    std::lock_guard const lock(mutex_);
    if (!claims_.empty())
    {
        auto const& given = request.parameters();
        auto const own = std::find_if(
            given.begin(), given.end(), [](auto const& one) { return one.first == "claims"; });
        auto const merged =
            merge_json_objects(own != given.end() ? own->second : std::string(), claims_);
        set(request, "claims", std::string(merged.view()));
    }
    if (!acr_values_.empty())
        set(request, "acr_values", acr_values_);
    if (!max_age_.empty())
        set(request, "max_age", max_age_);
    return request;
}

void demanded_claims::set(token_request& request, std::string_view name, std::string value)
{
    auto& all = request.parameters_;
    auto const found =
        std::find_if(all.begin(), all.end(), [name](auto const& one) { return one.first == name; });
    if (found == all.end())
        all.emplace_back(name, std::move(value));
    else
        found->second = std::move(value);
}

} // namespace coauth::detail
