#include "client/operation.hpp"

#include "policy/retry.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

class timer_wait final : public net::cancellable
{
public:
    explicit timer_wait(asio::any_io_executor const& executor) : timer(executor) {}
    void cancel() noexcept override { timer.cancel(); }

    asio::steady_timer timer;
};

// Also when the handler throws.
struct settle_later
{
    ~settle_later() { deadlines->settle(); }
    std::shared_ptr<deadline_queue> deadlines;
};

} // namespace

operation::operation(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what)
    : core_(std::move(core))
    , what_(std::move(what))
    , net_{{}, net::phase_timer(core_->config.observer, clock::now()), {}, {}}
    , deadline_(after(net_.phases.began(), core_->config.timeout))
    , number_(++core_->last_operation)
    , run_(run())
{
}

operation::~operation()
{
    core_->deadlines->remove(*this);
}

std::weak_ptr<deadline_entry>
operation::start(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what)
{
    auto const self = make(std::move(core), std::move(what));
    self->begin();
    return self;
}

std::shared_ptr<operation>
operation::make(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what)
{
    auto self = std::make_shared<operation>(std::move(core), std::move(what));
    self->net_.owner = self;
    self->net_.waits_at = self->run_.begin();
    self->client_is_open_ = self->core_->deadlines->add(*self, self->deadline_);
    return self;
}

void operation::begin() noexcept
{
    initiating_ = std::this_thread::get_id();
    launch();
    initiating_ = std::thread::id();
}

void operation::launch()
{
    auto const ready = prepare();
    if (!ready || !client_is_open_)
        return finish(ready ? error(errc::cancelled) : ready.error());
    try
    {
        asio::dispatch(
            core_->executor,
            [self = std::static_pointer_cast<operation>(shared_from_this())] { self->resume(); });
    }
    catch (...)
    {
        resume_later();
    }
}

result<void> operation::prepare() noexcept
try
{
    // Where they cannot be had, those that come later are others.
    request_sent_.credentials = core_->credentials();
    auto const where = core_->where(what_->where());
    if (!where)
        return where.error();
    where_ = *where;
    // Also where proofs come later: what cannot be asked is known now.
    auto const present = core_->current_config();
    if (!present)
        return present.error();
    auto wire = core_->build(*what_, *where_, *present, nullptr);
    if (!wire)
        return wire.error();
    request_sent_ = std::move(*wire);
    connect_cancellation_slot();
    return {};
}
catch (...)
{
    return error_of(std::current_exception());
}

void operation::resume()
{
    if (outcome_)
        return complete();
    bool const ended = run_.resume(net_.waits_at);
    if (!ended)
        return;
    result<void> outcome;
    try
    {
        outcome = run_.take();
    }
    catch (...)
    {
        outcome = error_of(std::current_exception());
    }
    finish(std::move(outcome));
}

void operation::resume_later() noexcept
{
    core_->deadlines->resume_later(shared_from_this());
}

// Lets the handler's cancellation slot end the operation.
void operation::connect_cancellation_slot()
{
    auto slot = what_->slot();
    if (!slot.is_connected())
        return;
    slot.assign(
        [weak = weak_from_this()](asio::cancellation_type type)
        {
            auto const self = weak.lock();
            if (self && type != asio::cancellation_type::none)
                std::static_pointer_cast<operation>(self)->net_.stop.abort(errc::cancelled);
        });
}

void operation::end(errc why) noexcept
{
    net_.stop.abort(why);
}

void operation::expire(clock::time_point now) noexcept
{
    if (now >= deadline_)
        return net_.stop.abort(errc::timeout);
    // What follows the attempt says by when it has to end.
    net_.stop.abort_attempt(errc::timeout, now);
}

void operation::keep_until(clock::time_point moment)
{
    if (!core_->deadlines->set(*this, moment))
        net_.stop.abort(errc::cancelled);
}

void operation::begin_attempt()
{
    ++attempts_;
    ++core_->counts.attempts;
    attempt_began_ = clock::now();
    auto const own = core_->config.retry.attempt_timeout;
    auto const ends =
        own.count() != 0 ? std::min(after(attempt_began_, own), deadline_) : deadline_;
    net_.stop.begin_attempt(ends);
    if (own.count() != 0)
        keep_until(ends);
    net_.phases.tell([&](observer& to) { to.on_attempt_started({attempts_}); });
}

net::task<result<void>> operation::run()
{
    for (;;)
    {
        begin_attempt();
        auto outcome = co_await attempt();
        auto const done = read(std::move(outcome));
        if (done)
            co_return done;
        error const why = counted(done.error());
        auto wait = next_wait(why);
        if (!wait && has_changed(why))
            wait = std::chrono::nanoseconds(0);
        tell_failed(why, wait);
        if (!wait)
            co_return why;
        last_failure_ = done.error();
        bool const waited = co_await pause(*wait);
        if (!waited)
            co_return counted(given_up("while waiting for the next attempt"));
    }
}

result<void> operation::read(attempt_result outcome)
{
    nonce_came_ = outcome && outcome->response.headers.find("DPoP-Nonce").has_value();
    if (!outcome)
        return outcome.error();
    taken_ = !policy::is_unprocessed_status(outcome->response.status);
    return core_->read(*what_, *where_, request_sent_, std::move(*outcome));
}

net::task<operation::attempt_result> operation::attempt()
{
    connection_pool::lease held;
    connection_pool::waiter waiter(*where_->pool, number_);
    auto const taken = waiter.acquire(held);
    if (taken == connection_pool::verdict::refused)
        co_return error(errc::queue_full);
    if (taken == connection_pool::verdict::wait)
        held = co_await wait_in_line(waiter);
    if (!held)
        co_return given_up("while waiting in line for a connection");
    auto outcome = co_await exchange(held);
    if (held.connection()->reusable())
        std::move(held).release();
    co_return outcome;
}

// Over the kept connection that it holds, or a new one; and over a new one if the kept is dead.
net::task<operation::attempt_result> operation::exchange(connection_pool::lease& held)
{
    bool reused = held.connection() != nullptr;
    for (;; reused = false)
    {
        if (!reused)
        {
            auto const opened = co_await open(held);
            if (!opened)
                co_return opened.error();
        }
        // As late as can be: what is signed is good for a while only, and once.
        auto const renewed = renew_given_assertion();
        if (!renewed)
            co_return renewed.error();
        bool const proves = core_->needs_signing(*what_);
        if (proves)
        {
            auto const proven = co_await prove();
            if (!proven)
                co_return proven.error();
        }
        bool const usable = !reused || still_good(*held.connection());
        if (!usable)
            continue;
        if (reused)
        {
            ++core_->counts.reused;
            net_.phases.tell([](observer& to) { to.on_connection_reused({}); });
        }
        core_->show(request_sent_);
        sent_ = taken_ = true;
        auto outcome = co_await held.connection()->exchange(request_sent_.wire->view(), net_);
        bool const dead = reused && was_dead(*held.connection(), outcome);
        if (!dead)
            co_return outcome;
    }
}

bool operation::still_good(net::connection& kept)
{
    return kept.quiet() && kept.uses_current_certificate();
}

bool operation::was_dead(net::connection const& kept, attempt_result const& outcome) const
{
    if (net_.stop.aborted())
        return false;
    // A word of the time when it was idle.
    if (outcome)
        return outcome->response.status == 408;
    return kept.closed_before_response() && !is_single_use_grant();
}

bool operation::is_single_use_grant() const
{
    auto const* const request = what_->request();
    return taken_ && request != nullptr && request->grant() != nullptr &&
           request->grant()->type == "refresh_token";
}

// No lease: it was ended early.
net::task<connection_pool::lease> operation::wait_in_line(connection_pool::waiter& waiter)
{
    net::stop_state::scope const scope(net_.stop, waiter);
    auto const begin = [&](connection_pool::waiter::handler done)
    { waiter.begin(std::move(done)); };
    auto waited =
        co_await net::wait_for<connection_pool::lease>(net_, begin, connection_pool::lease());
    co_return std::get<0>(std::move(waited));
}

net::task<result<void>> operation::open(connection_pool::lease& held)
{
    auto const began = clock::now();
    held.replace(where_->make_connection(core_->executor));
    auto const opened = co_await held.connection()->open(net_);
    if (!opened)
        co_return opened.error();
    bool const resumed = held.connection()->resumed();
    ++core_->counts.opened;
    core_->counts.resumed += resumed ? 1U : 0U;
    net_.phases.tell([&](observer& to)
                     { to.on_connection_opened({clock::now() - began, resumed}); });
    co_return result<void>();
}

// False: it was ended early.
net::task<bool> operation::pause(std::chrono::nanoseconds wait)
{
    net_.stop.begin_attempt(deadline_);
    if (core_->config.retry.attempt_timeout.count() != 0)
        keep_until(deadline_);
    timer_wait waiting(core_->executor);
    net::stop_state::scope const scope(net_.stop, waiting);
    waiting.timer.expires_after(wait);
    auto const begin = [&](net::continuation<error_code> handler)
    { waiting.timer.async_wait(std::move(handler)); };
    auto const waited = co_await net::wait_for<error_code>(net_, begin, asio::error::no_memory);
    co_return !std::get<0>(waited);
}

error operation::given_up(std::string const& while_doing) const
{
    error_info info;
    if (last_failure_)
        info = last_failure_->info();
    info.context = while_doing;
    // A wait that nobody ended could not begin.
    return {net_.stop.why().value_or(errc::out_of_memory), std::move(info)};
}

error operation::counted(error const& why) const
{
    auto info = why.info();
    info.attempts = attempts_;
    // Of that one alone: what was before it would make the text grow with each attempt.
    bool const ended_early = why == errc::timeout || why == errc::cancelled;
    if (last_failure_ && ended_early)
        info.context += "; the attempt before: " + last_failure_->message();
    return {why.value(), std::move(info)};
}

std::optional<std::chrono::nanoseconds> operation::next_wait(error const& why) const
{
    if (net_.stop.stopped_permanently())
        return std::nullopt;
    policy::failed_attempt state;
    state.made = attempts_;
    state.now = std::chrono::system_clock::now();
    state.left = deadline_ - clock::now();
    state.random = random_fraction();
    state.is_single_use_grant = is_single_use_grant();
    return policy::next_attempt(why, core_->config.retry, state);
}

bool operation::has_changed(error const& why)
{
    if (net_.stop.stopped_permanently())
        return false;
    // The nonce that came with the response is remembered by now (RFC 9449 section 8).
    if (why == errc::use_dpop_nonce && core_->config.dpop && nonce_came_ && !tried_nonce_)
        return tried_nonce_ = true;
    return take_other_credentials(why);
}

// The secret may have been replaced since it was asked for: then it is worth another attempt, once.
bool operation::take_other_credentials(error const& why)
{
    if (!why.is_authentication_failure() || tried_others_)
        return false;
    auto const present = core_->current_config();
    if (!present || present->config == request_sent_.config)
        return false;
    auto others = core_->build(*what_, *where_, *present, nullptr);
    if (!others)
        return false;
    tried_others_ = true;
    sent_ = false;
    request_sent_ = std::move(*others);
    return true;
}

void operation::tell_failed(error const& why, std::optional<std::chrono::nanoseconds> next) const
{
    net_.phases.tell(
        [&](observer& to)
        { to.on_attempt_failed({attempts_, clock::now() - attempt_began_, why, next}); });
}

void operation::finish(result<void> outcome)
{
    outcome_ = std::move(outcome);
    bool const token = what_->request() != nullptr;
    if (token)
        ++(*outcome_ ? core_->counts.tokens : core_->counts.failures);
    if (token && *outcome_)
        net_.phases.tell(
            [&](observer& to)
            { to.on_token_received({clock::now() - net_.phases.began(), attempts_}); });
    // Never within the initiating function.
    if (initiating_.load() == std::this_thread::get_id())
        resume_later();
    else
        complete();
}

void operation::complete()
{
    core_->deadlines->remove(*this);
    settle_later const settle{core_->deadlines};
    what_->sent_with(request_sent_.credentials);
    what_->complete(std::move(*outcome_));
}

} // namespace coauth::detail
