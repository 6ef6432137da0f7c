#ifndef COAUTH_SRC_TOKEN_SOURCE_CLIENT_FETCHER_HPP
#define COAUTH_SRC_TOKEN_SOURCE_CLIENT_FETCHER_HPP

#include "client/client_impl.hpp"
#include "protocol/config_validation.hpp"
#include "token_source/fetcher.hpp"
#include "token_source/shared_name.hpp"
#include "values/encoding.hpp"

#include <memory>
#include <optional>
#include <string>
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
            {what.deadline, std::move(credentials_version), what.operation});
    }
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept override
    {
        return client_->config.timeout;
    }
    [[nodiscard]] std::shared_ptr<coauth::observer> const& observer() const noexcept override
    {
        return client_->config.observer;
    }
    [[nodiscard]] event_context context() const noexcept override
    {
        auto const& config = client_->config;
        auto const& url = config.issuer.empty()
                              ? protocol::endpoint_url_for(config, protocol::endpoint_kind::token)
                              : config.issuer;
        return {config.name, without_query(url), 0};
    }
    std::uint64_t refresh_credentials() override { return client_->refresh_credentials(); }
    [[nodiscard]] bool knows_identity() const noexcept override
    {
        return knows_identity_of(client_->config);
    }
    [[nodiscard]] std::optional<std::string> identity() override
    {
        return identity_of(client_->config, client_->key_binding());
    }
    [[nodiscard]] bool context_is_gone() const noexcept override
    {
        return client_->context_is_gone();
    }

private:
    std::shared_ptr<client_impl> const client_;
};

} // namespace coauth::detail

#endif
