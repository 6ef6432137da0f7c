#ifndef COAUTH_SRC_TOKEN_SOURCE_FUNCTION_FETCH_HPP
#define COAUTH_SRC_TOKEN_SOURCE_FUNCTION_FETCH_HPP

#include "policy/attempts.hpp"
#include "token_source/function_fetcher.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

namespace coauth::detail
{

// One fetch by a function of the user, which may complete an attempt from any thread, more than
// once, or never.
//
// A timer is always armed: for the end of the attempt, or for the beginning of the next. Whatever
// happens in another thread is noted, and wakes the timer, which needs no memory. So all decisions
// are taken, and the handler is called, by the handler of the timer, on the executor.
class function_fetch final : public abortable, public std::enable_shared_from_this<function_fetch>
{
public:
    function_fetch(
        std::shared_ptr<function_fetcher> fetcher, token_fetch what, token_handler handler);
    ~function_fetch();
    function_fetch(function_fetch const&) = delete;
    function_fetch& operator=(function_fetch const&) = delete;

    // Calls the function, but not within this call.
    void begin();
    void abort(errc reason) noexcept override;

private:
    friend class fetch_attempt;
    friend class pending_fetches;
    using clock = std::chrono::steady_clock;

    // What to do when the lock is released: the user's functions are called, and what they own is
    // destroyed, without it.
    struct step
    {
        std::shared_ptr<fetch_attempt> to_cancel;
        std::shared_ptr<fetch_attempt> to_start;
        token_fetch what;
        // The outcome of the fetch.
        std::optional<result<access_token>> ended;
    };

    void complete(std::uint64_t attempt, result<access_token> outcome) noexcept;
    [[nodiscard]] boost::asio::any_io_executor strand() const noexcept;
    void on_timer();

    // With the lock held.
    void advance(step& next, clock::time_point now);
    void begin_attempt(step& next, clock::time_point now);
    void on_attempt_ended(step& next, clock::time_point now, result<access_token> outcome);
    void arm(clock::time_point when);
    void wake() noexcept;

    std::shared_ptr<pending_fetches> const pending_;
    clock::time_point const deadline_;

    // All below is guarded by the mutex of `pending_`. The node is in its list from `begin` until
    // the context is destroyed.
    std::list<function_fetch*> node_;
    // Null: the fetch has ended.
    std::shared_ptr<function_fetcher> fetcher_;
    token_handler handler_;
    token_fetch what_;
    policy::attempts attempts_;
    // Empty: the fetch has ended, or the context was destroyed.
    std::optional<boost::asio::steady_timer> timer_;
    boost::asio::any_io_executor strand_;
    // The number of the running attempt. 0: none runs.
    std::uint64_t attempt_number_ = 0;
    std::weak_ptr<fetch_attempt> attempt_;
    // The end of the running attempt, or the beginning of the next.
    clock::time_point next_step_;
    std::optional<result<access_token>> outcome_;
    std::optional<errc> aborted_;
};

// One call of the function. Shared by the copies of its handler.
class fetch_attempt
{
public:
    fetch_attempt(std::shared_ptr<function_fetch> fetch, std::uint64_t number)
        : fetch_(std::move(fetch))
        , number_(number)
    {
    }
    // No copy was called: the attempt has failed.
    ~fetch_attempt();
    fetch_attempt(fetch_attempt const&) = delete;
    fetch_attempt& operator=(fetch_attempt const&) = delete;

    void complete(result<access_token> outcome) noexcept
    {
        fetch_->complete(number_, std::move(outcome));
    }

    [[nodiscard]] boost::asio::any_io_executor executor() const noexcept
    {
        return fetch_->strand();
    }

    boost::asio::cancellation_signal signal;

private:
    std::shared_ptr<function_fetch> const fetch_;
    std::uint64_t const number_;
};

} // namespace coauth::detail

#endif
