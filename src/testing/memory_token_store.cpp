#include <coauth/testing/memory_token_store.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

namespace coauth::testing
{

namespace asio = boost::asio;

namespace
{

using store_clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::hours for_ever{24};

struct entry
{
    std::string record;
    store_clock::time_point record_ends;
    std::string owner;
    store_clock::time_point claim_ends;

    [[nodiscard]] bool has_record(store_clock::time_point now) const
    {
        return !record.empty() && now < record_ends;
    }
    [[nodiscard]] bool is_claimed(store_clock::time_point now) const
    {
        return !owner.empty() && now < claim_ends;
    }
    [[nodiscard]] bool is_claimed_by(std::string const& whom, store_clock::time_point now) const
    {
        return is_claimed(now) && owner == whom;
    }
};

// Calls `then` at this time.
template <class Function>
void call_at(asio::any_io_executor const& executor, store_clock::time_point when, Function then)
{
    auto timer = std::make_unique<asio::steady_timer>(executor, when);
    auto& waiting = *timer;
    waiting.async_wait([timer = std::move(timer), then = std::move(then)](auto) mutable
                       { then(); });
}

error failed(errc code, char const* reason)
{
    error_info info;
    info.context = reason;
    return {code, std::move(info)};
}

} // namespace

struct memory_token_store::state
{
    std::mutex mutex;
    std::map<std::string, entry> entries;
    store_fault fault;
    std::array<std::size_t, 6> started = {};

    store_fault start(store_operation operation)
    {
        std::lock_guard const lock(mutex);
        ++started.at(static_cast<std::size_t>(operation));
        bool const applies = fault.count != 0 && fault.operation.value_or(operation) == operation;
        if (!applies)
            return {};
        --fault.count;
        return fault;
    }
    template <class Effect>
    auto apply(Effect& effect)
    {
        std::lock_guard const lock(mutex);
        return effect(entries, store_clock::now());
    }
};

memory_token_store::memory_token_store(executor_type executor)
    : token_store(std::move(executor))
    , state_(std::make_shared<state>())
{
}

memory_token_store::~memory_token_store() = default;

void memory_token_store::set_fault(store_fault fault)
{
    std::lock_guard const lock(state_->mutex);
    state_->fault = fault;
}

void memory_token_store::evict()
{
    std::lock_guard const lock(state_->mutex);
    state_->entries.clear();
}

void memory_token_store::corrupt()
{
    std::lock_guard const lock(state_->mutex);
    for (auto& [name, found] : state_->entries)
        if (!found.record.empty())
            found.record.back() = static_cast<char>(found.record.back() ^ 1);
}

std::vector<std::string> memory_token_store::names() const
{
    std::vector<std::string> names;
    std::lock_guard const lock(state_->mutex);
    for (auto const& [name, found] : state_->entries)
        if (found.has_record(store_clock::now()))
            names.push_back(name);
    return names;
}

std::string memory_token_store::record(std::string const& name) const
{
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->entries.find(name);
    bool const has_record =
        found != state_->entries.end() && found->second.has_record(store_clock::now());
    return has_record ? found->second.record : std::string();
}

void memory_token_store::put(std::string const& name, std::string record, milliseconds life)
{
    std::lock_guard const lock(state_->mutex);
    auto& written = state_->entries[name];
    written.record = std::move(record);
    written.record_ends = store_clock::now() + life;
}

std::size_t memory_token_store::count(store_operation operation) const
{
    std::lock_guard const lock(state_->mutex);
    return state_->started.at(static_cast<std::size_t>(operation));
}

std::size_t memory_token_store::count() const
{
    std::lock_guard const lock(state_->mutex);
    std::size_t all = 0;
    for (auto const started : state_->started)
        all += started;
    return all;
}

template <class T, class Handler, class Effect>
void memory_token_store::run(
    store_operation operation, time_point deadline, Handler handler, Effect effect)
{
    auto const fault = state_->start(operation);
    auto const now = store_clock::now();
    auto const limit = std::min(deadline, now + for_ever);
    auto respond = [handler = std::move(handler)](result<T> response) mutable
    { std::move(handler)(std::move(response)); };
    auto time_out = [](auto& to)
    { to(failed(errc::timeout, "the memory_token_store did not respond in time")); };
    switch (fault.kind)
    {
    case store_fault_kind::refused:
        return asio::post(
            get_executor(), [respond = std::move(respond)]() mutable
            { respond(failed(errc::connect_failed, "the memory_token_store is refused")); });
    case store_fault_kind::lost_response:
        (void)state_->apply(effect);
        [[fallthrough]];
    case store_fault_kind::partition:
        return call_at(
            get_executor(), limit,
            [respond = std::move(respond), time_out]() mutable { time_out(respond); });
    case store_fault_kind::none:
    case store_fault_kind::slow:
        break;
    }
    bool const is_late = fault.kind == store_fault_kind::slow && now + fault.delay > limit;
    if (is_late)
    {
        call_at(
            get_executor(), now + fault.delay,
            [state = state_, effect]() mutable { (void)state->apply(effect); });
        return call_at(
            get_executor(), limit,
            [respond = std::move(respond), time_out]() mutable { time_out(respond); });
    }
    auto complete = [state = state_, effect, respond = std::move(respond)]() mutable
    { respond(state->apply(effect)); };
    if (fault.kind == store_fault_kind::slow)
        return call_at(get_executor(), now + fault.delay, std::move(complete));
    asio::post(get_executor(), std::move(complete));
}

void memory_token_store::start_load(std::string name, time_point deadline, load_handler handler)
{
    run<stored_record>(
        store_operation::load, deadline, std::move(handler),
        [name = std::move(name)](auto& entries, auto now)
        {
            stored_record loaded;
            auto const& found = entries[name];
            loaded.claimed = found.is_claimed(now);
            if (found.has_record(now))
            {
                loaded.record = found.record;
                loaded.remaining =
                    std::chrono::duration_cast<milliseconds>(found.record_ends - now);
            }
            return loaded;
        });
}

void memory_token_store::start_claim(
    std::string name, std::string owner, milliseconds lease, time_point deadline,
    store_handler handler)
{
    run<bool>(
        store_operation::claim, deadline, std::move(handler),
        [name = std::move(name), owner = std::move(owner), lease](auto& entries, auto now)
        {
            auto& found = entries[name];
            if (found.is_claimed(now))
                return false;
            found.owner = owner;
            found.claim_ends = now + lease;
            return true;
        });
}

void memory_token_store::start_renew(
    std::string name, std::string owner, milliseconds lease, time_point deadline,
    store_handler handler)
{
    run<bool>(
        store_operation::renew, deadline, std::move(handler),
        [name = std::move(name), owner = std::move(owner), lease](auto& entries, auto now)
        {
            auto& found = entries[name];
            if (!found.is_claimed_by(owner, now))
                return false;
            found.claim_ends = now + lease;
            return true;
        });
}

void memory_token_store::start_publish(
    std::string name, std::string owner, std::string record, milliseconds life, time_point deadline,
    store_handler handler)
{
    run<bool>(
        store_operation::publish, deadline, std::move(handler),
        [name = std::move(name), owner = std::move(owner), record = std::move(record),
         life](auto& entries, auto now)
        {
            auto& found = entries[name];
            if (!found.is_claimed_by(owner, now))
                return false;
            found = entry{record, now + life, {}, {}};
            return true;
        });
}

void memory_token_store::start_release(
    std::string name, std::string owner, time_point deadline, store_handler handler)
{
    run<bool>(
        store_operation::release, deadline, std::move(handler),
        [name = std::move(name), owner = std::move(owner)](auto& entries, auto now)
        {
            auto& found = entries[name];
            bool const owned = found.is_claimed_by(owner, now);
            if (owned)
                found.owner.clear();
            return owned;
        });
}

void memory_token_store::start_remove_if(
    std::string name, std::string digest, time_point deadline, store_handler handler)
{
    run<bool>(
        store_operation::remove_if, deadline, std::move(handler),
        [name = std::move(name), digest = std::move(digest)](auto& entries, auto now)
        {
            auto& found = entries[name];
            bool const same = found.has_record(now) && found.record.starts_with(digest);
            if (same)
                found.record.clear();
            return same;
        });
}

} // namespace coauth::testing
