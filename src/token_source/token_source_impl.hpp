#ifndef COAUTH_SRC_TOKEN_SOURCE_TOKEN_SOURCE_IMPL_HPP
#define COAUTH_SRC_TOKEN_SOURCE_TOKEN_SOURCE_IMPL_HPP

#include <coauth/detail/token_wait_op.hpp>
#include <coauth/token_fetcher.hpp>
#include <coauth/token_request.hpp>
#include <coauth/token_source_options.hpp>

#include "net/context_shutdown.hpp"
#include "policy/refresh_policy.hpp"
#include "token_source/demanded_claims.hpp"
#include "token_source/fetcher.hpp"
#include "token_source/refresh_token_rotation.hpp"
#include "token_source/token_snapshot.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// State shared by a token source and its operations; outlives the source while operations run.
//
// An operation waits only while a fetch runs, and is completed when the fetch ends: no operation is
// forgotten.
class token_source_impl final : public net::context_shutdown::listener,
                                public std::enable_shared_from_this<token_source_impl>
{
public:
    token_source_impl(
        std::shared_ptr<fetcher> from, token_request request, token_source_options options);
    ~token_source_impl();
    token_source_impl(token_source_impl const&) = delete;
    token_source_impl& operator=(token_source_impl const&) = delete;

    access_token try_get() noexcept
    {
        if (!observes_hits_)
            if (auto token = snapshot_.load())
                return token;
        return try_get_slow();
    }
    // The outcome, if it is known at once. Otherwise `operation` is released to wait, and may
    // already be destroyed.
    [[nodiscard]] std::optional<result<access_token>>
    start(get_options const& options, token_wait_op::ptr& operation);
    void cancel(token_wait_op& operation);
    // Calls nothing if the context was destroyed.
    void post_completion(token_wait_op::ptr operation, result<access_token> outcome);
    void warm_up() noexcept;
    bool invalidate(access_token const& token) noexcept;
    bool invalidate(access_token const& token, api_challenge const& challenge);
    void close() noexcept;
    [[nodiscard]] token_source_status status() const;
    [[nodiscard]] token_source_counters counters() const;

    boost::asio::any_io_executor const executor;

private:
    using policy_type = policy::refresh_policy;
    using fetch_result = policy_type::fetch_result;
    using clock = std::chrono::steady_clock;
    class fetch_handler;

    [[nodiscard]] policy_type::decision
    acquire(get_options const& options, token_wait_op& operation);
    void refresh_credentials();
    void on_context_shutdown() noexcept override;
    [[gnu::noinline]] access_token try_get_slow() noexcept;

    // With the lock held.
    void maintain(bool wanted) noexcept;
    void post_fetch(fetch_reason reason);
    void cancel_fetch() noexcept;
    void cancel_unwanted_fetch() noexcept;
    void arm_timer();

    void fetch(fetch_reason reason, std::uint64_t number);
    [[nodiscard]] token_fetch make_fetch(fetch_reason reason, std::uint64_t operation) const;
    [[nodiscard]] fetch_result on_fetch_complete(
        fetch_reason reason, result<access_token> outcome, std::uint64_t credentials,
        event_context const& context) noexcept;
    // With the lock held.
    [[nodiscard]] fetch_result
    store(fetch_reason reason, clock_pair now, result<access_token> outcome) noexcept;
    void notify_token(access_token const& token) noexcept;
    void count(fetch_reason reason, fetch_result const& ended) noexcept;
    void notify_fetch_ended(
        fetch_reason reason, clock_pair now, clock::duration duration, fetch_result const& ended,
        event_context const& context) const noexcept;
    void on_timer();

    std::shared_ptr<fetcher> const fetcher_;
    token_source_options const options_;
    std::shared_ptr<observer> const observer_;
    // Of events that are part of no fetch.
    event_context const context_;
    bool const observes_hits_;
    // Until when the token is returned. The end of the clock: it has no known end.
    std::atomic<clock::time_point> usable_until_{clock::time_point::max()};
    token_snapshot snapshot_;

    std::mutex mutable mutex_;
    policy_type policy_;
    refresh_token_rotation refresh_tokens_;
    demanded_claims demanded_claims_;
    token_source_counters counters_;
    // The number of the last fetch; the running one, once it has started.
    std::uint64_t fetch_number_ = 0;
    std::weak_ptr<abortable> fetch_;
    clock::time_point fetch_started_;
    // The fetch is to be cancelled as soon as it has started.
    bool cancel_fetch_ = false;
    // The version of the credentials that failed last, and when to check next for a change.
    std::uint64_t failed_credentials_ = 0;
    clock::time_point next_credential_check_;
    // There was a call: with `refresh_when_idle` the token is refreshed from now on.
    bool was_used_ = false;
    // No operation can be completed any more.
    bool context_destroyed_ = false;
    std::optional<boost::asio::steady_timer> timer_;
    // Delays the start of a fetch.
    std::optional<boost::asio::steady_timer> fetch_timer_;
    // When `timer_` will fire. None: it does not run.
    std::optional<clock::time_point> timer_expiry_;
};

inline clock_pair now() noexcept
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

} // namespace coauth::detail

#endif
