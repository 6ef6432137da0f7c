#ifndef COAUTH_SRC_TOKEN_SOURCE_FUNCTION_FETCHER_HPP
#define COAUTH_SRC_TOKEN_SOURCE_FUNCTION_FETCHER_HPP

#include <coauth/token_fetcher.hpp>

#include "net/context_shutdown.hpp"
#include "token_source/fetcher.hpp"

#include <atomic>
#include <list>
#include <memory>
#include <mutex>

namespace coauth::detail
{

class function_fetch;

// The fetches of one function whose handlers still exist. Outlives fetcher and context: the
// function may complete a fetch later than either, from another thread.
class pending_fetches final : public net::context_shutdown::listener,
                              public std::enable_shared_from_this<pending_fetches>
{
public:
    explicit pending_fetches(boost::asio::execution_context& context) { listen(context); }

    [[nodiscard]] bool context_is_gone() const noexcept { return context_is_gone_; }

private:
    friend class function_fetch;

    // Destroys the handlers, as the context does. Nothing is posted to the context any more.
    void on_context_shutdown() noexcept override;

    std::mutex mutex_;
    std::list<function_fetch*> running_;
    std::atomic<bool> context_is_gone_{false};
};

// Gets tokens from a function of the user.
class function_fetcher final : public fetcher, public std::enable_shared_from_this<function_fetcher>
{
public:
    function_fetcher(
        boost::asio::any_io_executor run_on, fetch_function get, token_fetcher_options chosen);

    std::weak_ptr<abortable> start(
        token_fetch what, token_handler handler,
        std::shared_ptr<std::uint64_t> credentials_version) override;
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept override
    {
        return options.timeout;
    }
    [[nodiscard]] std::shared_ptr<coauth::observer> const& observer() const noexcept override
    {
        return options.observer;
    }
    [[nodiscard]] event_context context() const noexcept override { return {options.name, {}, 0}; }
    [[nodiscard]] bool context_is_gone() const noexcept override
    {
        return pending->context_is_gone();
    }

    fetch_function const function;
    token_fetcher_options const options;
    // Success, or the error in the options.
    result<void> const status;
    std::shared_ptr<pending_fetches> const pending;
};

// Makes a function of a coroutine: each call spawns it on the handler's executor.
fetch_function spawn_on_fetch(fetch_coroutine coroutine);

} // namespace coauth::detail

#endif
