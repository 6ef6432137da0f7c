#include "token_source/refresh_token_rotation.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace coauth::detail
{
namespace
{

constexpr std::string_view parameter_name = "refresh_token";
// A function that is later than by this number of tokens is taken for one that returns a new token.
constexpr std::size_t max_older = 8;

} // namespace

// The refresh tokens that followed each other. Thread-safe.
class refresh_token_rotation::chain
{
public:
    void add(access_token const& token) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (token.refresh_token().empty() || token.refresh_token() == newest_.refresh_token())
            return;
        // Keeping the newest one needs no memory.
        auto const replaced = std::exchange(newest_, token);
        if (replaced)
            add_older(replaced.refresh_token());
    }

    [[nodiscard]] std::optional<secret> newest() const
    {
        std::lock_guard const lock(mutex_);
        if (newest_.empty())
            return std::nullopt;
        return secret(newest_.refresh_token());
    }

    // The token to present, if the user's function returns `provided`.
    [[nodiscard]] secret newer_than(secret provided)
    {
        std::lock_guard const lock(mutex_);
        if (provided.view() == newest_.refresh_token())
            return provided;
        if (std::find(older_.begin(), older_.end(), provided) != older_.end())
            return newest_ ? secret(newest_.refresh_token()) : std::move(provided);
        newest_ = access_token();
        add_older(provided.view());
        return provided;
    }

private:
    void add_older(std::string_view token) noexcept
    {
        try
        {
            older_.emplace_back(token);
            if (older_.size() > max_older)
                older_.erase(older_.begin());
        }
        catch (...) // NOLINT(bugprone-empty-catch): then a late function is believed
        {
        }
    }

    std::mutex mutable mutex_;
    // The last token with a refresh token. Empty: the one of the request is the newest.
    access_token newest_;
    std::vector<secret> older_;
};

refresh_token_rotation::refresh_token_rotation(token_request request) : request_(std::move(request))
{
    auto const* const grant = request_.grant();
    if (grant == nullptr || grant->type != "refresh_token")
        return;
    chain_ = std::make_shared<chain>();
    request_ = follow_providers();
}

token_request refresh_token_rotation::next_request() const
{
    auto newest = chain_ ? chain_->newest() : std::nullopt;
    if (!newest)
        return request_;
    auto grant = *request_.grant();
    for (auto& [name, value] : grant.parameters)
        if (name == parameter_name)
            value = std::move(*newest);
    return with_grant(std::move(grant));
}

void refresh_token_rotation::on_token(access_token const& token) noexcept
{
    if (chain_)
        chain_->add(token);
}

token_request refresh_token_rotation::follow_providers() const
{
    auto grant = *request_.grant();
    for (auto& [name, provider] : grant.dynamic_parameters)
        if (name == parameter_name)
            provider = [chain = chain_, configured = provider]() -> result<secret>
            {
                auto provided = configured();
                if (!provided)
                    return provided;
                return chain->newer_than(std::move(*provided));
            };
    return with_grant(std::move(grant));
}

token_request refresh_token_rotation::with_grant(token_grant grant) const
{
    auto request = request_;
    request.grant_ = std::make_shared<token_grant const>(std::move(grant));
    return request;
}

} // namespace coauth::detail
