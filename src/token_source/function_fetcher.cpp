#include "token_source/function_fetcher.hpp"

#include "protocol/config_validation.hpp"
#include "token_source/function_fetch.hpp"
#include "values/make_error.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

result<void> check(token_fetcher_options const& options)
{
    if (auto const checked = protocol::check_timeout(options.timeout); !checked)
        return checked;
    return protocol::check_retry(options.retry);
}

// Owns the function, which the coroutine refers to.
asio::awaitable<result<access_token>>
run(std::shared_ptr<fetch_coroutine const> coroutine, token_fetch what)
{
    auto inner = (*coroutine)(std::move(what));
    auto outcome = co_await std::move(inner);
    co_return std::move(outcome);
}

// Asio destroys the services of a context in the reverse order of their creation: those of timers
// and strands are to live longer than that of the listeners.
std::shared_ptr<pending_fetches> listen_to_context(asio::any_io_executor const& executor)
{
    asio::steady_timer const creates_the_service(executor);
    (void)asio::make_strand(executor);
    return std::make_shared<pending_fetches>(asio::query(executor, asio::execution::context));
}

} // namespace

fetch_function spawn_on_fetch(fetch_coroutine coroutine)
{
    auto shared = std::make_shared<fetch_coroutine const>(std::move(coroutine));
    return [shared = std::move(shared)](token_fetch what, token_fetch_handler handler)
    {
        auto const strand = handler.get_executor();
        auto const slot = handler.get_cancellation_slot();
        auto complete = [handler = std::move(handler)](
                            std::exception_ptr const& thrown, result<access_token> outcome)
        { handler(thrown ? error_of(thrown) : std::move(outcome)); };
        asio::co_spawn(
            strand, run(shared, std::move(what)),
            asio::bind_cancellation_slot(slot, std::move(complete)));
    };
}

void pending_fetches::on_context_shutdown() noexcept
{
    // The fetches that are destroyed here may be the only owners.
    auto const self = weak_from_this().lock();
    for (;;)
    {
        // Destroyed without the lock: they may own the fetcher, its source, and more.
        token_handler handler;
        std::shared_ptr<function_fetcher> fetcher;
        asio::any_io_executor strand;
        std::lock_guard const lock(mutex_);
        context_is_gone_ = true;
        if (running_.empty())
            return;
        auto& fetch = *running_.front();
        handler.swap(fetch.handler_);
        fetcher.swap(fetch.fetcher_);
        strand = std::exchange(fetch.strand_, {});
        fetch.timer_.reset();
        fetch.node_.splice(fetch.node_.begin(), running_, running_.begin());
    }
}

function_fetcher::function_fetcher(
    asio::any_io_executor run_on, fetch_function get, token_fetcher_options chosen)
    : fetcher(std::move(run_on))
    , function(std::move(get))
    , options(std::move(chosen))
    , status(check(options))
    , pending(listen_to_context(executor))
{
}

std::weak_ptr<abortable> function_fetcher::start(
    token_fetch what, token_handler handler, std::shared_ptr<std::uint64_t> /*credentials_version*/)
{
    auto const fetch =
        std::make_shared<function_fetch>(shared_from_this(), std::move(what), std::move(handler));
    fetch->begin();
    return fetch;
}

} // namespace coauth::detail
