#include "token_source/shared_fetcher.hpp"

#include "crypto/digest.hpp"
#include "token_source/shared_fetch_operation.hpp"
#include "token_source/shared_name.hpp"
#include "values/call_secret_provider.hpp"
#include "values/make_error.hpp"
#include "values/notify.hpp"
#include "values/random_fraction.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

using std::chrono::milliseconds;

constexpr std::size_t max_prefix_size = 64;
constexpr std::size_t max_rejected = 64;
constexpr milliseconds delay_of_each_failure{100};
constexpr unsigned max_delayed_failures = 4;

bool is_prefix(std::string_view text)
{
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:";
    return !text.empty() && text.size() <= max_prefix_size &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

result<void>
check(fetcher const& inner, token_store const* store, shared_tokens_options const& options)
{
    if (store == nullptr)
        return config_error("shared_tokens: the store is a null pointer; give a token_store");
    if (!options.keys)
        return config_error("shared_tokens_options::keys is not set: there is no default key; use "
                            "secret_from_file with a file that `openssl rand -base64 32` makes");
    if (!is_prefix(options.prefix))
        return config_error(
            "shared_tokens_options::prefix must be 1 to 64 characters of A-Z a-z 0-9 . _ - :");
    if (!inner.knows_identity() && options.identity.empty())
        return config_error("shared_tokens_options::identity is required: without it tokens of "
                            "different clients could not be told from one another");
    if (options.store_timeout < milliseconds(1) || options.store_timeout > std::chrono::seconds(10))
        return config_error("shared_tokens_options::store_timeout must be from 1 ms to 10 s");
    if (options.lease < 2 * options.store_timeout || options.lease > std::chrono::minutes(10))
        return config_error("shared_tokens_options::lease must be from twice store_timeout to "
                            "10 minutes");
    return {};
}

// Asio destroys the services of a context in the reverse order of their creation: that of timers
// is to live longer than that of the listeners.
std::shared_ptr<shared_fetch_registry> make_registry(asio::any_io_executor const& executor)
{
    asio::steady_timer const creates_the_service(executor);
    return std::make_shared<shared_fetch_registry>(asio::query(executor, asio::execution::context));
}

} // namespace

shared_fetcher::shared_fetcher(
    std::shared_ptr<fetcher> from, std::shared_ptr<token_store> shared_store,
    shared_tokens_options chosen)
    : fetcher(from->executor)
    , inner(std::move(from))
    , store(std::move(shared_store))
    , options(std::move(chosen))
    , registry(make_registry(executor))
    , observer_(inner->observer())
    , status_(check(*inner, store.get(), options))
{
}

std::weak_ptr<abortable> shared_fetcher::start(
    token_fetch what, token_handler handler, std::shared_ptr<std::uint64_t> credentials_version)
{
    auto name = status_ ? name_of(what.request) : std::nullopt;
    if (status_ && !name)
        return inner->start(std::move(what), std::move(handler), std::move(credentials_version));
    shared_fetch_operation::parameters parameters{
        std::move(what), name.value_or(std::string()), std::move(credentials_version), status_};
    auto const operation = std::make_shared<shared_fetch_operation>(
        shared_from_this(), std::move(parameters), std::move(handler));
    operation->begin();
    return operation;
}

result<void> shared_fetcher::validate()
{
    if (!status_)
        return status_;
    auto const keys = current_keys();
    return keys ? result<void>() : keys.error();
}

shared_tokens_counters shared_fetcher::counters() const
{
    shared_tokens_counters now;
    now.hits = totals_.hits;
    now.shared_failures = totals_.shared_failures;
    now.claims_won = totals_.claims_won;
    now.claims_held = totals_.claims_held;
    now.claims_lost = totals_.claims_lost;
    now.waits = totals_.waits;
    now.bypasses = totals_.bypasses;
    now.published = totals_.published;
    now.unusable_records = totals_.unusable_records;
    std::lock_guard const lock(mutex_);
    now.operations = operations_;
    return now;
}

result<std::shared_ptr<key_ring const>> shared_fetcher::current_keys()
{
    auto const text = call_secret_provider(options.keys, "text of shared_tokens_options::keys");
    std::shared_ptr<key_ring const> known;
    {
        std::lock_guard const lock(mutex_);
        if (keys_ && (!text || *text == key_text_))
            return keys_;
        known = keys_;
    }
    if (!text)
        return text.error();
    auto ring = key_ring::parse(text->view());
    if (!ring)
        return known ? result<std::shared_ptr<key_ring const>>(known) : ring.error();
    auto next = std::make_shared<key_ring const>(std::move(*ring));
    std::lock_guard const lock(mutex_);
    keys_ = next;
    key_text_ = *text;
    return next;
}

std::optional<std::string> shared_fetcher::name_of(token_request const& request)
{
    auto const identity = inner->identity();
    return identity ? shared_name(options.prefix, *identity, options.identity, request)
                    : std::nullopt;
}

event_context shared_fetcher::context_of(std::uint64_t fetch) const noexcept
{
    auto whose = inner->context();
    whose.operation = fetch;
    return whose;
}

bool shared_fetcher::may_use_store()
{
    std::lock_guard const lock(mutex_);
    return breaker_.admit(clock::now());
}

void shared_fetcher::on_store_operation(
    std::uint64_t fetch, store_operation operation, clock::duration duration,
    std::optional<error> const& failure)
{
    {
        std::lock_guard const lock(mutex_);
        auto& counts = operations_.at(static_cast<std::size_t>(operation));
        ++counts.ended;
        counts.failed += failure ? 1U : 0U;
        counts.duration += duration;
        if (failure)
            breaker_.on_error(clock::now(), random_fraction());
        else
            breaker_.on_success();
    }
    notify(
        observer(),
        [&](coauth::observer& to)
        {
            to.on_store_operation_ended(
                {operation, duration, failure ? &*failure : nullptr, context_of(fetch)});
        });
}

void shared_fetcher::on_found(std::uint64_t fetch, clock::duration wait)
{
    ++totals_.hits;
    notify(
        observer(),
        [&](coauth::observer& to) { to.on_shared_token_found({wait, context_of(fetch)}); });
}

void shared_fetcher::on_claim(std::uint64_t fetch, claim_outcome outcome)
{
    ++(outcome == claim_outcome::won    ? totals_.claims_won
       : outcome == claim_outcome::held ? totals_.claims_held
                                        : totals_.claims_lost);
    notify(
        observer(), [&](coauth::observer& to) { to.on_claim_ended({outcome, context_of(fetch)}); });
}

void shared_fetcher::on_bypass(std::uint64_t fetch, std::optional<error> const& failure)
{
    ++totals_.bypasses;
    notify(
        observer(), [&](coauth::observer& to)
        { to.on_store_bypassed({failure ? &*failure : nullptr, context_of(fetch)}); });
}

void shared_fetcher::on_unusable_record(std::uint64_t fetch, error const& why)
{
    ++totals_.unusable_records;
    notify(
        observer(), [&](coauth::observer& to) { to.on_record_unusable({why, context_of(fetch)}); });
}

void shared_fetcher::on_fetched(bool without_response)
{
    std::lock_guard const lock(mutex_);
    failures_without_response_ = without_response ? failures_without_response_ + 1 : 0;
}

shared_fetcher::clock::duration shared_fetcher::claim_delay() const noexcept
{
    std::lock_guard const lock(mutex_);
    return std::min(failures_without_response_, max_delayed_failures) * delay_of_each_failure;
}

void shared_fetcher::remember_rejected(std::string const& name, access_token const& token)
{
    if (token.empty() || was_rejected(name, token))
        return;
    rejected_token next{name, crypto::sha256(token.value())};
    std::lock_guard const lock(mutex_);
    if (rejected_.size() == max_rejected)
        rejected_.erase(rejected_.begin());
    rejected_.push_back(std::move(next));
}

bool shared_fetcher::was_rejected(std::string const& name, access_token const& token) const
{
    if (token.empty())
        return false;
    auto const digest = crypto::sha256(token.value());
    std::lock_guard const lock(mutex_);
    return std::any_of(
        rejected_.begin(), rejected_.end(),
        [&](rejected_token const& one) { return one.name == name && one.digest == digest; });
}

void shared_fetch_registry::on_context_shutdown() noexcept
{
    // The operations that are destroyed here may be the only owners.
    auto const self = weak_from_this().lock();
    for (;;)
    {
        // Destroyed without the lock: it may own the fetcher, its source, and more.
        token_handler handler;
        std::lock_guard const lock(mutex_);
        context_is_gone_ = true;
        if (running_.empty())
            return;
        auto& operation = *running_.front();
        handler.swap(operation.handler_);
        operation.timer_.reset();
        operation.node_.splice(operation.node_.begin(), running_, running_.begin());
    }
}

} // namespace coauth::detail
