#ifndef COAUTH_SRC_TOKEN_SOURCE_TOKEN_SOURCE_IMPL_HPP
#define COAUTH_SRC_TOKEN_SOURCE_TOKEN_SOURCE_IMPL_HPP

#include <coauth/token_source.hpp>

#include "client/client_impl.hpp"
#include "net/context_shutdown.hpp"
#include "policy/refresh_policy.hpp"
#include "token_source/token_snapshot.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// What a token source is behind its handle: shared with its operations, so that it may go before
// them.
//
// Whoever waits, waits for a fetch that is under way, and is completed when it ends: there is
// always something that will wake them.
class token_source_impl final : public net::context_shutdown::listener,
                                public std::enable_shared_from_this<token_source_impl>
{
public:
    token_source_impl(
        std::shared_ptr<client_impl> client, token_request request, token_source_options options);
    ~token_source_impl();
    token_source_impl(token_source_impl const&) = delete;
    token_source_impl& operator=(token_source_impl const&) = delete;

    access_token try_get() noexcept
    {
        if (!hits_observed_)
            if (auto token = published_.take())
                return token;
        return try_get_carefully();
    }
    [[nodiscard]] std::optional<result<access_token>>
    start(get_options const& wish, token_wait_op::owned& who);
    void cancel(token_wait_op& who);
    void post_completion(token_wait_op::owned who, result<access_token> outcome);
    void warm_up() noexcept;
    bool invalidate(access_token const& token) noexcept;
    void close() noexcept;
    [[nodiscard]] token_source_status status() const;
    [[nodiscard]] token_source_counters counters() const;

    boost::asio::any_io_executor const executor;

private:
    using response = policy::refresh_policy::response;
    using clock = std::chrono::steady_clock;
    class waiter_wakeup;
    class fetch_handler;

    [[nodiscard]] response ask(get_options const& wish, token_wait_op& who);
    void refresh_credentials();
    void on_context_shutdown() noexcept override;
    [[gnu::noinline]] access_token try_get_carefully() noexcept;
    // With the lock held.
    void maintain(bool wanted) noexcept;
    void begin_fetch(fetch_reason why);
    void end_fetch() noexcept;
    void arm();

    void fetch(fetch_reason why, std::uint64_t number);
    [[nodiscard]] policy::refresh_policy::fetch_result on_fetch_complete(
        fetch_reason why, result<access_token> outcome, std::uint64_t credentials) noexcept;
    // With the lock held.
    [[nodiscard]] policy::refresh_policy::fetch_result
    settle(fetch_reason why, policy::moment at, result<access_token> outcome) noexcept;
    void count(fetch_reason why, policy::refresh_policy::fetch_result const& ended) noexcept;
    void tell(
        fetch_reason why, policy::moment at, clock::duration took,
        policy::refresh_policy::fetch_result const& ended) const noexcept;
    void
    tell_served(access_token const& token, std::optional<clock::duration> waited) const noexcept;
    void complete(token_wait_op::owned who, result<access_token> outcome) const;
    void on_timer();

    std::shared_ptr<client_impl> const client_;
    token_request const request_;
    token_source_options const options_;
    net::phase_timer const events_;
    bool const observed_;
    bool const hits_observed_;
    // How long the token is handed out; the end of the clock: it has no known end.
    std::atomic<clock::time_point> usable_until_{clock::time_point::max()};
    token_snapshot published_;

    std::mutex mutable mutex_;
    policy::refresh_policy policy_;
    token_source_counters counts_;
    // The fetch under way, once it has begun, and how many there were.
    std::uint64_t fetch_number_ = 0;
    std::weak_ptr<deadline_entry> fetch_;
    clock::time_point fetch_began_;
    // It is to end as soon as it can be told so.
    bool cancel_fetch_ = false;
    // The credentials of the last failure, and when to look again whether there are others.
    std::uint64_t refused_credentials_ = 0;
    clock::time_point next_credential_check_;
    // Somebody wanted a token: from now on it is renewed also while nobody does, if so configured.
    bool was_used_ = false;
    // Its context is gone: nobody can be woken any more.
    bool gone_ = false;
    std::optional<boost::asio::steady_timer> timer_;
    // When the timer will fire; none: it does not run.
    std::optional<clock::time_point> armed_;
};

} // namespace coauth::detail

#endif
