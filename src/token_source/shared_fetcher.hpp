#ifndef COAUTH_SRC_TOKEN_SOURCE_SHARED_FETCHER_HPP
#define COAUTH_SRC_TOKEN_SOURCE_SHARED_FETCHER_HPP

#include <coauth/shared_tokens.hpp>

#include "net/context_shutdown.hpp"
#include "policy/store_breaker.hpp"
#include "token_source/fetcher.hpp"
#include "token_store/key_ring.hpp"

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace coauth::detail
{

class shared_fetch_operation;

// The operations of one fetcher whose handlers still exist. Outlives fetcher and context: a store
// may complete later than either, from another thread.
class shared_fetch_registry final : public net::context_shutdown::listener,
                                    public std::enable_shared_from_this<shared_fetch_registry>
{
public:
    explicit shared_fetch_registry(boost::asio::execution_context& context) { listen(context); }

private:
    friend class shared_fetch_operation;

    // Destroys the handlers, as the context does. Nothing is posted to the context any more.
    void on_context_shutdown() noexcept override;

    std::mutex mutex_;
    std::list<shared_fetch_operation*> running_;
    bool context_is_gone_ = false;
};

// Gets tokens from a store, or else from another fetcher for all who share the store.
class shared_fetcher final : public fetcher, public std::enable_shared_from_this<shared_fetcher>
{
public:
    using clock = std::chrono::steady_clock;

    shared_fetcher(
        std::shared_ptr<fetcher> from, std::shared_ptr<token_store> shared_store,
        shared_tokens_options chosen);

    std::weak_ptr<abortable> start(
        token_fetch what, token_handler handler,
        std::shared_ptr<std::uint64_t> credentials_version) override;
    // It may wait for another process whose fetch takes long, and then fetch.
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept override
    {
        return status_ ? 2 * inner->timeout() + options.lease : inner->timeout();
    }
    [[nodiscard]] std::shared_ptr<coauth::observer> const& observer() const noexcept override
    {
        return observer_;
    }
    [[nodiscard]] event_context context() const noexcept override { return inner->context(); }
    std::uint64_t refresh_credentials() override { return inner->refresh_credentials(); }
    [[nodiscard]] bool context_is_gone() const noexcept override
    {
        return inner->context_is_gone();
    }

    [[nodiscard]] result<void> validate();
    [[nodiscard]] shared_tokens_counters counters() const;

    // The keys in force: the last valid ones, if there are no others now. Calls a function of the
    // user.
    [[nodiscard]] result<std::shared_ptr<key_ring const>> current_keys();
    // None: the token of this request cannot be shared.
    [[nodiscard]] std::optional<std::string> name_of(token_request const& request);

    // What happens is counted, and reported to the observer with the number of the fetch.
    //
    // False: the store has failed of late.
    [[nodiscard]] bool may_use_store();
    void on_store_operation(
        std::uint64_t fetch, store_operation operation, clock::duration duration,
        std::optional<error> const& failure);
    void on_found(std::uint64_t fetch, clock::duration wait);
    void on_shared_failure() { ++totals_.shared_failures; }
    void on_claim(std::uint64_t fetch, claim_outcome outcome);
    void on_wait() { ++totals_.waits; }
    void on_bypass(std::uint64_t fetch, std::optional<error> const& failure);
    void on_published() { ++totals_.published; }
    void on_unusable_record(std::uint64_t fetch, error const& why);
    // The other fetcher failed, or succeeded.
    void on_fetched(bool without_response);
    // The wait before a claim: who fails alone leaves the claim to others.
    [[nodiscard]] clock::duration claim_delay() const noexcept;

    // An API rejected the token. It is remembered, because its removal from the store may fail.
    void remember_rejected(std::string const& name, access_token const& token);
    [[nodiscard]] bool was_rejected(std::string const& name, access_token const& token) const;

    std::shared_ptr<fetcher> const inner;
    std::shared_ptr<token_store> const store;
    shared_tokens_options const options;
    std::shared_ptr<shared_fetch_registry> const registry;

private:
    [[nodiscard]] event_context context_of(std::uint64_t fetch) const noexcept;

    struct atomic_counters
    {
        std::atomic<std::uint64_t> hits{0};
        std::atomic<std::uint64_t> shared_failures{0};
        std::atomic<std::uint64_t> claims_won{0};
        std::atomic<std::uint64_t> claims_held{0};
        std::atomic<std::uint64_t> claims_lost{0};
        std::atomic<std::uint64_t> waits{0};
        std::atomic<std::uint64_t> bypasses{0};
        std::atomic<std::uint64_t> published{0};
        std::atomic<std::uint64_t> unusable_records{0};
    };
    struct rejected_token
    {
        std::string name;
        std::string digest;
    };

    atomic_counters totals_;
    // In the options, but for the keys.
    std::shared_ptr<coauth::observer> const observer_;
    result<void> const status_;

    std::mutex mutable mutex_;
    std::array<store_operation_counts, 6> operations_ = {};
    policy::store_breaker breaker_;
    // What the keys were made of.
    secret key_text_;
    std::shared_ptr<key_ring const> keys_;
    // The newest last.
    std::vector<rejected_token> rejected_;
    unsigned failures_without_response_ = 0;
};

} // namespace coauth::detail

#endif
