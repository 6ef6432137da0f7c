#include <coauth/token_fetcher.hpp>

#include "token_source/client_fetcher.hpp"
#include "token_source/function_fetch.hpp"
#include "token_source/function_fetcher.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{

std::shared_ptr<fetcher>
make_fetcher(asio::any_io_executor executor, fetch_function function, token_fetcher_options options)
{
    return std::make_shared<function_fetcher>(
        std::move(executor), std::move(function), std::move(options));
}

std::shared_ptr<fetcher> make_fetcher(
    asio::any_io_executor executor, fetch_coroutine function, token_fetcher_options options)
{
    return make_fetcher(
        std::move(executor), spawn_on_fetch(std::move(function)), std::move(options));
}

asio::any_io_executor const& executor_of(fetcher const& from) noexcept
{
    return from.executor;
}

void start_fetch(fetcher& from, token_fetch what, token_handler handler)
{
    (void)from.start(std::move(what), std::move(handler), nullptr);
}

} // namespace detail

token_fetch_handler::token_fetch_handler(std::shared_ptr<detail::fetch_attempt> attempt) noexcept
    : attempt_(std::move(attempt))
{
}

void token_fetch_handler::operator()(result<access_token> outcome) const noexcept
{
    attempt_->complete(std::move(outcome));
}

token_fetch_handler::executor_type token_fetch_handler::get_executor() const noexcept
{
    return attempt_->executor();
}

token_fetch_handler::cancellation_slot_type
token_fetch_handler::get_cancellation_slot() const noexcept
{
    return attempt_->signal.slot();
}

token_fetcher::token_fetcher(client& client)
    : impl_(std::make_shared<detail::client_fetcher>(client.core_))
{
}

token_fetcher::executor_type token_fetcher::get_executor() const noexcept
{
    return impl_->executor;
}

asio::awaitable<result<access_token>> token_fetcher::async_fetch(token_fetch what) const
{
    return async_fetch(std::move(what), asio::use_awaitable);
}

} // namespace coauth
