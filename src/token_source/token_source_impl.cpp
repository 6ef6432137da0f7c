#include "token_source/waiter_wakeup.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;
using verdict = policy::refresh_policy::verdict;

namespace
{

// Of how long somebody may want to wait.
constexpr std::chrono::milliseconds shortest_limit{0};
constexpr std::chrono::milliseconds longest_limit = std::chrono::hours(24);
// The wall clock may jump, or the machine sleep: then the end of a token comes before the timer.
constexpr std::chrono::seconds longest_sleep{30};

error waited_too_long() noexcept
{
    try
    {
        error_info info;
        info.context = "no token came within the time limit of the call";
        return {errc::timeout, std::move(info)};
    }
    catch (...) // without memory the code has to do
    {
        return errc::timeout;
    }
}

} // namespace

boost::asio::any_io_executor const& executor_of(token_source_impl const& core) noexcept
{
    return core.executor;
}

std::optional<result<access_token>>
start_waiting(token_source_impl& core, get_options const& wish, token_wait_op::owned& who)
{
    return core.start(wish, who);
}

void cancel_waiting(token_source_impl& core, token_wait_op& who)
{
    core.cancel(who);
}

void post_completion(
    token_source_impl& core, token_wait_op::owned who, result<access_token> outcome)
{
    core.post_completion(std::move(who), std::move(outcome));
}

token_source_impl::token_source_impl(
    std::shared_ptr<client_impl> client, token_request request, token_source_options options)
    : executor(client->executor)
    , client_(std::move(client))
    , request_(std::move(request))
    , options_(options)
    , events_(client_->config.observer, {})
    , observed_(client_->config.observer != nullptr)
    , hits_observed_(observed_ && options_.observe_cache_hits)
    , policy_(options_)
    , timer_(executor)
{
    auto const usable = policy::check(options_);
    if (!usable)
        policy_.close(usable.error());
    listen(asio::query(executor, asio::execution::context));
}

token_source_impl::~token_source_impl() = default;

void token_source_impl::on_context_shutdown() noexcept
{
    policy::waiter_batch waiting;
    // Handlers may own what owns this.
    auto const self = weak_from_this().lock();
    {
        std::lock_guard const lock(mutex_);
        gone_ = true;
        policy_.close(error(errc::cancelled));
        waiting = policy_.drop_all();
        published_.clear();
        timer_.reset();
        armed_.reset();
    }
    destroy_all(waiting);
}

access_token token_source_impl::try_get_carefully() noexcept
{
    bool due = false;
    auto token = published_.load_slow(due);
    if (due || (options_.refresh_when_idle && !token))
    {
        std::lock_guard const lock(mutex_);
        maintain(options_.refresh_when_idle && was_used_);
    }
    if (hits_observed_ && token)
        tell_served(token, std::nullopt);
    return token;
}

std::optional<result<access_token>>
token_source_impl::start(get_options const& wish, token_wait_op::owned& who)
{
    if (!wish.renew)
        if (auto token = try_get())
            return token;
    if (wish.limit || observed_)
        who->began = clock::now();
    if (wish.limit)
        who->limit = who->began + std::clamp(*wish.limit, shortest_limit, longest_limit);
    auto made = ask(wish, *who);
    if (made.what == verdict::serve)
    {
        if (hits_observed_)
            tell_served(made.token, std::nullopt);
        return std::move(made.token);
    }
    if (made.what != verdict::wait)
        return std::move(made.why);
    (void)who.release();
    return std::nullopt;
}

// After `wait` it may have been completed already.
token_source_impl::response token_source_impl::ask(get_options const& wish, token_wait_op& who)
{
    refresh_credentials();
    std::lock_guard const lock(mutex_);
    was_used_ = true;
    if (gone_)
    {
        response refused;
        refused.why = error(errc::cancelled);
        return refused;
    }
    auto made = wish.renew ? policy_.refresh(now(), who) : policy_.get(now(), who);
    try
    {
        if (made.fetch)
            begin_fetch(*made.fetch);
        if (made.what == verdict::wait)
            arm();
    }
    catch (...)
    {
        if (made.what == verdict::wait)
            policy_.leave(who);
        throw;
    }
    ++(made.what == verdict::serve  ? counts_.hits
       : made.what == verdict::wait ? counts_.waits
                                    : counts_.fast_failures);
    return made;
}

// While the credentials are refused, now and then whether there are others.
void token_source_impl::refresh_credentials()
{
    {
        std::lock_guard const lock(mutex_);
        auto const at = clock::now();
        if (!policy_.wants_other_credentials() || at < next_credential_check_)
            return;
        next_credential_check_ = at + std::chrono::seconds(1);
    }
    // Asks a function of the user: not with the lock held.
    auto const present = client_->refresh_credentials();
    std::lock_guard const lock(mutex_);
    if (present != refused_credentials_)
        policy_.credentials_changed(now());
}

void token_source_impl::cancel(token_wait_op& who)
{
    auto const end = std::make_shared<waiter_wakeup>(*this);
    std::lock_guard const lock(mutex_);
    if (gone_ || !policy_.leave(who))
        return;
    end->rest = policy::waiter_batch(who);
    try
    {
        asio::post(executor, [end] { waiter_wakeup::run(end); });
    }
    catch (...)
    {
        policy_.requeue(*end->rest.pop());
        throw;
    }
    if (policy_.should_cancel_fetch())
        end_fetch();
    maintain(false);
}

// On an executor that may be gone: then nobody is called.
void token_source_impl::post_completion(token_wait_op::owned who, result<access_token> outcome)
{
    auto completion = [who = std::move(who), outcome = std::move(outcome)]() mutable
    { token_wait_op::complete(std::move(who), std::move(outcome)); };
    std::lock_guard const lock(mutex_);
    if (!gone_)
        asio::post(executor, std::move(completion));
}

void token_source_impl::warm_up() noexcept
{
    std::lock_guard const lock(mutex_);
    was_used_ = true;
    maintain(true);
}

bool token_source_impl::invalidate(access_token const& token) noexcept
{
    std::chrono::system_clock::time_point obtained;
    policy::moment const at = now();
    {
        std::lock_guard const lock(mutex_);
        obtained = policy_.obtained_at();
        if (!policy_.invalidate(at, token))
            return false;
        published_.clear();
        ++counts_.invalidated;
        if (options_.refresh_when_idle && was_used_)
            maintain(true);
    }
    events_.tell([&](observer& to) { to.on_token_invalidated({at.wall - obtained}); });
    return true;
}

void token_source_impl::close() noexcept
{
    std::lock_guard const lock(mutex_);
    if (gone_)
        return;
    policy_.close(error(errc::cancelled));
    published_.clear();
    end_fetch();
    if (timer_)
        timer_->cancel();
    armed_.reset();
}

token_source_status token_source_impl::status() const
{
    std::lock_guard const lock(mutex_);
    return policy_.status(now());
}

token_source_counters token_source_impl::counters() const
{
    std::lock_guard const lock(mutex_);
    auto made = counts_;
    made.hits += published_.taken();
    return made;
}

void token_source_impl::maintain(bool wanted) noexcept
{
    if (gone_)
        return;
    try
    {
        if (auto const why = policy_.next_action(now(), wanted))
            begin_fetch(*why);
        arm();
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory now, another call tries again
    {
    }
}

// The client may call observers at once, and this may be anybody's thread.
void token_source_impl::begin_fetch(fetch_reason why)
{
    cancel_fetch_ = false;
    try
    {
        auto const number = fetch_number_ + 1;
        asio::post(
            executor, [self = shared_from_this(), why, number] { self->fetch(why, number); });
        fetch_number_ = number;
    }
    catch (...)
    {
        policy_.on_fetch_not_started();
        throw;
    }
}

void token_source_impl::end_fetch() noexcept
{
    cancel_fetch_ = true;
    if (auto const operation = fetch_.lock())
        operation->abort(errc::cancelled);
}

void token_source_impl::complete(token_wait_op::owned who, result<access_token> outcome) const
{
    if (observed_ && outcome)
        tell_served(*outcome, clock::now() - who->began);
    token_wait_op::complete(std::move(who), std::move(outcome));
}

// One timer for all: the next time limit, and the next renewal that nobody asks for.
void token_source_impl::arm()
{
    if (!timer_)
        return;
    auto next = policy_.next_limit();
    if (options_.refresh_when_idle && was_used_)
        if (auto const renewal = policy_.next_renewal(now()))
            next = std::min({next.value_or(*renewal), *renewal, clock::now() + longest_sleep});
    if (!next)
    {
        // A timer that nobody needs must not keep the context at work.
        if (std::exchange(armed_, std::nullopt))
            timer_->cancel();
        return;
    }
    if (armed_ && *armed_ <= *next)
        return;
    armed_.reset();
    timer_->expires_at(*next);
    timer_->async_wait(
        [weak = weak_from_this()](error_code ec)
        {
            auto const self = weak.lock();
            if (self && !ec)
                self->on_timer();
        });
    armed_ = next;
}

void token_source_impl::on_timer()
{
    // Also when a handler throws.
    struct rearm
    {
        ~rearm()
        {
            std::lock_guard const lock(self.mutex_);
            self.armed_.reset();
            if (self.policy_.should_cancel_fetch())
                self.end_fetch();
            self.maintain(self.options_.refresh_when_idle && self.was_used_);
        }
        token_source_impl& self;
    };
    auto const began = clock::now();
    rearm const guard{*this};
    error const late = waited_too_long();
    while (clock::now() < began + time_slice)
    {
        detail::waiter_base* one = nullptr;
        {
            std::lock_guard const lock(mutex_);
            one = policy_.pop_expired(began);
        }
        if (one == nullptr)
            return;
        token_wait_op::complete(owned(one), late);
    }
}

} // namespace coauth::detail
