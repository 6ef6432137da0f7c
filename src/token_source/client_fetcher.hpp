#ifndef COAUTH_SRC_TOKEN_SOURCE_CLIENT_FETCHER_HPP
#define COAUTH_SRC_TOKEN_SOURCE_CLIENT_FETCHER_HPP

#include "client/client_impl.hpp"
#include "token_source/fetcher.hpp"

#include <memory>
#include <utility>

namespace coauth::detail
{

// Gets tokens from a client.
class client_fetcher final : public fetcher
{
public:
    explicit client_fetcher(std::shared_ptr<client_impl> client)
        : fetcher(client->executor, client->id)
        , client_(std::move(client))
    {
    }

    std::weak_ptr<abortable> start(
        token_fetch what, token_handler handler,
        std::shared_ptr<std::uint64_t> credentials_version) override
    {
        return start_get_access_token(
            client_, std::move(what.request), std::move(handler),
            {what.deadline, std::move(credentials_version)});
    }
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept override
    {
        return client_->config.timeout;
    }
    [[nodiscard]] std::shared_ptr<coauth::observer> const& observer() const noexcept override
    {
        return client_->config.observer;
    }
    std::uint64_t refresh_credentials() override { return client_->refresh_credentials(); }
    [[nodiscard]] bool context_is_gone() const noexcept override
    {
        return client_->context_is_gone();
    }

private:
    std::shared_ptr<client_impl> const client_;
};

} // namespace coauth::detail

#endif
