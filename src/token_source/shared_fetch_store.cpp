#include "crypto/digest.hpp"
#include "policy/refresh_times.hpp"
#include "policy/shared_life.hpp"
#include "token_source/shared_fetch_operation.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"

#include <algorithm>
#include <exception>
#include <utility>

// What a shared fetch does with the store.

namespace coauth::detail
{

using policy::shared_fetch;

namespace
{

// Then another process looks whether they can be shared by now.
constexpr std::chrono::minutes unshareable_life{1};
constexpr std::chrono::minutes failure_memory{1};

error store_timed_out()
{
    return make_error(errc::timeout, "the token store did not respond in time");
}

// The source would not refuse the token, which may be older than those that are fetched.
bool is_useful(
    access_token const& token, token_fetch const& what, std::chrono::steady_clock::time_point now)
{
    token_source_options wanted;
    wanted.expiry_margin = what.expiry_margin;
    wanted.max_age = what.max_age;
    auto const soon = now + std::chrono::seconds(1);
    auto const wall = std::chrono::system_clock::now();
    return !policy::times_of(token, wanted, 0).end.reached({wall, soon});
}

template <class T>
std::optional<error> failure_of(result<T> const& outcome)
{
    return outcome ? std::nullopt : std::optional<error>(outcome.error());
}

store_operation operation_of(shared_fetch::action what)
{
    return what == shared_fetch::action::claim    ? store_operation::claim
           : what == shared_fetch::action::remove ? store_operation::remove_if
                                                  : store_operation::load;
}

} // namespace

template <class T>
auto shared_fetch_operation::store_handler(std::optional<result<T>> notes::* where)
{
    std::lock_guard const lock(registry_->mutex_);
    notes_.loaded.reset();
    notes_.stored.reset();
    return [weak = weak_from_this(), number = ++number_, where](result<T> outcome)
    {
        auto const self = weak.lock();
        if (!self)
            return;
        self->note(
            [&](notes& news)
            {
                if (self->number_ == number)
                    (news.*where) = std::move(outcome);
            });
    };
}

template <class Then>
auto shared_fetch_operation::background_handler(store_operation operation, Then then)
{
    return [weak = std::weak_ptr<shared_fetcher>(fetcher_), store = fetcher_->store,
            fetch = number_of_fetch(), operation, began = clock::now(),
            then = std::move(then)](result<bool> outcome)
    {
        if (auto const fetcher = weak.lock())
            fetcher->on_store_operation(
                fetch, operation, clock::now() - began, failure_of(outcome));
        if (outcome)
            then(*outcome);
    };
}

// An exception of the user's store counts as the end of the operation.
template <class Call>
void shared_fetch_operation::guard_store_operation(Call call)
{
    try
    {
        call();
    }
    catch (...)
    {
        auto const failure = error_of(std::current_exception());
        note([&](notes& news) { news.stored = failure; });
    }
}

void shared_fetch_operation::start_store_operation(action what, clock::time_point until)
{
    phase_ = phase::storing;
    operation_ = operation_of(what);
    operation_began_ = clock::now();
    next_step_ = until;
    if (what == action::claim)
    {
        auto owner = crypto::random_id();
        if (!owner)
            return note([&](notes& news) { news.stored = owner.error(); });
        owner_ = std::move(*owner);
    }
    guard_store_operation([&] { call_store(what, until); });
}

void shared_fetch_operation::call_store(action what, clock::time_point until)
{
    auto& store = *fetcher_->store;
    auto const& name = parameters_.name;
    if (what == action::load)
        store.async_load(name, until, store_handler(&notes::loaded));
    else if (what == action::claim)
        store.async_claim(
            name, owner_, fetcher_->options.lease, until, store_handler(&notes::stored));
    else
        store.async_remove_if(name, record_digest_, until, store_handler(&notes::stored));
}

shared_fetch_operation::outcome_type shared_fetch_operation::on_stored(notes const& news)
{
    auto const now = clock::now();
    std::optional<error> failure;
    if (news.loaded)
        failure = failure_of(*news.loaded);
    else
        failure = news.stored ? failure_of(*news.stored) : store_timed_out();
    fetcher_->on_store_operation(number_of_fetch(), operation_, now - operation_began_, failure);
    if (failure)
        return on_store_error(*failure);
    if (news.loaded)
        return on_loaded(**news.loaded, now);
    if (operation_ == store_operation::claim)
        return on_claimed(**news.stored, now);
    return take(policy_->on_removed(now));
}

shared_fetch_operation::outcome_type shared_fetch_operation::on_store_error(error const& failure)
{
    store_error_ = failure;
    auto const step = policy_->on_store_error(clock::now(), random_fraction());
    if (operation_ == store_operation::claim)
        on_claim_taken();
    return take(step);
}

shared_fetch_operation::outcome_type
shared_fetch_operation::on_claimed(bool won, clock::time_point now)
{
    if (won)
    {
        on_claim_taken();
        fetcher_->on_claim(number_of_fetch(), claim_outcome::won);
    }
    return take(policy_->on_claimed(now, won, random_fraction()));
}

void shared_fetch_operation::on_claim_taken()
{
    has_claim_ = true;
    renewal_.emplace(operation_began_, fetcher_->options.lease, deadline_);
}

shared_fetch_operation::outcome_type
shared_fetch_operation::on_loaded(stored_record const& stored, clock::time_point now)
{
    record_ = {};
    record_digest_ = stored.record.substr(0, record_digest_size);
    if (!stored.record.empty() && stored.remaining.count() > 0)
    {
        // Its remaining time counts from before it was loaded.
        clock_pair const sent{
            std::chrono::system_clock::now() -
                std::chrono::duration_cast<std::chrono::system_clock::duration>(
                    now - operation_began_),
            operation_began_};
        auto opened = open_record(*keys_, parameters_.name, stored.record, stored.remaining, sent);
        if (opened)
            record_ = std::move(*opened);
        else if (!std::exchange(has_met_unusable_, true))
            fetcher_->on_unusable_record(number_of_fetch(), opened.error());
    }
    return take(policy_->on_loaded(now, view_of(stored, now), random_fraction()));
}

policy::shared_record
shared_fetch_operation::view_of(stored_record const& stored, clock::time_point now)
{
    auto const& what = parameters_.what;
    auto const& token = record_.token;
    policy::shared_record view;
    view.claimed = stored.claimed;
    view.has_token = policy::shared_life(token, now).has_value() && is_useful(token, what, now);
    view.is_rejected = view.has_token && fetcher_->was_rejected(parameters_.name, token);
    view.is_better = what.reason == fetch_reason::refresh
                         ? policy::replaces(token, what.current, now)
                         : !(token == what.current);
    // Published again with a failure: its age is not known.
    view.age = record_.failure ? std::chrono::nanoseconds::max() : record_.age;
    if (record_.failure)
        view.back_off = record_.failure->back_off - (now - operation_began_);
    view.unshareable = record_.unshareable;
    return view;
}

std::optional<record_content>
shared_fetch_operation::content_of(result<access_token> const& outcome)
{
    auto const now = clock::now();
    auto const& name = parameters_.name;
    record_content content;
    if (outcome)
    {
        // The key to which it is bound may be another by now.
        if (fetcher_->name_of(parameters_.what.request) != name)
            return std::nullopt;
        auto const life = policy::shared_life(*outcome, now);
        content.unshareable = !life || fetcher_->was_rejected(name, *outcome);
        content.life = content.unshareable ? unshareable_life : *life;
        if (!content.unshareable)
            content.token = *outcome;
        return content;
    }
    if (!policy::is_shared(outcome.error()))
        return std::nullopt;
    auto const count = (record_.failure ? record_.failure->count : 0) + 1;
    auto const back_off = policy::shared_back_off(
        outcome.error(), count, std::chrono::system_clock::now(), random_fraction());
    content.failure = shared_failure{outcome.error(), back_off, count};
    // The count of failures lives a little longer than the back-off.
    content.life = back_off + failure_memory;
    auto const life = policy::shared_life(record_.token, now);
    if (life && !fetcher_->was_rejected(name, record_.token))
    {
        content.token = record_.token;
        // No longer than it was published for: a token without an end is shared for an hour.
        content.life = std::max(content.life, std::min(*life, record_.life - record_.age));
    }
    return content;
}

shared_fetch_operation::outcome_type
shared_fetch_operation::publish(std::optional<record_content> const& content)
{
    if (!content)
        return std::move(fetched_);
    auto const now = clock::now();
    clock_pair const both{std::chrono::system_clock::now(), now};
    auto record = seal_record(*keys_, parameters_.name, *content, both);
    auto life = content->life;
    if (!record && record.error() == errc::response_too_large)
    {
        record_content marker;
        marker.unshareable = true;
        life = marker.life = unshareable_life;
        record = seal_record(*keys_, parameters_.name, marker, both);
    }
    if (!record)
        return std::move(fetched_);
    phase_ = phase::publishing;
    operation_ = store_operation::publish;
    operation_began_ = now;
    next_step_ = now + fetcher_->options.store_timeout;
    guard_store_operation(
        [&]
        {
            fetcher_->store->async_publish(
                parameters_.name, owner_, std::move(*record), life, next_step_,
                store_handler(&notes::stored));
        });
    return std::nullopt;
}

shared_fetch_operation::outcome_type shared_fetch_operation::on_published(notes const& news)
{
    result<bool> const published = news.stored ? *news.stored : store_timed_out();
    fetcher_->on_store_operation(
        number_of_fetch(), operation_, clock::now() - operation_began_, failure_of(published));
    if (published)
    {
        has_claim_ = false;
        if (*published)
            fetcher_->on_published();
        else if (policy_->claim() == shared_fetch::claim_state::owned)
            fetcher_->on_claim(number_of_fetch(), claim_outcome::lost);
    }
    return std::move(fetched_);
}

void shared_fetch_operation::renew_claim(clock::time_point now)
{
    auto const due = has_claim_ && renewal_ ? renewal_->next() : std::nullopt;
    if (due && now >= *due)
    {
        renewal_->on_renewed(now);
        auto const on_renewed = [weak = weak_from_this()](bool is_held)
        {
            auto const self = weak.lock();
            if (self && !is_held)
                self->note([](notes& news) { news.claim_lost = true; });
        };
        try
        {
            fetcher_->store->async_renew(
                parameters_.name, owner_, fetcher_->options.lease,
                now + fetcher_->options.store_timeout,
                background_handler(store_operation::renew, on_renewed));
        }
        catch (...) // NOLINT(bugprone-empty-catch): then the claim ends, and the fetch goes on
        {
        }
    }
    next_step_ = inner_deadline_ + grace;
    if (has_claim_ && renewal_)
        next_step_ = std::min(next_step_, renewal_->next().value_or(next_step_));
}

void shared_fetch_operation::release_claim() noexcept
{
    has_claim_ = false;
    try
    {
        fetcher_->store->async_release(
            parameters_.name, owner_, clock::now() + fetcher_->options.store_timeout,
            background_handler(store_operation::release, [](bool) {}));
    }
    catch (...) // NOLINT(bugprone-empty-catch): then the claim ends with its lease
    {
    }
}

} // namespace coauth::detail
